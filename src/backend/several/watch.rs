//! The changes of several contexts as one stream. A context that breaks off is opened again by itself, while the others go
//! on; what it had told is taken back before it tells all anew.

use super::{Homes, Part, tag};
use crate::backend::{BackendError, JobQuery};
use crate::model::{Change, Cursor, JobId, Millis, What};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::{self, BoxStream};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Changes that wait to be taken.
const AHEAD: usize = 1_000;
/// Jobs that are read of a context which tells changes alone: pages of so many.
const PAGE: u32 = 500;
const PAGES: usize = 20;

type Stream = BoxStream<'static, Result<Change, BackendError>>;

/// Opens the stream.
///
/// # Errors
/// The first context's, where none can be opened.
pub async fn watch(parts: &[Arc<Part>], homes: &Arc<Homes>) -> Result<Stream, BackendError> {
    let opened = join_all(parts.iter().map(|part| part.backend.watch(None))).await;
    if let Some(error) = opened.iter().all(Result::is_err).then(|| opened.iter().find_map(|one| one.as_ref().err())) {
        let none = BackendError::NotFound { what: "any context".to_owned() };
        return Err(error.cloned().unwrap_or(none));
    }
    let (tell, told) = channel(AHEAD);
    let mut tasks = JoinSet::new();
    for (at, (part, opened)) in parts.iter().zip(opened).enumerate() {
        let follower = Follower {
            part: Arc::clone(part),
            at,
            homes: Arc::clone(homes),
            tell: tell.clone(),
            known: Known::default(),
            cursor: None,
        };
        tasks.spawn(follower.follow(opened));
    }
    let first = Change { cursor: Cursor(1), at: now(), what: What::Reset };
    // Those who follow end with the stream.
    let rest = stream::unfold((told, tasks, 1), |(mut told, tasks, count)| async move {
        let (at, what) = told.recv().await?;
        let change = Change { cursor: Cursor(count + 1), at, what };
        Some((Ok(change), (told, tasks, count + 1)))
    });
    Ok(stream::iter([Ok(first)]).chain(rest).boxed())
}

fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

/// What a context has told of: to be taken back.
#[derive(Debug, Default)]
struct Known {
    queues: BTreeSet<String>,
    environments: BTreeSet<String>,
    schedules: BTreeSet<(String, String)>,
    jobs: BTreeSet<JobId>,
}

impl Known {
    fn note(&mut self, what: &What) {
        match what {
            What::Queue(queue) => _ = self.queues.insert(queue.job_queue_name.clone()),
            What::QueueGone(name) => _ = self.queues.remove(name),
            What::ComputeEnvironment(one) => _ = self.environments.insert(one.compute_environment_name.clone()),
            What::ComputeEnvironmentGone(name) => _ = self.environments.remove(name),
            What::Schedule(one) => _ = self.schedules.insert((one.group_name.clone(), one.name.clone())),
            What::ScheduleGone { group, name } => _ = self.schedules.remove(&(group.clone(), name.clone())),
            What::Job(row) => _ = self.jobs.insert(row.job_id.clone()),
            What::JobGone(id) => _ = self.jobs.remove(id),
            _ => {}
        }
    }

    /// All of it as gone.
    fn take_back(&mut self) -> Vec<What> {
        let known = std::mem::take(self);
        let mut gone: Vec<What> = known.jobs.into_iter().map(What::JobGone).collect();
        gone.extend(known.schedules.into_iter().map(|(group, name)| What::ScheduleGone { group, name }));
        gone.extend(known.queues.into_iter().map(What::QueueGone));
        gone.extend(known.environments.into_iter().map(What::ComputeEnvironmentGone));
        gone
    }
}

/// Who follows one context.
struct Follower {
    part: Arc<Part>,
    at: usize,
    homes: Arc<Homes>,
    tell: Sender<(Millis, What)>,
    known: Known,
    cursor: Option<Cursor>,
}

impl Follower {
    /// Follows until nobody listens any more.
    async fn follow(mut self, mut opened: Result<Stream, BackendError>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match opened {
                Ok(changes) => match self.take_all(changes, &mut pause).await {
                    Some(error) => error,
                    None => return,
                },
                Err(error) => error,
            };
            let again = pause.as_secs();
            let text = format!("{error} · its rows stay as they were; it is tried again in {again} s");
            if self.send(now(), What::Notice(text)).await.is_none() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            opened = self.part.backend.watch(self.cursor).await;
        }
    }

    /// Takes changes until the stream breaks, and answers why it did; `None` where nobody listens.
    async fn take_all(&mut self, mut changes: Stream, pause: &mut Duration) -> Option<BackendError> {
        while let Some(change) = changes.next().await {
            let Change { cursor, at, what } = match change {
                Ok(change) => change,
                Err(error) => return Some(error),
            };
            *pause = FIRST_PAUSE;
            self.cursor = Some(cursor);
            if what != What::Reset {
                self.send(at, what).await?;
                continue;
            }
            for gone in self.known.take_back() {
                self.tell.send((at, tag::change(gone, &self.part.context))).await.ok()?;
            }
            if self.part.backend.capabilities().pushes_changes {
                match self.read_all().await {
                    Ok(rows) => {
                        for row in rows {
                            self.send(at, row).await?;
                        }
                    }
                    Err(error) => return Some(error),
                }
            }
        }
        Some(BackendError::Unreachable {
            endpoint: self.part.context.clone(),
            cause: "the stream of changes ended".to_owned(),
            hint: "It is opened again by itself",
        })
    }

    async fn send(&mut self, at: Millis, what: What) -> Option<()> {
        self.known.note(&what);
        if let What::Job(row) = &what {
            self.homes.note_row(row, self.at);
        }
        self.tell.send((at, tag::change(what, &self.part.context))).await.ok()
    }

    /// What a context that tells changes alone leaves to be asked for.
    async fn read_all(&self) -> Result<Vec<What>, BackendError> {
        let backend = &self.part.backend;
        let (queues, environments) = futures::try_join!(backend.job_queues(), backend.compute_environments())?;
        let mut rows: Vec<What> = queues.into_iter().map(|queue| What::Queue(Box::new(queue))).collect();
        rows.extend(environments.into_iter().map(|one| What::ComputeEnvironment(Box::new(one))));
        if backend.capabilities().schedules {
            rows.extend(backend.schedules().await?.into_iter().map(|one| What::Schedule(Box::new(one))));
        }
        let mut token = None;
        for _ in 0..PAGES {
            let query = JobQuery { page_token: token, limit: Some(PAGE), ..JobQuery::default() };
            let page = backend.jobs(query).await?;
            rows.extend(page.items.into_iter().map(|row| What::Job(Box::new(row))));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        Ok(rows)
    }
}
