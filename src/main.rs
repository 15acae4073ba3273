//! Parses the arguments and calls one verb.

use batchdeck::cli::Cli;
use batchdeck::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    // For panics alone: errors are told without a backtrace. It fails only where it was done before.
    let _ = color_eyre::install();
    ExitCode::from(match Cli::of_this_process() {
        Ok(cli) => commands::run(cli),
        Err(words) => commands::say(&words),
    })
}
