//! What happened in several contexts as one: by its time, with the context in the names of its queue and definition. Each
//! context numbers its own; here they are numbered anew.

use super::{Part, Several, tag};
use crate::backend::BackendError;
use crate::backend::event_record::EventRecord;
use crate::model::{EventLine, Millis};
use futures::future::{join_all, try_join_all};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Lines of all contexts that are taken in one go, where so many have come.
const AT_ONCE: usize = 1_000;

type Lines = BoxStream<'static, Result<EventLine, BackendError>>;

/// What was told of all contexts.
#[derive(Debug)]
pub struct Told {
    record: EventRecord,
    /// Of each context, the number there of the last line that was told.
    read: Vec<Option<u64>>,
}

impl Told {
    pub fn of(contexts: usize, now: Millis) -> Self {
        Self { record: EventRecord::begun_at(now), read: vec![None; contexts] }
    }

    /// Takes note of a line of a context, unless it was told, and answers whether some are missing between it and what was
    /// told. Who begins to ask is told in any case that there was more.
    fn note(&mut self, at: usize, line: EventLine, context: &str) -> bool {
        let before = self.read[at];
        if before.is_some_and(|before| line.cursor <= before) {
            return false;
        }
        self.read[at] = Some(line.cursor);
        let is_gap = line.event.is_none() && before.is_some();
        let time = line.happened().map(|happened| happened.at);
        let told = time.zip(line.event).map(|(time, event)| (time, tag::event(event, context)));
        self.record.note(told);
        is_gap
    }

    /// What came after a line that was told.
    fn after(&mut self, cursor: Option<u64>, is_gap: bool) -> Vec<EventLine> {
        let mut ready = self.record.after(cursor);
        if let Some(cursor) = cursor.filter(|_| is_gap && ready.first().is_none_or(|line| line.event.is_some())) {
            ready.insert(0, EventLine { cursor, event: None });
        }
        ready
    }
}

impl Several {
    /// All that is known now, in order; and then, where it is followed, what comes in any of them. It ends with the first
    /// context that cannot go on.
    pub(super) async fn all_events(&self, cursor: Option<u64>, follow: bool) -> Result<Lines, BackendError> {
        let mut told = self.told.lock().await;
        let reads = self.parts.iter().zip(told.read.clone()).map(|(part, read)| async move {
            let lines = async { part.backend.events(read, false).await?.try_collect::<Vec<_>>().await };
            lines.await.map_err(|error| part.named(error))
        });
        // One that cannot be read is told before anything of the others counts as told.
        let all = join_all(reads).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut is_gap = false;
        for ((at, part), lines) in self.enumerated().zip(all) {
            for line in lines {
                is_gap |= told.note(at, line, &part.context);
            }
        }
        let known = told.after(cursor, is_gap);
        let read = told.read.clone();
        drop(told);
        let last = known.last().map(|line| line.cursor).or(cursor);
        let so_far = stream::iter(known.into_iter().map(Ok));
        if !follow {
            return Ok(so_far.boxed());
        }
        let opened = self.parts.iter().zip(read).enumerate().map(|(at, (part, read))| async move {
            let lines = part.backend.events(read, true).await.map_err(|error| part.named(error))?;
            // None falls silent without a word.
            let over = stream::once(std::future::ready(Err(ended())));
            Ok::<_, BackendError>(lines.chain(over).map(move |line| (at, line)).boxed())
        });
        let coming = stream::select_all(try_join_all(opened).await?);
        Ok(so_far.chain(later(self.parts.clone(), Arc::clone(&self.told), coming, last)).boxed())
    }
}

fn ended() -> BackendError {
    BackendError::Unreachable {
        endpoint: "its stream of events".to_owned(),
        cause: "it ended".to_owned(),
        hint: "Ask again to go on",
    }
}

type Coming = stream::SelectAll<BoxStream<'static, (usize, Result<EventLine, BackendError>)>>;

/// What comes, after the line that was told last. Lines that have come together are told by their times.
fn later(parts: Vec<Arc<Part>>, told: Arc<Mutex<Told>>, coming: Coming, last: Option<u64>) -> Lines {
    let begun = Some((coming.ready_chunks(AT_ONCE), last));
    let bundles = stream::unfold(begun, move |state| {
        let (parts, told) = (parts.clone(), Arc::clone(&told));
        async move {
            let (mut coming, last) = state?;
            let bundle = coming.next().await?;
            let mut told = told.lock().await;
            let (mut failed, mut is_gap) = (None, false);
            for (at, line) in bundle {
                match line {
                    Ok(line) => is_gap |= told.note(at, line, &parts[at].context),
                    Err(error) => failed = Some(parts[at].named(error)),
                }
            }
            let ready = told.after(last, is_gap);
            let next = ready.last().map(|line| line.cursor).or(last);
            let items = ready.into_iter().map(Ok).chain(failed.clone().map(Err)).collect::<Vec<_>>();
            Some((stream::iter(items), if failed.is_some() { None } else { Some((coming, next)) }))
        }
    });
    bundles.flatten().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::backend::{Backend, local::LocalBackend};
    use futures::FutureExt;
    use serde_json::json;

    /// That a job was submitted at a second.
    fn line(cursor: u64, second: u32, job: &str) -> EventLine {
        let event = json!({
            "detail-type": "Batch Job State Change", "time": format!("2026-11-29T12:00:{second:02}Z"),
            "detail": {"jobId": job, "jobName": job, "status": "SUBMITTED",
                "jobQueue": "arn:aws:batch:r:1:job-queue/main", "jobDefinition": "etl:3"},
        });
        EventLine { cursor, event: Some(event) }
    }

    fn missing(cursor: u64) -> EventLine {
        EventLine { cursor, event: None }
    }

    fn part(context: &str, events: Vec<EventLine>) -> Part {
        let backend = ScriptedBackend::new(World { events, ..World::default() });
        Part { context: context.to_owned(), backend: Arc::new(backend), is_read_only: false }
    }

    /// `job queue`, or `…` where some are missing.
    fn words(lines: &[Result<EventLine, BackendError>]) -> Vec<String> {
        let word = |line: &Result<EventLine, BackendError>| match line {
            Ok(line) => line.happened().map_or("…".to_owned(), |told| format!("{} {}", told.job, told.queue)),
            Err(error) => error.to_string(),
        };
        lines.iter().map(word).collect()
    }

    async fn all(several: &Several, cursor: Option<u64>) -> Vec<Result<EventLine, BackendError>> {
        several.events(cursor, false).await.expect("are told").collect().await
    }

    fn last(lines: &[Result<EventLine, BackendError>]) -> Option<u64> {
        lines.last().and_then(|line| line.as_ref().ok()).map(|line| line.cursor)
    }

    #[tokio::test]
    async fn what_happened_in_all_contexts_is_told_by_its_time_and_once() {
        let several = Several::new(vec![
            part("prod", vec![line(7, 10, "a"), line(8, 30, "c")]),
            part("lab", vec![missing(2), line(3, 20, "b"), line(4, 40, "d")]),
        ]);
        let lines = all(&several, None).await;
        let told = ["…", "a main@prod", "b main@lab", "c main@prod", "d main@lab"];
        assert_eq!(words(&lines), told);
        let definition = |line: &EventLine| line.happened().map(|told| told.definition);
        assert_eq!(lines[2].as_ref().map(definition), Ok(Some("etl@lab:3".to_owned())));
        assert!(all(&several, last(&lines)).await.is_empty());
        assert_eq!(words(&all(&several, None).await), told, "who asks anew is told all");

        let followed = several.events(last(&lines[..3]), true).await.expect("opens");
        let rest: Vec<_> = followed.take(2).collect().await;
        assert_eq!(words(&rest), told[3..]);
    }

    #[tokio::test]
    async fn what_comes_is_told_in_the_order_of_each_bundle_and_not_twice_to_anybody() {
        let parts: Vec<_> = ["prod", "lab"].map(|context| Arc::new(part(context, Vec::new()))).into();
        let told = Arc::new(Mutex::new(Told::of(2, 0)));
        let (tell, heard) = futures::channel::mpsc::unbounded();
        let say = |at: usize, line| tell.unbounded_send((at, line)).expect("is heard");
        let mut lines = later(parts, Arc::clone(&told), stream::select_all([heard.boxed()]), Some(0));
        assert!(lines.next().now_or_never().is_none(), "nothing has come");
        say(1, Ok(line(1, 20, "b")));
        say(0, Ok(line(1, 10, "a")));
        let bundle = [lines.next().await.expect("a line"), lines.next().await.expect("a line")];
        assert_eq!(words(&bundle), ["a main@prod", "b main@lab"]);
        say(0, Ok(line(1, 10, "a")));
        say(0, Ok(missing(5)));
        say(0, Ok(line(6, 30, "c")));
        say(1, Err(ended()));
        say(1, Ok(line(2, 40, "d")));
        let rest: Vec<_> = lines.collect().await;
        assert_eq!(words(&rest)[..3], ["…", "c main@prod", "d main@lab"]);
        let error = rest[3].as_ref().expect_err("one has ended").to_string();
        assert!(rest.len() == 4 && error.starts_with("lab: its stream of events cannot be reached"), "{error}");
    }

    #[tokio::test]
    async fn a_context_that_cannot_tell_is_named_and_nothing_counts_as_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let gone = LocalBackend::new(directory.path().join("none.sock"), "ann@host".into());
        let gone = Part { context: "gone".into(), backend: Arc::new(gone), is_read_only: false };
        let several = Several::new(vec![part("prod", vec![line(1, 10, "a")]), gone]);
        let error = several.events(None, false).await.err().expect("is not whole").to_string();
        assert!(error.starts_with("gone: "), "{error}");
        assert_eq!(several.told.lock().await.read, [None, None]);
    }
}
