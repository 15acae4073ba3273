//! Tags of everything that can carry them ("Tag your AWS Batch resources" in the user guide).

use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::Refusal;
use crate::engine::event::Event;
use crate::model::{JobId, Millis};
use std::collections::BTreeMap;

/// What stands before the name in the ARNs of things that carry tags.
const KINDS: [&str; 9] = [
    "job-queue",
    "compute-environment",
    "job-definition",
    "job",
    "scheduling-policy",
    "consumable-resource",
    "service-environment",
    "service-job",
    "quota-share",
];
const MOST_KEYS: usize = 50;

type Tags = BTreeMap<String, String>;

impl Engine {
    pub(super) fn tag(&self, arn: &str, tags: &Tags, now: Millis) -> Result<Ruling, Refusal> {
        let (resource, known) = self.tagged(arn)?;
        if tags.is_empty() {
            return refuse("tags is missing; it takes at least one key with its value");
        }
        validate::tags(tags)?;
        if resource.starts_with("compute-environment/") {
            validate::environment_tags(tags)?;
        }
        let together = known.keys().chain(tags.keys()).collect::<std::collections::BTreeSet<_>>().len();
        if together > MOST_KEYS {
            return refuse(format!("{resource} would have {together} tags; a resource takes at most {MOST_KEYS}"));
        }
        let outcome = tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
        let event = Event::Tagged { at: now, resource: resource.clone(), tags: tags.clone() };
        Ok(Ruling::done("TagResource", &resource, outcome, vec![event]))
    }

    pub(super) fn untag(&self, arn: &str, keys: &[String], now: Millis) -> Result<Ruling, Refusal> {
        let (resource, _) = self.tagged(arn)?;
        if !(1..=MOST_KEYS).contains(&keys.len()) {
            return refuse(format!("tagKeys has {} keys; it takes 1 to {MOST_KEYS}", keys.len()));
        }
        if let Some(key) = keys.iter().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
            return refuse(format!("tagKeys holds `{key}`; keys that start with `aws:` are reserved"));
        }
        let event = Event::Untagged { at: now, resource: resource.clone(), keys: keys.to_vec() };
        Ok(Ruling::done("UntagResource", &resource, format!("without {}", keys.join(", ")), vec![event]))
    }

    /// What an ARN names, as `KIND/NAME`, and its tags.
    pub(in crate::engine) fn tagged(&self, arn: &str) -> Result<(String, &Tags), Refusal> {
        let place = &self.core.settings.place;
        if !arn.starts_with("arn:") {
            return refuse(format!("resourceArn is `{arn}`; it takes an ARN"));
        }
        let found = KINDS.iter().find_map(|kind| Some((*kind, place.local_name(kind, arn)?)));
        let Some((kind, name)) = found else { return refuse(format!("Resource {arn} not found.")) };
        if kind == "job" && (name.contains(':') || name.contains('#')) {
            return refuse(format!("Resource {arn} is a child; children of a job carry no tags, ask for the parent"));
        }
        let resource = format!("{kind}/{name}");
        match self.tags_of(kind, name) {
            Some(tags) => Ok((resource, tags)),
            None => refuse(format!("Resource {arn} not found.")),
        }
    }

    fn tags_of(&self, kind: &str, name: &str) -> Option<&Tags> {
        let core = &self.core;
        match kind {
            "job-queue" => core.queues.get(name).map(|queue| &queue.tags),
            "compute-environment" => core.environments.get(name).map(|found| &found.request.tags),
            "job-definition" => {
                let (name, revision) = name.rsplit_once(':')?;
                core.definition(name, revision.parse().ok()?).map(|found| &found.tags)
            }
            "job" => self.find(&JobId::from(name)).map(|(_, root, _)| &root.spec.tags),
            "scheduling-policy" => core.policies.get(name).map(|policy| &policy.tags),
            "consumable-resource" => core.consumables.get(name).map(|consumable| &consumable.tags),
            "service-environment" => core.services.environments.get(name).map(|found| &found.tags),
            "service-job" => core.services.job(&JobId::from(name)).map(|job| &job.request.tags),
            "quota-share" => core.services.quota_shares.get(name).map(|share| &share.tags),
            _ => None,
        }
    }

    /// The tags of what an event names; `None` where it is gone.
    pub(in crate::engine) fn tags_mut(&mut self, resource: &str) -> Option<&mut Tags> {
        let (kind, name) = resource.split_once('/')?;
        let number = if kind == "job" { self.find(&JobId::from(name)).map(|(key, ..)| key.number) } else { None };
        let core = &mut self.core;
        match kind {
            "job-queue" => core.queues.get_mut(name).map(|queue| &mut queue.tags),
            "compute-environment" => core.environments.get_mut(name).map(|found| &mut found.request.tags),
            "job-definition" => {
                let (name, revision) = name.rsplit_once(':')?;
                let revisions = core.definitions.get_mut(name)?;
                revisions.get_mut(&revision.parse().ok()?).map(|found| &mut found.tags)
            }
            "job" => core.jobs.get_mut(&number?).map(|root| &mut root.spec.tags),
            "scheduling-policy" => core.policies.get_mut(name).map(|policy| &mut policy.tags),
            "consumable-resource" => core.consumables.get_mut(name).map(|consumable| &mut consumable.tags),
            "service-environment" => core.services.environments.get_mut(name).map(|found| &mut found.tags),
            "service-job" => core.services.job_mut(&JobId::from(name)).map(|job| &mut job.request.tags),
            "quota-share" => core.services.quota_shares.get_mut(name).map(|share| &mut share.tags),
            _ => None,
        }
    }
}
