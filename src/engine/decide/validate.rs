//! Rules of requests that more than one operation has (AWS Batch API reference; limits of `SubmitJob`).

use super::refuse;
use crate::engine::command::Refusal;
use crate::model::{BOOT_TAG, EXECUTOR_TAG, KeyValuePair, OVERCOMMIT_TAG, RetryStrategy, validate};
use std::collections::BTreeMap;

/// AWS takes at most so many entries in `evaluateOnExit`.
const EXIT_RULES: usize = 5;
const PATTERN_LENGTH: usize = 512;
pub const TAGS: usize = 50;
/// An instance boots for a day at most.
const BOOT_SECONDS: u32 = 86_400;

pub fn retry(strategy: &RetryStrategy) -> Result<(), Refusal> {
    if let Some(attempts) = strategy.attempts {
        validate::attempts(attempts)?;
    }
    let entries = &strategy.evaluate_on_exit;
    if entries.len() > EXIT_RULES {
        return refuse(format!("retryStrategy.evaluateOnExit has {} entries; it takes at most 5", entries.len()));
    }
    if !entries.is_empty() && strategy.attempts.is_none() {
        return refuse("retryStrategy.evaluateOnExit needs retryStrategy.attempts; give attempts from 1 to 10");
    }
    for entry in entries {
        if !["RETRY", "EXIT"].iter().any(|action| entry.action.eq_ignore_ascii_case(action)) {
            return refuse(format!("evaluateOnExit.action is `{}`; it takes RETRY or EXIT", entry.action));
        }
        let patterns = [
            ("onExitCode", &entry.on_exit_code),
            ("onReason", &entry.on_reason),
            ("onStatusReason", &entry.on_status_reason),
        ];
        for (field, pattern) in patterns {
            let Some(pattern) = pattern else { continue };
            let literal = pattern.strip_suffix('*').unwrap_or(pattern);
            if pattern.is_empty() || pattern.chars().count() > PATTERN_LENGTH || literal.contains('*') {
                return refuse(format!("{field} is `{pattern}`; it takes 1 to 512 letters, with `*` at the end alone"));
            }
            if field == "onExitCode" && !literal.bytes().all(|byte| byte.is_ascii_digit()) {
                return refuse(format!("onExitCode is `{pattern}`; it takes digits, with `*` at the end alone"));
            }
        }
    }
    Ok(())
}

pub fn environment(pairs: &[KeyValuePair]) -> Result<(), Refusal> {
    for pair in pairs {
        if pair.name.is_empty() || pair.name.contains(['=', '\0']) || pair.value.contains('\0') {
            return refuse(format!(
                "environment holds `{}`; a name is not empty and has no `=`, and neither has a NUL",
                pair.name
            ));
        }
        if pair.name.starts_with("AWS_BATCH") {
            return refuse(format!("environment holds `{}`; names that start with AWS_BATCH are reserved", pair.name));
        }
    }
    Ok(())
}

pub fn command(elements: &[String]) -> Result<(), Refusal> {
    if elements.iter().any(|element| element.contains('\0')) {
        return refuse("command holds a NUL; leave it out");
    }
    Ok(())
}

/// An override takes no empty element; a definition does.
pub fn command_override(elements: &[String]) -> Result<(), Refusal> {
    if elements.iter().any(String::is_empty) {
        return refuse("command holds an empty element, which an override may not; leave the element out");
    }
    command(elements)
}

pub fn tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > TAGS {
        return refuse(format!("there are {} tags; a resource takes at most 50", tags.len()));
    }
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return refuse(format!("the tag `{key}` is too long; a key takes 1 to 128 letters, a value at most 256"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return refuse(format!("the tag `{key}` starts with `aws:`, which is reserved"));
        }
    }
    Ok(())
}

/// Our own tags of a compute environment mean something: a value that means nothing is not passed over.
pub fn environment_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (key, value) in tags {
        let takes = match key.as_str() {
            OVERCOMMIT_TAG if !matches!(value.as_str(), "true" | "false") => "true or false",
            EXECUTOR_TAG if value != "process" => "process",
            BOOT_TAG if !value.parse().is_ok_and(|seconds: u32| seconds <= BOOT_SECONDS) => {
                "whole seconds from 0 to 86400"
            }
            _ => continue,
        };
        return refuse(format!("the tag `{key}` is `{value}`; it takes {takes}"));
    }
    Ok(())
}

pub fn size(what: &str, value: &impl serde::Serialize, kib: usize) -> Result<(), Refusal> {
    let length = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    if length > kib * 1024 {
        return refuse(format!("{what} is {length} bytes of JSON; it takes at most {kib} KiB"));
    }
    Ok(())
}
