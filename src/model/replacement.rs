//! A waiting job that is cancelled and submitted again in another place, where a service cannot move it.

use super::{JobId, SubmitJobRequest};
use serde::{Deserialize, Serialize};

/// The tag of a job that says which job it was submitted in place of.
pub const REPLACES: &str = "batchdeck:replaces";
/// The tag of a job that was cancelled, with the job that was submitted in its place.
pub const REPLACED_BY: &str = "batchdeck:replaced-by";

/// A job, and the request for the one that takes its place. Dependencies on jobs that are replaced before it are written
/// with their old ids.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    pub old: JobId,
    pub request: SubmitJobRequest,
}

/// A job that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replaced {
    pub job_name: String,
    pub old: JobId,
    pub new: JobId,
}
