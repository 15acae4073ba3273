//! Which of the contexts a name, a job or a log stream is of.

use super::homes::whole;
use super::{Part, Several, tag};
use crate::backend::BackendError;
use crate::model::{GetLogEvents, HoldTarget, JobId, SchedulingPolicy};
use futures::future::join_all;

impl Several {
    pub(super) fn enumerated(&self) -> impl Iterator<Item = (usize, &Part)> {
        self.parts.iter().map(AsRef::as_ref).enumerate()
    }

    /// The context that a name is of, and its name there.
    pub(super) fn split(&self, kind: &str, name: &str) -> Result<(&Part, String), BackendError> {
        let found = self.enumerated().filter_map(|(_, part)| Some((part, tag::untag(name, &part.context)?)));
        // Of `x@y` and `y`, both contexts, the longer name is the one that is meant.
        found.max_by_key(|(part, _)| part.context.len()).ok_or_else(|| {
            let contexts: Vec<&str> = self.enumerated().map(|(_, part)| part.context.as_str()).collect();
            BackendError::NotFound {
                what: format!("{kind} {name} (a name has its context here: NAME@CONTEXT, of {})", contexts.join(", ")),
            }
        })
    }

    /// As [`Several::split`], where something is to be changed.
    pub(super) fn to_change(&self, kind: &str, name: &str) -> Result<(&Part, String), BackendError> {
        let (part, name) = self.split(kind, name)?;
        part.writable()?;
        Ok((part, name))
    }

    /// The context of a job: where it was seen, or else where it is found.
    pub(super) async fn home(&self, id: &JobId) -> Result<(usize, &Part), BackendError> {
        if let Some(at) = self.homes.of_job(id) {
            return Ok((at, &self.parts[at]));
        }
        let looks = self.enumerated().map(|(at, part)| async move {
            let found = part.backend.describe_jobs(&[whole(id)]).await.map_err(|error| part.named(error))?;
            Ok::<_, BackendError>(found.first().map(|_| (at, part)))
        });
        let (mut found, mut failed) = (None, None);
        for look in join_all(looks).await {
            match look {
                Ok(there) => found = found.or(there),
                Err(error) => failed = Some(error),
            }
        }
        let missing = || failed.unwrap_or_else(|| BackendError::NotFound { what: format!("job {id}") });
        let (at, part) = found.ok_or_else(missing)?;
        self.homes.note_job(id, at);
        Ok((at, part))
    }

    pub(super) async fn home_to_change(&self, id: &JobId) -> Result<&Part, BackendError> {
        let (_, part) = self.home(id).await?;
        part.writable()?;
        Ok(part)
    }

    pub(super) fn note_submitted(&self, part: &Part, id: &JobId) {
        if let Some(at) = self.enumerated().position(|(_, other)| std::ptr::eq(other, part)) {
            self.homes.note_job(id, at);
        }
    }

    /// The context of a log stream: where its job was described, or else where there is such a stream.
    pub(super) async fn home_of_stream(&self, group: Option<&str>, stream: &str) -> Result<&Part, BackendError> {
        if let Some(at) = self.homes.of_stream(stream) {
            return Ok(&self.parts[at]);
        }
        for (at, part) in self.enumerated() {
            let look = GetLogEvents {
                log_group_name: group.map(str::to_owned),
                log_stream_name: stream.to_owned(),
                limit: Some(1),
                ..GetLogEvents::default()
            };
            if part.backend.log_events(look).await.is_ok() {
                self.homes.note_stream(stream, at);
                return Ok(part);
            }
        }
        Err(BackendError::NotFound { what: format!("log stream {stream}") })
    }

    /// Asks each context the same; what one cannot give is told by its name.
    pub(super) async fn each<'a, T, F, A>(&'a self, ask: F) -> Result<Vec<T>, BackendError>
    where
        F: Fn(&'a Part) -> A,
        A: Future<Output = Result<Vec<T>, BackendError>>,
    {
        let asked: Vec<_> = self.enumerated().map(|(_, part)| ask(part)).collect();
        let mut all = Vec::new();
        for (told, part) in join_all(asked).await.into_iter().zip(&self.parts) {
            all.extend(told.map_err(|error| part.named(error))?);
        }
        Ok(all)
    }

    /// A scheduling policy, and the context that has it.
    pub(super) async fn policy(&self, arn: &str) -> Result<(&Part, SchedulingPolicy), BackendError> {
        let mut failed = BackendError::NotFound { what: format!("scheduling policy {arn}") };
        for (_, part) in self.enumerated() {
            match part.backend.scheduling_policy(arn).await {
                Ok(found) => return Ok((part, found)),
                Err(error) => failed = part.named(error),
            }
        }
        Err(failed)
    }

    /// What is held or released, as its own context has it.
    pub(super) async fn held(&self, target: &HoldTarget) -> Result<(&Part, HoldTarget), BackendError> {
        match target {
            HoldTarget::Job(id) => Ok((self.home_to_change(id).await?, target.clone())),
            HoldTarget::Queue(name) => {
                let (part, name) = self.to_change("job queue", name)?;
                Ok((part, HoldTarget::Queue(name)))
            }
        }
    }
}
