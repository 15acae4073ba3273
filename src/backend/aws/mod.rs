//! AWS Batch and `CloudWatch` Logs as a backend, through the AWS SDK.
//!
//! All calls share one budget of calls a second, in which an operator's own calls go before the polls of a watch.

mod activities;
#[cfg(test)]
mod around_tests;
mod audit;
mod budget;
mod convert;
mod cost;
mod credentials;
mod errors;
mod examine;
mod flight;
mod forgotten;
mod happenings;
mod history;
mod instances;
mod log_search;
mod logs;
mod mfa;
mod pages;
pub mod permissions;
mod prices;
mod query;
mod rules;
mod schedules;
mod seen;
mod service;
mod services;
mod settings;
mod submit;
#[cfg(test)]
mod tests;
mod usage;
mod watch;
#[cfg(test)]
mod wholes;
mod world;

pub use settings::{AwsSettings, Keys};

use super::log_search::{SearchLog, Searched};
use super::{Backend, BackendError, Capabilities, JobQuery, JobScope, Meter, Page, Why};
use crate::model::{
    AuditEntry, CapacityOverTime, Change, CommandRun, ComputeEnvironment, ComputeResourceUpdate, ConsumableResource,
    CostQuery, CostReport, CreateComputeEnvironmentRequest, CreateJobQueueRequest, Cursor, EngineStatus, EventLine,
    FilterLogEvents, FilteredLogEvents, Finding, GetLogEvents, HoldTarget, InstanceId, JobDefinition, JobDetail, JobId,
    JobQueue, JobQueueSnapshot, JobSummary, LogEvent, LogPage, Millis, MoveTo, ObservedRuns,
    RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, Scaling, Schedule, ScheduleGroup, ScheduleRun,
    SchedulingPolicy, SubmitJobRequest, SubmitJobResponse, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest,
    UpdateSchedulingPolicyRequest, UsageOverTime, is_of_rules,
};
use async_trait::async_trait;
use audit::AuditFile;
use aws_sdk_batch::types;
use budget::Caller::{Background, Operator};
use futures::future::{join_all, try_join_all};
use futures::stream::BoxStream;
use pages::Token;
use service::Service;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use world::QueueJobs;

/// Jobs of one page that are described for their sizes; the others show what the list tells.
const DESCRIBED_OF_A_PAGE: usize = 200;

/// How long a list of queues may take to count jobs; queues that were not counted by then say nothing of theirs.
const COUNTING: Duration = Duration::from_secs(5);

const NAME: &str = "aws";

/// AWS Batch in one region, as one identity.
#[derive(Debug)]
pub struct AwsBackend {
    service: Arc<Service>,
    by: String,
    audit: Option<AuditFile>,
}

impl AwsBackend {
    /// Who one is there, and what one may do: by calls that change nothing.
    pub async fn examine(&self) -> Vec<Finding> {
        let mut findings = examine::examine(&self.service, &self.region().unwrap_or_default()).await;
        findings.push(self.history_found().await);
        findings
    }

    /// Records what an operator did, and hands its result on. An action that was carried out and could not be recorded
    /// stays carried out: the log tells of it.
    async fn record<T>(
        &self,
        action: &'static str,
        target: &str,
        reason: Option<String>,
        outcome: String,
        result: Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        if let Some(file) = self.audit.clone() {
            let outcome = result.as_ref().err().map_or(outcome, ToString::to_string);
            let at = chrono::Utc::now().timestamp_millis();
            let (who, target) = (self.by.clone(), target.to_owned());
            let entry = AuditEntry { at, who, action: action.to_owned(), target, reason, outcome };
            let written = tokio::task::spawn_blocking(move || file.append(&entry)).await;
            if let Ok(Err(error)) = written {
                tracing::error!(%error, action, "an action could not be recorded");
            }
        }
        result
    }
}

/// What an update sets, for the record: `state DISABLED, priority 5`.
fn settings(parts: &[(&str, Option<String>)]) -> String {
    let set = parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    set.collect::<Vec<_>>().join(", ")
}

/// Refuses to change a classic rule.
fn not_of_rules(group: &str) -> Result<(), BackendError> {
    if !is_of_rules(group) {
        return Ok(());
    }
    Err(BackendError::Unsupported {
        action: "changing a rule of EventBridge",
        backend: NAME,
        instead: "rules are only read here; `aws events enable-rule`, `disable-rule` and `put-rule` change them",
    })
}

fn not_sent(left: convert::NotSent, instead: &'static str) -> BackendError {
    BackendError::NotSent { member: left.member, instead }
}

#[async_trait]
impl Backend for AwsBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: NAME,
            reprioritise_job: false,
            hold: false,
            instances: false,
            schedules: true,
            audit: self.audit.is_some(),
            costs: false,
            pushes_changes: false,
            spans_contexts: false,
        }
    }

    fn region(&self) -> Option<String> {
        self.service.batch.config().region().map(ToString::to_string)
    }

    /// Counts come from the watch where one polls; otherwise each queue's jobs are listed.
    async fn job_queues(&self) -> Result<Vec<JobQueue>, BackendError> {
        let mut queues = self.service.queues(Operator).await?;
        let is_watched = self.service.memory().watches > 0;
        if !is_watched {
            let surveys = queues
                .iter()
                .map(|queue| tokio::time::timeout(COUNTING, self.service.survey(Operator, &queue.job_queue_name)));
            let surveys = join_all(surveys).await;
            for (queue, survey) in queues.iter_mut().zip(surveys) {
                // A caller who may not list jobs still sees the queues, and one with very many does not wait for all.
                let Ok(Ok(survey)) = survey else { continue };
                let mut jobs = QueueJobs::default();
                jobs.settle(survey);
                let (counts, partial) = jobs.counts();
                (queue.job_counts, queue.job_counts_partial) = (Some(counts), partial);
            }
            return Ok(queues);
        }
        let memory = self.service.memory();
        for queue in &mut queues {
            if let Some((counts, partial)) = memory.counts.get(&queue.job_queue_name) {
                (queue.job_counts, queue.job_counts_partial) = (Some(counts.clone()), *partial);
            }
        }
        Ok(queues)
    }

    async fn queues_alone(&self) -> Result<Vec<JobQueue>, BackendError> {
        self.service.queues(Operator).await
    }

    async fn create_job_queue(&self, request: CreateJobQueueRequest) -> Result<(), BackendError> {
        let name = request.job_queue_name;
        // The service takes an absent state for ENABLED; simple mocks of it do not.
        let state = request.state.unwrap_or_default();
        let call = self
            .service
            .batch
            .create_job_queue()
            .job_queue_name(&name)
            .priority(request.priority)
            .state(types::JqState::from(state.as_str()))
            .set_scheduling_policy_arn(request.scheduling_policy_arn)
            .set_compute_environment_order(convert::queue::order(request.compute_environment_order))
            .set_tags((!request.tags.is_empty()).then(|| request.tags.into_iter().collect()));
        let result = self.service.call_once(Operator, "CreateJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("CreateJobQueue", &name, None, format!("priority {}", request.priority), result).await
    }

    async fn update_job_queue(&self, request: UpdateJobQueueRequest, why: Why) -> Result<(), BackendError> {
        let outcome = settings(&[
            ("state", request.state.map(|state| state.as_str().to_owned())),
            ("priority", request.priority.map(|priority| priority.to_string())),
            ("environments", request.compute_environment_order.as_ref().map(|order| order.len().to_string())),
        ]);
        let name = request.job_queue;
        let call = self
            .service
            .batch
            .update_job_queue()
            .job_queue(&name)
            .set_state(request.state.map(|state| types::JqState::from(state.as_str())))
            .set_priority(request.priority)
            .set_compute_environment_order(request.compute_environment_order.and_then(convert::queue::order));
        let result = self.service.call(Operator, "UpdateJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("UpdateJobQueue", &name, why.reason, outcome, result).await
    }

    /// Instances come from the watch where one polls; otherwise each cluster is read.
    async fn compute_environments(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        let mut environments = self.service.environments(Operator).await?;
        let is_watched = self.service.memory().watches > 0;
        if is_watched {
            self.service.fill_in_instances(&mut environments);
        } else {
            self.service.read_all_instances(Operator, &mut environments).await;
        }
        Ok(environments)
    }

    async fn environments_alone(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        self.service.environments(Operator).await
    }

    /// What this program has seen, and of one environment what Auto Scaling did: AWS Batch keeps no record of it.
    async fn scaling(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        let is_known = {
            let memory = self.service.memory();
            memory.fleet.is_read() || memory.watches > 0
        };
        if !is_known {
            self.compute_environments().await?;
        }
        if let Some(environment) = environment {
            // They stand beside what this program has seen.
            let _ = self.service.read_activities(Operator, environment).await;
        }
        Ok(self.service.memory().fleet.steps(environment))
    }

    async fn capacity_over_time(&self, environment: &str) -> Result<CapacityOverTime, BackendError> {
        let told = self.service.memory().capacity.get(environment).cloned().unwrap_or_default();
        Ok(CapacityOverTime { source: "since this program looks".to_owned(), ..told })
    }

    async fn create_compute_environment(&self, request: CreateComputeEnvironmentRequest) -> Result<(), BackendError> {
        let name = request.compute_environment_name;
        let call = self
            .service
            .batch
            .create_compute_environment()
            .compute_environment_name(&name)
            .r#type(types::CeType::from(request.kind.as_str()))
            .state(types::CeState::from(request.state.unwrap_or_default().as_str()))
            .set_compute_resources(request.compute_resources.map(convert::environment::new_resources))
            .set_service_role(request.service_role)
            .set_unmanagedv_cpus(request.unmanagedv_cpus)
            .set_tags((!request.tags.is_empty()).then(|| request.tags.into_iter().collect()));
        let sent = self.service.call_once(Operator, "CreateComputeEnvironment", || call.clone().send());
        let result = sent.await.map(|_| ());
        self.record("CreateComputeEnvironment", &name, None, request.kind, result).await
    }

    async fn update_compute_environment(
        &self,
        request: UpdateComputeEnvironmentRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        let scaling = request.compute_resources.unwrap_or_default();
        let outcome = settings(&[
            ("state", request.state.map(|state| state.as_str().to_owned())),
            ("minvCpus", scaling.minv_cpus.map(|number| number.to_string())),
            ("maxvCpus", scaling.maxv_cpus.map(|number| number.to_string())),
            ("desiredvCpus", scaling.desiredv_cpus.map(|number| number.to_string())),
            ("type", scaling.kind.clone()),
            ("allocationStrategy", scaling.allocation_strategy.clone()),
            ("instanceTypes", scaling.instance_types.as_ref().map(|types| types.join(" "))),
            ("bidPercentage", scaling.bid_percentage.map(|number| number.to_string())),
            ("subnets", scaling.subnets.as_ref().map(|ids| ids.join(" "))),
            ("securityGroupIds", scaling.security_group_ids.as_ref().map(|ids| ids.join(" "))),
            ("instanceRole", scaling.instance_role.clone()),
            ("serviceRole", request.service_role.clone()),
            ("unmanagedvCpus", request.unmanagedv_cpus.map(|number| number.to_string())),
        ]);
        let name = request.compute_environment;
        let call = self
            .service
            .batch
            .update_compute_environment()
            .compute_environment(&name)
            .set_state(request.state.map(|state| types::CeState::from(state.as_str())))
            .set_service_role(request.service_role)
            .set_unmanagedv_cpus(request.unmanagedv_cpus)
            .set_compute_resources(
                (scaling != ComputeResourceUpdate::default()).then(|| convert::environment::changed(scaling)),
            );
        let result = self.service.call(Operator, "UpdateComputeEnvironment", || call.clone().send()).await.map(|_| ());
        self.record("UpdateComputeEnvironment", &name, why.reason, outcome, result).await
    }

    async fn delete_job_queue(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = self.service.batch.delete_job_queue().job_queue(name);
        let result = self.service.call(Operator, "DeleteJobQueue", || call.clone().send()).await.map(|_| ());
        self.record("DeleteJobQueue", name, why.reason, "deleting".to_owned(), result).await
    }

    async fn delete_compute_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = self.service.batch.delete_compute_environment().compute_environment(name);
        let result = self.service.call(Operator, "DeleteComputeEnvironment", || call.clone().send()).await.map(|_| ());
        self.record("DeleteComputeEnvironment", name, why.reason, "deleting".to_owned(), result).await
    }

    async fn tag_resource(&self, arn: &str, tags: BTreeMap<String, String>, why: Why) -> Result<(), BackendError> {
        let outcome = tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
        let call = self.service.batch.tag_resource().resource_arn(arn).set_tags(Some(tags.into_iter().collect()));
        let result = self.service.call(Operator, "TagResource", || call.clone().send()).await.map(|_| ());
        self.record("TagResource", arn, why.reason, outcome, result).await
    }

    async fn interrupt_instance(&self, _: &InstanceId, _at_once: bool, _why: Why) -> Result<(), BackendError> {
        Err(BackendError::Unsupported {
            action: "interrupting an instance",
            backend: NAME,
            instead: "end it in EC2 (`aws ec2 terminate-instances`), or let AWS FIS send it a Spot interruption \
                      (`aws:ec2:send-spot-instance-interruptions`)",
        })
    }

    async fn job_definitions(&self, active_only: bool) -> Result<Vec<JobDefinition>, BackendError> {
        // Beside a watch nobody waits for all of them: the console has them ready for its forms.
        let caller = if self.service.memory().watches > 0 { Background } else { Operator };
        self.service.definitions(caller, active_only).await
    }

    async fn register_job_definition(
        &self,
        request: RegisterJobDefinitionRequest,
    ) -> Result<RegisterJobDefinitionResponse, BackendError> {
        let name = request.job_definition_name.clone();
        let call = convert::definition::register(self.service.batch.register_job_definition(), request)
            .map_err(|left| not_sent(left, "use `aws batch register-job-definition --cli-input-json`"))?;
        // Sent twice, it would make two revisions.
        let answer = self.service.call_once(Operator, "RegisterJobDefinition", || call.clone().send()).await;
        let registered = answer.map(|answer| RegisterJobDefinitionResponse {
            job_definition_name: answer.job_definition_name.unwrap_or_default(),
            job_definition_arn: answer.job_definition_arn.unwrap_or_default(),
            revision: answer.revision.and_then(|revision| u32::try_from(revision).ok()).unwrap_or_default(),
        });
        let outcome = registered.as_ref().map(|new| format!("revision {}", new.revision)).unwrap_or_default();
        self.record("RegisterJobDefinition", &name, None, outcome, registered).await
    }

    /// Rows beyond the first 200 of a page that were never described carry the list's members alone in `extra`.
    async fn jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let Token { places, mut forgotten } = match &query.page_token {
            Some(token) => serde_json::from_str(token).map_err(|_| BackendError::Refused {
                code: "InvalidNextToken".to_owned(),
                message: "the page token is not one of this list; list again from the start".to_owned(),
            })?,
            None => self.begin_of(&query).await?,
        };
        let limit = query.limit.map(|limit| limit.max(1) as usize);
        let lists = places.into_iter().map(|place| self.service.list(Operator, place, limit));
        let mut lists = try_join_all(lists).await?;
        for list in &mut lists {
            list.rows.retain(|row| pages::is_named(&row.job_name, query.name.as_deref()));
            // Whether an array's children run is not in every list.
            let arrays = list.rows.iter_mut().filter(|row| row.is_array_parent() && !query.statuses.is_empty());
            self.service.enrich(Operator, arrays.collect(), DESCRIBED_OF_A_PAGE).await?;
            list.rows.retain(|row| pages::is_asked_for(row, &query.statuses));
        }
        let (mut items, places) = pages::merge(lists, limit);
        self.service.enrich(Operator, items.iter_mut().collect(), DESCRIBED_OF_A_PAGE).await?;
        if let Some(turn) = forgotten.take_if(|_| places.is_empty()) {
            let room = limit.map(|limit| limit.saturating_sub(items.len()));
            let (rows, more) = self.forgotten(&query, turn, room).await;
            items.extend(rows);
            items.sort_by_key(pages::key);
            forgotten = more;
        }
        let mut memory = self.service.memory();
        if memory.watches > 0 && matches!(query.scope, JobScope::Queue(_)) {
            memory.fetched.extend(items.iter().cloned());
        }
        drop(memory);
        let token = Token { places, forgotten };
        let is_over = token.places.is_empty() && token.forgotten.is_none();
        let next = (!is_over).then(|| serde_json::to_string(&token).expect("places write as JSON"));
        Ok(Page { items, next })
    }

    async fn describe_jobs(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut details = self.describe(ids).await?;
        self.service.add_costs(&mut details);
        Ok(details)
    }

    /// `SubmitJob` has no idempotency token: it is sent again only where it certainly took no effect, so that a lost answer
    /// does not submit twice.
    async fn submit_job(&self, request: SubmitJobRequest) -> Result<SubmitJobResponse, BackendError> {
        self.submit(request).await
    }

    async fn cancel_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        if self.service.memory().services.has_job(id) {
            return self.terminate_service_job(id, reason).await;
        }
        let call = self.service.batch.cancel_job().job_id(id.as_str()).reason(reason);
        let result = self.service.call(Operator, "CancelJob", || call.clone().send()).await.map(|_| ());
        self.record("CancelJob", id.as_str(), Some(reason.to_owned()), "accepted".to_owned(), result).await
    }

    async fn terminate_job(&self, id: &JobId, reason: &str) -> Result<(), BackendError> {
        if self.service.memory().services.has_job(id) {
            return self.terminate_service_job(id, reason).await;
        }
        let call = self.service.batch.terminate_job().job_id(id.as_str()).reason(reason);
        let result = self.service.call(Operator, "TerminateJob", || call.clone().send()).await.map(|_| ());
        self.record("TerminateJob", id.as_str(), Some(reason.to_owned()), "accepted".to_owned(), result).await
    }

    /// `UpdateServiceJob` for a service job; AWS moves no other.
    async fn reprioritise_job(&self, id: &JobId, priority: i32, why: Why) -> Result<(), BackendError> {
        let is_known = self.service.memory().services.has_job(id);
        if !is_known && !self.service.describe(Operator, std::slice::from_ref(id)).await?.is_empty() {
            return Err(BackendError::Unsupported {
                action: "reprioritising a waiting job",
                backend: NAME,
                instead: "replace it (`batchdeck replace ID --priority PRIORITY`), which gives it another id, or raise the \
                          priority of its queue (`batchdeck reprioritise --queue NAME PRIORITY`)",
            });
        }
        let call = self.service.batch.update_service_job().job_id(id.as_str()).scheduling_priority(priority);
        let result = self.service.call(Operator, "UpdateServiceJob", || call.clone().send()).await.map(|_| ());
        self.record("UpdateServiceJob", id.as_str(), why.reason, format!("priority {priority}"), result).await
    }

    async fn hold(&self, target: &HoldTarget, _why: Why) -> Result<(), BackendError> {
        Err(match target {
            HoldTarget::Job(_) => BackendError::Unsupported {
                action: "holding a waiting job",
                backend: NAME,
                instead: "cancel it (`batchdeck cancel ID`) and submit it again later; jobs that depend on it fail with it",
            },
            HoldTarget::Queue(_) => BackendError::Unsupported {
                action: "holding a queue",
                backend: NAME,
                instead: "disable its compute environments (`batchdeck envs disable NAME`), which holds all queues that \
                          use them; disabling the queue only keeps new jobs out",
            },
        })
    }

    async fn release(&self, _target: &HoldTarget, _why: Why) -> Result<(), BackendError> {
        Err(BackendError::Unsupported {
            action: "releasing what is held",
            backend: NAME,
            instead: "nothing can be held there; enable what is disabled (`batchdeck queues enable NAME`, `batchdeck envs \
                      enable NAME`)",
        })
    }

    async fn move_job(&self, _id: &JobId, _to: MoveTo, _why: Why) -> Result<(), BackendError> {
        Err(BackendError::Unsupported {
            action: "moving a waiting job",
            backend: NAME,
            instead: "replace it (`batchdeck replace ID --queue NAME`): it gets another id, and jobs that depend on it fail \
                      unless they are replaced with it",
        })
    }

    async fn scheduling_policy(&self, arn: &str) -> Result<SchedulingPolicy, BackendError> {
        let call = self.service.batch.describe_scheduling_policies().arns(arn);
        let answer = self.service.call(Operator, "DescribeSchedulingPolicies", || call.clone().send()).await?;
        let found = answer.scheduling_policies.unwrap_or_default().into_iter().next();
        let what = || BackendError::NotFound { what: format!("scheduling policy {arn}") };
        found.map(convert::policy::policy).ok_or_else(what)
    }

    async fn update_scheduling_policy(
        &self,
        request: UpdateSchedulingPolicyRequest,
        why: Why,
    ) -> Result<(), BackendError> {
        let arn = request.arn.clone();
        let call = convert::policy::update(self.service.batch.update_scheduling_policy(), request)
            .map_err(|left| not_sent(left, "use `aws batch update-scheduling-policy`"))?;
        let result = self.service.call(Operator, "UpdateSchedulingPolicy", || call.clone().send()).await.map(|_| ());
        self.record("UpdateSchedulingPolicy", crate::model::name_of(&arn), why.reason, "changed".to_owned(), result)
            .await
    }

    async fn queue_snapshot(&self, queue: &str) -> Result<JobQueueSnapshot, BackendError> {
        let call = self.service.batch.get_job_queue_snapshot().job_queue(queue);
        let answer = self.service.call(Operator, "GetJobQueueSnapshot", || call.clone().send()).await?;
        Ok(convert::queue::snapshot(answer))
    }

    async fn consumable_resource(&self, name: &str) -> Result<ConsumableResource, BackendError> {
        let call = self.service.batch.describe_consumable_resource().consumable_resource(name);
        let answer = self.service.call(Operator, "DescribeConsumableResource", || call.clone().send()).await?;
        Ok(convert::queue::consumable(answer))
    }

    async fn log_events(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        self.service.log_page(Operator, request).await
    }

    async fn follow_log(
        &self,
        group: Option<String>,
        stream: String,
        from: Option<String>,
    ) -> Result<BoxStream<'static, Result<Vec<LogEvent>, BackendError>>, BackendError> {
        Ok(logs::follow(Arc::clone(&self.service), group, stream, from))
    }

    async fn search_log(&self, search: SearchLog) -> Result<Searched, BackendError> {
        log_search::search(self, &self.service, search).await
    }

    async fn filter_log_events(&self, request: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        self.service.filtered(Operator, request).await
    }

    async fn next_log_page(&self, request: GetLogEvents) -> Result<LogPage, BackendError> {
        logs::next_page(&self.service, request).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, BackendError> {
        self.service.schedules(Operator).await
    }

    async fn rules(&self) -> Result<Vec<Schedule>, BackendError> {
        let queues = self.service.queues(Operator).await?;
        let queues: Vec<_> = queues.into_iter().map(|queue| queue.job_queue_arn).collect();
        self.service.rules(Operator, &queues).await
    }

    async fn create_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        not_of_rules(&schedule.group_name)?;
        let (key, outcome) = (schedule.key(), schedule.schedule_expression.clone());
        // With a token, it is made once however often it is sent.
        let call = convert::schedule::create(self.service.scheduler.create_schedule(), schedule)?
            .client_token(uuid::Uuid::new_v4().to_string());
        let result = self.service.call(Operator, "CreateSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        self.record("CreateSchedule", &key, None, outcome, result).await
    }

    async fn update_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        not_of_rules(&schedule.group_name)?;
        let (key, group, name) = (schedule.key(), schedule.group_name.clone(), schedule.name.clone());
        let outcome = format!("{}, {}", schedule.state.as_str(), schedule.schedule_expression);
        let call = convert::schedule::update(self.service.scheduler.update_schedule(), schedule)?;
        let result = self.service.call(Operator, "UpdateSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        let result = result.map_err(|error| schedules::named(error, &group, &name));
        self.record("UpdateSchedule", &key, None, outcome, result).await
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        not_of_rules(group)?;
        let call = self.service.scheduler.delete_schedule().group_name(group).name(name);
        let result = self.service.call(Operator, "DeleteSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        let result = result.map_err(|error| schedules::named(error, group, name));
        self.record("DeleteSchedule", &format!("{group}/{name}"), None, "deleted".to_owned(), result).await
    }

    /// A plain submission: Scheduler has no call that fires a schedule.
    async fn run_schedule(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        not_of_rules(group)?;
        let schedule = self.service.schedule(Operator, group, name).await?;
        let now = chrono::Utc::now().timestamp_millis();
        let request = schedule.request_at(now, &uuid::Uuid::new_v4().to_string(), 1);
        let request = request.map_err(|error| BackendError::Refused {
            code: "ValidationException".to_owned(),
            message: format!("the schedule {} submits no job: {error}", schedule.key()),
        })?;
        self.submit_job(request).await
    }

    async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        self.service.schedule_runs(group, name).await
    }

    async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        self.service.schedule_groups().await
    }

    async fn create_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        let call = self.service.scheduler.create_schedule_group().name(name);
        let result = self.service.call(Operator, "CreateScheduleGroup", || call.clone().send()).await.map(|_| ());
        self.record("CreateScheduleGroup", name, None, "created".to_owned(), result).await
    }

    async fn delete_schedule_group(&self, name: &str) -> Result<(), BackendError> {
        let call = self.service.scheduler.delete_schedule_group().name(name);
        let result = self.service.call(Operator, "DeleteScheduleGroup", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        self.record("DeleteScheduleGroup", name, None, "deleted with its schedules".to_owned(), result).await
    }

    /// What was done through this console: AWS itself has no call that tells it.
    async fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, BackendError> {
        let Some(file) = self.audit.clone() else {
            return Err(BackendError::Unsupported {
                action: "reading who did what",
                backend: NAME,
                instead: "set an audit file for this context, or ask CloudTrail",
            });
        };
        let read = tokio::task::spawn_blocking(move || file.last(limit)).await;
        read.map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| BackendError::Malformed { operation: "ListAudit", cause: error.to_string() })
    }

    async fn watch(
        &self,
        cursor: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<Change, BackendError>>, BackendError> {
        watch::watch(Arc::clone(&self.service), cursor).await
    }

    /// What this program has seen of them, and what the times of jobs tell: AWS has no call for its events.
    async fn events(
        &self,
        cursor: Option<u64>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<EventLine, BackendError>>, BackendError> {
        if follow {
            let changes = self.watch(None).await?;
            return Ok(happenings::follow(Arc::clone(&self.service), changes, cursor));
        }
        if self.service.memory().watches == 0 {
            self.service.look_for_events().await?;
        }
        Ok(happenings::so_far(&self.service, cursor))
    }

    async fn record_run(&self, run: CommandRun) -> Result<(), BackendError> {
        let outcome = run.recorded_outcome();
        self.record(CommandRun::ACTION, run.recorded_target(), None, outcome, Ok(())).await
    }

    async fn costs(&self, _query: CostQuery) -> Result<CostReport, BackendError> {
        Err(BackendError::Unsupported {
            action: "adding up costs",
            backend: NAME,
            instead: "split cost allocation data of AWS Billing has them, about a day later",
        })
    }

    async fn observed_runs(&self, _definition: Option<&str>) -> Result<Vec<ObservedRuns>, BackendError> {
        Err(BackendError::Unsupported {
            action: "telling what runs have used",
            backend: NAME,
            instead: "CloudWatch Container Insights of the environment's ECS cluster has it",
        })
    }

    async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        self.service.usage_over_time(job).await
    }

    fn code_wanted(&self) -> Option<String> {
        self.service.code_wanted()
    }

    async fn give_code(&self, code: &str) -> Result<(), BackendError> {
        self.service.give_code(code).await
    }

    fn look_at(&self, queue: Option<&str>, environment: Option<&str>) {
        let mut memory = self.service.memory();
        memory.looked_at = queue.map(str::to_owned);
        memory.environment_looked_at = environment.map(str::to_owned);
        drop(memory);
        self.service.wake.notify_one();
    }

    fn look_again(&self) {
        let mut memory = self.service.memory();
        (memory.hurry, memory.schedules_changed) = (true, true);
        drop(memory);
        self.service.wake.notify_one();
    }

    fn meter(&self) -> Option<Meter> {
        let budget::Load { per_second, allowed, waiting, throttled, closed_for } = self.service.budget.load();
        let millis = |span: Duration| Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX);
        Some(Meter {
            per_second,
            allowed,
            waiting,
            throttled,
            closed_for: millis(closed_for),
            unanswered: self.service.flights.longest().map_or(0, millis),
            clock_behind: self.service.clock.ahead(),
            read_at: self.service.memory().read_at.clone(),
        })
    }

    async fn engine_status(&self) -> Result<EngineStatus, BackendError> {
        Err(BackendError::Unsupported {
            action: "asking for the engine's state",
            backend: NAME,
            instead: "AWS runs no engine of yours; use a context of the local engine",
        })
    }
}
