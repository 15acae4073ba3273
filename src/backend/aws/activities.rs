//! What Auto Scaling did for a compute environment, and what it tried in vain: the errors of launches in AWS's own words.
//!
//! Batch makes one Auto Scaling group for each managed environment with instances, `AWSBatch-NAME-asg-UUID`, and tags it
//! `AWSBatchServiceTag`. An environment that asks a Spot Fleet for its instances (`BEST_FIT` of Spot) has none.
//!
//! Source: Amazon EC2 Auto Scaling API, `DescribeAutoScalingGroups` and `DescribeScalingActivities`.

use super::budget::Caller;
use super::prices::briefly;
use super::query::Element;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{InstanceId, Millis, Scaling, ScalingChange};
use chrono::DateTime;
use std::collections::{BTreeMap, BTreeSet};

const GROUPS: &str = "DescribeAutoScalingGroups";
const ACTIVITIES: &str = "DescribeScalingActivities";
/// Pages of 100 groups that are looked through.
const PAGES: usize = 10;
/// Activities are read anew after this, and so are the groups where an environment has none.
const PAUSE: Millis = 30_000;
const GROUPS_PAUSE: Millis = 5 * 60_000;

/// What is known of groups and their activities.
#[derive(Debug, Default)]
pub struct Activities {
    groups: Vec<Group>,
    groups_at: Option<Millis>,
    /// When each environment's were read.
    read_at: BTreeMap<String, Millis>,
    /// Those that were told.
    told: BTreeSet<String>,
    /// They may not be read: it was said.
    is_closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    instances: BTreeSet<InstanceId>,
}

impl Group {
    /// Whether it is that of an environment: by its name, or by an instance that is in both.
    fn is_of(&self, environment: &str, instances: &BTreeSet<InstanceId>) -> bool {
        let own = self.name.strip_prefix("AWSBatch-").unwrap_or(&self.name);
        let is_named = own.strip_prefix(environment).is_some_and(|rest| rest.starts_with("-asg-"));
        is_named || self.instances.intersection(instances).next().is_some()
    }
}

impl Service {
    /// Reads the activities of an environment's group and notes those that are over. That they may not be read is noted once,
    /// among them.
    ///
    /// # Errors
    /// [`BackendError::Throttled`] alone.
    pub async fn read_activities(&self, caller: Caller, environment: &str) -> Result<(), BackendError> {
        let now = chrono::Utc::now().timestamp_millis();
        if self.autoscaling.is_none() || !self.memory().is_due(environment, now) {
            return Ok(());
        }
        let read = self.activities_of(caller, environment, now).await;
        let mut memory = self.memory();
        memory.activities.read_at.insert(environment.to_owned(), now);
        match read {
            Ok(activities) => {
                for (id, step) in activities {
                    if memory.activities.told.insert(id) {
                        memory.fleet.note_activity(step);
                    }
                }
            }
            Err(error @ BackendError::Throttled { .. }) => return Err(error),
            Err(error) => {
                memory.activities.is_closed = true;
                let reason = format!("what Auto Scaling did is not shown: {}", briefly(&error));
                let compute_environment = environment.to_owned();
                let change = ScalingChange::Status;
                memory.fleet.note_activity(Scaling {
                    at: now,
                    compute_environment,
                    change,
                    reason,
                    ..Scaling::default()
                });
            }
        }
        Ok(())
    }

    async fn activities_of(
        &self,
        caller: Caller,
        environment: &str,
        now: Millis,
    ) -> Result<Vec<(String, Scaling)>, BackendError> {
        let Some(group) = self.group_of(caller, environment, now).await? else { return Ok(Vec::new()) };
        let Some(client) = &self.autoscaling else { return Ok(Vec::new()) };
        let fields = [("AutoScalingGroupName", group.as_str()), ("MaxRecords", "20")];
        let answer = self.call(caller, ACTIVITIES, || client.send(ACTIVITIES, &fields)).await?;
        let document = read(ACTIVITIES, &answer)?;
        let parts = document.list("Activities").iter();
        Ok(parts.filter_map(|part| Some((part.field("ActivityId").to_owned(), step(environment, part)?))).collect())
    }

    /// The name of an environment's group, where it has one.
    async fn group_of(&self, caller: Caller, environment: &str, now: Millis) -> Result<Option<String>, BackendError> {
        let known = |service: &Self| {
            let memory = service.memory();
            let instances = memory.fleet.ids_in(environment);
            let found = memory.activities.groups.iter().find(|group| group.is_of(environment, &instances));
            let is_fresh = memory.activities.groups_at.is_some_and(|at| now - at < GROUPS_PAUSE);
            (found.map(|group| group.name.clone()), is_fresh)
        };
        let (found, is_fresh) = known(self);
        if found.is_some() || is_fresh {
            return Ok(found);
        }
        let groups = self.groups(caller).await?;
        {
            let mut memory = self.memory();
            (memory.activities.groups, memory.activities.groups_at) = (groups, Some(now));
        }
        Ok(known(self).0)
    }

    /// All that Batch has made.
    async fn groups(&self, caller: Caller) -> Result<Vec<Group>, BackendError> {
        let Some(client) = &self.autoscaling else { return Ok(Vec::new()) };
        let mut groups = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let mut fields = vec![
                ("MaxRecords", "100"),
                ("Filters.member.1.Name", "tag-key"),
                ("Filters.member.1.Values.member.1", "AWSBatchServiceTag"),
            ];
            if !token.is_empty() {
                fields.push(("NextToken", &token));
            }
            let answer = self.call(caller, GROUPS, || client.send(GROUPS, &fields)).await?;
            let document = read(GROUPS, &answer)?;
            groups.extend(document.list("AutoScalingGroups").iter().map(|part| Group {
                name: part.field("AutoScalingGroupName").to_owned(),
                instances:
                    part.list("Instances").iter().map(|one| InstanceId(one.field("InstanceId").into())).collect(),
            }));
            token = document.first("NextToken").map_or_else(String::new, |next| next.text.trim().to_owned());
            if token.is_empty() {
                break;
            }
        }
        Ok(groups)
    }
}

impl super::memory::Memory {
    /// Whether an environment's activities are to be read: it has a group, and they have not been read for a while.
    fn is_due(&self, environment: &str, now: Millis) -> bool {
        let read_at = self.activities.read_at.get(environment);
        let is_old = read_at.is_none_or(|at| now - at >= PAUSE);
        is_old && !self.activities.is_closed && self.fleet.has_group(environment)
    }
}

fn read(operation: &'static str, answer: &str) -> Result<Element, BackendError> {
    let cause = || "it is no XML".to_owned();
    Element::parse(answer).ok_or_else(|| BackendError::Malformed { operation, cause: cause() })
}

/// An activity that is over.
fn step(environment: &str, part: &Element) -> Option<Scaling> {
    let change = match part.field("StatusCode") {
        "Failed" => ScalingChange::Failed,
        "Successful" | "Cancelled" => ScalingChange::Activity,
        // It goes on: it is told when it is over.
        _ => return None,
    };
    let at = [part.field("EndTime"), part.field("StartTime")];
    let at = at.into_iter().find_map(|text| DateTime::parse_from_rfc3339(text).ok())?.timestamp_millis();
    let (what, why) = (part.field("Description"), part.field("Cause"));
    let message = part.field("StatusMessage");
    // Of what failed the message is the reason; it often stands in the description too.
    let words = match (change, message) {
        (ScalingChange::Failed, message) if !message.is_empty() => {
            let what = what.split("Status Reason:").next().unwrap_or(what);
            format!("{}: {message}", what.trim_end_matches(['.', ' ']))
        }
        _ if why.is_empty() => what.to_owned(),
        _ => format!("{what} · {why}"),
    };
    Some(Scaling {
        at,
        compute_environment: environment.to_owned(),
        instance_id: InstanceId(instance_in(what).unwrap_or_default().to_owned()),
        change,
        reason: words,
        ..Scaling::default()
    })
}

/// `i-0abc` of `Launching a new EC2 instance: i-0abc`.
fn instance_in(text: &str) -> Option<&str> {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.find(|word| word.strip_prefix("i-").is_some_and(|rest| rest.len() >= 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(status: &str, description: &str, message: &str) -> Element {
        let text = format!(
            "<member><ActivityId>a</ActivityId><StatusCode>{status}</StatusCode><Description>{description}</Description>\
             <StatusMessage>{message}</StatusMessage><Cause>At noon somebody wanted it.</Cause>\
             <StartTime>2026-11-29T02:00:00Z</StartTime><EndTime>2026-11-29T02:01:00Z</EndTime></member>"
        );
        Element::parse(&text).expect("is XML")
    }

    #[test]
    fn what_failed_says_why_and_what_was_done_says_for_what_cause() {
        let failed = step(
            "ce",
            &activity(
                "Failed",
                "Launching a new EC2 instance.  Status Reason: You have requested more vCPU capacity.",
                "You have requested more vCPU capacity. Launching EC2 instance failed.",
            ),
        )
        .expect("is over");
        assert_eq!(failed.change, ScalingChange::Failed);
        assert_eq!(
            failed.reason,
            "Launching a new EC2 instance: You have requested more vCPU capacity. Launching EC2 instance failed."
        );
        let done =
            step("ce", &activity("Successful", "Launching a new EC2 instance: i-0123456789abcdef0", "")).expect("so");
        assert_eq!((done.instance_id.0.as_str(), done.at), ("i-0123456789abcdef0", 1_795_917_660_000));
        assert_eq!(done.reason, "Launching a new EC2 instance: i-0123456789abcdef0 · At noon somebody wanted it.");
        assert_eq!(step("ce", &activity("WaitingForSpotInstanceId", "Placing a Spot request", "")), None);
    }

    #[test]
    fn a_group_is_found_by_its_name_or_by_an_instance_of_both() {
        let group = |name: &str, ids: &[&str]| Group {
            name: name.into(),
            instances: ids.iter().map(|id| InstanceId((*id).into())).collect(),
        };
        let none = BTreeSet::new();
        assert!(group("AWSBatch-spot-asg-1a2b", &[]).is_of("spot", &none));
        assert!(group("spot-asg-1a2b", &[]).is_of("spot", &none));
        assert!(!group("AWSBatch-spot-large-asg-1a2b", &[]).is_of("spot", &none));
        assert!(!group("AWSBatch-spot-asg-1a2b", &[]).is_of("spo", &none));
        let held = [InstanceId("i-1".into())].into();
        assert!(group("other", &["i-1", "i-2"]).is_of("spot", &held));
        assert!(!group("other", &["i-2"]).is_of("spot", &held));
    }
}
