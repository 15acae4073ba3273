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
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { grace_seconds: 5, type_count_from: 20, mouse: false }
    }
}
