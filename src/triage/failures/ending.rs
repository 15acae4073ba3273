//! How a job ended, what tells most first.

use crate::model::JobSummary;
use std::fmt;

/// An exit code, where it tells something that the reason does not, and a reason; either may be missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ending {
    pub exit_code: Option<i32>,
    /// Empty where there is nothing to say but the exit code.
    pub reason: String,
}

impl Ending {
    /// AWS's words for an end like any other say nothing that the exit code does not; where the service ended the job
    /// itself, the exit code is no more than what came of that.
    pub fn of(job: &JobSummary) -> Self {
        let told = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let container = job.container.as_ref();
        let exit_code = container.and_then(|container| container.exit_code);
        let reason = told(&job.status_reason).unwrap_or_default();
        if let Some(reason) = container.and_then(|container| told(&container.reason)) {
            return Self { exit_code, reason };
        }
        let alone = |reason: String| Self { exit_code: None, reason };
        if reason.starts_with("Job attempt duration exceeded timeout") {
            return alone("timed out".to_owned());
        }
        if reason.starts_with("Host EC2") {
            return alone(format!("host lost: {reason}"));
        }
        match exit_code {
            Some(_) if reason.is_empty() || reason.starts_with("Essential container in task exited") => {
                Self { exit_code, reason: String::new() }
            }
            _ => alone(reason),
        }
    }
}

/// `exit 137 OutOfMemoryError: …`, `timed out`, `host lost: …`, or the reason that was given.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exit_code, self.reason.as_str()) {
            (Some(code), "") => write!(f, "exit {code}"),
            (Some(code), reason) => write!(f, "exit {code} {reason}"),
            (None, reason) => f.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSummary, JobStatus};

    #[test]
    fn an_ending_begins_with_what_tells_most() {
        let cases = [
            ("Essential container in task exited", None, Some(1), "exit 1"),
            ("", None, Some(3), "exit 3"),
            (
                "Essential container in task exited",
                Some("OutOfMemoryError: Container killed due to memory usage"),
                Some(137),
                "exit 137 OutOfMemoryError: Container killed due to memory usage",
            ),
            (
                "Task failed to start",
                Some("CannotPullContainerError: no such image"),
                None,
                "CannotPullContainerError: no such image",
            ),
            ("Job attempt duration exceeded timeout", None, Some(137), "timed out"),
            (
                "Host EC2 (instance i-0dead) terminated.",
                None,
                None,
                "host lost: Host EC2 (instance i-0dead) terminated.",
            ),
            ("wrong bucket", None, Some(143), "wrong bucket"),
            ("Dependent Job failed", None, None, "Dependent Job failed"),
        ];
        for (status_reason, reason, exit_code, expected) in cases {
            let job = JobSummary {
                status: JobStatus::Failed,
                status_reason: Some(status_reason.into()),
                container: Some(ContainerSummary { exit_code, reason: reason.map(str::to_owned) }),
                ..Default::default()
            };
            assert_eq!(Ending::of(&job).to_string(), expected);
        }
    }
}
