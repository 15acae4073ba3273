//! Jobs: listed by queue, state and name, described a hundred at a time, and what was told of one remembered until it
//! moves on.

use super::budget::Caller;
use super::convert;
use super::memory::Stamp;
use super::pages::{By, Fetched, Of, Place, Source};
use super::service::Service;
use super::world::Survey;
use crate::backend::BackendError;
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, is_service_job, name_of};
use aws_sdk_batch::types;
use futures::future::try_join_all;
use std::collections::HashMap;

/// Ids in one `DescribeJobs`.
const DESCRIBE_AT_ONCE: usize = 100;
/// Rows in a page of `ListJobs`, by state and with a filter.
const LARGEST_PAGE: usize = 1000;
const LARGEST_FILTERED_PAGE: usize = 100;
/// Jobs whose sizes and streams are remembered.
const REMEMBERED: usize = 20_000;

impl Service {
    /// All of each job, in the order asked; unknown ids are left out.
    pub async fn describe(&self, caller: Caller, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut found = HashMap::new();
        let mut batches = Vec::new();
        let (of_services, others): (Vec<JobId>, Vec<JobId>) = {
            let memory = self.memory();
            ids.iter().cloned().partition(|id| memory.services.has_job(id))
        };
        for batch in others.chunks(DESCRIBE_AT_ONCE) {
            let ids = batch.iter().map(|id| id.0.clone()).collect();
            let call = self.batch.describe_jobs().set_jobs(Some(ids));
            batches.push(async move { self.call(caller, "DescribeJobs", || call.clone().send()).await });
        }
        for answer in try_join_all(batches).await? {
            let details: Vec<_> = answer.jobs.unwrap_or_default().into_iter().map(convert::job::detail).collect();
            if let Some(history) = &self.history {
                history.note_details(&details);
            }
            found.extend(details.into_iter().map(|detail| (detail.job_id.clone(), detail)));
        }
        let told = self.describe_services(caller, &of_services).await?;
        found.extend(told.into_iter().map(|detail| (detail.job_id.clone(), detail)));
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// One page of a list. The children of arrays are left out of a queue's list, as AWS leaves them out.
    pub async fn list(&self, caller: Caller, place: Place, limit: Option<usize>) -> Result<Fetched, BackendError> {
        let (queue, array, nodes) = match &place.source.of {
            Of::Queue(name) if self.memory().services.has_queue(name_of(name)) => {
                let name = name.clone();
                return self.list_services(caller, place, &name, limit).await;
            }
            Of::Queue(name) => (Some(name.clone()), None, None),
            Of::Array(id) => (None, Some(id.0.clone()), None),
            Of::Nodes(id) => (None, None, Some(id.0.clone())),
        };
        let filter = |name: &str, value: &str| types::KeyValuesPair::builder().name(name).values(value).build();
        let call = self.batch.list_jobs().set_job_queue(queue.clone()).set_array_job_id(array);
        let call = call.set_multi_node_job_id(nodes);
        let (call, largest) = match &place.source.by {
            By::Status(status) => (call.job_status(types::JobStatus::from(status.as_str())), LARGEST_PAGE),
            By::Name(name) => (call.filters(filter("JOB_NAME", name)), LARGEST_FILTERED_PAGE),
            By::Age => (call.filters(filter("AFTER_CREATED_AT", "0")), LARGEST_FILTERED_PAGE),
        };
        let size = limit.unwrap_or(largest).clamp(1, largest);
        let call = call.max_results(i32::try_from(size).unwrap_or(i32::MAX)).set_next_token(place.token.clone());
        let answer = self.call(caller, "ListJobs", || call.clone().send()).await?;
        let queue_name = queue.as_deref().map(name_of);
        let rows = answer.job_summary_list.unwrap_or_default().into_iter();
        let mut rows: Vec<_> = rows.map(|row| convert::job::summary(row, queue_name)).collect();
        rows.retain(|row| queue.is_none() || row.job_id.part().is_none());
        if let Some(history) = &self.history {
            history.note_rows(&rows);
        }
        Ok(Fetched { place, rows, next: answer.next_token })
    }

    /// All of a queue's jobs, as far as one page of each state holds them.
    pub async fn survey(&self, caller: Caller, queue: &str) -> Result<Survey, BackendError> {
        let mut survey = self.newest(caller, queue).await?;
        if survey.overflows {
            self.read_states(caller, queue, &JobStatus::ALL, &mut survey).await?;
        }
        Ok(survey)
    }

    /// The newest hundred jobs of a queue, in one call: of most queues those are all.
    pub async fn newest(&self, caller: Caller, queue: &str) -> Result<Survey, BackendError> {
        let newest = self.list(caller, first_of(queue, By::Age), None).await?;
        let mut survey = Survey { overflows: newest.next.is_some(), ..Survey::default() };
        if !survey.overflows {
            survey.whole.extend(JobStatus::ALL);
        }
        survey.see(newest.rows);
        Ok(survey)
    }

    /// The first page of each of these states, a call each, in the order that a job walks: one that moves between two
    /// calls is seen again rather than missed.
    pub async fn read_states(
        &self,
        caller: Caller,
        queue: &str,
        statuses: &[JobStatus],
        survey: &mut Survey,
    ) -> Result<(), BackendError> {
        for status in statuses.iter().copied() {
            let page = self.list(caller, first_of(queue, By::Status(status)), None).await?;
            if page.next.is_none() {
                survey.whole.insert(status)
            } else {
                survey.cut.insert(status)
            };
            survey.see(page.rows);
        }
        Ok(())
    }

    /// Adds what `ListJobs` does not tell. What was told before of a job in the same state is remembered; of the others
    /// the first `at_most` are described, and the rest keep what the list said.
    pub async fn enrich(&self, caller: Caller, rows: Vec<&mut JobSummary>, at_most: usize) -> Result<(), BackendError> {
        let mut unknown: Vec<&mut JobSummary> = Vec::new();
        {
            let memory = self.memory();
            // Of what AWS has forgotten it tells nothing, and of a service job the list tells what a row shows.
            let told_more = |row: &&mut JobSummary| row.from_history().is_none() && !is_service_job(&row.job_arn);
            for row in rows.into_iter().filter(told_more) {
                let uncounted = !row.status.is_final()
                    && row.array_properties.as_ref().is_some_and(|a| a.size.is_some() && a.status_summary.is_none());
                match memory.extras.get(&row.job_id) {
                    Some((seen, extra)) if *seen == stamp(row) && !uncounted => {
                        row.extra = Some(Box::new(extra.clone()));
                    }
                    _ => unknown.push(row),
                }
            }
        }
        unknown.truncate(at_most);
        let ids: Vec<_> = unknown.iter().map(|row| row.job_id.clone()).collect();
        let details = match self.describe(caller, &ids).await {
            Ok(details) => details,
            // The list stands without what would be added: for a caller who may list and not describe, and in a rush.
            Err(
                error
                @ (BackendError::Refused { .. } | BackendError::Malformed { .. } | BackendError::Throttled { .. }),
            ) => {
                tracing::warn!(%error, jobs = ids.len(), "jobs are listed without their sizes");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut told: HashMap<_, _> = details.into_iter().map(|detail| (detail.job_id.clone(), detail)).collect();
        let mut memory = self.memory();
        if memory.extras.len() + told.len() > REMEMBERED {
            memory.extras.clear();
        }
        for row in unknown {
            let Some(detail) = told.remove(&row.job_id) else { continue };
            let before = stamp(row);
            if let Some(array) = detail.array_properties {
                row.array_properties = Some(array);
            }
            if let Some(extra) = detail.extra {
                // A job that has moved on since it was listed is described again when the list says so too.
                if detail.status == row.status {
                    memory.extras.insert(row.job_id.clone(), (before, (*extra).clone()));
                }
                row.extra = Some(extra);
            }
        }
        Ok(())
    }
}

fn stamp(row: &JobSummary) -> Stamp {
    (row.status, row.started_at, row.extra.as_ref().is_some_and(|extra| extra.stopping))
}

/// Where a list of a queue begins.
fn first_of(queue: &str, by: By) -> Place {
    let source = Source { of: Of::Queue(queue.to_owned()), by };
    Place { source, token: None, after: None }
}
