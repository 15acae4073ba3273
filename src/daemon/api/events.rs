//! Ours: what AWS Batch would tell `EventBridge`, as lines of JSON.

use super::errors::ApiError;
use super::logs::{json_line, streamed};
use super::{Asked, Shared};
use crate::daemon::occurrences::envelope;
use crate::model::EventLine;
use axum::extract::State;
use axum::response::Response;
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::convert::Infallible;

/// So many events are read at once.
const BATCH: usize = 256;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    cursor: Option<u64>,
    follow: bool,
}

/// `GET /batchdeck/v1/events?cursor=N&follow=true`: the events after a cursor, and with `follow` those that come, for
/// ever. Without a cursor it begins with the oldest that is known; with `follow` alone, with what comes now.
pub(super) async fn events(State(world): Shared, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    let occurrences = &world.occurrences;
    let begin = if which.follow { occurrences.newest() } else { occurrences.oldest() };
    let at = which.cursor.unwrap_or(begin);
    let ended = world.feed.ended();
    let lines = stream::unfold((world, at), move |(world, at)| async move {
        let mut taken = world.occurrences.after(at, BATCH);
        if taken.entries.is_empty() && !taken.missed {
            if !which.follow {
                return None;
            }
            world.occurrences.wait(at).await;
            taken = world.occurrences.after(at, BATCH);
        }
        let missed = taken.missed.then(|| EventLine { cursor: world.occurrences.oldest(), event: None });
        let next = taken.entries.last().map_or_else(|| world.occurrences.oldest(), |last| last.cursor);
        let place = world.place.clone();
        let tell = move |engine: &crate::engine::Engine| -> Vec<EventLine> {
            let here = taken.entries.iter().filter(|entry| *entry.region == *place.region);
            here.filter_map(|entry| {
                Some(EventLine { cursor: entry.cursor, event: Some(envelope(engine, &place, entry)?) })
            })
            .collect()
        };
        let told = world.driver.read(tell).await.ok()?;
        let lines: Vec<u8> = missed.iter().chain(&told).flat_map(json_line).collect();
        Some((Ok::<_, Infallible>(lines.into()), (world, next)))
    });
    // An empty frame would be the end of the answer.
    let lines =
        lines.filter(|line| std::future::ready(line.as_ref().is_ok_and(|line: &axum::body::Bytes| !line.is_empty())));
    Ok(streamed(lines.take_until(ended)))
}
