//! Hooks: a command or a file that gets the events which it asked for.
//!
//! Each hook walks the ring at its own speed and never holds up the engine. Its place is on the disk, written after the
//! event is dealt with: an event is delivered at least once, and again where the engine was killed in between; an engine
//! that ends in good order waits for the delivery in hand. A command that fails is tried [`TRIES`] times, and then the event is passed over and said to be. A hook that is further behind
//! than the ring is long misses what has left it, and that is said too.

use super::{Entry, Occurrences, envelope};
use crate::config::directories::replace_private;
use crate::config::{DataDirectory, HookSettings};
use crate::daemon::clock;
use crate::daemon::driver::Driver;
use crate::daemon::feed::Feed;
use crate::model::event_pattern::{EventPattern, EventPatternError, wildcard};
use crate::model::{Millis, Place, What, name_of};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::watch;

/// So many events are read at once.
const BATCH: usize = 64;
/// How often a delivery is tried, and the wait before the second time; it doubles.
const TRIES: u32 = 3;
const BACK_OFF: Duration = Duration::from_secs(1);
/// So much of what a command says on standard error is told of it.
const MOST_SAID: usize = 400;
/// So many failures are told in the engine's status.
const FAILURES: usize = 20;

/// Why a hook of the config cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("the hook `{0}` has a name that is none; it takes letters, digits, `-` and `_`")]
    Name(String),
    #[error("the hook `{0}` needs a command or a file, and not both")]
    Target(String),
    #[error("the hook `{name}` has a pattern that cannot be read: {cause}")]
    Pattern { name: String, cause: EventPatternError },
}

/// A hook that was checked.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct Hook {
    name: String,
    settings: HookSettings,
    pattern: Option<EventPattern>,
}

impl Hook {
    pub(in crate::daemon) fn new(name: &str, settings: &HookSettings) -> Result<Self, HookError> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if name.is_empty() || !plain {
            return Err(HookError::Name(name.to_owned()));
        }
        if settings.command.is_empty() == settings.file.is_none() {
            return Err(HookError::Target(name.to_owned()));
        }
        let pattern = settings.pattern.as_deref().map(EventPattern::parse).transpose();
        let pattern = pattern.map_err(|cause| HookError::Pattern { name: name.to_owned(), cause })?;
        Ok(Self { name: name.to_owned(), settings: settings.clone(), pattern })
    }

    /// Whether it asked for this event. What it says nothing of may be anything.
    fn wants(&self, event: &Value) -> bool {
        let one_of = |given: &[String], value: &str| given.is_empty() || given.iter().any(|glob| wildcard(glob, value));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        one_of(&self.settings.detail_type, &text(&event["detail-type"]))
            && one_of(&self.settings.status, &text(&event["detail"]["status"]))
            && one_of(&self.settings.queue, name_of(&text(&event["detail"]["jobQueue"])))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(event))
    }

    /// Hands an event over, once.
    async fn deliver(&self, event: &Value) -> Result<(), String> {
        let mut line = event.to_string();
        line.push('\n');
        if let Some(file) = &self.settings.file {
            let append = append(file, line.as_bytes());
            return append.map_err(|cause| format!("{} cannot be written: {cause}", file.display()));
        }
        let Some((program, arguments)) = self.settings.command.split_first() else { return Ok(()) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| format!("{program} cannot be started: {cause}"))?;
        let input = child.stdin.take();
        let run = async {
            if let Some(mut input) = input {
                // A command need not read what it gets.
                let _ = input.write_all(line.as_bytes()).await;
            }
            child.wait_with_output().await
        };
        let limit = Duration::from_secs(self.settings.timeout_seconds.into());
        match tokio::time::timeout(limit, run).await {
            Err(_) => Err(format!("{program} did not end within {} s and was killed", limit.as_secs())),
            Ok(Err(cause)) => Err(format!("{program}: {cause}")),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(MOST_SAID).collect();
                Err(format!("{program} ended with {}: {said}", output.status))
            }
        }
    }
}

fn append(file: &Path, line: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(file)?.write_all(line)
}

/// The hooks of an engine, and how they fare; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::daemon) struct Hooks {
    failures: Arc<Mutex<VecDeque<String>>>,
    /// The engine ends.
    ending: watch::Sender<bool>,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
enum Handed {
    /// Delivered, or passed over.
    Over,
    /// The engine ended first; it is delivered when it runs again.
    NotYet,
}

/// What hooks work with.
#[derive(Debug, Clone)]
pub(in crate::daemon) struct Surroundings {
    pub driver: Driver,
    pub place: Place,
    pub feed: Feed,
    pub occurrences: Occurrences,
    pub directory: DataDirectory,
}

impl Hooks {
    /// What an operator should know of: the last failures, the oldest first.
    pub(in crate::daemon) fn notices(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn failed(&self, feed: &Feed, now: Millis, message: String) {
        tracing::warn!("{message}");
        feed.publish(now, [What::Notice(message.clone())]);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push_back(message);
        if failures.len() > FAILURES {
            failures.pop_front();
        }
    }

    /// Lets each hook end with the delivery that it has in hand.
    pub(in crate::daemon) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Walks the ring for one hook, until the hooks [`end`](Self::end). A hook that is new begins with what comes after
    /// this call.
    pub(in crate::daemon) fn run(self, hook: Hook, around: Surroundings) -> impl Future<Output = ()> + Send {
        let kept = Kept::of(&around.directory, &hook.name);
        let at = kept.read().unwrap_or_else(|| around.occurrences.newest());
        kept.write(at);
        self.walk(hook, around, kept, at)
    }

    async fn walk(self, hook: Hook, around: Surroundings, kept: Kept, mut at: u64) {
        loop {
            tokio::select! {
                () = around.occurrences.wait(at) => {}
                () = self.ended() => return,
            }
            let taken = around.occurrences.after(at, BATCH);
            if taken.missed {
                let message = format!("hook {}: it was too far behind, and events were lost to it", hook.name);
                self.failed(&around.feed, clock::wall(), message);
            }
            let last = taken.entries.last().map_or_else(|| around.occurrences.oldest(), |entry| entry.cursor);
            let place = around.place.clone();
            let told = around.driver.read_all(move |realms| {
                let engines: BTreeMap<_, _> = realms.iter().collect();
                let tell = |entry: &Entry| Some((entry.cursor, envelope(engines.get(&entry.region)?, &place, entry)?));
                taken.entries.iter().filter_map(tell).collect::<Vec<_>>()
            });
            // The engine ends.
            let Ok(events) = told.await else { return };
            for (cursor, event) in events {
                if !hook.wants(&event) {
                    continue;
                }
                if *self.ending.borrow() || self.hand_over(&hook, &around.feed, &event).await == Handed::NotYet {
                    return;
                }
                kept.write(cursor);
            }
            at = last;
            kept.write(at);
        }
    }

    async fn ended(&self) {
        // The sender lives as long as this does.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    async fn hand_over(&self, hook: &Hook, feed: &Feed, event: &Value) -> Handed {
        let mut wait = BACK_OFF;
        let mut tried = 0;
        loop {
            let Err(cause) = hook.deliver(event).await else { return Handed::Over };
            tried += 1;
            if tried == TRIES {
                let id = event["id"].as_str().unwrap_or_default();
                let message = format!("hook {}: event {id} was passed over after {TRIES} tries: {cause}", hook.name);
                self.failed(feed, clock::wall(), message);
                return Handed::Over;
            }
            tracing::info!(hook = hook.name, %cause, "a hook is tried again");
            tokio::select! {
                () = tokio::time::sleep(wait) => wait *= 2,
                () = self.ended() => return Handed::NotYet,
            }
        }
    }
}

/// A hook's place, in a file of its own in the data directory.
struct Kept(PathBuf);

impl Kept {
    fn of(directory: &DataDirectory, hook: &str) -> Self {
        Self(directory.path().join(format!("hook-{hook}.cursor")))
    }

    fn read(&self) -> Option<u64> {
        fs::read_to_string(&self.0).ok()?.trim().parse().ok()
    }

    fn write(&self, cursor: u64) {
        if let Err(cause) = replace_private(&self.0, cursor.to_string().as_bytes()) {
            tracing::warn!(file = %self.0.display(), %cause, "a hook's place is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> HookSettings {
        HookSettings { command: vec!["true".to_owned()], ..HookSettings::default() }
    }

    #[test]
    fn a_hook_takes_states_queues_and_patterns_and_what_it_leaves_open() {
        let event = json!({
            "detail-type": "Batch Job State Change",
            "detail": { "status": "FAILED", "jobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/prod-high" },
        });
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let cases = [
            (settings(), true),
            (HookSettings { status: list(&["SUCCEEDED", "FAILED"]), ..settings() }, true),
            (HookSettings { status: list(&["SUCCEEDED"]), ..settings() }, false),
            (HookSettings { queue: list(&["prod-*"]), ..settings() }, true),
            (HookSettings { queue: list(&["prod"]), ..settings() }, false),
            (HookSettings { detail_type: list(&["Batch Job Queue Blocked"]), ..settings() }, false),
            (
                HookSettings { pattern: Some(r#"{"detail":{"status":[{"prefix":"FA"}]}}"#.to_owned()), ..settings() },
                true,
            ),
            (HookSettings { pattern: Some(r#"{"detail":{"status":["RUNNING"]}}"#.to_owned()), ..settings() }, false),
        ];
        for (settings, expected) in cases {
            let hook = Hook::new("pager", &settings).expect("sound");
            assert_eq!(hook.wants(&event), expected, "{settings:?}");
        }
        let both = HookSettings { file: Some("f".into()), ..settings() };
        assert!(matches!(Hook::new("h", &both), Err(HookError::Target(_))));
        assert!(matches!(Hook::new("h", &HookSettings::default()), Err(HookError::Target(_))));
        assert!(matches!(Hook::new("a b", &settings()), Err(HookError::Name(_))));
        let broken = HookSettings { pattern: Some("{".to_owned()), ..settings() };
        assert!(matches!(Hook::new("h", &broken), Err(HookError::Pattern { .. })));
    }

    #[tokio::test]
    async fn a_command_gets_the_event_and_its_failures_say_why() {
        let directory = tempfile::tempdir().expect("a directory");
        let out = directory.path().join("out");
        let shell = |script: String, timeout_seconds| HookSettings {
            command: vec!["sh".to_owned(), "-c".to_owned(), script],
            timeout_seconds,
            ..HookSettings::default()
        };
        let hook = |settings| Hook::new("h", &settings).expect("sound");
        let event = json!({ "id": "7" });
        hook(shell(format!("cat > '{}'", out.display()), 30)).deliver(&event).await.expect("taken");
        assert_eq!(fs::read_to_string(&out).expect("written"), "{\"id\":\"7\"}\n");
        let refusal = hook(shell("echo no >&2; exit 3".to_owned(), 30)).deliver(&event).await;
        assert!(refusal.as_ref().is_err_and(|cause| cause.contains("exit status: 3: no")), "{refusal:?}");
        let slow = hook(shell("sleep 60".to_owned(), 0)).deliver(&event).await;
        assert!(slow.as_ref().is_err_and(|cause| cause.contains("did not end within 0 s")), "{slow:?}");
    }
}
