//! An engine's state in pieces: small enough each to be written, checked and read while there are a million jobs.
//!
//! The first piece is the state without its jobs, in the form of the whole; the others are jobs. The whole in one piece,
//! as version 1 of the journal has it, is read as well.

use super::job::Root;
use super::roots::Roots;
use super::state::Core;
use super::{Engine, Settings};
use serde::{Deserialize, Serialize};

/// So many jobs go into one piece; an array stays whole.
const JOBS: usize = 1_000;

/// An engine's state as it was at one moment; cheap to take, as it shares the jobs with the engine.
#[derive(Debug)]
pub struct Frozen {
    core: Option<Box<Core>>,
    jobs: Roots,
}

/// Why a piece cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("it cannot be written: {0}")]
    Write(serde_json::Error),
    #[error("it does not read back: {0}")]
    Read(serde_json::Error),
    #[error("it reads back as another state")]
    Different,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    jobs: Roots,
}

impl Engine {
    /// The state as it is now, to be written in pieces.
    pub fn freeze(&mut self) -> Frozen {
        // All but the jobs is small, and is copied.
        let jobs = std::mem::take(&mut self.core.jobs);
        let core = Box::new(self.core.clone());
        self.core.jobs = jobs.clone();
        Frozen { core: Some(core), jobs }
    }
}

/// Each piece has been seen to read back as what it was made from.
impl Iterator for Frozen {
    type Item = Result<String, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(core) = self.core.take() {
            return Some(checked(&*core, |_| ()));
        }
        let jobs = self.jobs.split_first(JOBS);
        let complete = |read: &mut Jobs| read.jobs.values_mut().for_each(Root::complete);
        (!jobs.is_empty()).then(|| checked(&Jobs { jobs }, complete))
    }
}

/// The text of a part of the state, having seen that it reads back; `complete` works out what the text leaves out.
fn checked<T>(state: &T, complete: impl Fn(&mut T)) -> Result<String, SnapshotError>
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq,
{
    let text = serde_json::to_string(state).map_err(SnapshotError::Write)?;
    let mut same: T = serde_json::from_str(&text).map_err(SnapshotError::Read)?;
    complete(&mut same);
    if same == *state { Ok(text) } else { Err(SnapshotError::Different) }
}

/// An engine that is being put together from its pieces, in their order.
#[derive(Debug, Default)]
pub struct Thawing {
    core: Option<Core>,
}

impl Thawing {
    pub fn take(&mut self, piece: &str) -> Result<(), serde_json::Error> {
        match &mut self.core {
            None => self.core = Some(serde_json::from_str(piece)?),
            Some(core) => core.jobs.extend(serde_json::from_str::<Jobs>(piece)?.jobs),
        }
        Ok(())
    }

    /// The engine, with settings of today in place of those of then.
    pub fn finish(self, settings: Settings) -> Engine {
        let mut engine = Engine::of(self.core.unwrap_or_default());
        engine.configure(settings);
        engine
    }
}
