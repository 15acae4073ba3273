//! The loop's front door: what others ask of it, and how they are answered.

use super::disk::DiskWaits;
use super::realms::{Realms, Region};
use crate::agent::message::ToEngine;
use crate::daemon::clock;
use crate::engine::Engine;
use crate::engine::command::{Action, Answer, Command, Refusal};
use crate::model::{InstanceId, Millis};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How often a patient caller waits for a change in its way, and for how long each time at most, in milliseconds.
const MOST_WAITS: usize = 5;
const LONGEST_CHANGE: Millis = 60_000;

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::daemon) enum CommandError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the journal could not be written, and the engine ends: {0}")]
    NotDurable(String),
    /// Nothing of it has happened, and the engine goes on.
    #[error("{0}")]
    Full(String),
    #[error("the engine is ending; try again when it runs")]
    Ending,
}

/// The loop's front door, to the engine of one region; cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct Driver {
    pub(super) door: Sender<Visit>,
    pub(super) region: Region,
    pub(super) stands_still: watch::Receiver<Option<Arc<str>>>,
    pub(super) disk: Arc<DiskWaits>,
}

/// Who gives the commands of the engine's own body.
pub(super) const OURSELVES: &str = "engine";

/// A command, and whether its caller rather waits a moment than hears that something is being modified.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct Call {
    pub command: Command,
    pub patient: bool,
}

impl From<Command> for Call {
    fn from(command: Command) -> Self {
        Self { command, patient: false }
    }
}

pub(super) type Reply = oneshot::Sender<Result<Answer, CommandError>>;
pub(super) type Look = Box<dyn FnOnce(&Realms) + Send>;

/// What comes in by the front door.
pub(super) enum Visit {
    /// Somebody looks at the state.
    Look(Look),
    Input(Input),
}

/// What may change the state.
pub(super) enum Input {
    Command(Region, Box<Command>, Reply),
    Said(InstanceId, ToEngine),
    Stop,
}

impl Driver {
    /// The same door, to the engine of another region. It is made with the first thing that is made there.
    pub(in crate::daemon) fn of(&self, region: &str) -> Self {
        Self { region: region.into(), ..self.clone() }
    }

    /// How long the loop waits for its disk and answers nobody. Does not wait for the loop itself.
    pub(in crate::daemon) fn waits_for_disk(&self) -> Option<Duration> {
        self.disk.for_long()
    }

    /// Why nothing is decided at the moment: the journal's disk has no room.
    pub(in crate::daemon) fn why_still(&self) -> Option<String> {
        self.stands_still.borrow().as_deref().map(str::to_owned)
    }

    /// Returns once nothing is decided for want of room.
    pub(in crate::daemon) async fn until_still(&self) {
        // A loop that is over stands still as well.
        let _ = self.stands_still.clone().wait_for(Option::is_some).await;
    }

    /// Carries a command out; when it answers, what it did is on the disk.
    pub(in crate::daemon) async fn command(&self, call: impl Into<Call>) -> Result<Answer, CommandError> {
        let Call { command, patient } = call.into();
        if !patient {
            return self.once(command).await;
        }
        for _ in 0..MOST_WAITS {
            match self.once(command.clone()).await {
                Err(CommandError::Refused(Refusal::Modified { until, .. })) => {
                    let wait = (until - clock::wall()).clamp(1, LONGEST_CHANGE);
                    tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
                }
                answer => return answer,
            }
        }
        self.once(command).await
    }

    async fn once(&self, command: Command) -> Result<Answer, CommandError> {
        let (reply, answer) = oneshot::channel();
        let input = Input::Command(Arc::clone(&self.region), Box::new(command), reply);
        self.door.send(Visit::Input(input)).map_err(|_| CommandError::Ending)?;
        answer.await.map_err(|_| CommandError::Ending)?
    }

    /// A command of the engine's own body.
    pub(in crate::daemon) async fn act(&self, action: Action) -> Result<Answer, CommandError> {
        self.command(Command { by: OURSELVES.to_owned(), reason: None, action }).await
    }

    /// Reads the state; never sees what is not durable, and may be answered before what was asked in the same moment.
    pub(in crate::daemon) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        let region = Arc::clone(&self.region);
        self.read_all(move |realms| realms.look(&region, look)).await
    }

    /// The same over all regions.
    pub(in crate::daemon) async fn read_all<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Realms) -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        let look = Box::new(move |realms: &Realms| {
            // Whoever asked may have gone.
            let _ = reply.send(look(realms));
        });
        self.door.send(Visit::Look(look)).map_err(|_| CommandError::Ending)?;
        answer.await.map_err(|_| CommandError::Ending)
    }

    /// Hands in what an agent says.
    pub(in crate::daemon) fn said(&self, instance: InstanceId, message: ToEngine) {
        // An engine that ends needs no news: the agent says it again to the next one.
        let _ = self.door.send(Visit::Input(Input::Said(instance, message)));
    }

    /// Ends the loop once everything before has been carried out.
    pub(in crate::daemon) fn stop(&self) {
        let _ = self.door.send(Visit::Input(Input::Stop));
    }
}
