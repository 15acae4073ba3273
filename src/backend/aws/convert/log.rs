//! Lines of `CloudWatch` Logs.

use crate::model::{FilteredLogEvent, FilteredLogEvents, LogEvent, LogPage};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;

pub fn filtered(given: FilterLogEventsOutput) -> FilteredLogEvents {
    let events = given.events.unwrap_or_default().into_iter().map(|event| FilteredLogEvent {
        log_stream_name: event.log_stream_name.unwrap_or_default(),
        timestamp: event.timestamp.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
    });
    FilteredLogEvents { events: events.collect(), next_token: given.next_token }
}

pub fn page(given: GetLogEventsOutput) -> LogPage {
    let events = given.events.unwrap_or_default().into_iter().map(|event| LogEvent {
        timestamp: event.timestamp.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
        ingestion_time: event.ingestion_time.unwrap_or_default(),
    });
    LogPage {
        events: events.collect(),
        next_forward_token: given.next_forward_token.unwrap_or_default(),
        next_backward_token: given.next_backward_token.unwrap_or_default(),
    }
}
