//! The words of a command line that submit what a request does.

use crate::model::{DependencyKind, JobDependency, JobId, SubmitJobRequest, name_of};

/// An option and its value; one that looks like an option itself is tied to it.
pub fn option(name: &str, value: &str) -> Vec<String> {
    if value.starts_with('-') { vec![format!("{name}={value}")] } else { vec![name.to_owned(), value.to_owned()] }
}

/// `ID`, with `:N_TO_N` or `:SEQUENTIAL` after it.
pub fn write_dependency(dependency: &JobDependency) -> String {
    let id = dependency.job_id.as_ref().map(JobId::to_string).unwrap_or_default();
    match dependency.kind {
        Some(DependencyKind::NToN) => format!("{id}:N_TO_N"),
        Some(DependencyKind::Sequential) => format!("{id}:SEQUENTIAL"),
        None => id,
    }
}

/// The arguments of `submit` that submit the same.
pub fn submit_words(request: &SubmitJobRequest) -> Vec<String> {
    let mut line: Vec<String> = Vec::new();
    let mut add = |flag: &str, value: String| line.extend(option(flag, &value));
    add("--queue", request.job_queue.clone());
    add("--definition", request.job_definition.clone());
    add("--name", request.job_name.clone());
    for (key, value) in &request.parameters {
        add("--parameter", format!("{key}={value}"));
    }
    let overrides = request.container_overrides.clone().unwrap_or_default();
    for pair in &overrides.environment {
        add("--env", format!("{}={}", pair.name, pair.value));
    }
    for asked in &overrides.resource_requirements {
        match asked.kind.as_str() {
            "VCPU" => add("--vcpus", asked.value.clone()),
            "MEMORY" => add("--memory", asked.value.clone()),
            // There is no argument for others.
            _ => {}
        }
    }
    if let Some(share) = &request.share_identifier {
        add("--share", share.clone());
    }
    if let Some(count) = request.node_overrides.as_ref().and_then(|nodes| nodes.num_nodes) {
        add("--nodes", count.to_string());
    }
    for (key, value) in &request.tags {
        add("--tag", format!("{key}={value}"));
    }
    let consumables = request.consumable_resource_properties_override.iter();
    for one in consumables.flat_map(|properties| &properties.consumable_resource_list) {
        add("--consumable", format!("{}={}", name_of(&one.consumable_resource), one.quantity));
    }
    if let Some(size) = request.array_properties.as_ref().and_then(|array| array.size) {
        add("--array", size.to_string());
    }
    for dependency in &request.depends_on {
        add("--depends-on", write_dependency(dependency));
    }
    if let Some(priority) = request.scheduling_priority_override {
        add("--priority", priority.to_string());
    }
    if let Some(attempts) = request.retry_strategy.as_ref().and_then(|retry| retry.attempts) {
        add("--attempts", attempts.to_string());
    }
    if let Some(seconds) = request.timeout.and_then(|timeout| timeout.attempt_duration_seconds) {
        add("--timeout", seconds.to_string());
    }
    if !overrides.command.is_empty() {
        line.push("--".into());
        line.extend(overrides.command);
    }
    line
}
