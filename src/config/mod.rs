//! The config file, contexts, and where files live.
//!
//! The file is TOML; [`Config`] is its form. A key it does not know is an error that names the line and the nearest key
//! it does know. `config.example.toml` shows every setting with its default.

pub mod columns;
mod commands;
mod console;
pub mod context;
pub mod directories;
mod http;
pub mod kept;
pub mod keys;
pub mod profiles;
mod sections;
mod settings;
pub mod theme;

pub use crate::model::{nearest, nearest_words};
pub use columns::{ColumnSettings, NoColumns};
pub use commands::{CommandProblem, CommandSettings, CommandView, OF_DETAILS, VARIABLES, variable};
pub use console::{ConsoleSettings, Notify};
pub use context::{Access, Context, ContextError, Origin, Reach, Surroundings};
pub use directories::{DataDirectory, DirectoryError};
pub use http::{HttpAddress, HttpAddressError};
pub use profiles::{KeysOfRole, MfaRole, Profiles};
pub use sections::{ContextSettings, EngineSettings, HookSettings, Kind};
pub use settings::{Config, ConfigError};

/// The line of a text in which a place is, the first being 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
