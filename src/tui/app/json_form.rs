//! The form for a job as JSON in `$EDITOR`: what is saved there becomes the form.

use super::form::Purpose;
use super::{App, Popup};
use crate::model::{Millis, SubmitJobRequest};
use crate::tui::action::Action;
use crate::tui::requests::{Ask, Request};
use serde_json::Value;
use std::mem;

impl App {
    /// Hands the form on top to the editor, as it is or as it was left there.
    pub(super) fn edit_json(&mut self) {
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        let Purpose::Submit { base } = &form.purpose else {
            return self.say("only the form for a job is edited as JSON");
        };
        let text = match (&form.draft, self.submit_request(form, base)) {
            (Some(draft), _) => draft.clone(),
            (None, Ok(request)) => serde_json::to_string_pretty(&request).unwrap_or_default() + "\n",
            (None, Err(problems)) => {
                let wrong = problems.into_iter().next().map(|(_, wrong)| wrong).unwrap_or_default();
                return self.complain(format!("not opened as JSON, as the form is not right yet: {wrong}"));
            }
        };
        self.ask(Ask::EditText { name: "submit-job.json".to_owned(), text });
    }

    /// Takes what the editor has left. What cannot be read is kept to be mended.
    pub fn edited(&mut self, text: String, now: Millis) -> Vec<Request> {
        self.now = now;
        let read = read_request(&text);
        let key = self.keymap.keys_at(self.place(), Action::EditJson).into_iter().next();
        let key = key.unwrap_or_else(|| format!(":{}", Action::EditJson.info().name));
        let fields = read.as_ref().ok().map(|request| self.submit_fields(request));
        if let Some(Popup::Form(form)) = self.popups.last_mut()
            && matches!(form.purpose, Purpose::Submit { .. })
        {
            match (read, fields) {
                (Ok(request), Some(fields)) => {
                    form.purpose = Purpose::Submit { base: Box::new(request) };
                    (form.fields, form.draft, form.tried) = (fields, None, true);
                    self.notice = None;
                }
                (Err(wrong), _) => {
                    form.draft = Some(text);
                    self.complain(format!("the JSON was not taken: {wrong}; {key} opens it again as it was left"));
                }
                (Ok(_), None) => {}
            }
        }
        mem::take(&mut self.out)
    }
}

/// Reads a request; a member that `SubmitJob` does not have is a mistake, not to be lost.
fn read_request(text: &str) -> Result<SubmitJobRequest, String> {
    let given: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let request: SubmitJobRequest = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(&request).map_err(|error| error.to_string())?;
    match stranger(&given, &kept) {
        Some(path) => Err(format!("`{path}` is no member of SubmitJob that can be taken into account")),
        None => Ok(request),
    }
}

/// The path of a member that was given and not kept. What is empty says nothing.
fn stranger(given: &Value, kept: &Value) -> Option<String> {
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    };
    let within = |name: String, path: String| {
        if path.starts_with('[') { format!("{name}{path}") } else { format!("{name}.{path}") }
    };
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => given.iter().find_map(|(name, value)| match kept.get(name) {
            Some(other) => stranger(value, other).map(|path| within(name.clone(), path)),
            None => (!says_nothing(value)).then(|| name.clone()),
        }),
        (Value::Array(given), Value::Array(kept)) => given
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(at, (one, other))| stranger(one, other).map(|path| within(format!("[{at}]"), path))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::Call;
    use crate::config::theme::Theme;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    /// Hands the form to the editor, which leaves what `edit` makes of the text.
    fn edit(stage: &mut Stage, edit: impl FnOnce(&str) -> String) {
        let now = stage.app.now;
        let requests = stage.app.update(Action::EditJson, now);
        let asked = requests.into_iter().find_map(|request| match request.ask {
            Ask::EditText { text, .. } => Some(text),
            _ => None,
        });
        let text = asked.unwrap_or_else(|| panic!("nothing is handed over: {}", stage.text()));
        stage.app.edited(edit(&text), now);
    }

    #[test]
    fn what_the_editor_leaves_is_the_form_with_what_has_no_field_too() {
        let mut stage = Stage::new(recorded_world(), (110, 36), Theme::default());
        stage.press("n tab tab \"by-hand\"").expect("keys");
        edit(&mut stage, |text| {
            assert!(text.contains("\"jobName\": \"by-hand\""), "{text}");
            text.replace("by-hand", "edited").replacen(
                '{',
                "{\n  \"tags\": {\"team\": \"blue\"},\n  \"timeout\": {\"attemptDurationSeconds\": 90},",
                1,
            )
        });
        assert!(stage.text().contains("edited") && stage.text().contains("90"), "{}", stage.text());
        stage.press("alt-enter").expect("keys");
        let calls = stage.backend.calls();
        let [Call::SubmitJob(request)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!((request.job_name.as_str(), request.tags["team"].as_str()), ("edited", "blue"));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_opened_again_as_it_was_left() {
        let mut stage = Stage::new(recorded_world(), (110, 36), Theme::default());
        stage.press("n").expect("keys");
        edit(&mut stage, |text| text.replacen('{', "{\n  \"arraySize\": 3,", 1));
        assert!(stage.text().contains("`arraySize` is no member of SubmitJob"), "{}", stage.text());
        edit(&mut stage, |text| {
            assert!(text.contains("arraySize"), "as it was left: {text}");
            text.replace("\"arraySize\": 3,", "\"arrayProperties\": {\"size\": 3},")
        });
        assert!(!stage.text().contains("is no member"), "{}", stage.text());
        edit(&mut stage, |text| {
            assert!(text.contains("\"size\": 3"), "{text}");
            "{".to_owned()
        });
        assert!(stage.text().contains("the JSON was not taken: EOF"), "{}", stage.text());
    }

    #[test]
    fn members_that_are_not_kept_are_named_with_their_path() {
        let cases = [
            ("{\"jobName\": \"a\", \"tags\": {}, \"timeout\": null}", None),
            ("{\"retryStrategy\": {\"atempts\": 2}}", Some("retryStrategy.atempts")),
            (
                "{\"containerOverrides\": {\"environment\": [{\"name\": \"A\", \"valeu\": \"b\"}]}}",
                Some("containerOverrides.environment[0].valeu"),
            ),
        ];
        for (text, expected) in cases {
            let told = read_request(text).err();
            assert_eq!(told.is_some(), expected.is_some(), "{text}: {told:?}");
            assert!(expected.is_none_or(|path| told.as_ref().is_some_and(|told| told.contains(path))), "{told:?}");
        }
    }
}
