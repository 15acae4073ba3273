//! What a job has used over time. AWS Batch does not tell it, and CloudWatch has figures of a cluster and of a task
//! definition, not of a task. Container Insights writes a line a minute for each task into a log group of the cluster,
//! where the task's own figures stand.
//!
//! Source: CloudWatch user guide, "Container Insights performance log reference".

use super::budget::Caller::Operator;
use super::errors::is_denial;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{FilterLogEvents, JobDetail, Millis, UsageOverTime, UsageSample};
use serde::Deserialize;

/// Pages that are read: a call looks through a part of all that the cluster has written.
const PAGES: usize = 12;
/// The line of a minute is written after it, and the last one after the end.
const AROUND: Millis = 120_000;
const MINUTE: Millis = 60_000;
/// The first minute and the last one are not whole, and may go uncounted.
const HALF_MINUTES: Millis = 2;
/// ECS counts in 1024ths of a vCPU.
const UNITS: f64 = 1024.0;

/// What a line says of a task.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    timestamp: Millis,
    cpu_utilized: f64,
    memory_utilized: f64,
}

/// Cluster and id of `arn:…:task/CLUSTER/ID`.
fn task_of(arn: &str) -> Option<(&str, &str)> {
    let (_, path) = arn.split_once(":task/")?;
    path.split_once('/')
}

impl Service {
    pub async fn usage_over_time(&self, job: &JobDetail) -> Result<UsageOverTime, BackendError> {
        let Some((cluster, task)) = job.task_arn().and_then(task_of) else {
            return Err(BackendError::NotFound { what: "a task of ECS that the job has run as".to_owned() });
        };
        let group = format!("/aws/ecs/containerinsights/{cluster}/performance");
        let mut token = None;
        let mut samples = Vec::new();
        for _ in 0..PAGES {
            let wanted = FilterLogEvents {
                log_group_name: Some(group.clone()),
                start_time: job.started_at.map(|at| at - AROUND),
                end_time: job.stopped_at.map(|at| at + AROUND),
                filter_pattern: Some(format!(r#"{{ $.Type = "Task" && $.TaskId = "{task}" }}"#)),
                next_token: token,
                ..FilterLogEvents::default()
            };
            let page = match self.filtered(Operator, wanted).await {
                Err(BackendError::NotFound { .. }) => return Err(off(cluster)),
                Err(BackendError::Refused { code, message }) if is_denial(&code) => return Err(closed(code, &message)),
                page => page?,
            };
            samples.extend(page.events.iter().filter_map(|event| sample(&event.message)));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        samples.sort_by_key(|sample: &UsageSample| sample.at);
        let source = format!("Container Insights of the cluster {cluster}{}", sparse(job, &samples));
        let nothing = format!(
            "{source} has none of it; it counts once a minute, and its log group keeps lines for a day by default"
        );
        Ok(UsageOverTime { samples, source, nothing, is_cut: token.is_some() })
    }
}

fn sample(line: &str) -> Option<UsageSample> {
    let line: Line = serde_json::from_str(line).ok()?;
    Some(UsageSample { at: line.timestamp, cpu: line.cpu_utilized / UNITS, memory_mib: line.memory_utilized })
}

/// How few minutes of the run were counted, where not all were: figures far apart stand side by side in a chart.
fn sparse(job: &JobDetail, samples: &[UsageSample]) -> String {
    let end = job.stopped_at.or_else(|| samples.last().map(|sample| sample.at));
    let minutes = job.started_at.zip(end).map_or(0, |(start, end)| (end - start) / MINUTE);
    let counted = Millis::try_from(samples.len()).unwrap_or(Millis::MAX);
    if counted == 0 || counted + HALF_MINUTES >= minutes {
        return String::new();
    }
    format!(", which counted {counted} of its {minutes} minutes")
}

/// Its log group may not be read.
fn closed(code: String, message: &str) -> BackendError {
    let message = format!("{message} · `batchdeck doctor --policy read` prints what allows it (ReadWhatJobsUsed)");
    BackendError::Refused { code, message }
}

/// Nothing was ever counted there.
fn off(cluster: &str) -> BackendError {
    BackendError::Refused {
        code: "NoContainerInsights".to_owned(),
        message: format!(
            "Container Insights counts nothing in the cluster {cluster}: `aws ecs update-cluster-settings --cluster \
             {cluster} --settings name=containerInsights,value=enabled` makes it count what runs from then on"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::backend::aws::tests::world;
    use crate::backend::stub::Answer;
    use crate::model::{AttemptContainerDetail, AttemptDetail, ContainerDetail};
    use serde_json::json;

    const ARN: &str = "arn:aws:ecs:eu-west-1:1:task/spot_Batch_1/0a1b";

    fn job() -> JobDetail {
        let container = ContainerDetail { task_arn: Some(ARN.into()), ..ContainerDetail::default() };
        JobDetail {
            container: Some(container),
            started_at: Some(1_000_000),
            stopped_at: Some(2_000_000),
            ..JobDetail::default()
        }
    }

    fn line(at: Millis, cpu: f64, memory: f64) -> String {
        json!({"Type": "Task", "TaskId": "0a1b", "Timestamp": at, "CpuUtilized": cpu, "MemoryUtilized": memory,
            "CpuReserved": 2048.0, "MemoryReserved": 4096})
        .to_string()
    }

    #[tokio::test]
    async fn the_lines_of_the_job_s_own_task_are_its_figures_from_all_pages() {
        let (backend, stub) = world(|asked| {
            let is_first = asked.body["nextToken"].is_null();
            let event = |text: String| json!({"message": text, "timestamp": 1, "logStreamName": "s"});
            let lines =
                if is_first { vec![line(60_000, 512.0, 100.0)] } else { vec![line(0, 2048.0, 90.0), "x".into()] };
            let events: Vec<_> = lines.into_iter().map(event).collect();
            Answer::json(&json!({"events": events, "nextToken": is_first.then_some("more")}))
        })
        .await;
        let told = backend.usage_over_time(&job()).await.expect("figures");
        let sample = |at, cpu, memory_mib| UsageSample { at, cpu, memory_mib };
        assert_eq!(told.samples, [sample(0, 2.0, 90.0), sample(60_000, 0.5, 100.0)]);
        let source = "Container Insights of the cluster spot_Batch_1, which counted 2 of its 16 minutes";
        assert_eq!((told.source.as_str(), told.is_cut), (source, false));
        let asked = &stub.asked()[0].body;
        assert_eq!(asked["logGroupName"], "/aws/ecs/containerinsights/spot_Batch_1/performance");
        assert_eq!(asked["filterPattern"], r#"{ $.Type = "Task" && $.TaskId = "0a1b" }"#);
        assert_eq!((&asked["startTime"], &asked["endTime"]), (&json!(880_000), &json!(2_120_000)));
    }

    #[tokio::test]
    async fn where_nothing_counts_the_setting_that_makes_it_count_is_said() {
        let (backend, _stub) = world(|_| {
            Answer::error(
                400,
                Some("ResourceNotFoundException"),
                r#"{"message": "The specified log group does not exist."}"#,
            )
        })
        .await;
        let told = backend.usage_over_time(&job()).await.expect_err("is off").to_string();
        assert!(
            told.contains("update-cluster-settings --cluster spot_Batch_1 --settings name=containerInsights"),
            "{told}"
        );
        let never = backend.usage_over_time(&JobDetail::default()).await.expect_err("it never ran");
        assert!(matches!(never, BackendError::NotFound { .. }));
    }

    #[tokio::test]
    async fn who_may_not_read_it_is_told_what_allows_it() {
        let body = r#"{"message": "User: u is not authorized to perform: logs:FilterLogEvents on resource: r"}"#;
        let (backend, _stub) = world(move |_| Answer::error(400, Some("AccessDeniedException"), body)).await;
        let told = backend.usage_over_time(&job()).await.expect_err("is refused").to_string();
        assert!(told.starts_with("the permission logs:FilterLogEvents is missing: User: u"), "{told}");
        assert!(told.contains("doctor --policy read"), "{told}");
    }

    #[test]
    fn minutes_that_were_not_counted_are_said_but_for_those_at_the_ends() {
        let sample = |minute: Millis| UsageSample { at: minute * MINUTE, cpu: 1.0, memory_mib: 1.0 };
        let job = |stopped: Option<Millis>| JobDetail {
            started_at: Some(0),
            stopped_at: stopped.map(|minute| minute * MINUTE),
            ..JobDetail::default()
        };
        let told = |stopped, minutes: &[Millis]| {
            sparse(&job(stopped), &minutes.iter().copied().map(sample).collect::<Vec<_>>())
        };
        assert_eq!(told(Some(5), &[1, 2, 3]), "");
        assert_eq!(told(Some(10), &[1, 2, 9]), ", which counted 3 of its 10 minutes");
        assert_eq!(told(None, &[1, 2, 9]), ", which counted 3 of its 9 minutes");
        assert_eq!(told(Some(10), &[]), "");
        assert_eq!(sparse(&JobDetail::default(), &[sample(9)]), "");
    }

    #[tokio::test]
    async fn what_is_longer_than_may_be_read_says_that_it_is_cut() {
        let (backend, stub) = world(|_| Answer::json(&json!({"events": [], "nextToken": "more"}))).await;
        let told = backend.usage_over_time(&job()).await.expect("figures");
        assert!(told.is_cut && told.samples.is_empty());
        assert_eq!(stub.asked().len(), PAGES);
    }

    #[test]
    fn the_task_is_that_of_the_present_attempt_or_of_the_last_one() {
        assert_eq!(task_of(ARN), Some(("spot_Batch_1", "0a1b")));
        assert_eq!(task_of("arn:aws:ecs:eu-west-1:1:task/0a1b"), None);
        let attempt = |arn: &str| AttemptDetail {
            container: AttemptContainerDetail { task_arn: Some(arn.into()), ..Default::default() },
            ..AttemptDetail::default()
        };
        let ended = JobDetail { container: None, attempts: vec![attempt("first"), attempt("last")], ..job() };
        assert_eq!(ended.task_arn(), Some("last"));
        assert_eq!(JobDetail { attempts: vec![attempt("first")], ..job() }.task_arn(), Some(ARN));
    }
}
