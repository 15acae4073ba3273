//! A job among the jobs that it depends on and those that depend on it, as they were read.

use super::{JobDetail, JobId, Millis};
use serde::{Deserialize, Serialize};

/// What was read. Who depends on whom is in [`JobDetail::depends_on`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
    pub job: JobId,
    /// When it was read.
    pub at: Millis,
    /// The job, those before it and those behind it, and others that were met on the way.
    pub jobs: Vec<JobDetail>,
    /// What was not fetched, for a person.
    pub left_out: Vec<String>,
}

impl Lineage {
    pub fn find(&self, id: &JobId) -> Option<&JobDetail> {
        self.jobs.iter().find(|job| job.job_id == *id)
    }
}
