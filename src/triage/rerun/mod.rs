//! Running many jobs again: one request for each job, and one for all children of an array that are wanted.

mod again;
mod indexes;
mod words;

pub use again::again;
pub use words::{option, submit_words, write_dependency};

use crate::model::{JobDefinition, JobDetail, JobId, ResourceRequirement, SubmitJobRequest, name_of};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Single jobs that one plan takes at most; each is a call.
pub const MOST: usize = 1_000;

/// What is submitted to run jobs again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub submits: Vec<Submit>,
    /// What cannot be run again so, and why.
    pub left_out: Vec<LeftOut>,
}

/// One request, and what it runs again.
#[derive(Debug, Clone, PartialEq)]
pub struct Submit {
    pub request: SubmitJobRequest,
    /// How many jobs, or children of an array.
    pub count: usize,
    /// Of children, the array that they were in.
    pub array: Option<JobId>,
}

/// Jobs that a plan leaves out for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    pub count: usize,
    pub why: &'static str,
}

/// What is asked for in place of what the jobs had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub queue: Option<String>,
    pub memory_mib: Option<u64>,
    pub vcpus: Option<String>,
    pub attempts: Option<u32>,
}

const NO_DETAILS: &str = "the service does not know it any more";
const SEVERAL: &str = "it is of several containers or nodes: submit the whole again";
const OF_SERVICES: &str = "it is a service job: `batchdeck submit --payload FILE` submits one";
const NO_COMMAND: &str = "neither it nor its definition has a command, and what the image starts by itself cannot be told \
                          its number: submit the whole array again";
const TOO_MANY: &str = "more than 1,000 jobs at once";

/// The jobs to describe for a plan: each of them, and of children one and the array.
pub fn to_describe(jobs: &[JobId]) -> Vec<JobId> {
    let mut wanted: Vec<JobId> = Vec::new();
    let mut arrays: BTreeSet<JobId> = BTreeSet::new();
    let mut single = 0;
    for id in jobs {
        match id.array_parent() {
            Some((array, _)) if arrays.insert(array.clone()) => wanted.extend([array, id.clone()]),
            None if single < MOST => {
                wanted.push(id.clone());
                single += 1;
            }
            Some(_) | None => {}
        }
    }
    wanted
}

/// Plans how `jobs` are run again, by what is known of those of [`to_describe`]. `definition` finds a definition by its
/// label.
pub fn plan<'d>(jobs: &[JobId], details: &[JobDetail], definition: impl Fn(&str) -> Option<&'d JobDefinition>) -> Plan {
    let find = |id: &JobId| details.iter().find(|detail| detail.job_id == *id);
    let base = |detail: &JobDetail| again(detail, definition(name_of(&detail.job_definition)));
    let mut plan = Plan::default();
    let mut single = 0;
    let mut arrays: BTreeMap<JobId, Vec<(u32, &JobId)>> = BTreeMap::new();
    for id in jobs {
        if let Some((array, index)) = id.array_parent() {
            arrays.entry(array).or_default().push((index, id));
            continue;
        }
        single += 1;
        match find(id) {
            _ if single > MOST => plan.leave(1, TOO_MANY),
            _ if id.node_parent().is_some() => plan.leave(1, SEVERAL),
            None => plan.leave(1, NO_DETAILS),
            Some(detail) if detail.service.is_some() => plan.leave(1, OF_SERVICES),
            Some(detail) => plan.submits.push(Submit { request: base(detail), count: 1, array: None }),
        }
    }
    for (array, mut children) in arrays {
        children.sort_unstable();
        let Some(detail) = children.iter().find_map(|(_, id)| find(id)) else {
            plan.leave(children.len(), NO_DETAILS);
            continue;
        };
        let request = SubmitJobRequest { array_properties: None, depends_on: Vec::new(), ..base(detail) };
        let container = detail.container.as_ref();
        let own = request.container_overrides.as_ref().map(|overrides| overrides.command.clone());
        let command = own.filter(|command| !command.is_empty());
        let command = command.or_else(|| container.map(|container| container.command.clone())).unwrap_or_default();
        if detail.ecs_properties.is_some() {
            plan.leave(children.len(), SEVERAL);
        } else if command.is_empty() {
            plan.leave(children.len(), NO_COMMAND);
        } else {
            let indexes: Vec<u32> = children.iter().map(|(index, _)| *index).collect();
            let told = find(&array).and_then(|array| array.array_properties.as_ref()?.size);
            let size = told.unwrap_or_else(|| indexes.last().map_or(0, |last| last + 1));
            for request in indexes::requests(&request, &command, &indexes, size) {
                let count = request.array_properties.as_ref().and_then(|array| array.size).unwrap_or(1);
                plan.submits.push(Submit { request, count: count as usize, array: Some(array.clone()) });
            }
        }
    }
    plan
}

impl Plan {
    fn leave(&mut self, count: usize, why: &'static str) {
        match self.left_out.iter_mut().find(|left| left.why == why) {
            Some(left) => left.count += count,
            None => self.left_out.push(LeftOut { count, why }),
        }
    }

    /// How many jobs and children it runs again.
    pub fn count(&self) -> usize {
        self.submits.iter().map(|submit| submit.count).sum()
    }

    /// The requests with what is changed in all of them.
    pub fn requests(&self, changes: &Changes) -> Vec<SubmitJobRequest> {
        self.submits.iter().map(|submit| changed(submit.request.clone(), changes)).collect()
    }
}

fn changed(mut request: SubmitJobRequest, changes: &Changes) -> SubmitJobRequest {
    if let Some(queue) = &changes.queue {
        request.job_queue.clone_from(queue);
    }
    if let Some(mib) = changes.memory_mib {
        require(&mut request, "MEMORY", mib.to_string());
    }
    if let Some(vcpus) = &changes.vcpus {
        require(&mut request, "VCPU", vcpus.clone());
    }
    if let Some(attempts) = changes.attempts {
        request.retry_strategy.get_or_insert_default().attempts = Some(attempts);
    }
    request
}

/// Puts a resource requirement in the place of the one that a request has.
pub fn require(request: &mut SubmitJobRequest, kind: &str, value: String) {
    let overrides = request.container_overrides.get_or_insert_default();
    overrides.resource_requirements.retain(|one| one.kind != kind);
    overrides.resource_requirements.push(ResourceRequirement { kind: kind.to_owned(), value });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArrayProperties, ContainerDetail, EcsPropertiesDetail};

    fn detail(id: &str, command: &str) -> JobDetail {
        JobDetail {
            job_id: id.into(),
            job_name: "n".into(),
            job_queue: "arn:aws:batch:r:1:job-queue/high".into(),
            job_definition: "arn:aws:batch:r:1:job-definition/d:1".into(),
            container: Some(ContainerDetail {
                command: command.split_whitespace().map(str::to_owned).collect(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn ids(words: &str) -> Vec<JobId> {
        words.split_whitespace().map(JobId::from).collect()
    }

    #[test]
    fn jobs_are_submitted_one_by_one_and_the_children_of_an_array_together() {
        let array = JobDetail {
            array_properties: Some(ArrayProperties { size: Some(10), ..Default::default() }),
            ..detail("p", "")
        };
        let jobs = ids("a p:3 b p:7");
        assert_eq!(to_describe(&jobs), ids("a p p:3 b"));
        let plan = plan(&jobs, &[detail("a", "x"), detail("b", "y"), array, detail("p:3", "run it")], |_| None);
        assert_eq!(plan.submits.iter().map(|submit| submit.count).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!((plan.count(), plan.submits[2].array.as_ref()), (4, Some(&JobId::from("p"))));
        let overrides = plan.submits[2].request.container_overrides.as_ref().expect("overrides");
        assert_eq!(overrides.command[4..], ["run", "it"]);
        assert!(overrides.environment.iter().any(|pair| pair.value == "10"), "they know the size of the old array");
        assert_eq!(plan.left_out, []);
    }

    #[test]
    fn what_cannot_be_run_again_is_left_out_with_its_reason() {
        let several = JobDetail { ecs_properties: Some(EcsPropertiesDetail::default()), ..detail("q:0", "x") };
        let plan = plan(&ids("gone p:1 p:2 q:0 m#1"), &[detail("p:1", ""), several], |_| None);
        assert!(plan.submits.is_empty());
        let left: Vec<_> = plan.left_out.iter().map(|left| (left.count, left.why)).collect();
        assert_eq!(left, [(1, NO_DETAILS), (2, SEVERAL), (2, NO_COMMAND)]);
    }

    #[test]
    fn changes_are_made_to_every_request() {
        let plan = plan(&ids("a b"), &[detail("a", "x"), detail("b", "y")], |_| None);
        let changes =
            Changes { queue: Some("low".into()), memory_mib: Some(2048), vcpus: Some("2".into()), attempts: Some(3) };
        for request in plan.requests(&changes) {
            assert_eq!((request.job_queue.as_str(), request.retry_strategy.expect("some").attempts), ("low", Some(3)));
            let asked = request.container_overrides.expect("overrides").resource_requirements;
            let asked: Vec<_> = asked.iter().map(|one| (one.kind.as_str(), one.value.as_str())).collect();
            assert_eq!(asked, [("MEMORY", "2048"), ("VCPU", "2")]);
        }
        assert_eq!(plan.requests(&Changes::default())[0].job_queue, "high");
    }
}
