//! Where jobs and log streams live: their names alone do not tell.

use crate::model::{JobDetail, JobId, JobSummary};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where each was seen.
#[derive(Debug, Default)]
pub struct Homes(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    jobs: HashMap<JobId, usize>,
    streams: HashMap<String, usize>,
}

/// Jobs, or streams, whose homes are remembered; those that are forgotten are looked for again.
const REMEMBERED: usize = 500_000;

/// The array or multi-node job as a whole.
pub fn whole(id: &JobId) -> JobId {
    id.part().map_or_else(|| id.clone(), |(whole, _)| whole)
}

impl Homes {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note_job(&self, id: &JobId, at: usize) {
        let mut seen = self.seen();
        if seen.jobs.len() >= REMEMBERED {
            seen.jobs.clear();
        }
        seen.jobs.insert(whole(id), at);
    }

    pub fn note_stream(&self, stream: &str, at: usize) {
        let mut seen = self.seen();
        if seen.streams.len() >= REMEMBERED {
            seen.streams.clear();
        }
        seen.streams.insert(stream.to_owned(), at);
    }

    pub fn note_row(&self, row: &JobSummary, at: usize) {
        self.note_job(&row.job_id, at);
        if let Some(stream) = row.extra.as_ref().and_then(|extra| extra.log_stream_name.as_ref()) {
            self.note_stream(stream, at);
        }
    }

    pub fn note_detail(&self, detail: &JobDetail, at: usize) {
        self.note_job(&detail.job_id, at);
        for log in detail.logs() {
            self.note_stream(&log.stream, at);
        }
    }

    pub fn of_job(&self, id: &JobId) -> Option<usize> {
        self.seen().jobs.get(&whole(id)).copied()
    }

    pub fn of_stream(&self, stream: &str) -> Option<usize> {
        self.seen().streams.get(stream).copied()
    }
}
