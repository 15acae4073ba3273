//! Job definitions: register, deregister, and which revision a name means.

use super::consumables::check_properties;
use super::tasks::check_definition;
use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::model::validate::{resource_name, scheduling_priority, timeout};
use crate::model::{JobDefinition, Millis, RegisterJobDefinitionRequest, RegisterJobDefinitionResponse, RetryStrategy};

/// AWS's limit for a definition, in KiB.
const DEFINITION_KIB: usize = 24;

impl Engine {
    pub(super) fn register_definition(
        &self,
        request: &RegisterJobDefinitionRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let name = &request.job_definition_name;
        resource_name("jobDefinitionName", name)?;
        check_definition(request)?;
        if let Some(strategy) = &request.retry_strategy {
            validate::retry(strategy)?;
        }
        if let Some(seconds) = request.timeout.and_then(|limit| limit.attempt_duration_seconds) {
            timeout(seconds)?;
        }
        if let Some(priority) = request.scheduling_priority {
            scheduling_priority(priority)?;
        }
        request.consumable_resource_properties.as_ref().map(check_properties).transpose()?;
        validate::tags(&request.tags)?;
        validate::size("the job definition", request, DEFINITION_KIB)?;

        let revisions = self.core.definitions.get(name);
        let revision = revisions.and_then(|revisions| revisions.keys().last()).map_or(1, |last| last + 1);
        let arn = self.core.settings.place.batch_arn("job-definition", &format!("{name}:{revision}"));
        let definition = JobDefinition {
            job_definition_name: name.clone(),
            job_definition_arn: arn.clone(),
            revision,
            status: "ACTIVE".to_owned(),
            kind: request.kind.clone(),
            parameters: request.parameters.clone(),
            retry_strategy: request.retry_strategy.clone().map(lower_case),
            container_properties: request.container_properties.clone(),
            ecs_properties: request.ecs_properties.clone(),
            node_properties: request.node_properties.clone(),
            timeout: request.timeout,
            scheduling_priority: request.scheduling_priority,
            consumable_resource_properties: request.consumable_resource_properties.clone(),
            tags: request.tags.clone(),
            propagate_tags: request.propagate_tags,
            platform_capabilities: request.platform_capabilities.clone(),
        };
        let target = definition.label();
        let registered = Event::DefinitionRegistered { at: now, definition: Box::new(definition) };
        let answer =
            RegisterJobDefinitionResponse { job_definition_name: name.clone(), job_definition_arn: arn, revision };
        Ok(Ruling::done("RegisterJobDefinition", &target, "registered", vec![registered])
            .answering(Answer::Registered(answer)))
    }

    pub(super) fn deregister_definition(&self, given: &str, now: Millis) -> Result<Ruling, Refusal> {
        let label = self.core.settings.place.local_name("job-definition", given).unwrap_or(given);
        let Some((name, revision)) = split_revision(label) else {
            return refuse(format!("jobDefinition is `{given}`; to deregister takes NAME:REVISION or its ARN"));
        };
        let Some(definition) = self.core.definition(name, revision) else {
            return refuse(format!("JobDefinition {label} does not exist"));
        };
        if !definition.is_active() {
            return Ok(Ruling::done("DeregisterJobDefinition", label, "was INACTIVE already", vec![]));
        }
        let event = Event::DefinitionDeregistered { at: now, name: name.to_owned(), revision };
        Ok(Ruling::done("DeregisterJobDefinition", label, "ACTIVE -> INACTIVE", vec![event]))
    }

    /// The revision that `NAME`, `NAME:REVISION` or an ARN with or without the revision means; without one, the highest
    /// that is ACTIVE.
    pub(super) fn find_definition(&self, given: &str) -> Result<&JobDefinition, Refusal> {
        let label = self.core.settings.place.local_name("job-definition", given).unwrap_or(given);
        let found = match split_revision(label) {
            Some((name, revision)) => self.core.definition(name, revision).filter(|found| found.is_active()),
            None => self
                .core
                .definitions
                .get(label)
                .and_then(|revisions| revisions.values().rev().find(|definition| definition.is_active())),
        };
        match found {
            Some(definition) => Ok(definition),
            None => refuse(format!("JobDefinition name {label} does not exist or is not in ACTIVE status")),
        }
    }
}

/// AWS takes the actions in any case and gives them back in lower case.
fn lower_case(mut strategy: RetryStrategy) -> RetryStrategy {
    for entry in &mut strategy.evaluate_on_exit {
        entry.action.make_ascii_lowercase();
    }
    strategy
}

fn split_revision(label: &str) -> Option<(&str, u32)> {
    let (name, revision) = label.rsplit_once(':')?;
    Some((name, revision.parse().ok()?))
}
