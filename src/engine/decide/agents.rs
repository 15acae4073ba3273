//! What agents report. Reports may come twice or late: one that changes nothing is accepted and has no events.

use crate::engine::Engine;
use crate::engine::command::{Outcome, Refusal};
use crate::engine::event::{Event, Verdict};
use crate::engine::job::{Job, Key, Root};
use crate::engine::retry::{Failure, is_retried};
use crate::engine::work::Work;
use crate::model::{AttemptId, ContainerExit, InstanceId, InstanceState, JobStatus, Millis, RetryStrategy};

const EXITED: &str = "Essential container in task exited";
const NOT_STARTED: &str = "Task failed to start";
const MAIN_NODE_ENDED: &str = "Main node exited";
const TIMED_OUT: &str = "Job attempt duration exceeded timeout";
/// AWS cuts `container.reason` here.
const REASON_LENGTH: usize = 255;

impl Engine {
    /// An agent of another process than before has lost what the former one held: its attempts end as on a lost host.
    pub(super) fn registered(&self, instance: &InstanceId, pid: u32, now: Millis) -> Result<Vec<Event>, Refusal> {
        let Some(host) = self.core.instances.get(instance) else {
            return Err(Refusal::NotFound(format!(
                "the instance {instance} is not one of this engine's; it is to end"
            )));
        };
        if host.pid == Some(pid) && (host.state != InstanceState::Pending || host.boots(now)) {
            return Ok(Vec::new());
        }
        let mut events = match host.pid {
            Some(former) if former != pid => self.end_attempts(instance, now),
            _ => Vec::new(),
        };
        events.push(Event::InstanceRegistered { at: now, instance: instance.clone(), pid });
        Ok(events)
    }

    pub(super) fn lost(&self, instance: &InstanceId, cause: &str, now: Millis) -> Vec<Event> {
        let Some(host) = self.core.instances.get(instance) else { return Vec::new() };
        let mut events = self.end_attempts(instance, now);
        if host.pid.is_none() && host.state == InstanceState::Pending {
            events.extend(self.failed_to_register(&host.environment, cause, now));
        }
        events.push(Event::InstanceLost { at: now, instance: instance.clone(), cause: cause.to_owned() });
        events
    }

    fn end_attempts(&self, instance: &InstanceId, now: Millis) -> Vec<Event> {
        let placed = self.core.instances.get(instance).into_iter().flat_map(|host| &host.placed);
        let outcome = Outcome { at: now, ..Outcome::default() };
        let reason = format!("Host EC2 (instance {instance}) terminated.");
        placed.filter_map(|key| self.end_attempt(*key, &outcome, Some(&reason), now)).collect()
    }

    pub(super) fn attempt_started(
        &self,
        attempt: &AttemptId,
        started_at: Millis,
        address: Option<String>,
        now: Millis,
    ) -> Vec<Event> {
        let starting = self
            .live_attempt(attempt)
            .is_some_and(|key| self.job(key).and_then(Job::live).is_some_and(|live| live.started_at.is_none()));
        if !starting {
            return Vec::new();
        }
        vec![Event::AttemptStarted { at: now, job: attempt.job.clone(), number: attempt.number, started_at, address }]
    }

    pub(super) fn attempt_exited(&self, attempt: &AttemptId, outcome: &Outcome, now: Millis) -> Vec<Event> {
        let Some(key) = self.live_attempt(attempt) else { return Vec::new() };
        // What is over soon is told of once. It ran all the same, and whoever follows its states sees that.
        let is_node = self.core.jobs.get(&key.number).is_some_and(|root| root.is_node(key.slot));
        let started = outcome.started_at.filter(|_| !is_node);
        let mut events = started.map(|at| self.attempt_started(attempt, at, None, now)).unwrap_or_default();
        events.extend(self.end_attempt(key, outcome, None, now));
        events
    }

    /// Where the attempt is, if it is the live one of its job.
    pub(in crate::engine) fn live_attempt(&self, attempt: &AttemptId) -> Option<Key> {
        let (key, _, job) = self.find(&attempt.job)?;
        (job.live().is_some() && job.attempt_number() == attempt.number).then_some(key)
    }

    fn end_attempt(&self, key: Key, outcome: &Outcome, host_lost: Option<&str>, now: Millis) -> Option<Event> {
        let root = self.core.jobs.get(&key.number)?;
        let job = root.get(key.slot)?;
        let live = job.live()?;
        let (status_reason, verdict) = self.judge(root, key.slot, outcome, host_lost);
        let several = matches!(self.work(root, key.slot), Some(Work::Several { .. }));
        Some(Event::AttemptEnded {
            at: now,
            job: root.id(key.slot),
            number: job.attempt_number(),
            started_at: outcome.started_at.or(live.started_at),
            stopped_at: outcome.at,
            code: outcome.code,
            reason: outcome.reason.as_deref().map(shortened),
            status_reason,
            usage: outcome.usage.or_else(|| self.usage.get(&key).copied()),
            verdict,
            containers: if several { outcome.containers.iter().map(cut).collect() } else { Vec::new() },
        })
    }

    /// A job that was terminated or ran into its timeout is not retried, nor is the child of an array that was stopped as
    /// a whole while it ran; all else goes by its retry strategy. A multi-node job's end is that of its main node.
    fn judge(&self, root: &Root, slot: u32, outcome: &Outcome, host_lost: Option<&str>) -> (String, Verdict) {
        let own = own_reason(outcome, host_lost);
        let failed = |reason: &str| (reason.to_owned(), Verdict::Failed);
        if let Some(stop) = root.stop_of(slot) {
            return failed(&stop.reason);
        }
        if root.is_node(slot) && slot != root.speaker(0) {
            return match (root.is_winding_up(), root.job.status) {
                (true, JobStatus::Succeeded) => (MAIN_NODE_ENDED.to_owned(), Verdict::Succeeded),
                (true, _) => failed(MAIN_NODE_ENDED),
                (false, _) if own == EXITED && outcome.code == Some(0) => (own.to_owned(), Verdict::Succeeded),
                (false, _) => failed(own),
            };
        }
        if host_lost.is_none() && outcome.timed_out {
            return failed(own);
        }
        if host_lost.is_none() && outcome.code == Some(0) {
            return (own.to_owned(), Verdict::Succeeded);
        }
        let failure = Failure { code: outcome.code, reason: outcome.reason.as_deref(), status_reason: own };
        let retried = root.job.stop.is_none() && is_retried(self.retry_strategy(root), root.tries(slot), failure);
        (own.to_owned(), if retried { Verdict::Retry } else { Verdict::Failed })
    }

    /// The job's own strategy replaces its definition's as a whole.
    pub(in crate::engine) fn retry_strategy<'a>(&'a self, root: &'a Root) -> Option<&'a RetryStrategy> {
        let of_definition = self.core.definition(&root.spec.definition, root.spec.revision);
        root.spec.retry.as_deref().or_else(|| of_definition?.retry_strategy.as_ref())
    }
}

/// What an attempt that nobody stopped ended of.
fn own_reason<'a>(outcome: &Outcome, host_lost: Option<&'a str>) -> &'a str {
    match (host_lost, outcome.code) {
        (Some(lost), _) => lost,
        (None, _) if outcome.timed_out => TIMED_OUT,
        (None, Some(_)) => EXITED,
        (None, None) => NOT_STARTED,
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_LENGTH).collect()
}

fn cut(exit: &ContainerExit) -> ContainerExit {
    ContainerExit { reason: exit.reason.as_deref().map(shortened), ..exit.clone() }
}
