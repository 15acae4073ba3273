//! `CloudWatch` Logs, and ours: following a stream, counting its lines.

mod event_stream;
mod live_tail;
mod operations;

use super::errors::{ApiError, Service};
use super::{Asked, Shared, read_json};
use crate::daemon::logs::groups::group_of;
use crate::daemon::logs::over_time;
use crate::daemon::logs::search::{Look, look};
use crate::daemon::logs::{Follow, LogError, count_lines, key_of};
use crate::engine::Engine;
use crate::model::{LinesOverTime, LogPattern, Looked, Millis, Way};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::io;

const PREFIX: &str = "Logs_20140328.";

/// `POST /` with `X-Amz-Target`: the operation's name stands there.
pub(super) async fn target(State(world): Shared, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let served = operations::KNOWN.contains(&operation.as_str()) || operation == live_tail::OPERATION;
    if !served {
        return Err(ApiError::unknown_operation(
            Service::Logs,
            format!(
                "X-Amz-Target is `{target}`; this engine serves `{PREFIX}` with {} and {}",
                operations::KNOWN.join(", "),
                live_tail::OPERATION
            ),
        ));
    }
    let body = read_json(body, Service::Logs).await?;
    if operation == live_tail::OPERATION {
        return live_tail::start(world, body).await;
    }
    let named = world.driver.read(Engine::log_groups).await?;
    let done = blocking(move || operations::carry_out(&world, &operation, body, named)).await?;
    Ok(Json(done).into_response())
}

/// Does what waits for the disk where that holds nobody up.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let failed = |cause| LogError::Storage { stream: "of this request".to_owned(), cause: io::Error::other(cause) };
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

#[derive(Debug, Deserialize)]
pub(super) struct Between {
    stream: String,
    group: Option<String>,
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Counted {
    lines: u64,
}

/// `GET /batchdeck/v1/logs/count?stream=S&group=G&from=TOKEN&to=TOKEN`: how many lines stand between two places.
pub(super) async fn count(State(world): Shared, Asked(between): Asked<Between>) -> Result<Json<Counted>, ApiError> {
    let logs = world.directory.logs();
    let key = key_of(&group_of(between.group.as_deref(), None)?, &between.stream)?;
    let lines = blocking(move || Ok(count_lines(&logs, &key, &between.from, &between.to)?)).await?;
    Ok(Json(Counted { lines }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    stream: String,
    group: Option<String>,
    pattern: String,
    keep: Option<String>,
    way: Way,
    first: bool,
    from: Option<String>,
    since: Option<Millis>,
}

/// `GET /batchdeck/v1/logs/search?stream=S&group=G&pattern=P&keep=P&way=W&first=B&from=TOKEN&since=MS`: looks
/// through a stretch of a stream.
pub(super) async fn search(State(world): Shared, Asked(wanted): Asked<Wanted>) -> Result<Json<Looked>, ApiError> {
    let keep = wanted.keep.as_deref().map(pattern).transpose()?.flatten();
    let pattern = pattern(&wanted.pattern)?
        .ok_or_else(|| ApiError::invalid(Service::Logs, "pattern is empty; give what to look for".to_owned()))?;
    let logs = world.directory.logs();
    let key = key_of(&group_of(wanted.group.as_deref(), None)?, &wanted.stream)?;
    let Wanted { way, first, from, since, .. } = wanted;
    let wanted = Look { pattern, keep, way, first, from, since };
    Ok(Json(blocking(move || Ok(look(&logs, &key, &wanted)?)).await?))
}

fn pattern(typed: &str) -> Result<Option<LogPattern>, ApiError> {
    LogPattern::parse(typed).map_err(|error| ApiError::invalid(Service::Logs, error.to_string()))
}

#[derive(Debug, Deserialize)]
pub(super) struct OverTime {
    stream: String,
    group: Option<String>,
    keep: Option<String>,
    since: Option<Millis>,
    spans: usize,
}

/// `GET /batchdeck/v1/logs/over-time?stream=S&group=G&keep=P&since=MS&spans=N`: how many lines were written when.
pub(super) async fn over_time(
    State(world): Shared,
    Asked(asked): Asked<OverTime>,
) -> Result<Json<LinesOverTime>, ApiError> {
    let OverTime { stream, group, keep, since, spans } = asked;
    if !(1..=over_time::MOST_SPANS).contains(&spans) {
        let message = format!("spans is `{spans}`; it takes 1 to {}", over_time::MOST_SPANS);
        return Err(ApiError::invalid(Service::Logs, message));
    }
    let keep = keep.as_deref().map(pattern).transpose()?.flatten();
    let logs = world.directory.logs();
    let key = key_of(&group_of(group.as_deref(), None)?, &stream)?;
    let told = blocking(move || Ok(over_time::over_time(&logs, &key, since, keep.as_ref(), spans)?));
    Ok(Json(told.await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    stream: String,
    group: Option<String>,
    from: Option<String>,
}

/// `GET /batchdeck/v1/logs/follow?stream=S&group=G&from=TOKEN`: a line of JSON for each bundle of lines, for ever.
pub(super) async fn follow(State(world): Shared, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let logs = world.directory.logs();
    let key = key_of(&group_of(which.group.as_deref(), None)?, &which.stream)?;
    let follow = Follow::new(world.log_watch.clone(), &logs, &key, which.from.as_deref())?;
    let ended = world.feed.ended();
    let lines = stream::unfold((follow, world), |(mut follow, world)| async move {
        match follow.next().await {
            Ok(events) => Some((Ok::<_, Infallible>(json_line(&events)), (follow, world))),
            Err(cause) => {
                tracing::warn!(%cause, "a log is not followed any more");
                None
            }
        }
    });
    Ok(streamed(futures::StreamExt::take_until(lines, ended)))
}

/// One JSON value and a newline.
pub(super) fn json_line(value: &impl serde::Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// An answer of JSON lines that goes on for ever.
pub(super) fn streamed(lines: impl futures::Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (head, Body::from_stream(lines)).into_response()
}
