//! A disk without room for the journal: nothing new is decided, what is known can be read, and what the engine's own body
//! and its agents say waits until there is room. What could not be written has never been.

use super::front::{CommandError, Input, OURSELVES};
use super::realms::Realms;
use super::snapshots::Chores;
use super::{Answered, Body, Clock, Region, Round};
use crate::agent::message::ToEngine;
use crate::daemon::journal::JournalError;
use crate::daemon::recover;
use crate::engine::command::{Action, Command};
use crate::model::{Millis, What};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often it is looked whether there is room again.
pub(super) const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Whether it is to be heard later too: usage is told again anyway.
pub(super) fn is_kept(message: &ToEngine) -> bool {
    !matches!(message, ToEngine::Alive | ToEngine::Used { .. })
}

/// What waits for room.
pub(super) struct Standstill {
    why: String,
    held: Vec<Input>,
}

impl Standstill {
    /// Holds, refuses or reads; says whether the loop is to end.
    pub(super) fn take(&mut self, inputs: Vec<Input>, realms: &Realms) -> bool {
        let mut is_last = false;
        for input in inputs {
            match input {
                Input::Command(region, command, reply) => {
                    // A start does not wait for it: it is done at the end of this in any case.
                    if command.by == OURSELVES && command.action != Action::Resume {
                        self.held.push(Input::Command(region, command, reply));
                    } else {
                        let _ = reply.send(Err(CommandError::Full(self.why.clone())));
                    }
                }
                Input::Said(_, message) if !is_kept(&message) => {}
                said @ Input::Said(..) => self.held.push(said),
                Input::Read(look) => look(realms),
                Input::Stop => is_last = true,
            }
        }
        is_last
    }

    /// All that is to be taken now that there is room, what has waited longest first.
    pub(super) fn over(self, inputs: Vec<Input>, home: &Region) -> Vec<Input> {
        let resume = Command { by: OURSELVES.to_owned(), reason: None, action: Action::Resume };
        // Nobody waits for the answer.
        let (reply, _) = oneshot::channel();
        let mut all = vec![Input::Command(Arc::clone(home), Box::new(resume), reply)];
        all.extend(self.held);
        all.extend(inputs);
        all
    }
}

impl Body {
    /// Takes back what a round has decided, and waits for room. The state is what the journal says.
    pub(super) fn stand_still(&mut self, round: Round, full: &JournalError, now: Millis) -> Result<bool, JournalError> {
        tracing::error!("{full}");
        let (home, plain) = (Arc::clone(self.parts.realms.home()), Arc::clone(self.parts.realms.plain()));
        let mut recovered = recover::replay(self.parts.journal.path(), self.parts.realms.settings(&home))?;
        recovered.realms.set_plain(&plain);
        recovered.realms.keep_limits(&self.parts.realms);
        self.parts.realms = recovered.realms;
        self.parts.clock = Clock::not_before(recovered.last);
        self.parts.feed.publish(now, [What::Notice(full.to_string())]);
        self.chores = Chores::default();
        self.usage.clear();
        (self.resumed, self.unfinished) = (false, false);

        let Round { heard, replies, reads, stop, .. } = round;
        let said = heard.into_iter().map(|(instance, message)| Input::Said(instance, message));
        let asked =
            replies.into_iter().map(|Answered { region, command, reply, .. }| Input::Command(region, command, reply));
        let again = said.chain(asked).chain(reads.into_iter().map(Input::Read)).collect();
        let mut standstill = Standstill { why: full.to_string(), held: Vec::new() };
        let is_last = standstill.take(again, &self.parts.realms) || stop;
        self.standstill = Some(standstill);
        Ok(is_last)
    }
}
