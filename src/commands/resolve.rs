//! From what a person writes to what it names: beginnings of job ids, names of queues and definitions.

use super::error::{CommandError, Doing, Named};
use super::world::World;
use crate::backend::gather::named;
use crate::backend::{Backend, JobQuery};
use crate::config::nearest;
use crate::model::{ComputeEnvironment, Instance, InstanceId, JobId, JobQueue, Subject, name_of};

/// A job's id is a UUID of so many letters.
const UUID_LETTERS: usize = 36;
/// Beginnings of ids are looked for in at most so many pages of jobs.
const PAGES: usize = 100;

/// The job whose id is given, or begins so. A whole id is taken at its word and not looked up.
pub async fn job(backend: &dyn Backend, given: &str) -> Result<JobId, CommandError> {
    let given = name_of(given.trim());
    if given.is_empty() {
        return Err(CommandError::UnknownJob { given: given.to_owned() });
    }
    let (head, part) = split_index(given);
    if head.len() >= UUID_LETTERS {
        return Ok(JobId(given.to_owned()));
    }
    let mut query = JobQuery { limit: Some(1000), ..JobQuery::default() };
    let (mut ids, mut named) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        let page = backend.jobs(query.clone()).await.doing(format!("looking for the job `{given}`"))?;
        let of_name = page.items.iter().filter(|job| job.job_name == head);
        named.extend(of_name.map(|job| format!("{} ({})", job.job_id.short(), job.status)));
        ids.extend(page.items.into_iter().map(|job| job.job_id).filter(|id| id.as_str().starts_with(head)));
        query.page_token = page.next;
        if query.page_token.is_none() {
            break;
        }
    }
    if ids.is_empty() && !named.is_empty() {
        return Err(CommandError::NameOfJobs { given: head.to_owned(), jobs: named });
    }
    let id = unique(given, head, &ids)?;
    Ok(match part {
        Some(Part::Child(index)) => id.child(index),
        Some(Part::Node(index)) => id.node(index),
        None => id,
    })
}

/// What a text names: a queue, a compute environment, or a job by its id or the beginning of one, looked for in this order.
pub async fn subject(backend: &dyn Backend, given: &str) -> Result<Subject, CommandError> {
    if given.contains(":job-queue/") {
        return Ok(Subject::Queue(name_of(given).to_owned()));
    }
    if given.contains(":compute-environment/") {
        return Ok(Subject::Environment(name_of(given).to_owned()));
    }
    // A whole id needs no look at names.
    let is_id = JobId::from(name_of(given)).is_well_formed();
    if !is_id && let Some(subject) = named(backend, given).await.doing("looking for what is meant")? {
        return Ok(subject);
    }
    Ok(Subject::Job(job(backend, given).await?))
}

/// Each in the order given, each once.
pub async fn jobs(backend: &dyn Backend, given: &[String]) -> Result<Vec<JobId>, CommandError> {
    let mut ids: Vec<JobId> = Vec::with_capacity(given.len());
    for text in given {
        let id = job(backend, text).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A part of a job that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Child(u32),
    Node(u32),
}

/// `3f2a:7` is the beginning `3f2a` and the child 7, `3f2a#1` the node 1.
fn split_index(given: &str) -> (&str, Option<Part>) {
    let split = |mark, part: fn(u32) -> Part| {
        let (head, index) = given.rsplit_once(mark)?;
        Some((head, Some(part(index.parse().ok()?))))
    };
    split(':', Part::Child).or_else(|| split('#', Part::Node)).unwrap_or((given, None))
}

/// The one id that begins with `head`.
fn unique(given: &str, head: &str, ids: &[JobId]) -> Result<JobId, CommandError> {
    let mut matches: Vec<&JobId> = ids.iter().filter(|id| id.as_str().starts_with(head)).collect();
    matches.sort();
    matches.dedup();
    match matches.as_slice() {
        [] => Err(CommandError::UnknownJob { given: given.to_owned() }),
        [one] => Ok((*one).clone()),
        several => Err(CommandError::AmbiguousJob {
            given: head.to_owned(),
            matches: several.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// The queue to submit to: the one that is named, else `default`, else the only one.
pub async fn queue(world: &World, given: Option<&str>) -> Result<JobQueue, CommandError> {
    let queues = world.backend.job_queues().await.doing("listing queues")?;
    pick_queue(queues, given, world.setting.is_local())
}

fn pick_queue(mut queues: Vec<JobQueue>, given: Option<&str>, local: bool) -> Result<JobQueue, CommandError> {
    let names: Vec<String> = queues.iter().map(|queue| queue.job_queue_name.clone()).collect();
    let wanted = given.map_or("default", name_of);
    if let Some(at) = names.iter().position(|name| name == wanted) {
        return Ok(queues.swap_remove(at));
    }
    match (given, names.len()) {
        (_, 0) => Err(CommandError::NoQueue { local }),
        (None, 1) => Ok(queues.swap_remove(0)),
        (None, _) => Err(CommandError::WhichQueue(names)),
        (Some(given), _) => Err(unknown(Named::Queue, given, names)),
    }
}

/// The compute environment of this name or ARN.
pub async fn environment(world: &World, given: &str) -> Result<ComputeEnvironment, CommandError> {
    let environments = world.backend.environments_alone().await.doing("listing compute environments")?;
    let names: Vec<String> = environments.iter().map(|one| one.compute_environment_name.clone()).collect();
    let mut found = environments.into_iter().filter(|one| one.compute_environment_name == name_of(given));
    found.next().ok_or_else(|| unknown(Named::Environment, given, names))
}

/// The instance whose id is given, or begins so. A backend that knows no instances refuses what is asked of one by itself.
pub async fn instance(world: &World, given: &str) -> Result<Instance, CommandError> {
    let given = name_of(given.trim());
    if !world.backend.capabilities().instances {
        return Ok(Instance { instance_id: InstanceId(given.to_owned()), ..Instance::default() });
    }
    let environments = world.backend.compute_environments().await.doing("listing instances")?;
    let all = environments.into_iter().filter_map(|found| found.capacity).flat_map(|capacity| capacity.instances);
    pick_instance(all.collect(), given)
}

fn pick_instance(all: Vec<Instance>, given: &str) -> Result<Instance, CommandError> {
    let known: Vec<String> = all.iter().map(|one| one.instance_id.0.clone()).collect();
    let mut found: Vec<Instance> =
        all.into_iter().filter(|one| !given.is_empty() && one.instance_id.0.starts_with(given)).collect();
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => Ok(one),
        (Some(last), rest) => Err(CommandError::AmbiguousInstance {
            given: given.to_owned(),
            matches: rest.iter().chain([&last]).map(|one| one.instance_id.0.clone()).collect(),
        }),
        (None, _) => Err(unknown(Named::Instance, given, known)),
    }
}

/// Checks that a definition is there, and active. Its text is what `SubmitJob` takes.
pub async fn definition(world: &World, given: &str) -> Result<String, CommandError> {
    let definitions = world.backend.job_definitions(true).await.doing("listing job definitions")?;
    let wanted = name_of(given);
    let found = definitions.iter().any(|one| one.job_definition_name == wanted || one.label() == wanted);
    if found {
        return Ok(given.to_owned());
    }
    let mut names: Vec<String> = definitions.into_iter().map(|one| one.job_definition_name).collect();
    names.sort();
    names.dedup();
    Err(unknown(Named::Definition, wanted, names))
}

/// The error for a name that is none of the known ones; it names the nearest.
pub fn unknown(kind: Named, given: &str, known: Vec<String>) -> CommandError {
    let meant = nearest(given, known.iter().map(String::as_str)).map(str::to_owned);
    CommandError::UnknownName { kind, given: given.to_owned(), meant, known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<JobId> {
        ["3f2a77aa-1", "3f2b0000-2", "9c000000-3"].map(JobId::from).to_vec()
    }

    #[test]
    fn the_beginning_of_an_id_names_a_job_if_it_names_only_one() {
        let resolve = |given: &str| unique(given, given, &ids()).map_err(|error| error.to_string());
        assert_eq!(resolve("3f2a"), Ok(JobId::from("3f2a77aa-1")));
        assert_eq!(resolve("9"), Ok(JobId::from("9c000000-3")));
        assert_eq!(resolve("3f2"), Err("2 jobs have an id that begins with `3f2`: 3f2a77aa-1, 3f2b0000-2".to_owned()));
        assert_eq!(resolve("77"), Err("no job has the id `77`, and none has one that begins so".to_owned()));
    }

    #[test]
    fn the_beginning_of_an_id_names_an_instance_if_it_names_only_one() {
        let pick = |given: &str| {
            let of = |id: &str| Instance { instance_id: InstanceId(id.to_owned()), ..Instance::default() };
            let all = ["i-0a1", "i-0a2", "i-0b"].map(of).to_vec();
            pick_instance(all, given).map(|found| found.instance_id.0).map_err(|error| error.to_string())
        };
        assert_eq!(pick("i-0b"), Ok("i-0b".to_owned()));
        assert_eq!(pick("i-0a"), Err("2 instances have an id that begins with `i-0a`: i-0a1, i-0a2".to_owned()));
        assert_eq!(pick("i-1"), Err("there is no instance `i-1`".to_owned()));
        assert_eq!(pick(""), Err("there is no instance ``".to_owned()));
    }

    #[test]
    fn a_job_seen_on_two_pages_is_still_one() {
        let twice = [ids(), ids()].concat();
        assert_eq!(unique("3f2a", "3f2a", &twice).expect("one"), JobId::from("3f2a77aa-1"));
    }

    #[test]
    fn the_index_of_a_child_is_told_from_the_beginning_of_its_array() {
        assert_eq!(split_index("3f2a:7"), ("3f2a", Some(Part::Child(7))));
        assert_eq!(split_index("3f2a#7"), ("3f2a", Some(Part::Node(7))));
        assert_eq!(split_index("3f2a"), ("3f2a", None));
        assert_eq!(split_index("3f2a:x"), ("3f2a:x", None));
    }

    #[test]
    fn the_queue_is_the_named_one_or_default_or_the_only_one() {
        let queues = |names: &[&str]| {
            let queue = |name: &&str| JobQueue { job_queue_name: (*name).to_owned(), ..JobQueue::default() };
            names.iter().map(queue).collect::<Vec<_>>()
        };
        let pick = |names: &[&str], given| {
            pick_queue(queues(names), given, true).map(|queue| queue.job_queue_name).map_err(|error| error.to_string())
        };
        assert_eq!(pick(&["high", "default"], None), Ok("default".to_owned()));
        assert_eq!(pick(&["high"], None), Ok("high".to_owned()));
        assert_eq!(pick(&["high", "default"], Some("high")), Ok("high".to_owned()));
        assert_eq!(pick(&["high"], Some("arn:aws:batch:us-east-1:1:job-queue/high")), Ok("high".to_owned()));
        assert_eq!(
            pick(&["high", "low"], None),
            Err("there are several queues and none is called `default`: high, low".to_owned())
        );
        assert_eq!(pick(&[], None), Err("there is no queue yet".to_owned()));
        assert_eq!(pick(&["high"], Some("hihg")), Err("there is no queue `hihg`".to_owned()));
    }
}
