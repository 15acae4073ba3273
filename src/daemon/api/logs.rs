//! `CloudWatch` Logs' `GetLogEvents`, and ours: following a stream.

use super::errors::{ApiError, Service};
use super::{Asked, Shared, World, read_json};
use crate::daemon::logs::{Follow, LogError, count_lines, read_page};
use crate::model::{GetLogEvents, LogPage};
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
pub(super) async fn target(State(world): Shared, headers: HeaderMap, body: Body) -> Result<Json<LogPage>, ApiError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target.strip_prefix(PREFIX) {
        Some("GetLogEvents") => get_log_events(&world, read_json(body, Service::Logs).await?).await,
        _ => Err(ApiError::unknown_operation(
            Service::Logs,
            format!("X-Amz-Target is `{target}`; this engine serves `{PREFIX}GetLogEvents`"),
        )),
    }
}

async fn get_log_events(world: &World, request: GetLogEvents) -> Result<Json<LogPage>, ApiError> {
    let logs = world.directory.logs();
    let stream = request.log_stream_name.clone();
    let page = tokio::task::spawn_blocking(move || read_page(&logs, &request)).await;
    page.map_err(|cause| LogError::Storage { stream, cause: io::Error::other(cause) })
        .flatten()
        .map(Json)
        .map_err(Into::into)
}

#[derive(Debug, Deserialize)]
pub(super) struct Between {
    stream: String,
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Counted {
    lines: u64,
}

/// `GET /batchdeck/v1/logs/count?stream=S&from=TOKEN&to=TOKEN`: how many lines stand between two places.
pub(super) async fn count(State(world): Shared, Asked(between): Asked<Between>) -> Result<Json<Counted>, ApiError> {
    let logs = world.directory.logs();
    let stream = between.stream.clone();
    let counted = tokio::task::spawn_blocking(move || count_lines(&logs, &between.stream, &between.from, &between.to));
    counted
        .await
        .map_err(|cause| LogError::Storage { stream, cause: io::Error::other(cause) })
        .flatten()
        .map(|lines| Json(Counted { lines }))
        .map_err(Into::into)
}

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    stream: String,
    from: Option<String>,
}

/// `GET /batchdeck/v1/logs/follow?stream=S&from=TOKEN`: a line of JSON for each bundle of lines, for ever.
pub(super) async fn follow(State(world): Shared, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let logs = world.directory.logs();
    let follow = Follow::new(world.log_watch.clone(), &logs, &which.stream, which.from.as_deref())?;
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
