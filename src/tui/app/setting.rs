//! What changes only with the context, or not at all while the console runs.

use crate::backend::Capabilities;
use crate::config::{Access, ColumnSettings, CommandSettings, ConsoleSettings};
use crate::model::{Millis, Prices};
use crate::tui::contexts::{Offered, Opened};
use crate::tui::format::Clock;
use crate::tui::theme::Depth;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub struct Setting {
    /// The context's name, for the header.
    pub context: String,
    /// Whether actions that change the world are refused.
    pub access: Access,
    /// The region of the context, where it has one.
    pub region: Option<String>,
    /// The contexts that `:context` offers.
    pub contexts: Vec<Offered>,
    /// The arguments by which a verb comes to the same place from the same shell.
    pub flags: Vec<String>,
    /// The arguments by which AWS's own tool does, where that reaches it.
    pub aws_flags: Option<Vec<String>>,
    pub can: Capabilities,
    /// When what is shown was recorded, where it is a recording.
    pub recorded_at: Option<Millis>,
    /// The role by which new schedules submit their jobs, where it is known.
    pub scheduler_role: Option<String>,
    /// Where jobs write that name no log group, where that is another than AWS Batch's default.
    pub log_group: Option<String>,
    pub own: Own,
}

/// What is of the person, their terminal and this machine, whatever the context.
#[derive(Debug, Clone)]
pub struct Own {
    pub clock: Clock,
    pub depth: Depth,
    /// The terminal shows ASCII alone.
    pub ascii: bool,
    /// Names of the themes that `:theme` offers.
    pub themes: Vec<String>,
    /// This machine's, for which a first compute environment is made.
    pub processors: usize,
    pub console: ConsoleSettings,
    /// The columns that were chosen for lists.
    pub columns: ColumnSettings,
    /// By what costs are estimated before anything is submitted.
    pub prices: Prices,
    /// Commands of the person's own, by name.
    pub commands: BTreeMap<String, CommandSettings>,
}

impl Setting {
    pub fn new(opened: &Opened, own: Own) -> Self {
        Self {
            context: opened.context.clone(),
            access: opened.access,
            region: opened.backend.region(),
            contexts: opened.offered.clone(),
            flags: opened.flags.clone(),
            aws_flags: opened.aws_flags.clone(),
            can: opened.backend.capabilities(),
            recorded_at: opened.backend.recorded_at(),
            scheduler_role: opened.scheduler_role.clone(),
            log_group: opened.log_group.clone(),
            own,
        }
    }

    /// How long an action waits after it was confirmed, in which it can be taken back.
    pub fn grace(&self) -> Millis {
        Millis::from(self.own.console.grace_seconds) * 1000
    }
}
