//! `man`: the manual, from the same words as `--help`.

use super::Done;
use super::error::{CommandError, exit};
use super::output::Output;
use crate::cli::Cli;
use clap::CommandFactory;
use std::path::Path;

pub fn run(directory: Option<&Path>) -> Done {
    let failed = |cause: std::io::Error| CommandError::Start(cause);
    match directory {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(failed)?;
            Output::standard().text(&String::from_utf8_lossy(&page))?;
        }
        Some(directory) => {
            let not_writable = |cause| CommandError::Write { path: directory.to_owned(), cause };
            std::fs::create_dir_all(directory).map_err(not_writable)?;
            clap_mangen::generate_to(Cli::command(), directory).map_err(not_writable)?;
        }
    }
    Ok(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_has_a_page_of_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        run(Some(directory.path())).expect("written");
        for page in ["batchdeck.1", "batchdeck-submit.1", "batchdeck-schedule-create.1"] {
            let text = std::fs::read_to_string(directory.path().join(page)).expect(page);
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
    }
}
