//! What is read: one stream, or several as one; the same questions to either.

use super::merged::Merged;
use super::{PART, Part, ReadLog, Source};
use crate::backend::log_search::SearchLog;
use crate::backend::{Backend, BackendError};
use crate::model::{GetLogEvents, LogPattern, Millis, Way};

/// One stream, or several as one.
pub(super) enum Streams<'a> {
    One(One<'a>),
    Several(Merged<'a>),
}

impl<'a> Streams<'a> {
    pub(super) fn of(backend: &'a dyn Backend, ask: &'a ReadLog) -> Self {
        let (between, since) = (ask.between, ask.since);
        match ask.sources.as_slice() {
            [one] => Self::One(One { backend, source: one, since }),
            several => Self::Several(Merged { backend, sources: several, between, since }),
        }
    }

    /// The lines beyond a place, or beyond the end that lies behind.
    pub(super) async fn page(&self, way: Way, place: Option<&str>, limit: usize) -> Result<Part, BackendError> {
        match self {
            Self::One(one) => one.page(way, place, limit).await,
            Self::Several(several) => several.walk(way, place, limit).await,
        }
    }

    pub(super) async fn next(&self, place: Option<&str>) -> Result<Part, BackendError> {
        match self {
            Self::One(one) => one.next(place).await,
            Self::Several(several) => several.next(place, PART).await,
        }
    }

    /// The lines that end at a time.
    pub(super) async fn until(&self, time: Millis) -> Result<Part, BackendError> {
        match self {
            Self::One(one) => one.until(time).await,
            Self::Several(several) => several.until(time).await,
        }
    }

    /// How many lines stand between two places; `None`: only reading them all would tell.
    pub(super) async fn between(&self, from: Option<&str>, to: &str) -> Result<Option<u64>, BackendError> {
        match self {
            Self::One(One { backend, source, .. }) => {
                backend.lines_between(source.group.as_deref(), &source.stream, from, to).await
            }
            Self::Several(_) => Ok(None),
        }
    }
}

/// One stream.
pub(super) struct One<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) source: &'a Source,
    pub(super) since: Option<Millis>,
}

impl One<'_> {
    fn request(&self, way: Way, place: Option<&str>, limit: usize) -> GetLogEvents {
        GetLogEvents {
            log_group_name: self.source.group.clone(),
            log_stream_name: self.source.stream.clone(),
            limit: u32::try_from(limit).ok(),
            start_time: self.since,
            start_from_head: (way == Way::Forward).then_some(true),
            next_token: place.map(str::to_owned),
            ..GetLogEvents::default()
        }
    }

    pub(super) async fn page(&self, way: Way, place: Option<&str>, limit: usize) -> Result<Part, BackendError> {
        Ok(self.backend.log_events(self.request(way, place, limit)).await?.into())
    }

    pub(super) async fn next(&self, place: Option<&str>) -> Result<Part, BackendError> {
        Ok(self.backend.next_log_page(self.request(Way::Forward, place, PART)).await?.into())
    }

    pub(super) async fn until(&self, time: Millis) -> Result<Part, BackendError> {
        let request = GetLogEvents { end_time: Some(time + 1), ..self.request(Way::Back, None, PART) };
        Ok(self.backend.log_events(request).await?.into())
    }

    pub(super) fn search(
        &self,
        pattern: LogPattern,
        keep: Option<&LogPattern>,
        way: Way,
        from: Option<String>,
    ) -> SearchLog {
        let (group, stream) = (self.source.group.clone(), self.source.stream.clone());
        SearchLog {
            group,
            stream,
            since: self.since,
            pattern,
            keep: keep.cloned(),
            way,
            from,
            edge: None,
            first: false,
        }
    }
}
