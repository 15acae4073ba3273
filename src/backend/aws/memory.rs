//! What earlier calls told and later ones need, and what an operator looks at.

use super::activities::Activities;
use super::fleet::Fleet;
use super::prices::PriceBook;
use super::schedules::Key;
use super::seen::Seen;
use super::services::Services;
use super::world::World;
use crate::backend::ReadAt;
use crate::model::{CapacityOverTime, Cursor, JobExtra, JobId, JobStatus, JobSummary, Millis, Schedule, StatusCounts};
use std::collections::{BTreeMap, HashMap};

/// What earlier calls told and later ones need.
#[derive(Debug)]
pub struct Memory {
    /// By job: what its row looked like when it was described, and what that told.
    pub extras: HashMap<JobId, (Stamp, JobExtra)>,
    /// By queue: how many jobs are in each state, and whether that is a lower bound.
    pub counts: BTreeMap<String, (StatusCounts, bool)>,
    /// Schedules as they were read last.
    pub schedules: BTreeMap<Key, Schedule>,
    /// An operator changed a schedule: a watch looks at them in its next round.
    pub schedules_changed: bool,
    /// The queue whose jobs an operator looks at.
    pub looked_at: Option<String>,
    /// The environment whose instances an operator looks at.
    pub environment_looked_at: Option<String>,
    /// Environments and their instances as they were read.
    pub fleet: Fleet,
    pub activities: Activities,
    pub services: Services,
    /// What has happened to jobs.
    pub seen: Seen,
    /// What instances cost.
    pub book: PriceBook,
    /// How the capacity of environments went, as far as it was polled.
    pub capacity: BTreeMap<String, CapacityOverTime>,
    /// Jobs that an operator has fetched beyond what a watch reads.
    pub fetched: Vec<JobSummary>,
    /// An operator wants to see what has come of an action: a watch ends its pause.
    pub hurry: bool,
    /// When what was read last; in it, queues and environments.
    pub read_at: ReadAt,
    /// How many watches poll.
    pub watches: usize,
    /// What the last watch had seen, and its cursor: a watch that goes on from there needs no reset.
    pub parked: Option<(Cursor, World)>,
}

impl Memory {
    pub fn new(book: PriceBook) -> Self {
        Self {
            extras: HashMap::new(),
            counts: BTreeMap::new(),
            schedules: BTreeMap::new(),
            schedules_changed: false,
            looked_at: None,
            environment_looked_at: None,
            fleet: Fleet::default(),
            activities: Activities::default(),
            services: Services::default(),
            seen: Seen::begun_at(chrono::Utc::now().timestamp_millis()),
            book,
            capacity: BTreeMap::new(),
            fetched: Vec::new(),
            hurry: false,
            read_at: ReadAt::default(),
            watches: 0,
            parked: None,
        }
    }
}

/// What of a row tells that its job must be described again.
pub type Stamp = (JobStatus, Option<Millis>, bool);
