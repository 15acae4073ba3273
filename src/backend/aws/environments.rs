//! Compute environments: listed with their instances, made, changed and deleted, and how they have grown and shrunk.

use super::audit::settings;
use super::budget::Caller::{self, Operator};
use super::convert;
use super::service::Service;
use super::{AwsBackend, PAGES};
use crate::backend::{BackendError, Why};
use crate::model::{
    CapacityOverTime, ComputeEnvironment, ComputeResourceUpdate, CreateComputeEnvironmentRequest, Scaling,
    UpdateComputeEnvironmentRequest,
};
use aws_sdk_batch::types;

impl Service {
    /// All environments, without their instances.
    pub async fn environments(&self, caller: Caller) -> Result<Vec<ComputeEnvironment>, BackendError> {
        let mut environments = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = self.batch.describe_compute_environments().set_next_token(token);
            let answer = self.call(caller, "DescribeComputeEnvironments", || call.clone().send()).await?;
            let page = answer.compute_environments.unwrap_or_default();
            environments.extend(page.into_iter().map(convert::environment::environment));
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        environments.sort_by(|a, b| a.compute_environment_name.cmp(&b.compute_environment_name));
        self.memory().fleet.note_environments(&environments, chrono::Utc::now().timestamp_millis());
        Ok(environments)
    }
}

impl AwsBackend {
    /// Instances come from the watch where one polls; otherwise each cluster is read.
    pub(super) async fn environments_with_instances(&self) -> Result<Vec<ComputeEnvironment>, BackendError> {
        let mut environments = self.service.environments(Operator).await?;
        let is_watched = self.service.memory().watches > 0;
        if is_watched {
            self.service.fill_in_instances(&mut environments);
        } else {
            self.service.read_all_instances(Operator, &mut environments).await;
        }
        Ok(environments)
    }

    pub(super) async fn create_environment(
        &self,
        request: CreateComputeEnvironmentRequest,
    ) -> Result<(), BackendError> {
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

    pub(super) async fn update_environment(
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

    pub(super) async fn delete_environment(&self, name: &str, why: Why) -> Result<(), BackendError> {
        let call = self.service.batch.delete_compute_environment().compute_environment(name);
        let result = self.service.call(Operator, "DeleteComputeEnvironment", || call.clone().send()).await.map(|_| ());
        self.record("DeleteComputeEnvironment", name, why.reason, "deleting".to_owned(), result).await
    }

    /// What this program has seen, and of one environment what Auto Scaling did: AWS Batch keeps no record of it.
    pub(super) async fn steps_of(&self, environment: Option<&str>) -> Result<Vec<Scaling>, BackendError> {
        let is_known = {
            let memory = self.service.memory();
            memory.fleet.is_read() || memory.watches > 0
        };
        if !is_known {
            self.environments_with_instances().await?;
        }
        if let Some(environment) = environment {
            // They stand beside what this program has seen.
            let _ = self.service.read_activities(Operator, environment).await;
        }
        Ok(self.service.memory().fleet.steps(environment))
    }

    pub(super) fn capacity_seen(&self, environment: &str) -> CapacityOverTime {
        let told = self.service.memory().capacity.get(environment).cloned().unwrap_or_default();
        CapacityOverTime { source: "since this program looks".to_owned(), ..told }
    }
}
