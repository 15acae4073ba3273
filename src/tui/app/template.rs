//! Forms for a job that were saved under a name, to be opened again.

use super::command::{Command, Item};
use super::form::Purpose as FormPurpose;
use super::prompt::Purpose;
use super::{App, Popup};
use crate::config::kept::Note;
use crate::model::SubmitJobRequest;

impl App {
    /// Asks for the name under which the form on top is saved.
    pub(super) fn ask_template(&mut self) {
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        let FormPurpose::Submit { base } = &form.purpose else {
            return self.say("only the form for a job can be saved as a template");
        };
        match self.submit_request(form, base) {
            Ok(_) => self.prompt(Purpose::Template),
            Err(problems) => {
                let wrong = problems.into_iter().next().map(|(_, wrong)| wrong).unwrap_or_default();
                self.complain(format!("not saved, as the form is not right yet: {wrong}"));
            }
        }
    }

    /// Saves the form below under a name, over what had it before.
    pub(super) fn save_template(&mut self, name: &str) {
        let name = name.trim();
        if name.is_empty() {
            return self.say("nothing was saved: a template has a name");
        }
        let Some(Popup::Form(form)) = self.popups.last() else { return };
        let FormPurpose::Submit { base } = &form.purpose else { return };
        let Ok(request) = self.submit_request(form, base) else { return };
        let over = if self.kept.templates.contains_key(name) { ", over the one before" } else { "" };
        self.note(Note::Template { name: name.to_owned(), request: Box::new(request) });
        self.say(format!("saved as {name}{over}; `:template {name}` opens it"));
    }

    pub(super) fn offer_templates(&mut self) {
        if self.kept.templates.is_empty() {
            return self.say("no templates yet: in the form for a job (n), F4 saves what is filled in");
        }
        let items = self.kept.templates.iter().map(|(name, request)| {
            Item::new(name.clone(), &outline(request), Command::Line(format!("template {name}")))
        });
        let items = items.collect();
        self.offer("Submit from a template", items);
    }

    pub(super) fn open_template(&mut self, name: &str) -> Result<(), String> {
        let Some(request) = self.kept.templates.get(name).cloned() else { return Err(self.no_template(name)) };
        self.open_submit(request, format!("Submit a job from the template {name}"));
        Ok(())
    }

    pub(super) fn forget_template(&mut self, name: &str) -> Result<(), String> {
        if !self.kept.templates.contains_key(name) {
            return Err(self.no_template(name));
        }
        self.note(Note::ForgetTemplate { name: name.to_owned() });
        self.say(format!("forgot the template {name}"));
        Ok(())
    }

    fn no_template(&self, name: &str) -> String {
        let nearest = crate::model::nearest_words(name, self.kept.templates.keys().map(String::as_str));
        format!("no template is saved as `{name}`{nearest}")
    }
}

/// `resize:14 in high`
pub(super) fn outline(request: &SubmitJobRequest) -> String {
    format!("{} in {}", request.job_definition, request.job_queue)
}
