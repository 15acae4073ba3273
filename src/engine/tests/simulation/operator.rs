//! What operators do: they hold back, watch, change queues and environments, and keep things beside the jobs.

use super::{ENVIRONMENTS, FAIR, QUEUES, SHARES, Story};
use crate::engine::command::{Action, Refusal};
use crate::model::watch::{Condition, SaveWatch};
use crate::model::{
    AfterCompletion, CapacityLimit, ComputeEnvironmentOrder, ComputeResourceUpdate, CreateConsumableResourceRequest,
    CreateJobQueueRequest, CreateSchedulingPolicyRequest, CreateServiceEnvironmentRequest, FlexibleTimeWindow, MoveTo,
    RetryPolicy, Schedule, ScheduleTarget, ServiceEnvironmentOrder, Subject, SubmitServiceJobRequest, Switch,
    UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdatePolicy, UpdateServiceEnvironmentRequest,
};

impl Story {
    /// Holds, releases and moves jobs and queues.
    pub(super) fn hold_back(&mut self) {
        let Some(job) = self.any_job() else { return };
        let queue = (*self.dice.pick(&QUEUES).expect("some")).to_owned();
        let share = FAIR.contains(&queue.as_str()).then(|| (*self.dice.pick(&SHARES).expect("some")).to_owned());
        let front = self.dice.below(2) == 0;
        let action = match self.dice.below(8) {
            0 | 1 => Action::HoldJob { job },
            2 | 3 => Action::ReleaseJob { job },
            4 => Action::MoveJob { job, to: MoveTo { front: true, ..MoveTo::default() } },
            5 => Action::MoveJob { job, to: MoveTo { job_queue: Some(queue), share_identifier: share, front } },
            6 => Action::HoldQueue { queue },
            _ => Action::ReleaseQueue { queue },
        };
        // What has started cannot be held or moved.
        let _ = self.world.ask(action);
    }

    /// Makes, changes, takes note of and removes watches.
    pub(super) fn watch(&mut self) {
        let subject = match self.dice.below(4) {
            0 => Subject::Environment((*self.dice.pick(&ENVIRONMENTS).expect("some")).to_owned()),
            1 => Subject::Queue((*self.dice.pick(&QUEUES).expect("some")).to_owned()),
            _ => match self.any_job() {
                Some(job) => Subject::Job(job),
                None => return,
            },
        };
        let mut all: Vec<&str> = Condition::examples(&subject).to_vec();
        all.extend(["waiting > 1", "started > 1 in 1m", "failed > 0 in 10m", "waiting > 1m"]);
        let condition = self.dice.pick(&all).expect("some").parse().expect("sound");
        let known: Vec<String> = self.world.engine.watches().into_iter().map(|watch| watch.id).collect();
        let id = self.dice.pick(&known).cloned();
        let silenced = self.dice.below(5) == 0;
        let action = match (self.dice.below(6), id) {
            (0, Some(id)) => Action::RemoveWatch { id },
            (1, id) => Action::AcknowledgeWatch { id },
            (2, id) => Action::SaveWatch(Box::new(SaveWatch { id, subject, condition, silenced })),
            _ => Action::SaveWatch(Box::new(SaveWatch { id: None, subject, condition, silenced })),
        };
        // What cannot be asked of the subject is refused.
        let _ = self.world.ask(action);
    }

    pub(super) fn operate(&mut self) {
        let state = if self.dice.below(3) == 0 { Switch::Disabled } else { Switch::Enabled };
        let action = match self.dice.below(if self.is_spot { 5 } else { 4 }) {
            4 => {
                let types = *self.dice.pick(&["c6g", "c7g", "m6g"]).expect("some");
                let minutes = i64::try_from(1 + self.dice.below(30)).expect("small");
                Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
                    compute_environment: "two".into(),
                    compute_resources: Some(ComputeResourceUpdate {
                        instance_types: Some(vec![types.to_owned(), "g5g.xlarge".to_owned()]),
                        ..Default::default()
                    }),
                    update_policy: Some(UpdatePolicy {
                        terminate_jobs_on_update: Some(self.dice.below(3) == 0),
                        job_execution_timeout_minutes: Some(minutes),
                    }),
                    ..Default::default()
                })
            }
            0 => Action::UpdateJobQueue(UpdateJobQueueRequest {
                job_queue: (*self.dice.pick(&QUEUES).expect("some")).to_owned(),
                state: Some(state),
                priority: Some(i32::try_from(self.dice.below(20)).expect("small")),
                ..Default::default()
            }),
            1 => {
                let order = vec![ComputeEnvironmentOrder {
                    order: 1,
                    compute_environment: (*self.dice.pick(&ENVIRONMENTS).expect("some")).to_owned(),
                }];
                Action::UpdateJobQueue(UpdateJobQueueRequest {
                    job_queue: "both".into(),
                    compute_environment_order: Some(order),
                    ..Default::default()
                })
            }
            2 => Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
                compute_environment: (*self.dice.pick(&ENVIRONMENTS).expect("some")).to_owned(),
                state: Some(state),
                ..Default::default()
            }),
            _ => Action::UpdateComputeEnvironment(UpdateComputeEnvironmentRequest {
                compute_environment: (*self.dice.pick(&ENVIRONMENTS).expect("some")).to_owned(),
                compute_resources: Some(ComputeResourceUpdate {
                    minv_cpus: Some(i32::try_from(self.dice.below(3)).expect("small")),
                    maxv_cpus: Some(2 + i32::try_from(self.dice.below(12)).expect("small")),
                    ..Default::default()
                }),
                ..Default::default()
            }),
        };
        let refused = self.world.ask(action).err();
        let is_due = matches!(refused, None | Some(Refusal::Modified { .. })) || self.world.is_full;
        assert!(is_due, "an operator may: {refused:?}");
    }

    /// Things that are kept beside the jobs; much of it is refused.
    pub(super) fn keep(&mut self) {
        let arn = |rest: &str| format!("arn:aws:batch:us-east-1:123456789012:{rest}");
        let name = format!("k{}", self.dice.below(3));
        let queue = *self.dice.pick(&QUEUES).expect("some");
        let key = format!("t{}", self.dice.below(60));
        let state = if self.dice.below(2) == 0 { Switch::Disabled } else { Switch::Enabled };
        let order = ServiceEnvironmentOrder { order: 1, service_environment: name.clone() };
        let action = match self.dice.below(14) {
            0 => Action::TagResource { arn: arn(&format!("job-queue/{queue}")), tags: [(key, String::new())].into() },
            1 => Action::UntagResource { arn: arn(&format!("job-queue/{queue}")), keys: vec![key] },
            2 => Action::CreateSchedulingPolicy(CreateSchedulingPolicyRequest { name, ..Default::default() }),
            3 => Action::DeleteSchedulingPolicy { arn: arn(&format!("scheduling-policy/{name}")) },
            4 => Action::CreateConsumableResource(CreateConsumableResourceRequest {
                consumable_resource_name: name,
                ..Default::default()
            }),
            5 => Action::DeleteConsumableResource { name },
            6 => Action::CreateServiceEnvironment(CreateServiceEnvironmentRequest {
                service_environment_name: name,
                service_environment_type: "SAGEMAKER_TRAINING".into(),
                capacity_limits: vec![CapacityLimit {
                    max_capacity: Some(1),
                    capacity_unit: Some("NUM_INSTANCES".into()),
                }],
                ..Default::default()
            }),
            7 => Action::UpdateServiceEnvironment(UpdateServiceEnvironmentRequest {
                service_environment: name,
                state: Some(state),
                ..Default::default()
            }),
            8 => Action::DeleteServiceEnvironment { name },
            9 => Action::CreateJobQueue(CreateJobQueueRequest {
                job_queue_name: format!("s{name}"),
                priority: 1,
                service_environment_order: vec![order],
                scheduling_policy_arn: Some(arn(&format!("scheduling-policy/{name}")))
                    .filter(|_| state == Switch::Enabled),
                ..Default::default()
            }),
            10 => Action::UpdateJobQueue(UpdateJobQueueRequest {
                job_queue: format!("s{name}"),
                state: Some(state),
                ..Default::default()
            }),
            11 => Action::DeleteJobQueue { name: format!("s{name}") },
            12 => Action::SubmitServiceJob(Box::new(SubmitServiceJobRequest {
                job_name: "t".into(),
                job_queue: format!("s{name}"),
                service_request_payload: "{}".into(),
                service_job_type: "SAGEMAKER_TRAINING".into(),
                ..Default::default()
            })),
            _ => {
                let jobs = self.world.engine.service_jobs_of(&format!("s{name}")).unwrap_or_default();
                let Some((_, job)) = self.dice.pick(&jobs) else { return };
                Action::TerminateServiceJob { job: job.job_id.clone(), reason: "r".into() }
            }
        };
        let _ = self.world.ask(action);
    }

    pub(super) fn schedule(&mut self) {
        let name = format!("s{}", self.dice.below(3));
        let request = self.request();
        let schedule = Schedule {
            name: name.clone(),
            schedule_expression: (*self.dice.pick(&["rate(30 minutes)", "cron(0 3 * * ? *)"]).expect("some"))
                .to_owned(),
            state: if self.dice.below(3) == 0 { Switch::Disabled } else { Switch::Enabled },
            target: ScheduleTarget {
                retry_policy: Some(RetryPolicy { maximum_event_age_in_seconds: 3600, maximum_retry_attempts: 3 }),
                ..ScheduleTarget::submit_job(&request, "arn:aws:iam::123456789012:role/r")
            },
            flexible_time_window: match self.dice.below(3) {
                0 => FlexibleTimeWindow { mode: "FLEXIBLE".into(), maximum_window_in_minutes: Some(45) },
                _ => FlexibleTimeWindow::default(),
            },
            action_after_completion: AfterCompletion::Delete,
            ..Schedule::default()
        };
        let action = match self.dice.below(4) {
            0 => Action::CreateSchedule(Box::new(schedule)),
            1 => Action::UpdateSchedule(Box::new(schedule)),
            2 => Action::DeleteSchedule { group: "default".into(), name, token: None },
            _ => Action::RunSchedule { group: "default".into(), name },
        };
        let _ = self.world.ask(action);
    }
}
