//! Log streams: a page of one, one page of several by time, and one followed by polling `GetLogEvents`: what is shown of a
//! log is all of it, from any line to the last.
//!
//! `StartLiveTail` would tell lines up to two seconds earlier, and is left alone for what it costs besides:
//!
//! - Of more than 500 lines a second it tells a sample, and what a slow reader has not taken is dropped. A log with holes in
//!   it is worth less at a failure than one that comes two seconds later.
//! - It begins at the moment of the call, and its lines have neither a token nor an id. Where it joins what was read
//!   before, and what was missed while a connection was broken, cannot be told: equal lines of one time are common.
//! - A session ends after three hours, takes a permission of its own (`logs:StartLiveTail`, which few policies for readers
//!   have) and, past a monthly allowance, money for each minute that it is open, whether anything is written or not. A
//!   console that is left open over a night would cost.
//!
//! A poll of `GetLogEvents` goes on from its token after any pause, with the permission that reading a log takes in any
//! case. Its price is a call of the budget every two seconds for the one log that is looked at.
//!
//! Sources: `CloudWatch` Logs API reference, `StartLiveTail` and `GetLogEvents`; Amazon `CloudWatch` pricing, "Live Tail".

use super::budget::Caller::{self, Background};
use super::convert;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{FilterLogEvents, FilteredLogEvents, GetLogEvents, LogPage};
use std::time::Duration;

/// Between two looks at the end of a stream, and at one that does not exist yet.
const INTERVAL: Duration = Duration::from_secs(2);

impl Service {
    /// One page of a stream.
    pub async fn log_page(&self, caller: Caller, wanted: GetLogEvents) -> Result<LogPage, BackendError> {
        let group = wanted.log_group_name.unwrap_or_else(|| self.log_group.clone());
        let call = self
            .logs
            .get_log_events()
            .log_group_name(&group)
            .log_stream_name(&wanted.log_stream_name)
            .set_start_time(wanted.start_time)
            .set_end_time(wanted.end_time)
            .set_limit(wanted.limit.map(|limit| i32::try_from(limit.min(10_000)).unwrap_or(10_000)))
            .set_start_from_head(wanted.start_from_head)
            .set_next_token(wanted.next_token);
        match self.call(caller, "GetLogEvents", || call.clone().send()).await {
            Ok(page) => Ok(convert::log::page(page)),
            Err(BackendError::NotFound { .. }) => {
                Err(BackendError::NotFound { what: format!("log stream {} of {group}", wanted.log_stream_name) })
            }
            Err(error) => Err(error),
        }
    }

    /// One page of several streams, by time.
    pub async fn filtered(&self, caller: Caller, wanted: FilterLogEvents) -> Result<FilteredLogEvents, BackendError> {
        let group = wanted.log_group_name.unwrap_or_else(|| self.log_group.clone());
        let call = self
            .logs
            .filter_log_events()
            .log_group_name(&group)
            .set_log_stream_names(Some(wanted.log_stream_names).filter(|names| !names.is_empty()))
            .set_start_time(wanted.start_time)
            .set_end_time(wanted.end_time)
            .set_filter_pattern(wanted.filter_pattern)
            .set_limit(wanted.limit.map(|limit| i32::try_from(limit.min(10_000)).unwrap_or(10_000)))
            .set_next_token(wanted.next_token);
        // It changes nothing any more, and old copies of the service still listen to it.
        #[expect(deprecated, reason = "what stands in for AWS in tests sorts only where it is asked to")]
        let call = call.interleaved(true);
        match self.call(caller, "FilterLogEvents", || call.clone().send()).await {
            Ok(page) => Ok(convert::log::filtered(page)),
            Err(BackendError::NotFound { .. }) => {
                Err(BackendError::NotFound { what: format!("one of the log streams of {group}") })
            }
            Err(error) => Err(error),
        }
    }
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
