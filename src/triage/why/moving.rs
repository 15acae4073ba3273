//! Will it move? Where it stands, how fast the queue drains, and when it starts, with the error of that.

use super::case::{Case, long};
use super::cause::{Cause, Certainty};
use super::needs::{Needs, vcpus};
use crate::model::{JobId, Millis, Subject};
use serde::Serialize;

const MINUTE: Millis = 60_000;
/// Over which time starts are counted: the shorter where it has enough of them.
const WINDOWS: [Millis; 2] = [15 * MINUTE, 60 * MINUTE];
/// Fewer starts say nothing of a rate.
const ENOUGH: usize = 5;
/// Fewer than these are no rate at all.
const LEAST: usize = 2;
/// Jobs in front that are named.
const NAMED: usize = 5;

/// Where a waiting job stands and when it starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    /// From 1; `None` where it is not among the first 100, or not in the order at all.
    pub position: Option<usize>,
    /// How many the order of the queue tells of, 100 at most.
    pub front: usize,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Millis>,
    /// The service tells when it was submitted, and not when it became RUNNABLE.
    pub since_submission: bool,
    /// Since when it stands where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_position_since: Option<Millis>,
    /// vCPUs that the jobs in front ask for together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus_ahead: Option<String>,
    /// The first of those in front.
    pub ahead: Vec<Ahead>,
    /// Queues that share environments with this one and go before: name, and how many wait there.
    pub before: Vec<(String, usize)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    pub estimate: Estimate,
}

/// A job in front.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ahead {
    pub id: JobId,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<Needs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How many jobs of the queue started within a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    pub starts: usize,
    pub window: Millis,
}

/// When it starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Estimate {
    /// About then, give or take: two of three times within.
    #[serde(rename_all = "camelCase")]
    About {
        at: Millis,
        give_or_take: Millis,
    },
    /// It stands behind what is told of the order: not before.
    NotBefore {
        at: Millis,
    },
    /// Not until something changes: what.
    Never {
        until: String,
    },
    CannotTell {
        because: String,
    },
}

impl Drain {
    /// Starts a minute.
    fn per_minute(self) -> f64 {
        as_f64(self.starts) * as_f64(MINUTE) / as_f64(self.window.max(1))
    }
}

impl std::fmt::Display for Drain {
    /// `14 started within 15 m: 0.9 a minute`, and by the hour where that is little.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = self.per_minute();
        write!(f, "{} started within {}: ", self.starts, long(self.window))?;
        if rate >= 0.5 { write!(f, "{rate:.1} a minute") } else { write!(f, "{:.1} an hour", rate * 60.0) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and spans here are far below 2^52")]
fn as_f64(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or(i64::MAX) as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
fn as_millis(span: f64) -> Millis {
    span.round() as Millis
}

/// Of a job that waits to be placed, and of a queue with a job at its head; `None` of others.
pub fn movement(case: &Case<'_>, causes: &[Cause]) -> Option<Movement> {
    let is_queue = matches!(case.evidence.subject, Subject::Queue(_));
    if !(case.is_placeable() || is_queue && case.job.is_some()) {
        return None;
    }
    let job = case.job?;
    let front = case.front().unwrap_or_default();
    let position = case.position().ok().flatten();
    let entry = position.and_then(|at| front.get(at));
    let ahead = case.ahead().unwrap_or_default();
    let in_front = position.is_some_and(|at| at == ahead.len());
    let sum = || -> Option<u64> { ahead.iter().map(|job| Needs::of(job).map(|needs| needs.cpu)).sum() };
    let named = ahead.iter().take(NAMED).map(|job| Ahead {
        id: job.job_id.clone(),
        name: job.job_name.clone(),
        needs: Needs::of(job),
        reason: job.status_reason.clone().filter(|reason| !reason.is_empty()),
    });
    let before = case.evidence.outranking.value().map(Vec::as_slice).unwrap_or_default();
    let before = before.iter().map(|(name, front)| (name.clone(), front.front_of_queue.jobs.len()));
    let drain = drain(case);
    let told = job.extra.as_ref().map_or(0, |extra| extra.state_since);
    let mut movement = Movement {
        position: position.map(|at| at + 1),
        front: front.len(),
        waiting_since: case.since(),
        since_submission: !case.evidence.is_local && (told == 0 || told == job.created_at),
        at_position_since: entry.map(|entry| entry.earliest_time_at_position),
        vcpus_ahead: in_front.then(sum).flatten().map(vcpus),
        ahead: named.collect(),
        before: before.filter(|(_, count)| *count > 0).collect(),
        drain,
        estimate: Estimate::CannotTell { because: String::new() },
    };
    movement.estimate = estimate(case, causes, &movement);
    Some(movement)
}

/// What kept a job from starting for certain, and needs somebody to change it.
const BLOCKS: [&str; 13] = ["R1", "R2", "R3", "R4", "R5", "R6", "R10", "R11", "R22", "R25", "R26", "H1", "H2"];

fn estimate(case: &Case<'_>, causes: &[Cause], movement: &Movement) -> Estimate {
    let cannot = |because: &str| Estimate::CannotTell { because: because.to_owned() };
    let blocks = |cause: &&Cause| {
        let off = cause.rule == "P3" && case.evidence.is_local;
        cause.certainty == Certainty::Certain && (BLOCKS.contains(&cause.rule) || off)
    };
    if let Some(cause) = causes.iter().find(blocks) {
        return Estimate::Never { until: lower_first(&cause.title) };
    }
    if let Some(head) = case.ahead().unwrap_or_default().first().filter(|job| is_blocked(job.status_reason.as_deref()))
    {
        return Estimate::Never { until: format!("{} at the head holds up all behind it", head.job_name) };
    }
    if case.front().is_err() {
        return cannot("the order of its queue could not be read");
    }
    let Ok(started) = case.started() else { return cannot("what has started in its queue could not be read") };
    let Some(drain) = movement.drain else {
        return cannot(if started.is_empty() {
            "nothing has started in its queue that could be counted"
        } else {
            "too few jobs of its queue have started within the hour for a rate"
        });
    };
    let place = match movement.position {
        Some(place) => place,
        None if movement.front >= 100 => {
            let at = case.now + as_millis(100.0 / drain.per_minute() * as_f64(MINUTE));
            return Estimate::NotBefore { at };
        }
        None => return cannot("it is not in the order of its queue now"),
    };
    let wait = as_f64(place) / drain.per_minute() * as_f64(MINUTE);
    // Both the rate and the number of starts to come scatter as counts do: each by one over its root.
    let error = (1.0 / as_f64(drain.starts) + 1.0 / as_f64(place)).sqrt();
    Estimate::About { at: case.now + as_millis(wait), give_or_take: as_millis(wait * error) }
}

fn is_blocked(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| reason.starts_with("MISCONFIGURATION:") || reason.starts_with("ACTION_REQUIRED"))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The starts within the first window that has enough, or within the longest.
fn drain(case: &Case<'_>) -> Option<Drain> {
    let started = case.started().ok()?;
    let times: Vec<Millis> = started.iter().filter_map(|job| job.started_at.or(job.scheduled_at)).collect();
    let within = |window: Millis| times.iter().filter(|at| **at > case.now - window && **at <= case.now).count();
    let counted = WINDOWS.map(|window| Drain { starts: within(window), window });
    let enough = counted.iter().find(|drain| drain.starts >= ENOUGH);
    enough.or(counted.last()).copied().filter(|drain| drain.starts >= LEAST)
}

impl Movement {
    /// `3rd of 41`, `behind the first 100`.
    pub fn place(&self) -> String {
        match self.position {
            Some(1) => "at the head of its queue".to_owned(),
            Some(place) => format!("number {place} in its queue, {} in front", place - 1),
            None if self.front >= 100 => "behind the first 100 of its queue".to_owned(),
            None => "not in the order of its queue now".to_owned(),
        }
    }

    /// `about 4 m, give or take 2 m`.
    pub fn words(&self, now: Millis) -> String {
        match &self.estimate {
            Estimate::About { at, give_or_take } => {
                format!("~ in {}, give or take {}", long(at - now), long(*give_or_take))
            }
            Estimate::NotBefore { at } => format!("~ not within {}", long(at - now)),
            Estimate::Never { until } => format!("not until this changes: {until}"),
            Estimate::CannotTell { because } => format!("cannot tell: {because}"),
        }
    }
}
