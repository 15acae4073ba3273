//! What is shown, written to a file: as it is shown, or all rows of the list as CSV or JSON.

use super::App;
use crate::model::secret;
use crate::model::text::{printable_json, printable_lines};
use crate::tui::action::Place;
use crate::tui::format::file_in;
use crate::tui::requests::{Ask, Saved};
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;

impl App {
    /// A line that writes what is shown, with a name to change.
    pub(super) fn ask_export(&mut self) {
        let place = self.place_below();
        let what: String = match self.selected_job().and_then(|id| self.job_row(&id)) {
            Some(job) if place.is_log() || matches!(place, Place::Job | Place::Array) => job.job_name,
            _ => place.title().replace(' ', "-"),
        };
        let at = self.setting.own.clock.compact(self.now);
        self.propose("export ", &format!("batchdeck-{what}-{at}.txt"));
    }

    /// Writes to a file by what its name ends in; ` !` after the name writes over one that is there.
    pub(super) fn export(&mut self, rest: &str) -> Result<(), String> {
        let (name, over) = rest.strip_suffix(" !").map_or((rest, false), |name| (name.trim_end(), true));
        let path = PathBuf::from(name);
        let text = match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Some(csv(&self.rows_here()?)),
            Some("json") => {
                let json = serde_json::to_string_pretty(&self.rows_here()?).unwrap_or_default();
                Some(printable_json(&json).into_owned() + "\n")
            }
            Some("txt" | "log") | None if self.place_below().is_log() => Some(self.log_text()),
            Some("txt") | None => None,
            Some(other) => return Err(format!("`.{other}` is not written; .txt, .csv and .json are")),
        };
        self.ask(Ask::Save { path, over, text });
        Ok(())
    }

    /// The lines of the log that are held and that its filter lets through.
    pub(super) fn log_text(&self) -> String {
        let clock = self.setting.own.clock;
        let lines = self.log.window.lines().map(|line| format!("{} {}", clock.date_time(line.at), line.text));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    /// All rows of the list that is shown, in its order, in the API's own form.
    fn rows_here(&self) -> Result<Vec<Value>, String> {
        let list = self
            .list()
            .ok_or_else(|| "there is no list here; a name that ends in .txt writes the screen".to_owned())?;
        Ok(match self.place_below() {
            Place::Queues => values(self.queues()),
            Place::Environments => values(self.environments()),
            Place::Schedules => values(self.schedules(list)),
            Place::Definitions => values(self.definitions(list)),
            Place::Audit => values(self.audit(list)),
            Place::Watches => values(self.watches(list)),
            Place::Cost => match self.view() {
                super::View::Cost(view) => values(self.costs(view)),
                _ => Vec::new(),
            },
            Place::Usage => match self.view() {
                super::View::Usage(view) => values(self.fits(view)),
                _ => Vec::new(),
            },
            Place::Events => match self.view() {
                super::View::Events(view) => values(self.events(view)),
                _ => Vec::new(),
            },
            Place::Instances => match self.view() {
                super::View::Instances { environment, list } => values(self.instances(environment, list)),
                _ => Vec::new(),
            },
            _ => {
                let rows = self.job_list().map(|jobs| jobs.rows(&self.store)).unwrap_or_default();
                values(rows.ids.iter().filter_map(|id| self.store.job(id)))
            }
        })
    }

    pub(super) fn take_saved(&mut self, saved: &Saved) {
        match saved {
            Ok(path) => self.say(format!("wrote {}", file_in(path))),
            Err(error) => self.complain(error.to_string()),
        }
    }
}

/// What says that it is secret is masked: a file of rows is made to be given away.
fn values<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<Value> {
    let masked = |row| {
        let mut value = serde_json::to_value(row).ok()?;
        secret::in_value(&mut value);
        Some(value)
    };
    rows.into_iter().filter_map(masked).collect()
}

/// One line a row, with a heading: the members of the objects, in the order in which they are first met; what is no text
/// and no number stands as JSON. What a spreadsheet would take for a formula is made a text.
fn csv(rows: &[Value]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().filter_map(Value::as_object).flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut text = columns.join(",") + "\r\n";
    for row in rows {
        let cells: Vec<String> = columns.iter().map(|column| cell(row.get(column).unwrap_or(&Value::Null))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::Number(number) => return number.to_string(),
        Value::String(text) => {
            let text = printable_lines(text);
            if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
        }
        other => printable_json(&other.to_string()).into_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_written_is_told_with_its_directory() {
        use crate::config::theme::Theme;
        let mut stage =
            crate::tui::stage::Stage::new(crate::tui::screens::recorded_world(), (80, 24), Theme::default());
        stage.app.take_saved(&Ok(PathBuf::from("/home/ada/logs/q.csv")));
        assert!(stage.text().contains("wrote q.csv in /home/ada/logs"), "{}", stage.text());
    }

    #[test]
    fn rows_become_lines_with_quotes_where_they_are_needed() {
        let rows =
            [json!({"name": "a,b", "exit": 1}), json!({"name": "say \"x\"", "tags": {"k": "v"}, "code": "=1+1"})];
        let lines: Vec<String> = csv(&rows).split("\r\n").map(str::to_owned).collect();
        assert_eq!(lines[0], "exit,name,code,tags");
        assert_eq!(lines[1], "1,\"a,b\",,");
        assert_eq!(lines[2], ",\"say \"\"x\"\"\",'=1+1,\"{\"\"k\"\":\"\"v\"\"}\"");
        assert_eq!(lines[3], "");
    }

    #[test]
    fn whoever_looks_at_a_file_in_a_terminal_sees_letters_alone_and_a_formula_behind_a_sequence_is_a_text() {
        let evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}=1+1\nnext";
        let text = csv(&[json!({"reason": evil, "tags": {"k": evil}})]);
        assert!(text.contains("\"'=1+1\nnext\""), "{text}");
        let open = |letter: char| letter.is_control() && !matches!(letter, '\r' | '\n') || letter == '\u{202e}';
        assert!(!text.contains(open), "{text:?}");
    }
}
