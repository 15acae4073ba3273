//! A log stream, followed by polling.

use super::budget::Caller::Background;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{GetLogEvents, LogEvent, LogPage};
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
    let request =
        GetLogEvents { log_group_name: group, log_stream_name: stream, next_token: from, ..GetLogEvents::default() };
    stream::unfold(Some((service, request)), |state| async {
        let (service, mut request) = state?;
        let item = next_page(&service, request.clone()).await.map(|page| {
            request.next_token = Some(page.next_forward_token);
            page.events
        });
        Some(if item.is_ok() { (item, Some((service, request))) } else { (item, None) })
    })
    .boxed()
}

/// The page after the request's token, as soon as there are lines in it.
pub async fn next_page(service: &Service, mut request: GetLogEvents) -> Result<LogPage, BackendError> {
    request.start_from_head = Some(true);
    loop {
        match service.log_page(Background, request.clone()).await {
            Ok(page) if !page.events.is_empty() => return Ok(page),
            Ok(page) => {
                let token = Some(page.next_forward_token).filter(|token| !token.is_empty());
                // A page may be empty before the end is reached: only a token that stays marks the end.
                let is_end = token == request.next_token || token.is_none();
                request.next_token = token.or(request.next_token);
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
