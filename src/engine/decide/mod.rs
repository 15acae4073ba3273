//! Commands are checked against the state and become events, or are refused with words that help.

mod agents;
mod consumables;
mod definitions;
mod environments;
mod groups;
mod instances;
mod order;
mod policies;
mod queues;
mod quota_shares;
mod resources;
mod schedule_form;
mod schedules;
mod services;
mod stop;
mod submit;
mod tags;
mod tasks;
mod validate;
mod watches;

use super::command::{Action, Answer, Command, Refusal};
use super::event::Event;
use super::{Decision, Engine, Ids};
use crate::model::{AuditEntry, CommandRun, Millis};

/// What an operator's command leads to, and what the record of it says.
struct Ruling {
    events: Vec<Event>,
    answer: Answer,
    /// AWS's name of the operation.
    action: &'static str,
    target: String,
    outcome: String,
}

impl Ruling {
    fn done(action: &'static str, target: &str, outcome: impl Into<String>, events: Vec<Event>) -> Self {
        Self { events, answer: Answer::Done, action, target: target.to_owned(), outcome: outcome.into() }
    }

    fn answering(self, answer: Answer) -> Self {
        Self { answer, ..self }
    }

    fn recorded(mut self, by: &str, reason: Option<String>, now: Millis) -> Decision {
        let entry = AuditEntry {
            at: now,
            who: by.to_owned(),
            action: self.action.to_owned(),
            target: self.target,
            reason,
            outcome: self.outcome,
        };
        self.events.push(Event::Audited { at: now, entry });
        Decision { events: self.events, answer: self.answer }
    }
}

impl Engine {
    pub(super) fn rule(&self, command: &Command, now: Millis, ids: &mut dyn Ids) -> Result<Decision, Refusal> {
        let mut reason = command.reason.clone();
        let ruling = match &command.action {
            Action::CreateComputeEnvironment(request) => self.create_environment(request, now, ids),
            Action::UpdateComputeEnvironment(request) => self.update_environment(request, now),
            Action::DeleteComputeEnvironment { name } => self.delete_environment(name, now),
            Action::CreateJobQueue(request) => self.create_queue(request, now),
            Action::UpdateJobQueue(request) => self.update_queue(request, now),
            Action::DeleteJobQueue { name } => self.delete_queue(name, now),
            Action::RegisterJobDefinition(request) => self.register_definition(request, now),
            Action::DeregisterJobDefinition { definition } => self.deregister_definition(definition, now),
            Action::CreateSchedulingPolicy(request) => self.create_policy(request, now),
            Action::UpdateSchedulingPolicy(request) => self.update_policy(request, now),
            Action::DeleteSchedulingPolicy { arn } => self.delete_policy(arn, now),
            Action::CreateConsumableResource(request) => self.create_consumable(request, now),
            Action::UpdateConsumableResource(request) => self.update_consumable(request, now),
            Action::DeleteConsumableResource { name } => self.delete_consumable(name, now),
            Action::CreateServiceEnvironment(request) => self.create_service_environment(request, now),
            Action::UpdateServiceEnvironment(request) => self.update_service_environment(request, now),
            Action::DeleteServiceEnvironment { name } => self.delete_service_environment(name, now),
            Action::SubmitServiceJob(request) => self.submit_service_job(request, now, ids),
            Action::UpdateServiceJob { job, priority } => self.update_service_job(job, *priority, now),
            Action::TerminateServiceJob { job, reason: why } => {
                reason = Some(why.clone());
                self.terminate_service_job(job, why, now)
            }
            Action::CreateQuotaShare(request) => self.create_quota_share(request, now),
            Action::UpdateQuotaShare(request) => self.update_quota_share(request, now),
            Action::DeleteQuotaShare { arn } => self.delete_quota_share(arn, now),
            Action::TagResource { arn, tags } => self.tag(arn, tags, now),
            Action::UntagResource { arn, keys } => self.untag(arn, keys, now),
            Action::SubmitJob(request) => self.submit(request, &command.by, now, ids),
            Action::CancelJob { job, reason: why } => {
                reason = Some(why.clone());
                self.stop(job, false, why, now)
            }
            Action::TerminateJob { job, reason: why } => {
                reason = Some(why.clone());
                self.stop(job, true, why, now)
            }
            Action::ReprioritiseJob { job, priority } => self.reprioritise(job, *priority, now),
            Action::HoldJob { job } => self.hold_job(job, now),
            Action::ReleaseJob { job } => self.release_job(job, now),
            Action::MoveJob { job, to } => self.move_job(job, to, now),
            Action::HoldQueue { queue } => self.hold_queue(queue, now),
            Action::ReleaseQueue { queue } => self.release_queue(queue, now),
            Action::CreateSchedule(schedule) => self.create_schedule(schedule, now),
            Action::UpdateSchedule(schedule) => self.update_schedule(schedule, now),
            Action::DeleteSchedule { group, name, token } => self.delete_schedule(group, name, token.as_ref(), now),
            Action::CreateScheduleGroup { name, tags, token } => self.create_group(name, tags, token.as_ref(), now),
            Action::DeleteScheduleGroup { name, token } => self.delete_group(name, token.as_ref(), now),
            Action::TagScheduleGroup { name, add, remove } => self.tag_group(name, add, remove, now),
            Action::ClearDeadLetters => Ok(self.clear_dead_letters(now)),
            Action::RunSchedule { group, name } => self.run_schedule(group, name, &command.by, now, ids),
            Action::SaveWatch(save) => self.save_watch(save, &command.by, now),
            Action::RemoveWatch { id } => self.remove_watch(id, now),
            Action::AcknowledgeWatch { id } => self.acknowledge_watch(id.as_deref(), now),
            Action::InterruptInstance { instance, now: at_once } => self.interrupt(instance, *at_once, now),
            Action::RecordRun(run) => {
                Ok(Ruling::done(CommandRun::ACTION, run.recorded_target(), run.recorded_outcome(), Vec::new()))
            }
            Action::Resume => {
                let mut events = self.mended(now);
                events.extend(self.missed(now, ids));
                return Ok(body(events));
            }
            Action::ClockSetBack { from } => return Ok(body(self.plan_again(*from, now))),
            Action::InstanceRegistered { instance, pid } => return self.registered(instance, *pid, now).map(body),
            Action::InstanceLost { instance, cause } => return Ok(body(self.lost(instance, cause, now))),
            Action::AttemptStarted { attempt, at, address } => {
                return Ok(body(self.attempt_started(attempt, *at, address.clone(), now)));
            }
            Action::AttemptExited { attempt, exit } => return Ok(body(self.attempt_exited(attempt, exit, now))),
        }?;
        Ok(ruling.recorded(&command.by, reason, now))
    }

    /// A submission by a schedule: the same checks, the same record.
    pub(super) fn submit_for_schedule(
        &self,
        request: &crate::model::SubmitJobRequest,
        key: &str,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<Decision, Refusal> {
        let by = format!("schedule {key}");
        self.submit(request, &by, now, ids).map(|ruling| ruling.recorded(&by, None, now))
    }
}

/// What the engine's own body reports is no action of an operator, and not recorded as one.
fn body(events: Vec<Event>) -> Decision {
    Decision { events, answer: Answer::Done }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Client(message.into()))
}

impl From<crate::model::validate::Invalid> for Refusal {
    fn from(invalid: crate::model::validate::Invalid) -> Self {
        Self::Client(invalid.to_string())
    }
}
