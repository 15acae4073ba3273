//! AWS Batch's operations on tags; the ARN stands in the path.

use super::{Answered, nothing};
use crate::daemon::api::caller::Caller;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::{Shared, Wire};
use crate::engine::command::Action;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub(in crate::daemon::api) async fn list(State(world): Shared, Path(arn): Path<String>) -> Answered {
    let tags = world.driver.read(move |engine| engine.tags(&arn)).await?;
    let tags = tags.map_err(|refusal| ApiError::of(Service::Batch, refusal.into()))?;
    Ok(Json(json!({ "tags": tags })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::daemon::api) struct Tag {
    tags: BTreeMap<String, String>,
}

pub(in crate::daemon::api) async fn tag(
    State(world): Shared,
    Path(arn): Path<String>,
    caller: Caller,
    Wire(Tag { tags }): Wire<Tag>,
) -> Answered {
    world.driver.command(caller.command(Action::TagResource { arn, tags })).await?;
    Ok(nothing())
}

pub(in crate::daemon::api) async fn untag(
    State(world): Shared,
    Path(arn): Path<String>,
    RawQuery(query): RawQuery,
    caller: Caller,
) -> Answered {
    let keys = tag_keys(query.as_deref().unwrap_or_default());
    world.driver.command(caller.command(Action::UntagResource { arn, keys })).await?;
    Ok(nothing())
}

/// `tagKeys=a&tagKeys=b`, each percent-encoded.
fn tag_keys(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.strip_prefix("tagKeys="));
    pairs.map(|key| percent_decode_str(key).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::tag_keys;

    #[test]
    fn keys_are_repeated_and_encoded() {
        assert_eq!(tag_keys("tagKeys=a%20b&tagKeys=c%2Fd&x=1&tagKeys=e+f"), ["a b", "c/d", "e+f"]);
        assert_eq!(tag_keys(""), Vec::<String>::new());
    }
}
