//! Texts handed to programs of the person's own.

use crate::tui::requests::Program;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A text, and the program that is to show it.
#[derive(Debug)]
pub(super) struct Handed {
    pub program: Program,
    /// What the file is called that it comes in.
    pub name: String,
    pub text: String,
}

/// Why a program did not show a text.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandError {
    #[error("{} cannot be written for `{command}`: {cause}", path.display())]
    Unwritable { path: PathBuf, command: String, cause: io::Error },
    #[error("`{command}` could not be run: {cause}")]
    NotRun { command: String, cause: io::Error },
    #[error("`{command}` ended with {status}; ${variable} says which program is run")]
    Failed { command: String, status: String, variable: &'static str },
}

impl Handed {
    /// Runs the program on a copy of the text and waits for its end. The terminal is the program's meanwhile.
    pub(super) async fn run(self) -> Result<(), HandError> {
        let (command, variable) = command_of(self.program, |name| std::env::var(name).ok());
        let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
        let name: String = self.name.chars().map(plain).take(100).collect();
        let path = std::env::temp_dir().join(format!("batchdeck-{}-{name}", std::process::id()));
        let failed = |cause| HandError::Unwritable { path: path.clone(), command: command.clone(), cause };
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(self.text.as_bytes())).map_err(failed)?;
        let status = shell(&command, &path).await;
        let _ = std::fs::remove_file(&path);
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(HandError::Failed { command, status: status.to_string(), variable }),
            Err(cause) => Err(HandError::NotRun { command, cause }),
        }
    }
}

/// Runs a command line, which may have words of its own, on a file.
async fn shell(command: &str, file: &Path) -> io::Result<std::process::ExitStatus> {
    let line = format!("{command} \"$1\"");
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
