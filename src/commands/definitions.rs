//! `definitions`, and registering one from a file.

use super::Done;
use super::error::{CommandError, Doing, exit};
use super::input::{object_in, text_of, unreadable};
use super::job::command_line;
use super::table::{Cell, Table, left, length, right};
use super::world::Setting;
use crate::cli::{DefinitionsArgs, DefinitionsVerb, Format};
use crate::model::{JobDefinition, Millis, RegisterJobDefinitionRequest};
use std::path::Path;

pub async fn run(args: &DefinitionsArgs, setting: Setting) -> Done {
    if let Some(DefinitionsVerb::Register { file, output }) = &args.verb {
        if args.all {
            let takes = "a file, or `-` for standard input";
            return Err(CommandError::Usage { what: "option of `definitions register`", given: "--all".into(), takes });
        }
        return register(file, args.output.or(*output), setting).await;
    }
    let world = setting.open().await?;
    let mut definitions = world.backend.job_definitions(!args.all).await.doing("listing job definitions")?;
    definitions.sort_by(|a, b| a.job_definition_name.cmp(&b.job_definition_name).then(b.revision.cmp(&a.revision)));
    if !args.all {
        definitions.dedup_by(|later, first| later.job_definition_name == first.job_definition_name);
    }
    match args.output {
        Format::Json => world.output().json(&definitions)?,
        Format::Table => world.output().table(&table(&definitions))?,
    }
    Ok(exit::DONE)
}

fn table(definitions: &[JobDefinition]) -> Table {
    let mut table = Table::new(&[
        left("NAME"),
        right("REVISION"),
        left("STATUS"),
        left("IMAGE"),
        right("VCPU"),
        right("MEMORY"),
        right("ATTEMPTS"),
        right("TIMEOUT"),
        left("COMMAND"),
    ]);
    for definition in definitions {
        let container = definition.container_properties.as_ref();
        let asks = |kind: &str, old: Option<i32>| {
            let requirements =
                container.map(|container| container.resource_requirements.as_slice()).unwrap_or_default();
            let asked = requirements.iter().find(|asked| asked.kind == kind).map(|asked| asked.value.clone());
            Cell::optional(asked.or(old.map(|old| old.to_string())))
        };
        let attempts = definition.retry_strategy.as_ref().and_then(|strategy| strategy.attempts);
        let timeout = definition.timeout.and_then(|timeout| timeout.attempt_duration_seconds);
        table.row(vec![
            Cell::new(&definition.job_definition_name),
            Cell::new(definition.revision.to_string()),
            Cell::health(&definition.status, definition.is_active()),
            Cell::optional(container.map(|container| &container.image)),
            asks("VCPU", container.and_then(|container| container.vcpus)),
            asks("MEMORY", container.and_then(|container| container.memory)),
            Cell::optional(attempts.map(|attempts| attempts.to_string())),
            Cell::optional(timeout.map(|seconds| length(Millis::from(seconds) * 1000))),
            Cell::new(container.map(|container| first_line(&container.command)).unwrap_or_default()),
        ]);
    }
    table
}

/// A command in so many letters that a table stays a table.
fn first_line(command: &[String]) -> String {
    const LETTERS: usize = 60;
    let whole = command_line(command);
    match whole.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    }
}

async fn register(file: &Path, output: Format, setting: Setting) -> Done {
    setting.require_writable("registering a job definition")?;
    let request = read(file)?;
    let world = setting.open().await?;
    let name = request.job_definition_name.clone();
    let answer = world
        .backend
        .register_job_definition(request)
        .await
        .doing(format!("registering the job definition `{name}`"))?;
    match output {
        Format::Json => world.output().json(&answer)?,
        Format::Table => {
            world.output().text(&format!("{}:{}\n", answer.job_definition_name, answer.revision))?;
        }
    }
    Ok(exit::DONE)
}

/// Reads a request; members that are not of `RegisterJobDefinition` as we know it are a mistake, not to be lost.
fn read(file: &Path) -> Result<RegisterJobDefinitionRequest, CommandError> {
    parse(&text_of(file)?).map_err(|cause| unreadable(file, cause))
}

fn parse(text: &str) -> Result<RegisterJobDefinitionRequest, String> {
    let given = object_in(text, "a `RegisterJobDefinition` request")?;
    let known = [
        "jobDefinitionName",
        "type",
        "parameters",
        "retryStrategy",
        "containerProperties",
        "ecsProperties",
        "nodeProperties",
        "platformCapabilities",
        "propagateTags",
        "consumableResourceProperties",
        "timeout",
        "schedulingPriority",
        "tags",
    ];
    if let Some(stranger) = given.keys().find(|key| !known.contains(&key.as_str())) {
        let meant = crate::config::nearest(stranger, known).map(|meant| format!("; did you mean `{meant}`?"));
        return Err(format!("`{stranger}` cannot be taken into account{}", meant.unwrap_or_default()));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_json_and_an_unknown_member_is_named_rather_than_lost() {
        let request = parse(r#"{"jobDefinitionName": "resize", "type": "container"}"#).expect("sound");
        assert_eq!(request.job_definition_name, "resize");
        let refusal = parse(r#"{"jobDefinitionName": "resize", "timeOut": {}}"#).expect_err("unknown");
        assert_eq!(refusal, "`timeOut` cannot be taken into account; did you mean `timeout`?");
        let cases = [
            ("", "it is empty; a `RegisterJobDefinition` request in JSON is wanted: { … }"),
            (" \n", "it is empty"),
            ("[]", "a `RegisterJobDefinition` request is a JSON object: { … }"),
            ("name: x", "it is not JSON: expected"),
            (r#"{"jobDefinitionName": 7}"#, "invalid type: integer `7`"),
        ];
        for (text, expected) in cases {
            let refusal = parse(text).expect_err("is refused");
            assert!(refusal.starts_with(expected), "{text}: {refusal}");
        }
        let refusal = unreadable(Path::new("-"), "it is empty".to_owned()).to_string();
        assert_eq!(refusal, "standard input cannot be read: it is empty");
    }
}
