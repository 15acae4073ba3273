//! Names for things: job ids, instance ids, ARNs.

use super::region;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A job's id: a UUID, `UUID:INDEX` for the child of an array and `UUID#INDEX` for a node of a multi-node job (0-based).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl JobId {
    /// The id of child `index` of this array.
    #[must_use]
    pub fn child(&self, index: u32) -> Self {
        Self(format!("{}:{index}", self.0))
    }

    /// The array that this job is a child of, and its index there.
    pub fn array_parent(&self) -> Option<(JobId, u32)> {
        let (parent, index) = self.0.rsplit_once(':')?;
        Some((JobId(parent.to_owned()), index.parse().ok()?))
    }

    /// The id of node `index` of this multi-node job.
    #[must_use]
    pub fn node(&self, index: u32) -> Self {
        Self(format!("{}#{index}", self.0))
    }

    /// The multi-node job that this is a node of, and its index there.
    pub fn node_parent(&self) -> Option<(JobId, u32)> {
        let (parent, index) = self.0.rsplit_once('#')?;
        Some((JobId(parent.to_owned()), index.parse().ok()?))
    }

    /// What this is a part of, an array or a multi-node job, and its index there.
    pub fn part(&self) -> Option<(JobId, u32)> {
        self.array_parent().or_else(|| self.node_parent())
    }

    /// The first block of the UUID and the index of the child or node: enough for a person to tell jobs apart.
    pub fn short(&self) -> String {
        let head = self.0.split('-').next().unwrap_or(&self.0);
        match (self.array_parent(), self.node_parent()) {
            (Some((_, index)), _) => format!("{head}:{index}"),
            (None, Some((_, index))) => format!("{head}#{index}"),
            (None, None) => head.to_owned(),
        }
    }

    /// Whether it has the form of an id, whoever made it.
    pub fn is_well_formed(&self) -> bool {
        let whole = self.part().map_or_else(|| self.clone(), |(whole, _)| whole);
        uuid::Uuid::try_parse(whole.as_str()).is_ok_and(|uuid| uuid.hyphenated().to_string() == whole.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for JobId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// An instance of a compute environment: `i-` and 17 hex digits, as EC2 writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run of a job. Attempts count from 1, as `AWS_BATCH_JOB_ATTEMPT` does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptId {
    pub job: JobId,
    pub number: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} attempt {}", self.job, self.number)
    }
}

/// The last part of an ARN, or the text itself where it is none: `arn:…:job-queue/main` gives `main`,
/// `arn:…:job-definition/resize:3` gives `resize:3`.
pub fn name_of(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") { name_or_arn.rsplit('/').next().unwrap_or(name_or_arn) } else { name_or_arn }
}

/// Where an engine lives: what its ARNs carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub region: String,
    pub account: String,
}

impl Default for Place {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), account: "123456789012".to_owned() }
    }
}

impl Place {
    /// `arn:PARTITION:batch:REGION:ACCOUNT:KIND/NAME`.
    pub fn batch_arn(&self, kind: &str, name: &str) -> String {
        self.arn("batch", &format!("{kind}/{name}"))
    }

    /// The name of what is of this kind here: a name itself, or the end of its ARN. `None` for an ARN of another kind,
    /// account or region: that is not here.
    pub fn local_name<'a>(&self, kind: &str, name_or_arn: &'a str) -> Option<&'a str> {
        if !name_or_arn.starts_with("arn:") {
            return Some(name_or_arn);
        }
        name_or_arn.strip_prefix(self.batch_arn(kind, "").as_str())
    }

    /// `arn:PARTITION:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME`.
    pub fn schedule_arn(&self, group: &str, name: &str) -> String {
        self.arn("scheduler", &format!("schedule/{group}/{name}"))
    }

    /// `arn:PARTITION:iam::ACCOUNT:user/NAME`.
    pub fn user_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:user/{name}", self.partition(), self.account)
    }

    /// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The partition of the region: `aws`, `aws-cn`, `aws-us-gov` and others.
    pub fn partition(&self) -> &'static str {
        region::partition(&self.region).unwrap_or("aws")
    }

    /// `arn:aws:scheduler:REGION:ACCOUNT:schedule-group/NAME`.
    pub fn schedule_group_arn(&self, name: &str) -> String {
        format!("arn:aws:scheduler:{}:{}:schedule-group/{name}", self.region, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_child_knows_its_parent_and_index() {
        let parent = JobId::from("3f2a77aa-0000-4000-8000-000000000001");
        let child = parent.child(17);
        assert_eq!(child.as_str(), "3f2a77aa-0000-4000-8000-000000000001:17");
        assert_eq!(child.array_parent(), Some((parent.clone(), 17)));
        assert_eq!(child.short(), "3f2a77aa:17");
        assert_eq!(parent.array_parent(), None);
    }

    #[test]
    fn a_node_knows_its_job_and_index_and_is_no_child() {
        let job = JobId::from("3f2a77aa-0000-4000-8000-000000000001");
        let node = job.node(2);
        assert_eq!(node.as_str(), "3f2a77aa-0000-4000-8000-000000000001#2");
        assert_eq!((node.node_parent(), node.array_parent()), (Some((job.clone(), 2)), None));
        assert_eq!(node.short(), "3f2a77aa#2");
        assert_eq!((job.node_parent(), job.child(2).node_parent()), (None, None));
        assert_eq!(
            (node.part(), job.child(2).part(), job.part()),
            (Some((job.clone(), 2)), Some((job.clone(), 2)), None)
        );
    }

    #[test]
    fn a_name_is_read_from_an_arn_and_from_itself() {
        assert_eq!(name_of("arn:aws:batch:us-east-1:1:job-queue/main"), "main");
        assert_eq!(name_of("arn:aws:batch:us-east-1:1:job-definition/resize:3"), "resize:3");
        assert_eq!(name_of("main"), "main");
    }

    #[test]
    fn an_arn_of_elsewhere_or_of_another_kind_names_nothing_here() {
        let here = Place::default();
        let cases = [
            ("main", Some("main")),
            ("arn:aws:batch:us-east-1:123456789012:job-queue/main", Some("main")),
            ("arn:aws:batch:us-west-2:123456789012:job-queue/main", None),
            ("arn:aws:batch:us-east-1:999999999999:job-queue/main", None),
            ("arn:aws:batch:us-east-1:123456789012:compute-environment/main", None),
            ("arn:aws:sqs:us-east-1:123456789012:main", None),
        ];
        for (given, expected) in cases {
            assert_eq!(here.local_name("job-queue", given), expected, "{given}");
        }
    }
}
