//! A disk without room for the journal: nothing new is decided, what is known can be read, and what the engine's own body
//! and its agents say waits until there is room. What could not be written has never been.

use super::front::{CommandError, Input, OURSELVES};
use super::snapshots::Chores;
use super::{Answered, Body, Clock, Region, Round};
use crate::agent::message::ToEngine;
use crate::daemon::feed::Feed;
use crate::daemon::journal::JournalError;
use crate::daemon::recover;
use crate::engine::command::{Action, Command};
use crate::model::{Millis, What};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often it is looked whether there is room again.
pub(super) const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Whether it is to be heard later too: usage is told again anyway.
pub(super) fn is_kept(message: &ToEngine) -> bool {
    !matches!(message, ToEngine::Alive | ToEngine::Used { .. })
}

/// What waits for room.
pub(super) struct Standstill {
    why: Arc<str>,
    held: Vec<Input>,
    /// When the disk showed room last that was none.
    tried: Option<Instant>,
    /// So many consoles have been told.
    told: u32,
}

impl Standstill {
    pub(super) fn new(full: &JournalError) -> Self {
        Self { why: full.to_string().into(), held: Vec::new(), tried: None, told: 0 }
    }

    pub(super) fn why(&self) -> Arc<str> {
        Arc::clone(&self.why)
    }

    /// Tells consoles that have come since.
    pub(super) fn tell(&mut self, feed: &Feed, now: Millis) {
        let consoles = feed.consoles();
        if consoles > self.told {
            feed.publish(now, [What::Notice(self.why.to_string())]);
        }
        self.told = consoles;
    }

    /// Holds or refuses; says whether the loop is to end.
    pub(super) fn take(&mut self, inputs: Vec<Input>) -> bool {
        let mut is_last = false;
        for input in inputs {
            match input {
                Input::Command(region, command, reply) => {
                    // A start does not wait for it: it is done at the end of this in any case.
                    if command.by == OURSELVES && command.action != Action::Resume {
                        self.held.push(Input::Command(region, command, reply));
                    } else {
                        let _ = reply.send(Err(CommandError::Full(self.why.to_string())));
                    }
                }
                Input::Said(_, message) if !is_kept(&message) => {}
                said @ Input::Said(..) => self.held.push(said),
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
    /// Whether there is room again. A journal that could not be opened is opened then.
    pub(super) fn can_go_on(&mut self, standstill: &mut Standstill) -> Result<bool, JournalError> {
        let is_too_early = standstill.tried.is_some_and(|tried| tried.elapsed() < LOOKS_EVERY);
        if is_too_early || !self.parts.journal.shows_room() {
            return Ok(false);
        }
        let opened = if !self.parts.journal.has_room() {
            Err(self.parts.journal.full())
        } else if self.parts.journal.is_open() {
            Ok(())
        } else {
            recover::open_late(&mut self.parts.journal, self.parts.realms.home(), self.parts.seed)
        };
        match opened {
            Err(JournalError::Full { .. }) => {
                standstill.tried = Some(Instant::now());
                Ok(false)
            }
            opened => opened.map(|()| true),
        }
    }

    /// Takes back what a round has decided, and waits for room. The state is what the journal says.
    pub(super) fn stand_still(&mut self, round: Round, full: &JournalError, now: Millis) -> Result<bool, JournalError> {
        tracing::error!("{full}");
        let home = Arc::clone(self.parts.realms.home());
        let mut recovered = recover::replay(self.parts.journal.path(), self.parts.realms.settings(&home))?;
        recovered.realms.keep_limits(&self.parts.realms);
        self.parts.realms = recovered.realms;
        self.parts.clock = Clock::not_before(recovered.last);
        self.chores = Chores::default();
        self.usage.clear();
        (self.resumed, self.unfinished) = (false, false);

        let Round { heard, replies, stop, .. } = round;
        let said = heard.into_iter().map(|(instance, message)| Input::Said(instance, message));
        let asked =
            replies.into_iter().map(|Answered { region, command, reply, .. }| Input::Command(region, command, reply));
        let again = said.chain(asked).collect();
        let mut standstill = Standstill::new(full);
        standstill.tell(&self.parts.feed, now);
        self.still.send_replace(Some(standstill.why()));
        let is_last = standstill.take(again) || stop;
        self.standstill = Some(standstill);
        Ok(is_last)
    }
}
