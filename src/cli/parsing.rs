//! From the words of a command line to what they ask for.

use super::Cli;
use clap::{Command, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;

impl Cli {
    /// What this process was asked for; where that is help, or was said wrongly, clap's words on it.
    pub fn of_this_process() -> Result<Self, clap::Error> {
        let words: Vec<OsString> = std::env::args_os().collect();
        Self::by_its_verb(&words).map_or_else(|| Self::try_parse_from(words), Ok)
    }

    /// Tries the verb that is named first as if there were no other: clap gives each option of every verb to each of them
    /// before it reads a word, which takes longer than most verbs do. What is not understood so, with help and mistakes
    /// among it, is for the whole to tell.
    pub(super) fn by_its_verb(words: &[OsString]) -> Option<Self> {
        let whole = Self::command();
        let named =
            words.iter().skip(1).filter_map(|word| word.to_str()).find_map(|word| whole.find_subcommand(word))?;
        let mut alone = Command::new("batchdeck")
            .disable_help_subcommand(true)
            .args(whole.get_arguments().cloned())
            .subcommand(named.clone());
        let understood = alone.try_get_matches_from_mut(words).ok();
        // To take both apart would take longer than to read the words; the process is short, or large.
        std::mem::forget((whole, alone));
        Self::from_arg_matches_mut(&mut understood?).ok()
    }
}
