//! `[console]`: how the console behaves to the person at it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct ConsoleSettings {
    /// How long what ends or starts much waits after it was confirmed, in which it can be taken back; 0: not at all.
    pub grace_seconds: u32,
    /// From how many jobs on their number has to be typed before an action hits them; 0: never.
    pub type_count_from: u32,
    /// Clicks and the wheel are the console's. Off, as the terminal cannot select text with the mouse then.
    pub mouse: bool,
    /// How the terminal calls somebody when a watch fires.
    pub notify: Vec<Notify>,
    /// A command to which it is told as well, with the text as its last argument.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify_command: Vec<String>,
}

/// A way in which a terminal calls somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    Bell,
    Osc9,
    Osc777,
}

impl Notify {
    /// As a person says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::Osc9 => "OSC 9",
            Self::Osc777 => "OSC 777",
        }
    }
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            grace_seconds: 5,
            type_count_from: 20,
            mouse: false,
            notify: vec![Notify::Bell],
            notify_command: Vec::new(),
        }
    }
}
