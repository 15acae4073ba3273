//! Compute environments: create, update, delete.

use super::resources::{check_changes, check_form, check_policy};
use super::{Ruling, refuse, validate};
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::state::Environment;
use crate::engine::{Engine, Ids};
use crate::model::validate::resource_name;
use crate::model::{
    ComputeResource, ComputeResourceUpdate, CreateComputeEnvironmentRequest, Health, InstanceType, Millis, Switch,
    UpdateComputeEnvironmentRequest,
};

impl Engine {
    pub(super) fn create_environment(
        &self,
        request: &CreateComputeEnvironmentRequest,
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Result<Ruling, Refusal> {
        let name = &request.compute_environment_name;
        resource_name("computeEnvironmentName", name)?;
        if self.core.environments.contains_key(name) {
            return refuse(format!("Object already exists: the compute environment {name}"));
        }
        match request.kind.as_str() {
            "MANAGED" => {}
            "UNMANAGED" => {
                return refuse("type is `UNMANAGED`; the local engine starts its instances itself: use MANAGED");
            }
            other => return refuse(format!("type is `{other}`; it takes MANAGED")),
        }
        validate::tags(&request.tags)?;
        let Some(resources) = &request.compute_resources else {
            return refuse("computeResources is missing; a MANAGED environment needs its type and maxvCpus");
        };
        check_resources(resources)?;
        check_form(resources)?;
        if request.eks_configuration.is_some() {
            return refuse("eksConfiguration is given; the local engine runs no Kubernetes: leave it out");
        }
        if let Some(vcpus) = request.unmanagedv_cpus {
            return refuse(format!("unmanagedvCpus is `{vcpus}`; it goes with the type UNMANAGED alone"));
        }
        let unknown: Vec<&str> = resources
            .instance_types
            .iter()
            .map(String::as_str)
            .filter(|entry| InstanceType::expand(entry).is_empty())
            .collect();
        let (status, status_reason) = if unknown.is_empty() {
            (Health::Valid, None)
        } else {
            let why = format!("CLIENT_ERROR - these instance types are unknown: {}", unknown.join(", "));
            (Health::Invalid, Some(why))
        };
        let cluster = format!("{name}_Batch_{}", ids.uuid());
        let outcome = format!("created, {}", status.as_str());
        let arn = self.core.settings.place.batch_arn("compute-environment", name);
        let created =
            Event::EnvironmentCreated { at: now, request: Box::new(request.clone()), cluster, status, status_reason };
        let mut events = vec![created];
        events.extend(self.settling(format!("compute-environment/{name}"), Health::Creating, status, now));
        Ok(Ruling::done("CreateComputeEnvironment", name, outcome, events)
            .answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_environment(
        &self,
        request: &UpdateComputeEnvironmentRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let (name, environment) = self.find_environment(&request.compute_environment)?;
        if environment.status == Health::Deleting {
            return refuse(format!("Cannot update, resource is being modified: {name} is DELETING"));
        }
        let resource = format!("compute-environment/{name}");
        self.check_settled("update", &resource)?;
        let update = request.compute_resources.clone().unwrap_or_default();
        let (minimum, maximum) = self.check_update(name, environment, &update)?;
        check_changes(name, environment, &update)?;
        request.update_policy.map(check_policy).transpose()?;
        let desired = update.desiredv_cpus.and_then(|desired| u32::try_from(desired).ok());
        let mut outcome = Vec::new();
        if let Some(state) = request.state {
            outcome.push(format!("{} -> {}", environment.state.as_str(), state.as_str()));
        }
        if update.minv_cpus.is_some() {
            outcome.push(format!("minvCpus {} -> {minimum}", environment.minimum));
        }
        if update.maxv_cpus.is_some() {
            outcome.push(format!("maxvCpus {} -> {maximum}", environment.maximum));
        }
        if let Some(desired) = desired {
            outcome.push(format!("desiredvCpus -> {desired}"));
        }
        let updated = Event::EnvironmentUpdated {
            at: now,
            name: name.to_owned(),
            state: request.state,
            minimum: update.minv_cpus.map(|_| minimum),
            maximum: update.maxv_cpus.map(|_| maximum),
            desired,
            more: more(request),
        };
        let mut events = vec![updated];
        if environment.is_valid() {
            events.extend(self.settling(resource, Health::Updating, Health::Valid, now));
        }
        let arn = self.core.settings.place.batch_arn("compute-environment", name);
        Ok(Ruling::done("UpdateComputeEnvironment", name, outcome.join(", "), events)
            .answering(Answer::Created { arn, name: name.to_owned() }))
    }

    fn check_update(
        &self,
        name: &str,
        environment: &Environment,
        update: &ComputeResourceUpdate,
    ) -> Result<(u32, u32), Refusal> {
        if environment.is_fargate() && (update.minv_cpus.is_some() || update.desiredv_cpus.is_some()) {
            return refuse(format!("{name} is {}; such an environment takes maxvCpus alone", environment.kind()));
        }
        let minimum = update.minv_cpus.map_or(Ok(environment.minimum), |given| count("minvCpus", given, 0))?;
        let maximum = update.maxv_cpus.map_or(Ok(environment.maximum), |given| count("maxvCpus", given, 1))?;
        if minimum > maximum {
            return refuse(format!("minvCpus {minimum} is more than maxvCpus {maximum}"));
        }
        if let Some(given) = update.desiredv_cpus {
            let desired = count("desiredvCpus", given, 0)?;
            let present = self.total_milli(name);
            if u64::from(desired) * 1000 < present {
                let present = present / 1000;
                return refuse(format!(
                    "desiredvCpus {desired} is less than the {present} of now; it can only be raised"
                ));
            }
            if !(minimum..=maximum).contains(&desired) {
                return refuse(format!(
                    "desiredvCpus {desired} is not within minvCpus {minimum} and maxvCpus {maximum}"
                ));
            }
        }
        Ok((minimum, maximum))
    }

    pub(super) fn delete_environment(&self, name_or_arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, environment) = self.find_environment(name_or_arn)?;
        if environment.status == Health::Deleting {
            return Ok(Ruling::done("DeleteComputeEnvironment", name, "is being deleted already", vec![]));
        }
        let resource = format!("compute-environment/{name}");
        self.check_settled("delete", &resource)?;
        if environment.state == Switch::Enabled {
            return refuse(format!("Cannot delete, {name} is ENABLED: set its state to DISABLED first"));
        }
        let mut queues = self.core.queues.iter();
        let holder = queues.find(|(_, queue)| queue.environments.iter().any(|order| order.compute_environment == name));
        if let Some((queue, _)) = holder {
            return refuse(format!(
                "Cannot delete, found existing JobQueue relationship: take {name} out of the queue {queue} first"
            ));
        }
        let deleting = Event::EnvironmentDeleting { at: now, name: name.to_owned() };
        let mut events = vec![deleting];
        events.extend(self.settling(resource, Health::Deleting, Health::Deleting, now));
        Ok(Ruling::done("DeleteComputeEnvironment", name, "deleting", events))
    }

    pub(super) fn find_environment(&self, name_or_arn: &str) -> Result<(&str, &Environment), Refusal> {
        let name = self.core.settings.place.local_name("compute-environment", name_or_arn);
        match name.and_then(|name| self.core.environments.get_key_value(name)) {
            Some((name, environment)) => Ok((name, environment)),
            None => refuse(format!("ComputeEnvironment {name_or_arn} not found.")),
        }
    }
}

/// What a request changes beyond the state and the vCPUs; `None` where that is nothing.
fn more(request: &UpdateComputeEnvironmentRequest) -> Option<Box<UpdateComputeEnvironmentRequest>> {
    let resources = request.compute_resources.clone().map(|resources| ComputeResourceUpdate {
        minv_cpus: None,
        maxv_cpus: None,
        desiredv_cpus: None,
        ..resources
    });
    let more = UpdateComputeEnvironmentRequest {
        compute_environment: String::new(),
        state: None,
        compute_resources: resources.filter(|resources| *resources != ComputeResourceUpdate::default()),
        ..request.clone()
    };
    (more != UpdateComputeEnvironmentRequest::default()).then(|| Box::new(more))
}

fn check_resources(resources: &ComputeResource) -> Result<(), Refusal> {
    let fargate = match resources.kind.as_str() {
        "EC2" | "SPOT" => false,
        "FARGATE" | "FARGATE_SPOT" => true,
        other => {
            return refuse(format!("computeResources.type is `{other}`; it takes EC2, SPOT, FARGATE or FARGATE_SPOT"));
        }
    };
    let Some(maximum) = resources.maxv_cpus else {
        return refuse("computeResources.maxvCpus is missing; it takes 1 or more");
    };
    let maximum = count("maxvCpus", maximum, 1)?;
    if fargate {
        let extra = resources.minv_cpus.is_some_and(|minimum| minimum != 0)
            || resources.desiredv_cpus.is_some_and(|desired| desired != 0)
            || !resources.instance_types.is_empty();
        return if extra {
            refuse(format!("computeResources.type {} takes no minvCpus, desiredvCpus or instanceTypes", resources.kind))
        } else {
            Ok(())
        };
    }
    if resources.instance_types.is_empty() {
        return refuse("computeResources.instanceTypes is missing; give types, families or `optimal`");
    }
    let minimum = resources.minv_cpus.map_or(Ok(0), |minimum| count("minvCpus", minimum, 0))?;
    if minimum > maximum {
        return refuse(format!("minvCpus {minimum} is more than maxvCpus {maximum}"));
    }
    if let Some(desired) = resources.desiredv_cpus {
        let desired = count("desiredvCpus", desired, 0)?;
        // AWS lets a create leave desiredvCpus at 0 below a minimum above it.
        if desired > maximum || desired != 0 && desired < minimum {
            return refuse(format!("desiredvCpus {desired} is not within minvCpus {minimum} and maxvCpus {maximum}"));
        }
    }
    Ok(())
}

fn count(field: &str, given: i32, least: u32) -> Result<u32, Refusal> {
    match u32::try_from(given) {
        Ok(count) if count >= least => Ok(count),
        _ => refuse(format!("{field} is `{given}`; it takes {least} or more")),
    }
}
