//! Events as they are handed out: what was seen so far, and what comes while a watch polls.

use super::budget::Caller::Operator;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{Change, EventLine};
use futures::future::join_all;
use futures::stream::{self, BoxStream, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How long all queues together may take to be read.
const READING: Duration = Duration::from_secs(10);

type Lines = BoxStream<'static, Result<EventLine, BackendError>>;

impl Service {
    /// Reads the newest jobs of each queue, where no watch does.
    pub(super) async fn look_for_events(&self) -> Result<(), BackendError> {
        let queues = self.queues(Operator).await?;
        let looks = queues.iter().map(|queue| async {
            let name = queue.job_queue_name.as_str();
            let survey = tokio::time::timeout(READING, self.newest(Operator, name)).await;
            (name, survey)
        });
        for (name, survey) in join_all(looks).await {
            // Of a queue that takes longer nothing is told; one that may not be read is said.
            let Ok(survey) = survey else { continue };
            let now = chrono::Utc::now().timestamp_millis();
            self.memory().seen.note(name, None, &survey?.rows, now);
        }
        Ok(())
    }
}

/// What is known, to its end.
pub fn so_far(service: &Service, cursor: Option<u64>) -> Lines {
    let lines = service.memory().seen.after(cursor);
    stream::iter(lines.into_iter().map(Ok)).boxed()
}

/// The same, and then what a watch comes to see.
pub fn follow(
    service: Arc<Service>,
    changes: BoxStream<'static, Result<Change, BackendError>>,
    cursor: Option<u64>,
) -> Lines {
    struct Following {
        service: Arc<Service>,
        changes: BoxStream<'static, Result<Change, BackendError>>,
        ready: VecDeque<EventLine>,
        cursor: Option<u64>,
    }
    let begun = Following { service, changes, ready: VecDeque::new(), cursor };
    let lines = stream::unfold(Some(begun), |following| async {
        let mut following = following?;
        loop {
            if let Some(line) = following.ready.pop_front() {
                return Some((Ok(line), Some(following)));
            }
            match following.changes.next().await? {
                // Once a round, so that what it has seen comes in the order in which it happened.
                Ok(Change { what: crate::model::What::Alive { .. }, .. }) => {
                    following.ready = following.service.memory().seen.after(following.cursor).into();
                    following.cursor = following.ready.back().map(|line| line.cursor).or(following.cursor);
                }
                Ok(_) => {}
                Err(error) => return Some((Err(error), None)),
            }
        }
    });
    lines.boxed()
}
