//! The tree of what a job depends on and of what depends on it, and the one that holds all of it up.

use super::failures::Ending;
use crate::model::{DependencyKind, JobDetail, JobId, JobStatus, JobSummary, Lineage, Millis};
use serde::Serialize;
use std::collections::BTreeSet;

/// Both trees, as rows in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    pub job: JobId,
    /// When it was read.
    pub at: Millis,
    /// What the job depends on, nearest first.
    pub before: Vec<Branch>,
    /// The job itself.
    pub own: Branch,
    /// What depends on it, nearest first.
    pub behind: Vec<Branch>,
    /// The job that the others wait for in the end; `None` where nothing holds it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_blocker: Option<RootBlocker>,
    pub left_out: Vec<String>,
}

/// One job of a tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    pub id: JobId,
    /// Empty where the job is not known.
    pub name: String,
    /// `None`: the service does not know it, or it was not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// Since when it is in that state, as far as that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// How it failed, or what its state's reason is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How the one depends on the other, where not simply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<DependencyKind>,
    /// Steps from the job: 1 for its own dependencies and dependents.
    pub depth: usize,
    /// Whether it is the last one under the one above; of each step from the root.
    #[serde(skip)]
    pub lasts: Vec<bool>,
    /// It stands further up already, with all that is under it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_repeated: bool,
}

/// The job that holds up a tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RootBlocker {
    pub id: JobId,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// Other jobs that wait for none of these and hold it up too.
    pub others: usize,
}

/// Makes the trees of what was read.
pub fn tree(read: &Lineage) -> Tree {
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    let own = branch(read, &read.job, None, Vec::new());
    let mut seen = BTreeSet::from([read.job.clone()]);
    grow(read, &read.job, &[], &mut seen, &mut before, &dependencies);
    let mut seen = BTreeSet::from([read.job.clone()]);
    grow(read, &read.job, &[], &mut seen, &mut behind, &dependents);
    Tree {
        job: read.job.clone(),
        at: read.at,
        root_blocker: root_blocker(read, &read.job),
        before,
        own,
        behind,
        left_out: read.left_out.clone(),
    }
}

type Link = (JobId, Option<DependencyKind>);

/// What a job depends on. A child waits with its array.
fn dependencies(read: &Lineage, id: &JobId) -> Vec<Link> {
    let own = read.find(id).map(|job| job.depends_on.as_slice()).unwrap_or_default();
    let array = id.array_parent().and_then(|(array, _)| read.find(&array));
    let all = if own.is_empty() { array.map(|job| job.depends_on.as_slice()).unwrap_or_default() } else { own };
    let mut links: Vec<Link> = Vec::new();
    for dependency in all {
        let Some(on) = dependency.job_id.clone().filter(|on| on != id) else { continue };
        if links.iter().all(|(known, _)| *known != on) {
            links.push((on, dependency.kind));
        }
    }
    links
}

/// What depends on a job, or on the array that it is a child of.
fn dependents(read: &Lineage, id: &JobId) -> Vec<Link> {
    let array = id.array_parent().map(|(array, _)| array);
    let is_this = |on: &JobId| on == id || array.as_ref() == Some(on);
    let mut links: Vec<Link> = Vec::new();
    for job in &read.jobs {
        let mut on = job.depends_on.iter().filter(|one| one.job_id.as_ref().is_some_and(is_this));
        if let Some(found) = on.next().filter(|_| !is_this(&job.job_id)) {
            links.push((job.job_id.clone(), found.kind));
        }
    }
    links.sort_by(|(a, _), (b, _)| {
        let name = |id: &JobId| read.find(id).map(|job| job.job_name.clone());
        (name(a), a).cmp(&(name(b), b))
    });
    links
}

fn grow(
    read: &Lineage,
    id: &JobId,
    lasts: &[bool],
    seen: &mut BTreeSet<JobId>,
    rows: &mut Vec<Branch>,
    next: &dyn Fn(&Lineage, &JobId) -> Vec<Link>,
) {
    let links = next(read, id);
    let count = links.len();
    for (at, (id, kind)) in links.into_iter().enumerate() {
        let lasts: Vec<bool> = lasts.iter().copied().chain([at + 1 == count]).collect();
        let is_new = seen.insert(id.clone());
        let has_more = !next(read, &id).is_empty();
        rows.push(Branch { is_repeated: !is_new && has_more, ..branch(read, &id, kind, lasts.clone()) });
        if is_new {
            grow(read, &id, &lasts, seen, rows, next);
        }
    }
}

fn branch(read: &Lineage, id: &JobId, kind: Option<DependencyKind>, lasts: Vec<bool>) -> Branch {
    let found = read.find(id);
    let status = found.map(|job| job.status);
    Branch {
        id: id.clone(),
        name: found.map(|job| job.job_name.clone()).unwrap_or_default(),
        status,
        since: found.and_then(since),
        reason: found.map(reason).unwrap_or_default(),
        kind,
        depth: lasts.len(),
        lasts,
        is_repeated: false,
    }
}

/// Since when a job is in its state, where the service tells.
fn since(job: &JobDetail) -> Option<Millis> {
    let told = job.extra.as_ref().map(|extra| extra.state_since).filter(|at| *at > 0);
    let derived = match job.status {
        status if status.is_final() => job.stopped_at,
        JobStatus::Running => job.started_at,
        _ => Some(job.created_at),
    };
    told.or(derived).filter(|at| *at > 0)
}

fn reason(job: &JobDetail) -> String {
    match job.status {
        JobStatus::Succeeded => String::new(),
        JobStatus::Failed => {
            let container = job.container.as_ref();
            Ending::of(&JobSummary {
                status_reason: job.status_reason.clone(),
                container: container.map(|container| crate::model::ContainerSummary {
                    exit_code: container.exit_code,
                    reason: container.reason.clone(),
                }),
                ..JobSummary::default()
            })
            .to_string()
        }
        _ => job.status_reason.clone().unwrap_or_default(),
    }
}

/// From a job along what it waits for, to the one that waits for none of them: one that failed before one that is not known
/// any more, before one that waits, before one that runs; of those that are alike the one that is so the longest.
pub fn root_blocker(read: &Lineage, id: &JobId) -> Option<RootBlocker> {
    let mut roots: Vec<(u8, Millis, JobId)> = Vec::new();
    let mut seen = BTreeSet::from([id.clone()]);
    let mut open = vec![id.clone()];
    while let Some(at) = open.pop() {
        let is_met = |on: &JobId| read.find(on).is_some_and(|job| job.status == JobStatus::Succeeded);
        // What has failed waits for nothing.
        let is_over = read.find(&at).is_none_or(|job| job.status.is_final()) && at != *id;
        let unmet: Vec<JobId> = if is_over {
            Vec::new()
        } else {
            dependencies(read, &at).into_iter().map(|(on, _)| on).filter(|on| !is_met(on)).collect()
        };
        if unmet.is_empty() && at != *id {
            let found = read.find(&at);
            let rank = match found.map(|job| job.status) {
                Some(JobStatus::Failed) => 0,
                None => 1,
                Some(status) if status.is_waiting() => 2,
                Some(_) => 3,
            };
            roots.push((rank, found.and_then(since).unwrap_or(Millis::MAX), at));
            continue;
        }
        open.extend(unmet.into_iter().filter(|on| seen.insert(on.clone())));
    }
    let others = roots.len().saturating_sub(1);
    let (_, _, id) = roots.into_iter().min()?;
    let found = read.find(&id);
    let name = found.map_or_else(|| id.short(), |job| job.job_name.clone());
    Some(RootBlocker { name, status: found.map(|job| job.status), others, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobDependency;

    fn job(id: &str, status: JobStatus, since: Millis, on: &str) -> JobDetail {
        let on = on.split_whitespace().map(|id| JobDependency { job_id: Some(id.into()), kind: None });
        JobDetail {
            job_id: id.into(),
            job_name: id.to_owned(),
            status,
            created_at: since,
            started_at: Some(since),
            stopped_at: Some(since),
            depends_on: on.collect(),
            ..Default::default()
        }
    }

    fn of(id: &str, jobs: Vec<JobDetail>) -> Tree {
        tree(&Lineage { job: id.into(), at: 100, jobs, left_out: Vec::new() })
    }

    fn rows(branches: &[Branch]) -> Vec<String> {
        branches
            .iter()
            .map(|row| format!("{}{}{}", "-".repeat(row.depth), row.id, if row.is_repeated { "^" } else { "" }))
            .collect()
    }

    fn root(tree: &Tree) -> Option<(&str, usize)> {
        tree.root_blocker.as_ref().map(|root| (root.id.as_str(), root.others))
    }

    use JobStatus::{Failed, Pending, Runnable, Running, Succeeded};

    #[test]
    fn both_trees_grow_from_the_job_and_one_that_stands_already_is_not_grown_again() {
        let tree = of(
            "d",
            vec![
                job("d", Pending, 9, "b c"),
                job("b", Pending, 8, "a"),
                job("c", Pending, 8, "a"),
                job("a", Runnable, 7, "z"),
                job("z", Succeeded, 1, ""),
                job("e", Pending, 9, "d"),
                job("f", Pending, 9, "e d"),
            ],
        );
        assert_eq!(rows(&tree.before), ["-b", "--a", "---z", "-c", "--a^"]);
        assert_eq!(rows(&tree.behind), ["-e", "--f", "-f"]);
        assert_eq!(root(&tree), Some(("a", 0)));
    }

    #[test]
    fn the_root_blocker_is_what_can_never_end_before_what_waits_and_what_runs() {
        let on = |on: &str| {
            vec![
                job("x", Pending, 9, on),
                job("run", Running, 2, ""),
                job("late", Running, 5, ""),
                job("wait", Runnable, 4, ""),
                job("dead", Failed, 8, "run"),
                job("done", Succeeded, 1, ""),
            ]
        };
        let cases = [
            ("done", None),
            ("run late", Some(("run", 1))),
            ("run wait", Some(("wait", 1))),
            ("run wait dead", Some(("dead", 2))),
            ("run gone", Some(("gone", 1))),
            ("", None),
        ];
        for (depends, expected) in cases {
            assert_eq!(root(&of("x", on(depends))), expected, "{depends}");
        }
    }

    #[test]
    fn a_child_waits_for_what_its_array_waits_for() {
        let mut child = job("p:3", Pending, 1, "");
        child.job_id = JobId::from("p:3");
        let tree =
            of("p:3", vec![child, job("p", Pending, 1, "a"), job("a", Running, 1, ""), job("q", Pending, 1, "p")]);
        assert_eq!((rows(&tree.before), rows(&tree.behind)), (vec!["-a".to_owned()], vec!["-q".to_owned()]));
        assert_eq!(root(&tree), Some(("a", 0)));
    }

    #[test]
    fn a_circle_has_an_end() {
        let tree = of("a", vec![job("a", Pending, 1, "b"), job("b", Pending, 1, "a")]);
        assert_eq!(rows(&tree.before), ["-b", "--a^"]);
        assert_eq!(root(&tree), None);
    }
}
