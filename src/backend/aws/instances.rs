//! The container instances of compute environments, read from their ECS clusters.

use super::budget::Caller;
use super::convert;
use super::fleet::has_instances;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{CapacityMinute, ComputeEnvironment, Instance};
use std::time::Duration;

/// ARNs in a page of a cluster's list, and in one `DescribeContainerInstances`.
const AT_ONCE: i32 = 100;
/// Pages that are read of a cluster's list.
const PAGES: usize = 10;
/// How long a list of environments may take to read instances; what was not read by then is said.
const READING: Duration = Duration::from_secs(5);

impl Service {
    /// Reads the instances of an environment anew and notes them.
    ///
    /// # Errors
    /// [`BackendError::Throttled`] alone: what else keeps them from being read is noted in their place.
    pub async fn read_instances(&self, caller: Caller, environment: &ComputeEnvironment) -> Result<(), BackendError> {
        let Some(cluster) = environment.ecs_cluster_arn.as_deref().filter(|_| has_instances(environment)) else {
            return Ok(());
        };
        let Some(ecs) = &self.ecs else { return Ok(()) };
        let told = match self.instances_of(ecs, caller, environment, cluster).await {
            Err(error @ BackendError::Throttled { .. }) => return Err(error),
            Err(error) => Err(error.to_string()),
            Ok(instances) => Ok(convert::instance::capacity(instances)),
        };
        self.memory().fleet.note_instances(environment, told, chrono::Utc::now().timestamp_millis());
        Ok(())
    }

    /// Reads the instances of all of these, as far as that goes in a few seconds, and puts them in.
    pub async fn read_all_instances(&self, caller: Caller, environments: &mut [ComputeEnvironment]) {
        let readings = environments.iter().filter(|one| has_instances(one)).map(async |one| {
            let read = tokio::time::timeout(READING, self.read_instances(caller, one)).await;
            let why = match read {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "they were not read within 5 s; the calls are rationed by `calls-per-second`".to_owned(),
            };
            self.memory().fleet.note_instances(one, Err(why), chrono::Utc::now().timestamp_millis());
        });
        futures::future::join_all(readings).await;
        // Without them, the table's prices stand.
        let _ = tokio::time::timeout(READING, self.learn_prices(caller)).await;
        self.fill_in_instances(environments);
    }

    /// Puts in what was read last.
    pub fn fill_in_instances(&self, environments: &mut [ComputeEnvironment]) {
        let (mut memory, now) = (self.memory(), chrono::Utc::now().timestamp_millis());
        for one in environments {
            memory.fleet.fill_in(one, &memory.book);
            let look = CapacityMinute::of(one, now);
            memory.capacity.entry(one.compute_environment_name.clone()).or_default().note(look);
        }
    }

    async fn instances_of(
        &self,
        ecs: &aws_sdk_ecs::Client,
        caller: Caller,
        environment: &ComputeEnvironment,
        cluster: &str,
    ) -> Result<Vec<Instance>, BackendError> {
        let mut instances = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let list = ecs.list_container_instances().cluster(cluster).max_results(AT_ONCE).set_next_token(token);
            let listed = self.call(caller, "ListContainerInstances", || list.clone().send()).await?;
            let arns = listed.container_instance_arns.unwrap_or_default();
            if !arns.is_empty() {
                let describe = ecs.describe_container_instances().cluster(cluster);
                let describe = describe.set_container_instances(Some(arns));
                let told = self.call(caller, "DescribeContainerInstances", || describe.clone().send()).await?;
                for given in told.container_instances.unwrap_or_default() {
                    let arn = given.container_instance_arn.clone().unwrap_or_default();
                    let name = &environment.compute_environment_name;
                    let Some(instance) = convert::instance::instance(name, given) else { continue };
                    self.memory().fleet.note_host(environment, &arn, &instance);
                    instances.push(instance);
                }
            }
            token = listed.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(instances)
    }
}
