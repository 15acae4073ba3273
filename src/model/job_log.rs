//! The logs of a job: one of each container of each attempt that has come to run.

use super::DEFAULT_CONTAINER;
use super::ecs::EcsTaskDetails;
use super::job::{AttemptDetail, JobDetail, LogConfiguration};
use serde::{Deserialize, Serialize};

/// Where one container of one attempt writes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobLog {
    /// From 1.
    pub attempt: u32,
    /// `default` where the job has one container alone; of a service job, which of its instances.
    pub container: String,
    /// `None`: the job names none, and writes into the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub stream: String,
}

/// A container of a job, as far as its log goes.
#[derive(Debug, Clone, Copy)]
struct Writer<'a> {
    name: &'a str,
    logging: Option<&'a LogConfiguration>,
    /// That of the last attempt.
    stream: Option<&'a String>,
}

impl JobDetail {
    /// By attempt, in the order of the containers. What has not come to run has none.
    pub fn logs(&self) -> Vec<JobLog> {
        if let Some(service) = &self.service {
            return service.logs.clone();
        }
        let writers = self.writers();
        let mut logs: Vec<JobLog> = Vec::new();
        let mut number = 0;
        for attempt in &self.attempts {
            number += 1;
            let streams = writers.iter().map(|writer| (writer, stream_in(attempt, writer.name)));
            logs.extend(streams.filter_map(|(writer, stream)| writer.log(number, stream?)));
        }
        // Until the next attempt has streams of its own, the last one's may still stand there.
        let ended = |stream: &String| logs.iter().any(|log| log.stream == *stream);
        let live: Vec<JobLog> = writers
            .iter()
            .filter_map(|writer| writer.log(number + 1, writer.stream.filter(|stream| !ended(stream))?))
            .collect();
        logs.extend(live);
        logs
    }

    /// The log that is looked at first: of the first essential container of an attempt, the last where none is named.
    pub fn log(&self, attempt: Option<u32>, container: Option<&str>) -> Option<JobLog> {
        let logs = self.logs();
        let number = attempt.or_else(|| logs.last().map(|log| log.attempt))?;
        let name = container.unwrap_or_else(|| self.foremost());
        logs.into_iter().find(|log| log.attempt == number && log.container == name)
    }

    /// The names of its containers; `default` where it has one alone. Of a service job, its instances that have a log.
    pub fn container_names(&self) -> Vec<&str> {
        if let Some(service) = self.service.as_ref().filter(|service| !service.logs.is_empty()) {
            return service.writers();
        }
        self.writers().into_iter().map(|writer| writer.name).collect()
    }

    /// The log driver of a container where it is not `awslogs`: on AWS its lines are in no log that can be read here.
    pub fn other_log_driver(&self, container: Option<&str>) -> Option<&str> {
        let name = container.unwrap_or_else(|| self.foremost());
        let writer = self.writers().into_iter().find(|writer| writer.name == name)?;
        writer.logging.filter(|logging| !logging.is_read()).map(|logging| logging.log_driver.as_str())
    }

    /// The container that stands for the job: the first essential one, or a service job's first instance.
    fn foremost(&self) -> &str {
        if let Some(log) = self.service.as_ref().and_then(|service| service.logs.first()) {
            return &log.container;
        }
        let tasks = || self.tasks().flat_map(|task| &task.containers);
        let essential = tasks().find(|container| container.given.is_essential());
        essential.or_else(|| tasks().next()).map_or(DEFAULT_CONTAINER, |container| &container.given.name)
    }

    fn tasks(&self) -> impl Iterator<Item = &EcsTaskDetails> {
        self.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties)
    }

    fn writers(&self) -> Vec<Writer<'_>> {
        let several: Vec<Writer<'_>> = self
            .tasks()
            .flat_map(|task| &task.containers)
            .map(|container| Writer {
                name: &container.given.name,
                logging: container.given.log_configuration.as_ref(),
                stream: container.log_stream_name.as_ref(),
            })
            .collect();
        if !several.is_empty() {
            return several;
        }
        let container = self.container.as_ref();
        vec![Writer {
            name: DEFAULT_CONTAINER,
            logging: container.and_then(|container| container.log_configuration.as_ref()),
            stream: container.and_then(|container| container.log_stream_name.as_ref()),
        }]
    }
}

impl Writer<'_> {
    fn log(&self, attempt: u32, stream: &str) -> Option<JobLog> {
        let group = self.logging.and_then(LogConfiguration::group);
        (!stream.is_empty()).then(|| JobLog {
            attempt,
            container: self.name.to_owned(),
            group: group.map(str::to_owned),
            stream: stream.to_owned(),
        })
    }
}

fn stream_in<'a>(attempt: &'a AttemptDetail, container: &str) -> Option<&'a String> {
    let several = attempt.task_properties.iter().flat_map(|task| &task.containers);
    let named = several.filter(|exit| exit.name == container).find_map(|exit| exit.log_stream_name.as_ref());
    let single = attempt.container.log_stream_name.as_ref().filter(|_| container == DEFAULT_CONTAINER);
    named.or(single)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AttemptContainerDetail, AttemptEcsTaskDetails, AttemptTaskContainerDetails, ContainerDetail, DEFAULT_LOG_GROUP,
        EcsPropertiesDetail, TaskContainerDetails, TaskContainerProperties,
    };

    fn logging(driver: &str, group: &str) -> LogConfiguration {
        let options = [("awslogs-group".to_owned(), group.to_owned())].into();
        LogConfiguration { log_driver: driver.to_owned(), options, ..LogConfiguration::default() }
    }

    fn told(job: &JobDetail) -> Vec<(u32, String, Option<String>, String)> {
        job.logs().into_iter().map(|log| (log.attempt, log.container, log.group, log.stream)).collect()
    }

    fn single(ended: &[&str], last: Option<&str>) -> JobDetail {
        let attempt = |stream: &&str| AttemptDetail {
            container: AttemptContainerDetail {
                log_stream_name: Some((*stream).to_owned()),
                ..AttemptContainerDetail::default()
            },
            ..AttemptDetail::default()
        };
        JobDetail {
            attempts: ended.iter().map(attempt).collect(),
            container: Some(ContainerDetail { log_stream_name: last.map(str::to_owned), ..ContainerDetail::default() }),
            ..JobDetail::default()
        }
    }

    #[test]
    fn each_attempt_has_its_own_log_and_the_last_one_is_looked_at() {
        let streams = |job: &JobDetail| told(job).into_iter().map(|log| (log.0, log.3)).collect::<Vec<_>>();
        let pairs = |expected: &[(u32, &str)]| {
            expected.iter().map(|(number, stream)| (*number, (*stream).to_owned())).collect::<Vec<_>>()
        };
        for (ended, last, expected) in [
            (&[][..], None, &[][..]),
            (&[], Some("a"), &[(1, "a")]),
            (&["a"], Some("a"), &[(1, "a")]),
            (&["a"], Some("b"), &[(1, "a"), (2, "b")]),
            (&["a", "b"], Some("b"), &[(1, "a"), (2, "b")]),
        ] {
            let job = single(ended, last);
            assert_eq!(streams(&job), pairs(expected), "{ended:?} and {last:?}");
            assert_eq!(job.log(None, None).map(|log| log.attempt), expected.last().map(|(number, _)| *number));
        }
        assert_eq!(single(&["a"], None).log(Some(2), None), None);
    }

    #[test]
    fn several_containers_write_each_into_its_own_log_and_the_first_essential_one_is_looked_at() {
        let container = |name: &str, essential: bool, logs: &Option<LogConfiguration>| TaskContainerDetails {
            log_stream_name: Some(format!("d/{name}/t2")),
            given: TaskContainerProperties {
                name: name.to_owned(),
                essential: Some(essential),
                log_configuration: logs.clone(),
                ..TaskContainerProperties::default()
            },
            ..TaskContainerDetails::default()
        };
        let exit = |name: &str| AttemptTaskContainerDetails {
            name: name.to_owned(),
            log_stream_name: Some(format!("d/{name}/t1")),
            ..AttemptTaskContainerDetails::default()
        };
        let task = EcsTaskDetails {
            containers: vec![
                container("side", false, &Some(logging("awslogs", "/own"))),
                container("main", true, &Some(logging("splunk", "/own"))),
            ],
            ..EcsTaskDetails::default()
        };
        let ended =
            AttemptEcsTaskDetails { containers: vec![exit("side"), exit("main")], ..AttemptEcsTaskDetails::default() };
        let job = JobDetail {
            attempts: vec![AttemptDetail { task_properties: vec![ended], ..AttemptDetail::default() }],
            ecs_properties: Some(EcsPropertiesDetail { task_properties: vec![task] }),
            container: Some(ContainerDetail::default()),
            ..JobDetail::default()
        };
        let log = |number, name: &str, group: Option<&str>| {
            (number, name.to_owned(), group.map(str::to_owned), format!("d/{name}/t{number}"))
        };
        assert_eq!(
            told(&job),
            [log(1, "side", Some("/own")), log(1, "main", None), log(2, "side", Some("/own")), log(2, "main", None)]
        );
        assert_eq!(job.log(None, None).map(|log| log.stream).as_deref(), Some("d/main/t2"));
        assert_eq!(job.log(Some(1), Some("side")).map(|log| log.stream).as_deref(), Some("d/side/t1"));
        assert_eq!((job.other_log_driver(None), job.other_log_driver(Some("side"))), (Some("splunk"), None));
    }

    #[test]
    fn the_group_that_a_job_names_is_told_and_none_where_it_names_none() {
        for (driver, group, expected) in [
            ("awslogs", "/own", Some("/own")),
            ("", "/own", Some("/own")),
            ("awslogs", DEFAULT_LOG_GROUP, Some(DEFAULT_LOG_GROUP)),
            ("json-file", "/own", None),
        ] {
            let mut job = single(&[], Some("s"));
            job.container.as_mut().expect("one").log_configuration = Some(logging(driver, group));
            assert_eq!(job.log(None, None).expect("a log").group.as_deref(), expected, "{driver} {group}");
        }
        assert_eq!(single(&[], Some("s")).log(None, None).expect("a log").group, None);
    }
}
