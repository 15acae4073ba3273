//! What agents report. Reports may come twice or late: one that changes nothing is accepted and has no events.

use crate::engine::Engine;
use crate::engine::command::{Outcome, Refusal};
use crate::engine::event::{Event, Verdict};
use crate::engine::job::{Job, Key, Root};
use crate::engine::retry::{Failure, is_retried};
use crate::model::{AttemptId, InstanceId, InstanceState, Millis, RetryStrategy};

const EXITED: &str = "Essential container in task exited";
const NOT_STARTED: &str = "Task failed to start";
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
        if host.state != InstanceState::Pending && host.pid == Some(pid) {
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
        if !self.core.instances.contains_key(instance) {
            return Vec::new();
        }
        let mut events = self.end_attempts(instance, now);
        events.push(Event::InstanceLost { at: now, instance: instance.clone(), cause: cause.to_owned() });
        events
    }

    fn end_attempts(&self, instance: &InstanceId, now: Millis) -> Vec<Event> {
        let placed = self.core.instances.get(instance).into_iter().flat_map(|host| &host.placed);
        let outcome = Outcome { at: now, ..Outcome::default() };
        let reason = format!("Host EC2 (instance {instance}) terminated.");
        placed.filter_map(|key| self.end_attempt(*key, &outcome, Some(&reason), now)).collect()
    }

    pub(super) fn attempt_started(&self, attempt: &AttemptId, started_at: Millis, now: Millis) -> Vec<Event> {
        let starting = self
            .live_attempt(attempt)
            .is_some_and(|key| self.job(key).and_then(Job::live).is_some_and(|live| live.started_at.is_none()));
        if !starting {
            return Vec::new();
        }
        vec![Event::AttemptStarted { at: now, job: attempt.job.clone(), number: attempt.number, started_at }]
    }

    pub(super) fn attempt_exited(&self, attempt: &AttemptId, outcome: &Outcome, now: Millis) -> Vec<Event> {
        let ended = self.live_attempt(attempt).and_then(|key| self.end_attempt(key, outcome, None, now));
        ended.into_iter().collect()
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
        let (status_reason, verdict) = self.judge(root, job, outcome, host_lost);
        Some(Event::AttemptEnded {
            at: now,
            job: root.id(key.slot),
            number: job.attempt_number(),
            started_at: outcome.started_at.or(live.started_at),
            stopped_at: outcome.at,
            code: outcome.code,
            reason: outcome.reason.as_ref().map(|reason| reason.chars().take(REASON_LENGTH).collect()),
            status_reason,
            usage: outcome.usage.or_else(|| self.usage.get(&key).copied()),
            verdict,
        })
    }

    /// A job that was terminated or ran into its timeout is not retried, nor is the child of an array that was stopped as
    /// a whole while it ran; all else goes by its retry strategy.
    fn judge(&self, root: &Root, job: &Job, outcome: &Outcome, host_lost: Option<&str>) -> (String, Verdict) {
        if let Some(stop) = &job.stop {
            return (stop.reason.to_string(), Verdict::Failed);
        }
        let status_reason = match (host_lost, outcome.code) {
            (Some(lost), _) => lost,
            (None, _) if outcome.timed_out => return (TIMED_OUT.to_owned(), Verdict::Failed),
            (None, Some(0)) => return (EXITED.to_owned(), Verdict::Succeeded),
            (None, Some(_)) => EXITED,
            (None, None) => NOT_STARTED,
        };
        let failure = Failure { code: outcome.code, reason: outcome.reason.as_deref(), status_reason };
        let retried = root.job.stop.is_none() && is_retried(self.retry_strategy(root), job.attempt_number(), failure);
        (status_reason.to_owned(), if retried { Verdict::Retry } else { Verdict::Failed })
    }

    /// The job's own strategy replaces its definition's as a whole.
    pub(in crate::engine) fn retry_strategy<'a>(&'a self, root: &'a Root) -> Option<&'a RetryStrategy> {
        let of_definition = self.core.definition(&root.spec.definition, root.spec.revision);
        root.spec.retry.as_deref().or_else(|| of_definition?.retry_strategy.as_ref())
    }
}
