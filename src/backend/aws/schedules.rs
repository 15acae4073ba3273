//! Schedules of `EventBridge` Scheduler whose target submits jobs.
//!
//! A list there tells neither expression nor input, so each schedule is read once, and again when its list says that it
//! was changed. Scheduler keeps no history: past runs are found by the tag of their jobs.

use super::budget::Caller::{self, Operator};
use super::convert;
use super::pages::{By, Of, Place, Source};
use super::service::Service;
use super::{AwsBackend, cannot};
use crate::backend::BackendError;
use crate::model::{
    JobId, SCHEDULE_TAG, SUBMIT_JOB_TARGET, Schedule, ScheduleGroup, ScheduleRun, SubmitJobResponse, is_of_rules,
};
use futures::future::try_join_all;
use std::collections::BTreeMap;

/// Pages of 100 schedules that are read of a list.
const PAGES: usize = 10;
/// Jobs of the schedule's name that are looked through for its runs: a page of `ListJobs`.
const RUNS: usize = 100;

/// Group and name.
pub type Key = (String, String);

/// What a list tells of a schedule without reading it.
struct Row {
    key: Key,
    /// Epoch seconds.
    modified: Option<f64>,
}

impl Service {
    /// All schedules that submit jobs, by group and name; at most the first thousand of the account.
    pub async fn schedules(&self, caller: Caller) -> Result<Vec<Schedule>, BackendError> {
        let rows = self.schedule_rows(caller).await?;
        let known = std::mem::take(&mut self.memory().schedules);
        let read = rows.into_iter().map(|Row { key, modified }| {
            let known = known.get(&key).filter(|known| known.last_modification_date == modified).cloned();
            async move {
                match known {
                    Some(schedule) => Ok(Some(schedule)),
                    None => match self.schedule(caller, &key.0, &key.1).await {
                        Ok(schedule) => Ok(Some(schedule)),
                        // It went between the list and this.
                        Err(BackendError::NotFound { .. }) => Ok(None),
                        Err(error) => Err(error),
                    },
                }
            }
        });
        let read = try_join_all(read).await;
        let schedules: Vec<Schedule> = match read {
            Ok(schedules) => schedules.into_iter().flatten().collect(),
            Err(error) => {
                self.memory().schedules = known;
                return Err(error);
            }
        };
        let by_key = schedules.iter().map(|each| ((each.group_name.clone(), each.name.clone()), each.clone()));
        self.memory().schedules = by_key.collect::<BTreeMap<_, _>>();
        Ok(schedules)
    }

    async fn schedule_rows(&self, caller: Caller) -> Result<Vec<Row>, BackendError> {
        let mut rows = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.scheduler.list_schedules().max_results(100).set_next_token(token);
            let answer = self.call(caller, "ListSchedules", || call.clone().send()).await?;
            let submits = |row: &aws_sdk_scheduler::types::ScheduleSummary| {
                row.target.as_ref().is_none_or(|target| target.arn() == SUBMIT_JOB_TARGET)
            };
            rows.extend(answer.schedules.into_iter().filter(submits).map(|row| Row {
                key: (row.group_name.unwrap_or_default(), row.name.unwrap_or_default()),
                modified: convert::schedule::seconds(row.last_modification_date),
            }));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(rows)
    }

    pub async fn schedule(&self, caller: Caller, group: &str, name: &str) -> Result<Schedule, BackendError> {
        let call = self.scheduler.get_schedule().group_name(group).name(name);
        let answer = self.call(caller, "GetSchedule", || call.clone().send()).await;
        answer.map(convert::schedule::schedule).map_err(|error| named(error, group, name))
    }

    pub async fn schedule_groups(&self) -> Result<Vec<ScheduleGroup>, BackendError> {
        let mut groups = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.scheduler.list_schedule_groups().max_results(100).set_next_token(token);
            let answer = self.call(Operator, "ListScheduleGroups", || call.clone().send()).await?;
            groups.extend(answer.schedule_groups.into_iter().map(convert::schedule::group));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(groups)
    }

    /// The jobs that carry the schedule's tag, among the newest of the job's name in the queue. A schedule that was not
    /// made here tags nothing: there the name alone has to do, and each run says so.
    pub async fn schedule_runs(&self, group: &str, name: &str) -> Result<Vec<ScheduleRun>, BackendError> {
        let schedule = if is_of_rules(group) {
            self.rule_named(Operator, group, name).await?
        } else {
            self.schedule(Operator, group, name).await?
        };
        let Ok(request) = schedule.target.request() else { return Ok(Vec::new()) };
        let is_tagged = request.tags.contains_key(SCHEDULE_TAG);
        let source = Source { of: Of::Queue(request.job_queue), by: By::Name(request.job_name) };
        let listed = self.list(Operator, Place { source, token: None, after: None }, Some(RUNS)).await?;
        let ids: Vec<JobId> = listed.rows.into_iter().map(|row| row.job_id).collect();
        let jobs = self.describe(Operator, &ids).await?;
        let key = schedule.key();
        let runs = jobs.into_iter().filter_map(|job| {
            let ours = job.tags.get(SCHEDULE_TAG).map_or(!is_tagged, |tag| *tag == key);
            ours.then(|| ScheduleRun {
                schedule_name: name.to_owned(),
                group_name: group.to_owned(),
                scheduled_time: job.created_at,
                fired_at: job.created_at,
                job_id: Some(job.job_id),
                note: (!is_tagged).then(|| "found by the job's name alone".to_owned()),
                ..ScheduleRun::default()
            })
        });
        let mut runs: Vec<_> = runs.collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.fired_at));
        Ok(runs)
    }
}

impl AwsBackend {
    pub(super) async fn make_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        not_of_rules(&schedule.group_name)?;
        let (key, outcome) = (schedule.key(), schedule.schedule_expression.clone());
        // With a token, it is made once however often it is sent.
        let call = convert::schedule::create(self.service.scheduler.create_schedule(), schedule)?
            .client_token(uuid::Uuid::new_v4().to_string());
        let result = self.service.call(Operator, "CreateSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        self.record("CreateSchedule", &key, None, outcome, result).await
    }

    pub(super) async fn change_schedule(&self, schedule: Schedule) -> Result<(), BackendError> {
        not_of_rules(&schedule.group_name)?;
        let (key, group, name) = (schedule.key(), schedule.group_name.clone(), schedule.name.clone());
        let outcome = format!("{}, {}", schedule.state.as_str(), schedule.schedule_expression);
        let call = convert::schedule::update(self.service.scheduler.update_schedule(), schedule)?;
        let result = self.service.call(Operator, "UpdateSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        let result = result.map_err(|error| named(error, &group, &name));
        self.record("UpdateSchedule", &key, None, outcome, result).await
    }

    pub(super) async fn remove_schedule(&self, group: &str, name: &str) -> Result<(), BackendError> {
        not_of_rules(group)?;
        let call = self.service.scheduler.delete_schedule().group_name(group).name(name);
        let result = self.service.call(Operator, "DeleteSchedule", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        let result = result.map_err(|error| named(error, group, name));
        self.record("DeleteSchedule", &format!("{group}/{name}"), None, "deleted".to_owned(), result).await
    }

    /// A plain submission: Scheduler has no call that fires a schedule.
    pub(super) async fn fire(&self, group: &str, name: &str) -> Result<SubmitJobResponse, BackendError> {
        not_of_rules(group)?;
        let schedule = self.service.schedule(Operator, group, name).await?;
        let now = chrono::Utc::now().timestamp_millis();
        let request = schedule.request_at(now, &uuid::Uuid::new_v4().to_string(), 1);
        let request = request.map_err(|error| BackendError::Refused {
            code: "ValidationException".to_owned(),
            message: format!("the schedule {} submits no job: {error}", schedule.key()),
        })?;
        self.submit(request).await
    }

    pub(super) async fn make_group(&self, name: &str) -> Result<(), BackendError> {
        let call = self.service.scheduler.create_schedule_group().name(name);
        let result = self.service.call(Operator, "CreateScheduleGroup", || call.clone().send()).await.map(|_| ());
        self.record("CreateScheduleGroup", name, None, "created".to_owned(), result).await
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), BackendError> {
        let call = self.service.scheduler.delete_schedule_group().name(name);
        let result = self.service.call(Operator, "DeleteScheduleGroup", || call.clone().send()).await.map(|_| ());
        self.service.memory().schedules_changed = true;
        self.record("DeleteScheduleGroup", name, None, "deleted with its schedules".to_owned(), result).await
    }
}

/// Refuses to change a classic rule.
fn not_of_rules(group: &str) -> Result<(), BackendError> {
    if !is_of_rules(group) {
        return Ok(());
    }
    Err(cannot::CHANGE_RULE)
}

/// An error about a schedule that is not there names it.
fn named(error: BackendError, group: &str, name: &str) -> BackendError {
    match error {
        BackendError::NotFound { .. } => BackendError::NotFound { what: format!("schedule {group}/{name}") },
        error => error,
    }
}
