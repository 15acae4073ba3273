//! Texts handed to programs of the person's own, and commands of theirs, that have the terminal meanwhile.

use crate::model::CommandRun;
use crate::tui::requests::{HandTo, Program, Run};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// What is handed, and who is to have it.
#[derive(Debug)]
pub(super) enum Handed {
    Text {
        program: Program,
        /// What the file is called that it comes in.
        name: String,
        text: String,
    },
    /// A text that the editor may change.
    Edit { name: String, text: String },
    /// A file that was written for it, and is gone when it ends.
    File { to: HandTo, file: PathBuf },
    /// A file that is a command's input; it is gone afterwards. Nothing is waited for when the command has ended.
    Piped { command: String, file: PathBuf },
    /// A command of the person's own.
    Command(Run),
}

/// Why a program did not show a text.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandError {
    #[error("{} cannot be written for `{command}`: {cause}", path.display())]
    Unwritable { path: PathBuf, command: String, cause: io::Error },
    #[error("{}, which `{command}` has left, cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, command: String, cause: io::Error },
    #[error("`{command}` could not be run: {cause}")]
    NotRun { command: String, cause: io::Error },
    #[error("`{command}` ended with {status}; ${variable} says which program is run")]
    Failed { command: String, status: String, variable: &'static str },
    #[error("{title}: it ended with {status}")]
    Ended { title: String, status: ExitStatus },
}

/// What the record says of a command that had the terminal.
pub(super) fn told_of(run: Run, result: &Result<Option<String>, HandError>) -> CommandRun {
    let ended = match result {
        Ok(_) => "exit 0".to_owned(),
        Err(HandError::Ended { status, .. }) => CommandRun::ended(status.code(), status.signal()),
        Err(error) => error.to_string(),
    };
    CommandRun { command: run.name, target: run.target, line: run.shown, ended }
}

impl Handed {
    /// The command that it is, where its end is to be recorded.
    pub(super) fn command(&self) -> Option<&Run> {
        match self {
            Self::Command(run) if !run.records_itself => Some(run),
            Self::Command(_) | Self::Text { .. } | Self::Edit { .. } | Self::File { .. } | Self::Piped { .. } => None,
        }
    }

    /// Runs the program on a copy of the text and waits for its end. The terminal is the program's meanwhile. What the
    /// editor was to change comes back.
    pub(super) async fn run(self) -> Result<Option<String>, HandError> {
        let set = |name: &str| std::env::var(name).ok();
        let is_edit = matches!(self, Self::Edit { .. });
        let (command, variable, path) = match self {
            Self::Text { program, name, text } => written(command_of(program, set), &name, &text)?,
            Self::Edit { name, text } => written(command_of(Program::Editor, set), &name, &text)?,
            Self::File { to: HandTo::Program(program), file } => {
                let (command, variable) = command_of(program, set);
                (command, variable, file)
            }
            Self::File { to: HandTo::Command(command), file } => {
                // What it prints is looked at before the console comes back; how it ends is its own affair.
                let line = format!(
                    "cat \"$1\" | {{ {command}\n}}; printf '\\n[Enter goes back to the console] '; read -r _; :"
                );
                let ran = shell_line(&line, &file).await;
                let _ = std::fs::remove_file(&file);
                return ran.map(|_| None).map_err(|cause| HandError::NotRun { command, cause });
            }
            Self::Piped { command, file } => {
                let ran = shell_line(&format!("cat \"$1\" | {{ {command}\n}}"), &file).await;
                let _ = std::fs::remove_file(&file);
                return ran.map(|_| None).map_err(|cause| HandError::NotRun { command, cause });
            }
            Self::Command(run) => return run_command(run).await.map(|()| None),
            // It is where it belongs.
            Self::File { to: HandTo::File(_), .. } => return Ok(None),
        };
        let status = shell_line(&format!("{command} \"$1\""), &path).await;
        let left = is_edit.then(|| std::fs::read_to_string(&path));
        let _ = std::fs::remove_file(&path);
        match status {
            Ok(status) if status.success() => {
                left.transpose().map_err(|cause| HandError::Unreadable { path, command, cause })
            }
            Ok(status) => Err(HandError::Failed { command, status: status.to_string(), variable }),
            Err(cause) => Err(HandError::NotRun { command, cause }),
        }
    }
}

/// Writes the text for a program into a file for its owner alone.
fn written(
    (command, variable): (String, &'static str),
    name: &str,
    text: &str,
) -> Result<(String, &'static str, PathBuf), HandError> {
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let name: String = name.chars().map(plain).take(100).collect();
    let path = std::env::temp_dir().join(format!("batchdeck-{}-{name}", std::process::id()));
    let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok((command, variable, path)),
        Err(cause) => Err(HandError::Unwritable { path, command, cause }),
    }
}

/// Runs a command of the person's own. The values of the row are variables: they are in no line that a shell reads.
async fn run_command(run: Run) -> Result<(), HandError> {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("batchdeck"));
    let line = if run.pauses { format!("{}\n{PAUSE}", run.line) } else { run.line.clone() };
    let status = tokio::process::Command::new("sh")
        .args(["-c", &line, "batchdeck"])
        .env("BATCHDECK", program)
        .envs(run.variables)
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(HandError::Ended { title: run.title, status }),
        Err(cause) => Err(HandError::NotRun { command: run.shown, cause }),
    }
}

/// What a command wrote is looked at before the console comes back; how it ended goes on.
const PAUSE: &str = "status=$?; printf '\\n[Enter goes back to the console] '; read -r _; exit $status";

/// Runs a line of the shell in which `$1` is a file.
async fn shell_line(line: &str, file: &Path) -> io::Result<std::process::ExitStatus> {
    tokio::process::Command::new("sh").arg("-c").arg(line).arg("batchdeck").arg(file).status().await
}

/// The command line of a program, and the variable that says which it is.
fn command_of(program: Program, variable: impl Fn(&str) -> Option<String>) -> (String, &'static str) {
    let (names, usual): (&[&'static str], _) = match program {
        Program::Pager => (&["PAGER"], "less"),
        Program::Editor => (&["VISUAL", "EDITOR"], "vi"),
    };
    let set = |name: &&'static str| variable(name).filter(|value| !value.trim().is_empty()).map(|value| (value, *name));
    names.iter().find_map(set).unwrap_or_else(|| (usual.to_owned(), names[names.len() - 1]))
}

/// Opens an address in `$BROWSER`, where that is set; the terminal is not its own.
pub(super) fn browse(address: &str) {
    let Some(browser) = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty()) else { return };
    let mut command = Command::new(browser);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    if let Ok(mut child) = command.spawn() {
        std::thread::spawn(move || child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_says_how_a_command_ended() {
        let run = |status: i32| Run {
            title: "tail it".to_owned(),
            name: "tail-it".to_owned(),
            target: "3f2a".to_owned(),
            line: "tail \"$ROW_JOB_ID\"".to_owned(),
            shown: format!("tail {status}"),
            variables: Vec::new(),
            pauses: false,
            records_itself: false,
        };
        let ended = |status| HandError::Ended { title: String::new(), status: ExitStatus::from_raw(status) };
        let not_run = HandError::NotRun { command: "tail".to_owned(), cause: io::Error::other("no shell") };
        for (result, expected) in [
            (Ok(None), "tail-it, exit 0: tail 7"),
            (Err(ended(3 << 8)), "tail-it, exit 3: tail 7"),
            (Err(ended(15)), "tail-it, ended by signal 15: tail 7"),
            (Err(not_run), "tail-it, `tail` could not be run: no shell: tail 7"),
        ] {
            let told = told_of(run(7), &result);
            assert_eq!((told.recorded_outcome().as_str(), told.recorded_target()), (expected, "3f2a"));
        }
    }

    #[test]
    fn the_environment_says_which_programs_are_run() {
        let of = |program, pairs: &[(&str, &str)]| {
            command_of(program, |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(Program::Pager, &[]), ("less".to_owned(), "PAGER"));
        assert_eq!(of(Program::Pager, &[("PAGER", "less -S")]), ("less -S".to_owned(), "PAGER"));
        assert_eq!(of(Program::Editor, &[("EDITOR", "nano"), ("VISUAL", " ")]), ("nano".to_owned(), "EDITOR"));
        assert_eq!(of(Program::Editor, &[("EDITOR", "nano"), ("VISUAL", "vim")]), ("vim".to_owned(), "VISUAL"));
    }
}
