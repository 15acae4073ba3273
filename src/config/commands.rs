//! `[commands.NAME]`: commands of a person's own, which the console runs on what is under the cursor, with the terminal.
//!
//! A value of a row never becomes a part of the line that the shell reads: `{job_name}` stands for `"$ROW_JOB_NAME"`,
//! a variable that the shell looks up when it has read the line. So no name, reason or tag can run anything.

use crate::model::nearest_words;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandSettings {
    /// What it does, for help and the palette.
    pub label: String,
    /// A line for `sh`.
    pub command: String,
    /// The key that runs it in its views, as in `[keys]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where it works; empty: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<CommandView>,
    /// Shows what will be run, and asks.
    #[serde(default = "yes")]
    pub confirm: bool,
    /// It may be run in a read-only context, as it changes nothing.
    #[serde(default)]
    pub read_only: bool,
    /// When it has ended, what it wrote stays until Enter.
    #[serde(default = "yes")]
    pub pause: bool,
}

fn yes() -> bool {
    true
}

/// A view that a command works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandView {
    Queues,
    Environments,
    Jobs,
    Job,
    Array,
    Log,
    Tree,
    Why,
    Instances,
    Schedules,
    Definitions,
}

/// What a row has, by the names that stand in braces; each is in the environment as `ROW_` and the name in capitals.
pub const VARIABLES: [&str; 23] = [
    "context",
    "backend",
    "region",
    "job_id",
    "job_name",
    "job_arn",
    "parent_id",
    "queue",
    "definition",
    "status",
    "reason",
    "exit_code",
    "attempt",
    "log_group",
    "log_stream",
    "cluster",
    "task_arn",
    "task_id",
    "container_instance_arn",
    "instance",
    "environment",
    "schedule",
    "schedule_group",
];

/// Those that only the details of a job tell.
pub const OF_DETAILS: [&str; 6] =
    ["log_group", "log_stream", "cluster", "task_arn", "task_id", "container_instance_arn"];

/// The environment's name of a variable. What begins with `BATCHDECK_` is the program's own: agents end whatever was started
/// with the `BATCHDECK_INSTANCE` of an instance that is gone.
pub fn variable(name: &str) -> String {
    format!("ROW_{}", name.to_uppercase())
}

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandProblem {
    #[error("`label` is empty; say what it does")]
    NoLabel,
    #[error("`command` is empty; write a line for the shell")]
    NoCommand,
    #[error(
        "`{{{name}}}` is nothing that a row has{nearest}; in braces stand {}, and text that is to keep its braces stands in single quotes",
        VARIABLES.join(", ")
    )]
    Unknown { name: String, nearest: String },
    #[error("`{{{name}}}` stands in quotes; write it outside of them, as it is quoted by itself")]
    Quoted { name: String },
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'c> {
    Text(&'c str),
    /// A name in braces, and the quote that is open around it.
    Name(&'c str, Option<char>),
}

impl CommandSettings {
    /// Looks at it before it is ever run.
    pub fn check(&self) -> Result<(), CommandProblem> {
        if self.label.trim().is_empty() {
            return Err(CommandProblem::NoLabel);
        }
        if self.command.trim().is_empty() {
            return Err(CommandProblem::NoCommand);
        }
        for part in parts(&self.command) {
            let Part::Name(name, quote) = part else { continue };
            match (VARIABLES.contains(&name), quote) {
                (true, None) | (false, Some(_)) => {}
                (true, Some(_)) => return Err(CommandProblem::Quoted { name: name.to_owned() }),
                (false, None) => {
                    let nearest = nearest_words(name, VARIABLES);
                    return Err(CommandProblem::Unknown { name: name.to_owned(), nearest });
                }
            }
        }
        Ok(())
    }

    /// The variables that stand in it in braces, each once.
    pub fn wanted(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in parts(&self.command) {
            if let Part::Name(name, None) = part
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The line that the shell reads.
    pub fn line(&self) -> String {
        self.filled(|name| format!("\"${}\"", variable(name)))
    }

    /// The line with something in place of each name in braces.
    pub fn filled(&self, value: impl Fn(&str) -> String) -> String {
        let mut line = String::new();
        for part in parts(&self.command) {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Name(name, None) => line.push_str(&value(name)),
                Part::Name(name, Some(_)) => {
                    let _ = write!(line, "{{{name}}}");
                }
            }
        }
        line
    }
}

/// Finds names in braces: lower-case letters, digits and `_`, not after a `$`, as the shell's own `${name}` stands.
fn parts(line: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut begin, mut quote, mut is_escaped, mut before) = (0, None, false, ' ');
    for (at, letter) in line.char_indices() {
        let was_escaped = std::mem::take(&mut is_escaped);
        match (quote, letter) {
            (None | Some('"'), '\\') if !was_escaped => is_escaped = true,
            (None, '\'' | '"') if !was_escaped => quote = Some(letter),
            (Some(open), letter) if letter == open && !was_escaped => quote = None,
            (_, '{') if before != '$' && !was_escaped && at >= begin => {
                let rest = &line[at + 1..];
                let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
                let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                if length > 0 && rest[length..].starts_with('}') {
                    parts.push(Part::Text(&line[begin..at]));
                    parts.push(Part::Name(&rest[..length], quote));
                    begin = at + length + 2;
                }
            }
            _ => {}
        }
        before = letter;
    }
    parts.push(Part::Text(&line[begin..]));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> CommandSettings {
        CommandSettings {
            label: "x".to_owned(),
            command: line.to_owned(),
            key: None,
            views: Vec::new(),
            confirm: true,
            read_only: false,
            pause: true,
        }
    }

    #[test]
    fn names_in_braces_become_variables_that_the_shell_looks_up() {
        let cases = [
            ("ls {job_id}", "ls \"$ROW_JOB_ID\""),
            ("a {job_id}{status} b", "a \"$ROW_JOB_ID\"\"$ROW_STATUS\" b"),
            ("echo ${HOME} '{print $1}'", "echo ${HOME} '{print $1}'"),
            ("{ ls; } {a,b}", "{ ls; } {a,b}"),
            ("echo it\\'s {queue}", "echo it\\'s \"$ROW_QUEUE\""),
            ("echo \"a\\\"\" {queue}", "echo \"a\\\"\" \"$ROW_QUEUE\""),
            ("awk '{print}' {log_stream}", "awk '{print}' \"$ROW_LOG_STREAM\""),
        ];
        for (given, expected) in cases {
            assert_eq!(command(given).check(), Ok(()), "{given}");
            assert_eq!(command(given).line(), expected, "{given}");
        }
        assert_eq!(command("{job_id} {queue} {job_id}").wanted(), ["job_id", "queue"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let cases = [
            ("ls {jobid}", "`{jobid}` is nothing that a row has; the nearest is `job_id`"),
            ("sh -c \"ls {job_id}\"", "`{job_id}` stands in quotes"),
            ("echo '{job_id}'", "`{job_id}` stands in quotes"),
            (" ", "`command` is empty"),
        ];
        for (given, words) in cases {
            let problem = command(given).check().expect_err(given).to_string();
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn no_value_runs_anything_whatever_it_holds() {
        let hostile = ["$(echo pwned)", "`echo pwned`", "'; echo pwned; '", "\"; echo pwned; \"", "a\necho pwned", "*"];
        let line = command("printf '%s|' {job_name} end").line();
        for value in hostile {
            let output = std::process::Command::new("sh").args(["-c", &line]).env("ROW_JOB_NAME", value).output();
            let text = String::from_utf8(output.expect("sh runs").stdout).expect("UTF-8");
            assert_eq!(text, format!("{value}|end|"));
        }
    }

    crate::model::mutation::fuzz! {
        fn any_text_is_read_whole_as_a_line(line in "[a-z{}$'\"\\\\ _é]{0,40}") {
            let all = command(&line);
            let again = all.filled(|name| format!("{{{name}}}"));
            proptest::prop_assert_eq!(again, line);
        }
    }
}
