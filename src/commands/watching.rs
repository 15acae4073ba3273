//! Waiting for something to become true of a job, over restarts of the engine.

use super::error::{CommandError, Doing};
use crate::backend::{Backend, BackendError};
use crate::model::{Change, Cursor, JobDetail, JobId, What};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::time::{Duration, Instant};

/// How often a job is looked at where nothing is heard of it.
const LOOK: Duration = Duration::from_secs(15);
/// How long the other side may be away, as an engine is while it restarts.
const PATIENCE: Duration = Duration::from_mins(1);

/// A job under watch.
pub struct Watching<'b> {
    id: JobId,
    hearing: Hearing<'b>,
}

/// What is heard of something, over restarts of the engine.
pub struct Hearing<'b> {
    backend: &'b dyn Backend,
    concerns: Box<dyn Fn(&What) -> bool + Send + 'b>,
    changes: Option<BoxStream<'static, Result<Change, BackendError>>>,
    cursor: Option<Cursor>,
    heard: Instant,
    pause: Duration,
}

impl<'b> Watching<'b> {
    pub fn new(backend: &'b dyn Backend, id: JobId) -> Self {
        let wanted = id.clone();
        Self { id, hearing: Hearing::new(backend, move |what| concerns(what, &wanted)) }
    }

    /// The job as it is now.
    pub async fn look(&mut self) -> Result<JobDetail, CommandError> {
        loop {
            match describe(self.hearing.backend, &self.id).await {
                Err(CommandError::Backend { doing, source }) => self.hearing.bear(doing, source).await?,
                Ok(detail) => {
                    self.hearing.hear();
                    return Ok(detail);
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// Returns when the job may have changed. Cancel safe: nothing that was heard is lost between two calls.
    pub async fn changed(&mut self) -> Result<(), CommandError> {
        self.hearing.changed().await
    }

    /// Looks until `enough` says so. `tell` hears of every look.
    pub async fn until(
        &mut self,
        enough: impl Fn(&JobDetail) -> bool,
        mut tell: impl FnMut(&JobDetail),
    ) -> Result<JobDetail, CommandError> {
        loop {
            let detail = self.look().await?;
            tell(&detail);
            if enough(&detail) {
                return Ok(detail);
            }
            self.changed().await?;
        }
    }
}

impl<'b> Hearing<'b> {
    /// Of what `concerns` says that it is about it; a reset always is.
    pub fn new(backend: &'b dyn Backend, concerns: impl Fn(&What) -> bool + Send + 'b) -> Self {
        let pause = Duration::from_millis(100);
        let concerns = Box::new(concerns);
        Self { backend, concerns, changes: None, cursor: None, heard: Instant::now(), pause }
    }

    /// Returns when something was heard of it, or nothing for a while. Cancel safe: nothing that was heard is lost between two
    /// calls.
    pub async fn changed(&mut self) -> Result<(), CommandError> {
        loop {
            let Some(changes) = &mut self.changes else {
                match self.backend.watch(self.cursor).await {
                    // What happened before the watch began is seen by looking once more.
                    Ok(changes) => {
                        self.changes = Some(changes);
                        return Ok(());
                    }
                    Err(error) => self.bear("watching for changes".to_owned(), error).await?,
                }
                continue;
            };
            let Ok(next) = tokio::time::timeout(LOOK, changes.next()).await else { return Ok(()) };
            match next {
                Some(Ok(change)) => {
                    self.hear();
                    self.cursor = Some(change.cursor);
                    if change.what == What::Reset || (self.concerns)(&change.what) {
                        return Ok(());
                    }
                }
                Some(Err(error)) => {
                    self.changes = None;
                    self.bear("watching for changes".to_owned(), error).await?;
                }
                None => {
                    self.changes = None;
                    self.rest().await;
                }
            }
        }
    }

    pub fn hear(&mut self) {
        self.heard = Instant::now();
        self.pause = Duration::from_millis(100);
    }

    /// Waits a little after a failure that may pass; gives up on others, and after a while.
    pub async fn bear(&mut self, doing: String, error: BackendError) -> Result<(), CommandError> {
        let passing = matches!(error, BackendError::Unreachable { .. } | BackendError::Throttled { .. });
        if !passing || self.heard.elapsed() > PATIENCE {
            return Err(CommandError::Backend { doing, source: error });
        }
        self.rest().await;
        Ok(())
    }

    async fn rest(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
    }
}

/// All of one job, or the error that it is not there.
pub async fn describe(backend: &dyn Backend, id: &JobId) -> Result<JobDetail, CommandError> {
    let found = backend.describe_jobs(std::slice::from_ref(id)).await.doing(format!("describing the job {id}"))?;
    found.into_iter().next().ok_or_else(|| CommandError::UnknownJob { given: id.to_string() })
}

fn concerns(what: &What, id: &JobId) -> bool {
    match what {
        What::Job(job) => job.job_id == *id,
        What::JobGone(gone) => gone == id,
        _ => false,
    }
}
