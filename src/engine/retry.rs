//! Whether a failed attempt is tried again (AWS Batch user guide, "Automated job retries").

use crate::model::{EvaluateOnExit, RetryStrategy};

/// How a failed attempt looks to a retry strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure<'a> {
    pub code: Option<i32>,
    /// `container.reason`.
    pub reason: Option<&'a str>,
    pub status_reason: &'a str,
}

/// Whether a job that has failed `tries` times gets another: there are tries left, and the first entry of
/// `evaluateOnExit` that matches says RETRY. Where none matches, it is retried.
pub fn is_retried(strategy: Option<&RetryStrategy>, tries: u32, failure: Failure<'_>) -> bool {
    let Some(strategy) = strategy else { return false };
    if tries >= strategy.attempts.unwrap_or(1) {
        return false;
    }
    let first = strategy.evaluate_on_exit.iter().find(|entry| matches(entry, failure));
    first.is_none_or(|entry| entry.action.eq_ignore_ascii_case("RETRY"))
}

fn matches(entry: &EvaluateOnExit, failure: Failure<'_>) -> bool {
    let code = failure.code.map(|code| code.to_string());
    fits(entry.on_exit_code.as_deref(), code.as_deref())
        && fits(entry.on_reason.as_deref(), failure.reason)
        && fits(entry.on_status_reason.as_deref(), Some(failure.status_reason))
}

/// A pattern that is absent takes anything. What the attempt does not have is an empty text, so `*` alone takes it:
/// `{"onReason": "*", "action": "EXIT"}` is the usual last entry and means "everything else".
fn fits(pattern: Option<&str>, text: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let text = text.unwrap_or("");
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(status_reason: Option<&str>, reason: Option<&str>, code: Option<&str>, action: &str) -> EvaluateOnExit {
        EvaluateOnExit {
            on_status_reason: status_reason.map(str::to_owned),
            on_reason: reason.map(str::to_owned),
            on_exit_code: code.map(str::to_owned),
            action: action.to_owned(),
        }
    }

    #[test]
    fn the_first_entry_that_matches_decides_and_no_match_means_retry() {
        let spot = entry(Some("Host EC2*"), None, None, "retry");
        let rest = entry(None, Some("*"), None, "EXIT");
        let lost = Failure { code: None, reason: None, status_reason: "Host EC2 (instance i-1) terminated." };
        let exit =
            |code| Failure { code: Some(code), reason: None, status_reason: "Essential container in task exited" };
        let oom = Failure { reason: Some("OutOfMemoryError: Container killed due to memory usage"), ..exit(137) };
        let cases: [(&str, Vec<EvaluateOnExit>, Failure<'_>, bool); 11] = [
            ("no entries", vec![], exit(1), true),
            ("spot loss is retried", vec![spot.clone(), rest.clone()], lost, true),
            ("the rest is not", vec![spot.clone(), rest.clone()], exit(1), false),
            ("order counts", vec![rest.clone(), spot.clone()], lost, false),
            ("no match", vec![entry(None, None, Some("7"), "EXIT")], exit(1), true),
            ("an exact code", vec![entry(None, None, Some("7"), "EXIT")], exit(7), false),
            ("a code is not a prefix without a star", vec![entry(None, None, Some("1"), "EXIT")], exit(137), true),
            ("a prefix of a code", vec![entry(None, None, Some("13*"), "EXIT")], exit(137), false),
            ("a reason", vec![entry(None, Some("OutOfMemory*"), None, "Exit")], oom, false),
            ("all conditions of an entry", vec![entry(None, Some("OutOfMemory*"), Some("1"), "EXIT")], oom, true),
            ("no code is not an exact code", vec![entry(None, None, Some("0"), "EXIT")], lost, true),
        ];
        for (name, entries, failure, expected) in cases {
            let strategy = RetryStrategy { attempts: Some(3), evaluate_on_exit: entries };
            assert_eq!(is_retried(Some(&strategy), 1, failure), expected, "{name}");
            assert!(!is_retried(Some(&strategy), 3, failure), "{name}: attempts cap everything");
        }
        assert!(!is_retried(None, 1, exit(1)), "one attempt is the default");
        assert!(!is_retried(Some(&RetryStrategy::default()), 1, exit(1)), "one attempt is the default");
    }
}
