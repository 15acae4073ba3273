//! Requests, carried out on tasks of their own, and the stream of changes.

use super::super::contexts::{Contexts, Opened};
use super::super::requests::{Answer, Ask, Message, Request, RequestId, carry_out, perform, save};
use super::hand;
use crate::backend::{Backend, BackendError};
use crate::config::kept::Kept;
use crate::model::{Cursor, Millis, What};
use futures::StreamExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A log that grows without pause is looked at so often.
const FOLLOW: Duration = Duration::from_millis(100);

const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The engine is on this machine, and asking a remote one once in this time costs it nothing.
const LONGEST_DELAY: Duration = Duration::from_secs(3);
/// So many changes are held here; what comes beyond waits with the one who sends it.
const CHANGES_HELD: usize = 4_096;

/// Runs requests on tasks of their own.
pub(super) struct Runner {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) contexts: Arc<dyn Contexts>,
    pub(super) themes: Option<PathBuf>,
    /// The file of what is kept over restarts.
    pub(super) kept: Option<PathBuf>,
    pub(super) messages: UnboundedSender<Message>,
    pub(super) has_opened: UnboundedSender<(RequestId, Result<Opened, String>)>,
    pub(super) watching: Option<JoinHandle<()>>,
    pub(super) following: Option<JoinHandle<()>>,
    /// Ends the pause before the stream of changes is opened again.
    pub(super) reconnect: Arc<Notify>,
    pub(super) may_follow_at: Instant,
}

impl Runner {
    pub(super) fn start(&mut self, request: Request) {
        let Request { id, ask } = request;
        let (backend, messages) = (Arc::clone(&self.backend), self.messages.clone());
        match ask {
            Ask::Log(read) if read.what.waits() => {
                self.stop_following();
                let start = self.may_follow_at.max(Instant::now());
                self.may_follow_at = start + FOLLOW;
                self.following = Some(tokio::spawn(async move {
                    tokio::time::sleep_until(start).await;
                    if let Some(answer) = perform(backend.as_ref(), None, Ask::Log(read)).await {
                        let _ = messages.send(Message::Answer { id, answer });
                    }
                }));
            }
            Ask::StopFollowing => self.stop_following(),
            Ask::Open(address) => hand::browse(&address),
            Ask::Save { path, over, text } => {
                tokio::task::spawn_blocking(move || {
                    let answer = Answer::Saved(save(path, over, &text.unwrap_or_default()));
                    let _ = messages.send(Message::Answer { id, answer });
                });
            }
            Ask::Note(note) => {
                let Some(path) = self.kept.clone() else { return };
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = Kept::keep(&path, note) {
                        let _ = messages.send(Message::Answer { id, answer: Answer::NotKept(error) });
                    }
                });
            }
            Ask::Context(name) => {
                let (contexts, has_opened) = (Arc::clone(&self.contexts), self.has_opened.clone());
                tokio::spawn(async move {
                    let _ = has_opened.send((id, contexts.open(&name).await));
                });
            }
            Ask::Act(act) => {
                tokio::spawn(async move {
                    let tell = |progress| {
                        let _ = messages.send(Message::Answer { id, answer: Answer::Progress(progress) });
                    };
                    let outcome = carry_out(backend.as_ref(), act, &tell).await;
                    let _ = messages.send(Message::Answer { id, answer: Answer::Done(outcome) });
                });
            }
            ask => {
                let themes = self.themes.clone();
                tokio::spawn(async move {
                    if let Some(answer) = perform(backend.as_ref(), themes.as_deref(), ask).await {
                        let _ = messages.send(Message::Answer { id, answer });
                    }
                });
            }
        }
    }

    /// Opens the stream of changes again at once, after what stands behind it was started where that has ended and can be.
    pub(super) fn reconnect(&self, context: &str) {
        let (contexts, context) = (Arc::clone(&self.contexts), context.to_owned());
        let (messages, reconnect) = (self.messages.clone(), Arc::clone(&self.reconnect));
        tokio::spawn(async move {
            let revived = contexts.revive(&context).await;
            reconnect.notify_waiters();
            if let Some(told) = revived.transpose() {
                let _ = messages.send(Message::Revived(told));
            }
        });
    }

    /// Opens the stream of changes, in place of one that is open.
    pub(super) fn watch(&mut self) -> Receiver<Message> {
        let (told, changes) = channel(CHANGES_HELD);
        self.reconnect = Arc::default();
        let watching = watch(Arc::clone(&self.backend), told, Arc::clone(&self.reconnect));
        if let Some(before) = self.watching.replace(tokio::spawn(watching)) {
            before.abort();
        }
        changes
    }

    /// Ends what goes on by itself. Requests are carried out to their end: an action may be among them.
    pub(super) fn stop(&mut self) {
        self.stop_following();
        if let Some(watching) = self.watching.take() {
            watching.abort();
        }
    }

    fn stop_following(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }
}

/// Keeps the stream of changes open, with longer and longer pauses while it cannot be.
async fn watch(backend: Arc<dyn Backend>, messages: Sender<Message>, reconnect: Arc<Notify>) {
    let mut cursor: Option<Cursor> = None;
    let mut delay = FIRST_DELAY;
    loop {
        let error = match backend.watch(cursor).await {
            Ok(mut changes) => {
                if messages.send(Message::WatchOpened).await.is_err() {
                    return;
                }
                loop {
                    match changes.next().await {
                        Some(Ok(change)) => {
                            delay = FIRST_DELAY;
                            cursor = if change.what == What::Reset { cursor } else { Some(change.cursor) };
                            if messages.send(Message::Change(change)).await.is_err() {
                                return;
                            }
                        }
                        Some(Err(error)) => break error,
                        None => break ended(),
                    }
                }
            }
            Err(error) => error,
        };
        let again_in = Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX);
        if messages.send(Message::WatchBroke { error, again_in }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(LONGEST_DELAY),
            () = reconnect.notified() => delay = FIRST_DELAY,
        }
    }
}

fn ended() -> BackendError {
    BackendError::Unreachable {
        endpoint: "the stream of changes".to_owned(),
        cause: "it ended".to_owned(),
        hint: "It is opened again by itself",
    }
}
