//! A log stream, followed by polling.

use super::budget::Caller::Background;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{GetLogEvents, LogEvent};
use futures::stream::{self, BoxStream, StreamExt};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at the end of a stream, and at one that does not exist yet.
const INTERVAL: Duration = Duration::from_secs(2);

/// The lines from `from` on, or from the first. Ends only with an error.
pub fn follow(
    service: Arc<Service>,
    group: Option<String>,
    stream: String,
    from: Option<String>,
) -> BoxStream<'static, Result<Vec<LogEvent>, BackendError>> {
    let follower = Follower { service, group, stream, token: from };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        let item = follower.next().await;
        Some(if item.is_ok() { (item, Some(follower)) } else { (item, None) })
    })
    .boxed()
}

struct Follower {
    service: Arc<Service>,
    group: Option<String>,
    stream: String,
    token: Option<String>,
}

impl Follower {
    async fn next(&mut self) -> Result<Vec<LogEvent>, BackendError> {
        loop {
            let wanted = GetLogEvents {
                log_group_name: self.group.clone(),
                log_stream_name: self.stream.clone(),
                start_from_head: Some(true),
                next_token: self.token.clone(),
                ..GetLogEvents::default()
            };
            match self.service.log_page(Background, wanted).await {
                Ok(page) => {
                    let token = Some(page.next_forward_token).filter(|token| !token.is_empty());
                    // A page may be empty before the end is reached: only a token that stays marks the end.
                    let is_end = token == self.token || token.is_none();
                    self.token = token.or(self.token.take());
                    if !page.events.is_empty() {
                        return Ok(page.events);
                    }
                    if !is_end {
                        continue;
                    }
                }
                Err(BackendError::NotFound { .. } | BackendError::Throttled { .. }) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
