//! The pulse: what ended and failed of late, what waits, what runs, what it costs, and what changed when it went wrong.

use crate::model::{
    AuditEntry, Health, Millis, Minute, Piece, PulseRead, Scaling, ScalingChange, StatusCounts, Switch, Throughput, Usd,
};
use serde::Serialize;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// Spans that are told, and the bars of each.
const SPANS: [(&str, Millis, usize); 3] = [("15 m", 15 * MINUTE, 15), ("1 h", HOUR, 30), ("24 h", 24 * HOUR, 48)];
/// From so many failures within the last hour, and so many times the share that failed before, it goes wrong.
const WRONG_FROM: u64 = 3;
const TIMES_BEFORE: f64 = 2.0;
/// And at least this share of what ended.
const WRONG_SHARE: f64 = 0.1;
/// The time is searched by steps of this for when it began.
const STEP: Millis = 10 * MINUTE;
/// What changed so long before it went wrong, or so shortly after, may have to do with it.
const BEFORE: Millis = 30 * MINUTE;
const AFTER: Millis = 5 * MINUTE;
/// Changes that are told.
const CHANGES: usize = 50;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pulse {
    pub at: Millis,
    /// The shortest first; none where nothing is known of what ended.
    pub windows: Vec<Window>,
    /// More fails than did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Wrong>,
    /// In the order in which they are served.
    pub queues: Vec<Queue>,
    pub environments: Vec<Environment>,
    /// Of all environments whose price is known, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_hour: Option<Usd>,
    /// An estimate, and from when on it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
    /// Newest first.
    pub changes: Vec<Change>,
    /// What this does not know, for a person.
    pub unknown: Vec<String>,
}

/// What ended within a span of time up to now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    pub name: &'static str,
    pub length: Millis,
    pub started: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Hundredths of what ended; `None` where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_percent: Option<u64>,
    /// What ended, as a rate.
    pub ended_per_hour: u64,
    /// Not all of the span is known: counts are too low.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// What ended and what failed in equal parts of the span, the oldest first.
    pub ended_bars: Vec<u64>,
    pub failed_bars: Vec<u64>,
}

/// Since when more fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wrong {
    pub since: Millis,
    /// Hundredths of what ended since, and before within a day.
    pub percent: u64,
    pub percent_before: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    pub name: String,
    /// `None`: not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// What keeps its jobs from starting, in a word or two; empty: nothing that is told.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    pub name: String,
    /// vCPUs that jobs hold; `None`: not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<f64>,
    /// vCPUs of its instances, or that it wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
    /// Why it takes no jobs; empty where it does.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    pub usd: Usd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Millis>,
}

/// Something that somebody did, or that happened to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub at: Millis,
    pub words: String,
    /// It happened shortly before it went wrong.
    pub is_suspect: bool,
}

pub fn pulse(read: &PulseRead) -> Pulse {
    let at = read.at;
    let mut unknown = Vec::new();
    note_unread(&mut unknown, "what ended", &read.throughput);
    note_unread(&mut unknown, "queues", &read.queues);
    note_unread(&mut unknown, "compute environments", &read.environments);
    note_unread(&mut unknown, "what was spent", &read.costs);
    note_unread(&mut unknown, "instances that came and went", &read.scaling);
    note_unread(&mut unknown, "who did what", &read.audit);
    unknown.extend(read.left_out.iter().cloned());
    let throughput = read.throughput.value();
    let windows = throughput.map(|told| SPANS.map(|span| window(told, span, at)).to_vec()).unwrap_or_default();
    let wrong = throughput.and_then(|told| wrong(told, at));
    let mut queues: Vec<_> = read.queues.value().into_iter().flatten().collect();
    queues.sort_by_key(|queue| std::cmp::Reverse(queue.priority));
    let environments: Vec<_> = read.environments.value().into_iter().flatten().collect();
    let prices = environments.iter().filter_map(|found| found.capacity.as_ref()?.usd_per_hour);
    Pulse {
        at,
        windows,
        wrong,
        queues: queues.into_iter().map(queue).collect(),
        usd_per_hour: prices.reduce(|sum, one| sum + one),
        environments: environments.into_iter().map(environment).collect(),
        spent: read
            .costs
            .value()
            .filter(|report| !report.rows.is_empty())
            .map(|report| Spent { usd: report.total.direct + report.total.idle, from: report.from }),
        changes: changes(read, wrong),
        unknown,
    }
}

fn note_unread<T>(unknown: &mut Vec<String>, what: &str, piece: &Piece<T>) {
    match piece {
        Piece::Read { .. } => {}
        Piece::NotRead(why) => unknown.push(format!("{what}: {why}")),
        Piece::NotAsked => unknown.push(format!("{what}: this backend does not tell it")),
    }
}

fn window(told: &Throughput, (name, length, bars): (&'static str, Millis, usize), now: Millis) -> Window {
    // Whole minutes, the present one among them.
    let to = now.div_euclid(MINUTE) * MINUTE + MINUTE;
    let from = to - length;
    let sum = told.between(from, to);
    let each = length / Millis::try_from(bars).unwrap_or(1);
    let parts: Vec<Minute> =
        (0..).map(|at| from + at * each).take(bars).map(|at| told.between(at, at + each)).collect();
    Window {
        name,
        length,
        started: sum.started,
        succeeded: sum.succeeded,
        failed: sum.failed,
        failed_percent: percent(sum),
        ended_per_hour: sum.ended() * 60 / u64::try_from(length / MINUTE).unwrap_or(1).max(1),
        is_partial: told.from > from + MINUTE,
        ended_bars: parts.iter().map(|part| part.ended()).collect(),
        failed_bars: parts.iter().map(|part| part.failed).collect(),
    }
}

/// Hundredths that failed of what ended, rounded up: what failed is never nothing.
fn percent(sum: Minute) -> Option<u64> {
    (sum.ended() > 0).then(|| (sum.failed * 100).div_ceil(sum.ended()))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(sum: Minute) -> f64 {
    if sum.ended() == 0 { 0.0 } else { sum.failed as f64 / sum.ended() as f64 }
}

/// Whether clearly more fails than before, and since when: back in time as long as it is so.
fn wrong(told: &Throughput, now: Millis) -> Option<Wrong> {
    let to = now.div_euclid(MINUTE) * MINUTE + MINUTE;
    let day = to - 24 * HOUR;
    let (last, earlier) = (told.between(to - HOUR, to), told.between(day, to - HOUR));
    if last.failed < WRONG_FROM || share(last) < WRONG_SHARE.max(share(earlier) * TIMES_BEFORE) {
        return None;
    }
    let mut begin = to;
    while begin > day {
        let part = told.between(begin - STEP, begin);
        // A pause says nothing; it may go on before it.
        if part.ended() > 0 && share(part) < share(last) / 2.0 || begin <= to - HOUR && part.failed == 0 {
            break;
        }
        begin -= STEP;
    }
    let since = told.minutes.range(begin..).find(|(_, minute)| minute.failed > 0).map_or(begin, |(at, _)| *at);
    Some(Wrong {
        since,
        percent: percent(told.between(since, to)).unwrap_or(0),
        percent_before: percent(told.between(day, since)).unwrap_or(0),
    })
}

fn queue(queue: &crate::model::JobQueue) -> Queue {
    let counts = queue.job_counts.as_ref();
    Queue {
        name: queue.job_queue_name.clone(),
        waiting: counts.map(StatusCounts::waiting),
        running: counts.map(StatusCounts::placed),
        is_partial: queue.job_counts_partial,
        note: match queue {
            _ if queue.held => "held",
            _ if queue.state == Switch::Disabled => "disabled",
            _ if queue.status == Health::Invalid => "INVALID",
            _ if queue.blocked.is_some() => "blocked",
            _ => "",
        },
    }
}

fn environment(found: &crate::model::ComputeEnvironment) -> Environment {
    let resources = found.compute_resources.as_ref();
    let desired = resources.and_then(|resources| resources.desiredv_cpus).map(f64::from);
    let capacity = found.capacity.as_ref();
    Environment {
        name: found.compute_environment_name.clone(),
        used: capacity.map(|capacity| capacity.vcpus_used),
        launched: capacity.map(|capacity| capacity.vcpus).or(desired),
        most: resources.and_then(|resources| resources.maxv_cpus).map(f64::from),
        note: match found {
            _ if found.state == Switch::Disabled => "disabled",
            _ if found.status == Health::Invalid => "INVALID",
            _ => "",
        },
    }
}

/// What may change how jobs go; what was done to single jobs is not among it.
const ACTIONS: [&str; 12] = [
    "RegisterJobDefinition",
    "DeregisterJobDefinition",
    "CreateComputeEnvironment",
    "UpdateComputeEnvironment",
    "DeleteComputeEnvironment",
    "CreateJobQueue",
    "UpdateJobQueue",
    "DeleteJobQueue",
    "InterruptInstance",
    "UpdateSchedulingPolicy",
    "UpdateConsumableResource",
    "UpdateSchedule",
];

fn changes(read: &PulseRead, wrong: Option<Wrong>) -> Vec<Change> {
    let since = read.at - 24 * HOUR;
    let is_suspect = |at: Millis| wrong.is_some_and(|wrong| (wrong.since - BEFORE..=wrong.since + AFTER).contains(&at));
    let done = read.audit.value().into_iter().flatten().filter(|entry| ACTIONS.contains(&entry.action.as_str()));
    let done = done.map(|entry| (entry.at, of_action(entry)));
    let gone = read.scaling.value().into_iter().flatten();
    let gone = gone.filter_map(|step| Some((step.at, of_instance(step)?)));
    let mut all: Vec<Change> = done
        .chain(gone)
        .filter(|(at, _)| *at >= since)
        .map(|(at, words)| Change { at, words, is_suspect: is_suspect(at) })
        .collect();
    all.sort_by_key(|change| std::cmp::Reverse(change.at));
    all.truncate(CHANGES);
    all
}

fn of_action(entry: &AuditEntry) -> String {
    let reason = entry.reason.as_ref().map(|reason| format!(" “{reason}”")).unwrap_or_default();
    format!("{} {} {}{reason} · {}", entry.action, entry.target, entry.outcome, entry.who)
}

fn of_instance(step: &Scaling) -> Option<String> {
    let environment = &step.compute_environment;
    let what = match step.change {
        ScalingChange::Noticed => "has its notice",
        ScalingChange::Lost => "is lost",
        ScalingChange::Status | ScalingChange::Failed => {
            return Some(format!("environment {environment}: {}", step.reason));
        }
        ScalingChange::Launched | ScalingChange::Ended | ScalingChange::Wanted | ScalingChange::Activity => {
            return None;
        }
    };
    let reason = if step.reason.is_empty() { String::new() } else { format!(": {}", step.reason) };
    Some(format!("instance {} of {environment} {what}{reason}", step.instance_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InstanceId, JobStatus};

    const NOW: Millis = 1_000 * HOUR;

    fn read(ends: &[(Millis, JobStatus, u64)]) -> PulseRead {
        let mut throughput = Throughput { from: NOW - 24 * HOUR, ..Throughput::default() };
        for (ago, status, count) in ends {
            (0..*count).for_each(|_| throughput.note(NOW - ago * MINUTE, *status));
        }
        PulseRead {
            at: NOW,
            throughput: Piece::Read { value: throughput, at: NOW },
            queues: Piece::NotAsked,
            environments: Piece::NotAsked,
            costs: Piece::NotAsked,
            scaling: Piece::NotAsked,
            audit: Piece::NotAsked,
            left_out: Vec::new(),
        }
    }

    use JobStatus::{Failed, Succeeded};

    #[test]
    fn what_ended_is_counted_in_each_span_and_drawn_from_the_oldest() {
        let told = pulse(&read(&[(1, Succeeded, 3), (1, Failed, 1), (40, Succeeded, 4), (600, Failed, 2)]));
        let counts: Vec<_> = told
            .windows
            .iter()
            .map(|window| (window.name, window.succeeded, window.failed, window.failed_percent, window.ended_per_hour))
            .collect();
        assert_eq!(counts, [("15 m", 3, 1, Some(25), 16), ("1 h", 7, 1, Some(13), 8), ("24 h", 7, 3, Some(30), 0)]);
        let quarter = &told.windows[0];
        assert_eq!((quarter.ended_bars.len(), quarter.ended_bars[13], quarter.failed_bars[13]), (15, 4, 1));
        assert_eq!(told.windows[2].ended_bars.iter().sum::<u64>(), 10);
    }

    #[test]
    fn a_span_that_is_not_known_whole_says_so() {
        let mut part = read(&[(1, Succeeded, 1)]);
        if let Piece::Read { value, .. } = &mut part.throughput {
            value.from = NOW - 30 * MINUTE;
        }
        let partial: Vec<_> = pulse(&part).windows.iter().map(|window| window.is_partial).collect();
        assert_eq!(partial, [false, true, true]);
    }

    #[test]
    fn it_goes_wrong_where_clearly_more_fails_than_before_and_the_change_before_it_is_named() {
        let calm: Vec<_> = (0..20).map(|at| (60 + at * 60, Succeeded, 10)).collect();
        let mut wrong = calm.clone();
        wrong.extend([(25, Failed, 4), (25, Succeeded, 1), (5, Failed, 6)]);
        assert_eq!(pulse(&read(&calm)).wrong, None);
        let mut wrong = read(&wrong);
        let entry = |ago: Millis, action: &str, target: &str| AuditEntry {
            at: NOW - ago * MINUTE,
            who: "mira@ops".into(),
            action: action.into(),
            target: target.into(),
            reason: None,
            outcome: "done".into(),
        };
        wrong.audit = Piece::Read {
            at: NOW,
            value: vec![
                entry(30, "RegisterJobDefinition", "resize:15"),
                entry(31, "TerminateJob", "3f2a"),
                entry(300, "UpdateJobQueue", "high"),
            ],
        };
        wrong.scaling = Piece::Read {
            at: NOW,
            value: vec![Scaling {
                at: NOW - 2 * MINUTE,
                instance_id: InstanceId("i-0".into()),
                change: ScalingChange::Lost,
                ..Scaling::default()
            }],
        };
        let told = pulse(&wrong);
        let found = told.wrong.expect("it goes wrong");
        assert_eq!((found.since, found.percent, found.percent_before), (NOW - 25 * MINUTE, 91, 0));
        let changes: Vec<_> = told
            .changes
            .iter()
            .map(|change| (change.words.split(' ').next().unwrap_or(""), change.is_suspect))
            .collect();
        assert_eq!(changes, [("instance", false), ("RegisterJobDefinition", true), ("UpdateJobQueue", false)]);
    }

    #[test]
    fn few_failures_and_failures_as_ever_are_no_alarm() {
        let as_ever: Vec<_> = (0..24).flat_map(|at| [(at * 60, Succeeded, 10), (at * 60, Failed, 5)]).collect();
        assert_eq!(pulse(&read(&as_ever)).wrong, None);
        assert_eq!(pulse(&read(&[(1, Failed, 2)])).wrong, None);
    }
}
