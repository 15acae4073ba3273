//! Snapshots, written while the engine goes on: the state is frozen in a moment, another thread makes its pieces and
//! checks that each reads back, and the loop puts one a round into the journal.

use super::realms::{Realms, Region};
use crate::daemon::journal::{Journal, JournalError};
use crate::engine::Frozen;
use crate::model::Millis;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// A running engine puts a snapshot in the place of its events after so many.
const EVERY: u64 = 500_000;
/// At start, so many events are worth a snapshot.
const AT_START: u64 = 20_000;
/// So many pieces wait for the loop.
const AHEAD: usize = 2;

/// What keeps the journal short, a little each round: snapshots are written, and what they replace is cleared away.
#[derive(Debug)]
pub(super) struct Chores {
    snapshot: Option<Snapshot>,
    /// The next snapshot is begun after so many events.
    after: u64,
    clearing: bool,
}

impl Default for Chores {
    fn default() -> Self {
        Self { snapshot: None, after: AT_START, clearing: true }
    }
}

impl Chores {
    /// Whether there is something to be done soon.
    pub(super) fn are_left(&self) -> bool {
        self.snapshot.is_some() || self.clearing
    }

    /// Gives up what cannot be written, and does not try again at once.
    pub(super) fn rest(&mut self, cause: &JournalError) {
        tracing::warn!(%cause, "the journal is not made shorter for now");
        *self = Self { snapshot: None, after: EVERY, clearing: false };
    }

    pub(super) fn step(&mut self, realms: &mut Realms, journal: &mut Journal, now: Millis) -> Result<(), JournalError> {
        let since = journal.since_snapshot();
        if let Some(snapshot) = &self.snapshot {
            if matches!(snapshot.step(journal)?, Progress::Complete | Progress::Broken) {
                self.snapshot = None;
                // One that is broken is not tried again at once.
                self.after = journal.since_snapshot() + EVERY;
                self.clearing = true;
            }
        } else if since >= self.after {
            match Snapshot::begin(realms, journal, now) {
                Ok(begun) => self.snapshot = Some(begun),
                Err(cause) => {
                    tracing::error!(%cause, "no snapshot can be begun; all events are kept");
                    self.after = since + EVERY;
                }
            }
        } else {
            self.after = self.after.max(EVERY);
        }
        self.clearing = self.clearing && journal.clear(self.snapshot.as_ref().map(|snapshot| snapshot.seq))?;
        Ok(())
    }
}

/// A snapshot that is being written.
#[derive(Debug)]
pub(in crate::daemon) struct Snapshot {
    /// The number of the last event that it covers, and its time.
    pub seq: u64,
    at: Millis,
    pieces: Receiver<Piece>,
}

#[derive(Debug)]
enum Piece {
    Made {
        region: Region,
        number: u64,
        body: String,
    },
    Complete,
    /// Why it will never be complete.
    Broken(String),
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon) enum Progress {
    /// Nothing was there to write.
    Waiting,
    Written,
    Complete,
    Broken,
}

impl Snapshot {
    /// Begins one of the state as it is now, which is that after the journal's last event.
    pub(in crate::daemon) fn begin(realms: &mut Realms, journal: &Journal, at: Millis) -> std::io::Result<Self> {
        let frozen: Vec<(Region, Frozen)> =
            realms.iter_mut().map(|(region, engine)| (Arc::clone(region), engine.freeze())).collect();
        let (made, pieces) = sync_channel(AHEAD);
        thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
            for (region, frozen) in frozen {
                for (number, body) in (0..).zip(frozen) {
                    let piece = match body {
                        Ok(body) => Piece::Made { region: Arc::clone(&region), number, body },
                        Err(cause) => Piece::Broken(format!("piece {number} of {region}: {cause}")),
                    };
                    // Nobody wants it any more when the engine ends or it is broken.
                    if made.send(piece).is_err() {
                        return;
                    }
                }
            }
            let _ = made.send(Piece::Complete);
        })?;
        Ok(Self { seq: journal.last(), at, pieces })
    }

    /// Puts the next piece into the journal, where it is there.
    pub(in crate::daemon) fn step(&self, journal: &mut Journal) -> Result<Progress, JournalError> {
        match self.pieces.try_recv() {
            Ok(Piece::Made { region, number, body }) => {
                journal.add_piece(self.seq, &region, number, &body)?;
                Ok(Progress::Written)
            }
            Ok(Piece::Complete) => {
                journal.cover(self.seq, self.at)?;
                tracing::info!(events = self.seq, "a snapshot has taken the place of the events up to it");
                Ok(Progress::Complete)
            }
            Ok(Piece::Broken(cause)) => {
                tracing::error!(%cause, "a snapshot is given up; all events are kept");
                Ok(Progress::Broken)
            }
            Err(TryRecvError::Empty) => Ok(Progress::Waiting),
            Err(TryRecvError::Disconnected) => {
                tracing::error!("a snapshot is given up, as its thread has ended; all events are kept");
                Ok(Progress::Broken)
            }
        }
    }
}
