//! Compute environments: create, update, delete.

use super::resources::{check_changes, check_form, check_policy};
use super::{Ruling, refuse, validate};
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::state::Environment;
use crate::engine::{Engine, Ids};
use crate::model::validate::resource_name;
use crate::model::{
    Architecture, ComputeResource, ComputeResourceUpdate, CreateComputeEnvironmentRequest, Health, InstanceType,
    Millis, Switch, UpdateComputeEnvironmentRequest,
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
            "MANAGED" | "UNMANAGED" => {}
            other => return refuse(format!("type is `{other}`; it takes MANAGED or UNMANAGED")),
        }
        validate::tags(&request.tags)?;
        validate::environment_tags(&request.tags)?;
        if request.eks_configuration.is_some() {
            return refuse("eksConfiguration is given; the local engine runs no Kubernetes: leave it out");
        }
        match (&request.compute_resources, request.kind == "UNMANAGED") {
            (Some(resources), false) => {
                check_resources(resources)?;
                check_form(resources)?;
                check_types(&resources.instance_types)?;
            }
            (None, false) => {
                return refuse("computeResources is missing; a MANAGED environment needs its type and maxvCpus");
            }
            (Some(_), true) => {
                return refuse("computeResources is given; an UNMANAGED environment has this machine and takes none");
            }
            (None, true) => {}
        }
        check_unmanaged(request.unmanagedv_cpus, request.kind == "UNMANAGED")?;
        let cluster = format!("{name}_Batch_{}", ids.uuid());
        let arn = self.core.settings.place.batch_arn("compute-environment", name);
        let created = Event::EnvironmentCreated {
            at: now,
            request: Box::new(request.clone()),
            cluster,
            status: Health::Valid,
            status_reason: None,
        };
        let mut events = vec![created];
        events.extend(self.settling(format!("compute-environment/{name}"), Health::Creating, Health::Valid, now));
        Ok(Ruling::done("CreateComputeEnvironment", name, "created, VALID", events)
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
        if let Some(types) = &update.instance_types {
            check_types(types)?;
        }
        check_unmanaged(request.unmanagedv_cpus, environment.is_unmanaged())?;
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
        if environment.status == Health::Invalid {
            outcome.push("INVALID -> VALID".to_owned());
            events.push(Event::EnvironmentJudged {
                at: now,
                name: name.to_owned(),
                status: Health::Valid,
                reason: None,
            });
        }
        let replaced = self.replacements(name, environment, request, now);
        if replaced.is_empty() {
            events.extend(self.settling(resource, Health::Updating, Health::Valid, now));
        } else {
            outcome.push(format!("{} instances are replaced", replaced.len()));
            events.push(Event::Settling {
                at: now,
                resource,
                until: now + Millis::from(self.core.settings.settle_millis),
                from: Health::Updating,
                to: Health::Valid,
            });
            events.extend(replaced);
        }
        let arn = self.core.settings.place.batch_arn("compute-environment", name);
        Ok(Ruling::done("UpdateComputeEnvironment", name, outcome.join(", "), events)
            .answering(Answer::Created { arn, name: name.to_owned() }))
    }

    /// An infrastructure update replaces the instances: each takes no new job, and ends when it is empty, or with its jobs
    /// when the update policy's time is over (`UpdatePolicy`: 30 minutes where nothing is said).
    fn replacements(
        &self,
        name: &str,
        environment: &Environment,
        request: &UpdateComputeEnvironmentRequest,
        now: Millis,
    ) -> Vec<Event> {
        let changes = request.compute_resources.as_ref().is_some_and(ComputeResourceUpdate::is_infrastructure);
        if !changes || environment.is_fargate() {
            return Vec::new();
        }
        let policy = request.update_policy.or(environment.request.update_policy).unwrap_or_default();
        let minutes = match policy.terminate_jobs_on_update {
            Some(true) => 0,
            _ => policy.job_execution_timeout_minutes.unwrap_or(30),
        };
        let current = self.hosts_of(name).filter(|(_, host)| !host.outdated && !host.reclaimed);
        current
            .map(|(instance, host)| Event::InstanceInterrupted {
                at: now,
                instance: instance.clone(),
                ends_at: host.reclaim_at.unwrap_or(Millis::MAX).min(now + minutes * 60_000),
                for_update: true,
            })
            .collect()
    }

    fn check_update(
        &self,
        name: &str,
        environment: &Environment,
        update: &ComputeResourceUpdate,
    ) -> Result<(u32, u32), Refusal> {
        if environment.is_unmanaged() && *update != ComputeResourceUpdate::default() {
            return refuse(format!(
                "computeResources is given; {name} is UNMANAGED: it has this machine and is not scaled"
            ));
        }
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

fn check_unmanaged(vcpus: Option<i32>, unmanaged: bool) -> Result<(), Refusal> {
    match vcpus {
        Some(given) if !unmanaged => {
            refuse(format!("unmanagedvCpus is `{given}`; it goes with the type UNMANAGED alone"))
        }
        Some(given) => count("unmanagedvCpus", given, 0).map(|_| ()),
        None => Ok(()),
    }
}

/// Known types, and of one architecture: a job's image is of one.
fn check_types(entries: &[String]) -> Result<(), Refusal> {
    let mut first: Option<(Architecture, &str)> = None;
    for entry in entries {
        let types = InstanceType::expand(entry);
        let Some((_, found)) = types.first() else {
            let meant = InstanceType::nearest(entry).map(|meant| format!("; did you mean `{meant}`?"));
            return refuse(format!(
                "computeResources.instanceTypes has `{entry}`, which is no instance type, family, optimal, \
                 default_x86_64 or default_arm64{}",
                meant.unwrap_or_default()
            ));
        };
        let (architecture, other) = *first.get_or_insert((found.architecture, entry));
        if architecture != found.architecture {
            return refuse(format!(
                "computeResources.instanceTypes mixes {other} with {entry}, which is of another architecture; use one"
            ));
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
