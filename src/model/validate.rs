//! Rules that AWS states for single fields. The engine refuses by them, and forms check by them as one types.
//!
//! Source: "AWS Batch API reference", the member's own description.

/// A field that breaks its rule: what was given and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is `{given}`; it takes {takes}")]
pub struct Invalid {
    pub field: &'static str,
    pub given: String,
    pub takes: &'static str,
}

fn check(ok: bool, field: &'static str, given: impl std::fmt::Display, takes: &'static str) -> Result<(), Invalid> {
    if ok { Ok(()) } else { Err(Invalid { field, given: given.to_string(), takes }) }
}

fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

pub fn job_name(text: &str) -> Result<(), Invalid> {
    let ok = is_name(text) && text.as_bytes()[0].is_ascii_alphanumeric();
    check(ok, "jobName", text, "1 to 128 letters, digits, `-` and `_`, the first a letter or a digit")
}

/// Names of queues, compute environments and job definitions; `field` is the API's member.
pub fn resource_name(field: &'static str, text: &str) -> Result<(), Invalid> {
    check(is_name(text), field, text, "1 to 128 letters, digits, `-` and `_`")
}

/// A share of a fair-share queue; `field` is the API's member.
pub fn share_identifier(field: &'static str, text: &str) -> Result<(), Invalid> {
    let name = text.strip_suffix('*').unwrap_or(text);
    let ok = (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    check(ok, field, text, "1 to 255 letters and digits, with `*` at the end alone")
}

pub fn schedule_name(text: &str) -> Result<(), Invalid> {
    let ok = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    check(ok, "Name", text, "1 to 64 letters, digits, `-`, `_` and `.`")
}

pub fn array_size(size: u32) -> Result<(), Invalid> {
    check((2..=10_000).contains(&size), "arrayProperties.size", size, "2 to 10000")
}

pub fn attempts(attempts: u32) -> Result<(), Invalid> {
    check((1..=10).contains(&attempts), "retryStrategy.attempts", attempts, "1 to 10")
}

pub fn timeout(seconds: u32) -> Result<(), Invalid> {
    check(seconds >= 60, "timeout.attemptDurationSeconds", seconds, "60 or more")
}

pub fn scheduling_priority(priority: i32) -> Result<(), Invalid> {
    check((0..=9999).contains(&priority), "schedulingPriority", priority, "0 to 9999")
}

pub fn queue_priority(priority: i32) -> Result<(), Invalid> {
    check((0..=1000).contains(&priority), "priority", priority, "0 to 1000")
}

/// A log group; `field` is the API's member.
pub fn log_group(field: &'static str, text: &str) -> Result<(), Invalid> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    let ok = (1..=512).contains(&text.len()) && text.bytes().all(is_part);
    check(ok, field, text, "1 to 512 letters, digits and `.`, `-`, `_`, `/`, `#`")
}

/// What the names of log streams begin with, before `/CONTAINER/TASK`. As they are the names of files here, they take
/// less than AWS does.
pub fn log_stream_prefix(text: &str) -> Result<(), Invalid> {
    let sound = |part: &str| !part.is_empty() && part != "." && part != "..";
    let ok = (1..=200).contains(&text.len())
        && text.split('/').all(sound)
        && !text.starts_with(['@', '+'])
        && !text.chars().any(|letter| letter.is_control() || matches!(letter, ':' | '*'));
    let takes = "1 to 200 letters without `:` and `*`, not beginning with `@` or `+`, in parts divided by single `/`, \
                 none of them `.` or `..`";
    check(ok, "awslogs-stream-prefix", text, takes)
}

/// A variable of a job's environment. AWS reserves names that start with `AWS_BATCH`; the rest is what programs read.
pub fn variable(name: &str) -> Result<(), Invalid> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let ok = first && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    let takes = "names of letters, digits, `_`, `-` and `.`, the first a letter or `_`; those that start with AWS_BATCH \
                 are reserved";
    check(ok && !name.starts_with("AWS_BATCH"), "environment", name, takes)
}

/// `clientToken`.
pub fn client_token(text: &str) -> Result<(), Invalid> {
    check((1..=64).contains(&text.chars().count()), "clientToken", text, "1 to 64 letters")
}

pub fn reason(text: &str) -> Result<(), Invalid> {
    check((1..=1024).contains(&text.chars().count()), "reason", text, "1 to 1024 letters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_and_taken_as_aws_does() {
        for good in ["a", "A-b_9", "9lives", &"x".repeat(128)] {
            assert_eq!(job_name(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "_a", "a b", "ä", "a/b", &"x".repeat(129)] {
            assert!(job_name(bad).is_err(), "{bad}");
        }
        assert_eq!(resource_name("jobQueueName", "_a"), Ok(()));
    }

    #[test]
    fn a_refusal_names_the_field_what_it_got_and_what_it_takes() {
        let refusal = array_size(1).expect_err("too small").to_string();
        assert_eq!(refusal, "arrayProperties.size is `1`; it takes 2 to 10000");
    }
}
