//! Why a job waits or failed, why a queue or an environment is ill: rules over what was gathered, ranked causes with their
//! evidence, what was ruled out and what could not be told, and what can be done from there.
//!
//! One rule is one function in one of the modules by the state it is about; `rules` is the table of all. Their ids are those
//! of the catalogue that they come from (`R` waits in RUNNABLE, `P` before that, `N` is no fault, `F` failed, `X` runs, `L`
//! logs, `C` compute environments, `Q` queues, `H` held by an operator here).

mod before;
mod case;
mod cause;
mod environments;
mod exits;
mod failed;
mod hosts;
mod moving;
mod needs;
mod placing;
mod queues;
mod rule;
mod running;
mod started;
mod told;
mod waiting;

pub use cause::{Cause, Certainty, Deed, Fact, NextStep};
pub use moving::{Ahead, Drain, Estimate, Movement};
pub use needs::{Fit, Needs, Offer, offers};

use crate::model::{Evidence, JobDetail, JobId, JobStatus, Millis, Piece, Subject, is_service_job, name_of};
use case::Case;
use rule::{Rule, Unread};
use serde::Serialize;

/// What is told of a subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    pub subject: Subject,
    /// `Why is render-88 waiting?`
    pub question: String,
    /// The job that it is about: of a queue, the one at its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// When what it rests on was read.
    pub read_at: Millis,
    /// The most certain first; empty where all is well as far as can be told.
    pub causes: Vec<Cause>,
    /// What was looked at and is not it.
    pub ruled_out: Vec<&'static str>,
    /// What could not be read, and why.
    pub not_read: Vec<NotRead>,
    /// Of a job that waits to be placed, and of a queue that has such a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
}

/// A piece of evidence that is missing, and what it would have told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRead {
    pub what: &'static str,
    pub why: String,
}

/// All rules, in the order in which they are looked at. Of two that are as certain the earlier one ranks first.
fn rules() -> impl Iterator<Item = &'static Rule> {
    let all: [&'static [Rule]; 11] = [
        failed::RULES,
        started::RULES,
        exits::RULES,
        queues::RULES,
        told::RULES,
        placing::RULES,
        before::RULES,
        running::RULES,
        environments::RULES,
        waiting::RULES,
        exits::LOGS,
    ];
    all.into_iter().flatten()
}

/// Weighs what was gathered.
pub fn diagnose(evidence: &Evidence) -> Diagnosis {
    let case = Case::new(evidence);
    let mut found: Vec<Cause> = Vec::new();
    let mut ruled_out: Vec<&'static str> = Vec::new();
    let mut unread: Vec<Unread> = Vec::new();
    // What runs a service job is not in what is gathered: only what AWS says of it tells.
    let of_services = case.job.is_some_and(|job| is_service_job(&job.job_arn));
    let fits =
        |rule: &&Rule| rule.about.covers(&case) && (!of_services || told::RULES.iter().any(|it| it.id == rule.id));
    for rule in rules().filter(fits) {
        match (rule.find)(&case) {
            Ok(Some(finding)) => found.push(finding.into_cause(rule)),
            Ok(None) => ruled_out.push(rule.rules_out),
            Err(missing) => unread.push(missing),
        }
    }
    // What another rule of the same name found is not ruled out; nor is what a missing piece would tell.
    let claimed: Vec<&str> = found.iter().filter_map(|cause| by_id(cause.rule)).map(|rule| rule.rules_out).collect();
    let mut seen = std::collections::BTreeSet::new();
    ruled_out.retain(|what| !what.is_empty() && !claimed.contains(what) && seen.insert(*what));
    found.sort_by_key(|cause| std::cmp::Reverse(cause.certainty));
    let mut not_read: Vec<NotRead> =
        unread.into_iter().filter_map(|missing| Some(NotRead { what: missing.what, why: missing.why? })).collect();
    not_read.extend(case.job.and_then(JobDetail::from_history).map(|at| NotRead {
        what: "the job as it is now",
        why: format!("AWS no longer has it: this is what was seen of it {} ago", case::long(evidence.at - at)),
    }));
    not_read.sort();
    not_read.dedup();
    let movement = moving::movement(&case, &found);
    Diagnosis {
        subject: evidence.subject.clone(),
        question: question(&case),
        job: case.job.map(|job| job.job_id.clone()),
        status: case.job.map(|job| job.status),
        read_at: evidence.at,
        causes: found,
        ruled_out,
        not_read,
        movement,
    }
}

fn by_id(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

fn question(case: &Case<'_>) -> String {
    let name = |job: &JobDetail| match job.job_id.part() {
        Some((_, index)) => format!("{}:{index}", job.job_name),
        None => job.job_name.clone(),
    };
    match (&case.evidence.subject, case.job) {
        (Subject::Job(_), Some(job)) => match job.status {
            JobStatus::Failed => format!("Why did {} fail?", name(job)),
            JobStatus::Succeeded => format!("What is there to say of {}, which succeeded?", name(job)),
            JobStatus::Running => format!("Is anything wrong with {}?", name(job)),
            JobStatus::Starting => format!("Why is {} still starting?", name(job)),
            _ => format!("Why is {} waiting?", name(job)),
        },
        (Subject::Job(id), None) => format!("Why is {} as it is?", id.short()),
        (Subject::Queue(queue), _) => format!("Does the queue {queue} move?"),
        (Subject::Environment(environment), _) => format!("Is the compute environment {environment} well?"),
    }
}

impl Diagnosis {
    /// Everything that can be done from here, in the order in which it is shown, with the cause that it belongs to.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &NextStep)> {
        self.causes.iter().enumerate().flat_map(|(at, cause)| cause.steps.iter().map(move |step| (at, step)))
    }

    /// Said where no rule found anything.
    pub fn all_clear(&self) -> &'static str {
        match (&self.subject, self.status) {
            _ if !self.causes.is_empty() => "",
            (_, Some(JobStatus::Succeeded)) => "it succeeded, and nothing stands out",
            (_, Some(JobStatus::Running)) => "it runs, and nothing stands out",
            (_, Some(JobStatus::Failed)) => "no rule knows this failure: its log and its attempts are the evidence",
            (Subject::Job(_), _) => "no rule knows why it waits",
            (Subject::Queue(_), _) => "nothing holds this queue up",
            (Subject::Environment(_), _) => "nothing is wrong with this compute environment",
        }
    }
}

/// The queue's name that a job says.
fn queue_name(job: &JobDetail) -> &str {
    name_of(&job.job_queue)
}

/// Why a piece is missing; `None` where nobody asked for it, as it says nothing here.
fn missing<T>(piece: &Piece<T>) -> Option<String> {
    match piece {
        Piece::NotRead(why) => Some(why.clone()),
        Piece::Read { .. } | Piece::NotAsked => None,
    }
}

#[cfg(test)]
mod tests;
