//! The code of an MFA device, asked for on the terminal before a verb goes on.

use super::error::{CommandError, Doing};
use crate::backend::Backend;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};

/// How often one may mistype.
const TRIES: usize = 3;

/// Asks for a code where the backend wants one; without a terminal it says what to do.
pub async fn sign_in(backend: &dyn Backend, context: &str) -> Result<(), CommandError> {
    for tried in 1.. {
        let Some(device) = backend.code_wanted() else { return Ok(()) };
        let asked = device.clone();
        let typed = tokio::task::spawn_blocking(move || ask(&asked)).await.ok().flatten();
        let code = typed.ok_or_else(|| CommandError::NoCode { context: context.to_owned(), device })?;
        match backend.give_code(&code).await {
            Ok(()) => {}
            Err(error) if tried < TRIES && backend.code_wanted().is_some() => tell(&format!("{error}\n")),
            Err(error) => return Err(error).doing(format!("signing in to the context `{context}`")),
        }
    }
    Ok(())
}

/// One line of the terminal itself: what a verb reads and writes may be files. `None` where there is none.
fn ask(device: &str) -> Option<String> {
    let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
    write!(&terminal, "code of {device}: ").ok()?;
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim().to_owned())
}

fn tell(text: &str) {
    if let Ok(mut terminal) = File::options().write(true).open("/dev/tty") {
        // Nobody may be there to read it.
        let _ = terminal.write_all(text.as_bytes());
    }
}
