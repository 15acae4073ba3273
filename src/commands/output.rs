//! Where verbs write: standard output for what was asked, standard error for words about it.

use super::CommandError;
use super::table::{Look, Table};
use crate::model::text::{printable_json, printable_lines};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// The two streams, and how the first one looks.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    look: Look,
    /// There is nobody to read words beside what was asked, or they would stand on a screen.
    is_silent: bool,
}

impl Output {
    /// Colours and a width where a person looks on, neither in a pipe.
    pub fn standard() -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let columns = || crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
        // A terminal that does not know its width says 0.
        let width = if terminal { columns().filter(|columns| *columns > 0) } else { None };
        Self { look: Look { color: terminal && !plain, width }, is_silent: false }
    }

    /// The same without words on standard error.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { is_silent: true, ..self }
    }

    pub fn look(&self) -> Look {
        self.look
    }

    /// Writes text as it is. The text ends its own lines.
    #[expect(clippy::unused_self, reason = "where it goes is the output's own matter")]
    pub fn text(&self, text: &str) -> Result<(), CommandError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    pub fn table(&self, table: &Table) -> Result<(), CommandError> {
        self.text(&table.render(self.look))
    }

    /// Writes a value in its wire form, over several lines.
    pub fn json(&self, value: &impl Serialize) -> Result<(), CommandError> {
        let json = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.text(&(printable_json(&json) + "\n"))
    }

    /// Writes each value in its wire form on a line of its own.
    pub fn json_lines(&self, values: &[impl Serialize]) -> Result<(), CommandError> {
        let mut lines = String::new();
        for value in values {
            lines += &printable_json(&serde_json::to_string(value).map_err(io::Error::from)?);
            lines.push('\n');
        }
        self.text(&lines)
    }

    /// A word to the person, on standard error. Nobody may be there to read it.
    pub fn note(&self, text: &str) {
        if self.is_silent {
            return;
        }
        let _ = writeln!(io::stderr(), "{}", printable_lines(text));
    }
}
