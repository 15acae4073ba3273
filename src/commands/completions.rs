//! `completions`.

use super::Done;
use super::error::exit;
use super::output::Output;
use crate::cli::Cli;
use clap::CommandFactory;

pub fn run(shell: clap_complete::Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "batchdeck", &mut script);
    Output::standard().text(&String::from_utf8_lossy(&script))?;
    Ok(exit::DONE)
}
