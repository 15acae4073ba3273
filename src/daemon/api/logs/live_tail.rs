//! `StartLiveTail`: a stream of events, an update each second.

use super::{blocking, event_stream};
use crate::daemon::api::World;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::logs::LogError;
use crate::daemon::logs::groups::group_of;
use crate::daemon::logs::pattern::Pattern;
use crate::daemon::logs::tail::{Tail, Tailed};
use crate::engine::Engine;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

pub(super) const OPERATION: &str = "StartLiveTail";
const MOST_GROUPS: usize = 10;
const MOST_STREAMS: usize = 100;
/// How often an update comes, and how long a session lasts, as on AWS.
const EVERY: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(3);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Request {
    log_group_identifiers: Vec<String>,
    log_stream_names: Vec<String>,
    log_stream_name_prefixes: Vec<String>,
    log_event_filter_pattern: Option<String>,
}

impl Request {
    fn check(&self) -> Result<(), String> {
        let (names, prefixes) = (&self.log_stream_names, &self.log_stream_name_prefixes);
        if !(1..=MOST_GROUPS).contains(&self.log_group_identifiers.len()) {
            return Err(format!(
                "logGroupIdentifiers has {} entries; it takes 1 to {MOST_GROUPS}",
                self.log_group_identifiers.len()
            ));
        }
        if let Some(star) = self.log_group_identifiers.iter().find(|group| group.ends_with('*')) {
            return Err(format!("logGroupIdentifiers has `{star}`; it takes ARNs without `*` at their end"));
        }
        if !names.is_empty() && !prefixes.is_empty() {
            return Err("logStreamNames and logStreamNamePrefixes are given; give one of them".to_owned());
        }
        let streams = names.len() + prefixes.len();
        if streams > MOST_STREAMS || streams > 0 && self.log_group_identifiers.len() > 1 {
            return Err(format!("streams are named for one group alone, and at most {MOST_STREAMS} of them"));
        }
        Ok(())
    }
}

pub(super) async fn start(world: Arc<World>, body: Value) -> Result<Response, ApiError> {
    let invalid = |message: String| ApiError::invalid(Service::Logs, message);
    let request: Request = serde_json::from_value(body).map_err(|cause| invalid(cause.to_string()))?;
    request.check().map_err(invalid)?;
    let text = request.log_event_filter_pattern.clone().unwrap_or_default();
    let pattern = Pattern::parse(&text).map_err(|cause| invalid(format!("logEventFilterPattern: {cause}")))?;
    let known = world.log_groups.all(world.driver.read(Engine::log_groups).await?);
    let mut groups = Vec::new();
    for identifier in &request.log_group_identifiers {
        let name = group_of(None, Some(identifier))?;
        if !known.contains_key(&name) {
            return Err(LogError::NoGroup(name).into());
        }
        groups.push((identifier.clone(), name));
    }
    let logs = world.directory.logs();
    let (names, prefixes) = (request.log_stream_names.clone(), request.log_stream_name_prefixes.clone());
    let tail = blocking(move || Ok(Tail::start(&logs, groups, names, prefixes, pattern)?)).await?;

    let session = json!({
        "requestId": uuid::Uuid::new_v4().to_string(),
        "sessionId": uuid::Uuid::new_v4().to_string(),
        "logGroupIdentifiers": request.log_group_identifiers,
        "logStreamNames": request.log_stream_names,
        "logStreamNamePrefixes": request.log_stream_name_prefixes,
        "logEventFilterPattern": text,
    });
    let first = [event_stream::event("initial-response", &json!({})), event_stream::event("sessionStart", &session)];
    let updates = stream::unfold(Some((tail, Instant::now())), move |state| async move {
        let (tail, started) = state?;
        Some(update(tail, started).await)
    });
    let frames = stream::iter(first).chain(updates).map(Ok::<Bytes, Infallible>);
    let head = [(header::CONTENT_TYPE, "application/vnd.amazon.eventstream")];
    Ok((head, Body::from_stream(frames.take_until(world.feed.ended()))).into_response())
}

/// The next frame, and with what the stream goes on; an error and the end of the session are its last.
async fn update(mut tail: Tail, started: Instant) -> (Bytes, Option<(Tail, Instant)>) {
    if started.elapsed() >= LONGEST {
        let message = "the session has lasted for 3 hours; start another";
        return (event_stream::exception("SessionTimeoutException", message), None);
    }
    // Whole seconds after the start: a slow update takes from the wait.
    let seconds = u32::try_from(started.elapsed().as_secs() + 1).unwrap_or(u32::MAX);
    sleep_until(started + EVERY * seconds).await;
    let read = tokio::task::spawn_blocking(move || {
        let said = tail.update();
        (tail, said)
    });
    match read.await {
        Ok((tail, Ok((said, sampled)))) => {
            let results: Vec<Value> = said.iter().map(row).collect();
            let payload = json!({ "sessionMetadata": { "sampled": sampled }, "sessionResults": results });
            (event_stream::event("sessionUpdate", &payload), Some((tail, started)))
        }
        Ok((_, Err(cause))) => {
            tracing::warn!(%cause, "a live tail ends");
            (event_stream::exception("SessionStreamingException", &cause.to_string()), None)
        }
        Err(cause) => (event_stream::exception("SessionStreamingException", &cause.to_string()), None),
    }
}

fn row(tailed: &Tailed) -> Value {
    json!({
        "logStreamName": tailed.stream,
        "logGroupIdentifier": tailed.group,
        "message": tailed.event.message,
        "timestamp": tailed.event.timestamp,
        "ingestionTime": tailed.event.ingestion_time,
    })
}
