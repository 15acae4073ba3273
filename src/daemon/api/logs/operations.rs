//! `CloudWatch` Logs' operations on groups, streams and events. They wait for the disk.

use crate::daemon::api::World;
use crate::daemon::api::errors::{ApiError, Service};
use crate::daemon::api::token::{open_token, seal_token};
use crate::daemon::logs::filter::{Found, Position, Search, search};
use crate::daemon::logs::groups::{Group, group_of};
use crate::daemon::logs::listing::{self, Listed};
use crate::daemon::logs::pattern::Pattern;
use crate::daemon::logs::{LogError, key_of, put, read_page};
use crate::daemon::{clock, logs::put::Input};
use crate::model::{GetLogEvents, Millis};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Done = Result<Value, ApiError>;

/// What is served beside live tails.
pub(super) const KNOWN: [&str; 11] = [
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteRetentionPolicy",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "FilterLogEvents",
    "GetLogEvents",
    "PutLogEvents",
    "PutRetentionPolicy",
];
/// Rows of a page of groups and of streams, at most and where the caller names no limit.
const PAGE: usize = 50;
/// Events of a page of `FilterLogEvents`.
const MOST_EVENTS: usize = 10_000;
const MOST_STREAMS: usize = 100;

/// One operation. `named` are the groups that job definitions name.
pub(super) fn carry_out(world: &World, operation: &str, body: Value, named: Vec<String>) -> Done {
    let asked = Asked { world, groups: world.log_groups.all(named), body };
    match operation {
        "DescribeLogGroups" => asked.describe_groups(),
        "DescribeLogStreams" => asked.describe_streams(),
        "GetLogEvents" => {
            let request: GetLogEvents = asked.read()?;
            asked.group(request.log_group_name.as_deref(), request.log_group_identifier.as_deref())?;
            Ok(json!(read_page(&world.directory.logs(), &request)?))
        }
        "FilterLogEvents" => asked.filter(),
        "PutLogEvents" => asked.put(),
        _ => asked.change(operation),
    }
}

struct Asked<'a> {
    world: &'a World,
    groups: BTreeMap<String, Group>,
    body: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Vec<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Streams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    descending: bool,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Filter {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<Millis>,
    end_time: Option<Millis>,
    filter_pattern: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are the API's")]
struct Put {
    log_group_name: Option<String>,
    log_stream_name: String,
    log_events: Vec<Input>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Change {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
    retention_in_days: Option<u32>,
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::invalid(Service::Logs, message)
}

fn wrong_token(token: &str) -> ApiError {
    invalid(format!("The specified nextToken is invalid: `{token}`"))
}

fn limit_of(limit: Option<usize>, most: usize) -> Result<usize, ApiError> {
    match limit {
        None => Ok(most),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => Err(invalid(format!("limit is `{limit}`; it takes 1 to {most}"))),
    }
}

impl Asked<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_value(self.body.clone())
            .map_err(|cause| invalid(format!("the request does not fit the operation: {cause}")))
    }

    /// The group of a request, which must be there.
    fn group(&self, name: Option<&str>, identifier: Option<&str>) -> Result<String, ApiError> {
        let group = group_of(name, identifier)?;
        if self.groups.contains_key(&group) { Ok(group) } else { Err(LogError::NoGroup(group).into()) }
    }

    fn arn(&self, group: &str) -> String {
        let place = &self.world.place;
        format!("arn:aws:logs:{}:{}:log-group:{group}", place.region, place.account)
    }

    fn list(&self, group: &str, prefix: &str) -> Result<Vec<Listed>, ApiError> {
        let failed = |cause| LogError::Storage { stream: group.to_owned(), cause };
        Ok(listing::list(&self.world.directory.logs(), group, prefix).map_err(failed)?)
    }

    fn describe_groups(&self) -> Done {
        let request: Groups = self.read()?;
        let limit = limit_of(request.limit, PAGE)?;
        let after = match &request.next_token {
            Some(token) => Some(open_token(token).ok_or_else(|| wrong_token(token))?),
            None => None,
        };
        let mut named = Vec::new();
        for identifier in &request.log_group_identifiers {
            named.push(group_of(None, Some(identifier))?);
        }
        let pattern = request.log_group_name_pattern.as_deref().unwrap_or_default().to_lowercase();
        let wanted = |name: &String| {
            request.log_group_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
                && name.to_lowercase().contains(&pattern)
                && (named.is_empty() || named.contains(name))
                && after.as_ref().is_none_or(|after| name > after)
        };
        let mut rows = self.groups.iter().filter(|(name, _)| wanted(name));
        let page: Vec<_> = rows.by_ref().take(limit).collect();
        let next = page.last().filter(|_| rows.next().is_some()).map(|(name, _)| seal_token(name));
        let mut groups = Vec::new();
        for (name, group) in page {
            let bytes: u64 = self.list(name, "")?.iter().map(|stream| stream.bytes).sum();
            let arn = self.arn(name);
            let mut row = json!({
                "logGroupName": name, "creationTime": group.created_at, "metricFilterCount": 0, "storedBytes": bytes,
                "arn": format!("{arn}:*"), "logGroupArn": arn, "logGroupClass": "STANDARD",
            });
            if let Some(days) = group.retention_days {
                row["retentionInDays"] = json!(days);
            }
            groups.push(row);
        }
        Ok(with_token(json!({ "logGroups": groups }), next))
    }

    fn describe_streams(&self) -> Done {
        let request: Streams = self.read()?;
        let group = self.group(request.log_group_name.as_deref(), request.log_group_identifier.as_deref())?;
        let limit = limit_of(request.limit, PAGE)?;
        let by_time = match request.order_by.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") if request.log_stream_name_prefix.is_some() => {
                return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
            }
            Some("LastEventTime") => true,
            Some(other) => {
                return Err(invalid(format!("orderBy is `{other}`; it takes LogStreamName or LastEventTime")));
            }
        };
        let after: Option<(Millis, String)> = match &request.next_token {
            Some(token) => {
                let opened = open_token(token).and_then(|opened| {
                    let (time, name) = opened.split_once(' ')?;
                    Some((time.parse().ok()?, name.to_owned()))
                });
                Some(opened.ok_or_else(|| wrong_token(token))?)
            }
            None => None,
        };
        let key = |stream: &Listed| (if by_time { stream.written_at } else { 0 }, stream.name.clone());
        let mut streams = self.list(&group, request.log_stream_name_prefix.as_deref().unwrap_or_default())?;
        streams.sort_by_cached_key(key);
        if request.descending {
            streams.reverse();
        }
        if let Some(after) = &after {
            streams.retain(|stream| if request.descending { key(stream) < *after } else { key(stream) > *after });
        }
        let more = streams.len() > limit;
        streams.truncate(limit);
        let next = streams.last().filter(|_| more).map(|last| {
            let (time, name) = key(last);
            seal_token(&format!("{time} {name}"))
        });
        let mut rows = Vec::new();
        for stream in &streams {
            rows.push(self.stream_row(&group, stream)?);
        }
        Ok(with_token(json!({ "logStreams": rows }), next))
    }

    fn stream_row(&self, group: &str, stream: &Listed) -> Done {
        let mut row = json!({
            "logStreamName": stream.name,
            "creationTime": listing::made_at(&stream.path),
            "arn": format!("{}:log-stream:{}", self.arn(group), stream.name),
            "storedBytes": 0,
        });
        let times = listing::times(stream)?;
        if let (Some(first), Some(last)) = (times.first, times.last) {
            row["firstEventTimestamp"] = json!(first);
            row["lastEventTimestamp"] = json!(last);
            row["lastIngestionTime"] = json!(stream.written_at);
        }
        Ok(row)
    }

    fn filter(&self) -> Done {
        let request: Filter = self.read()?;
        let group = self.group(request.log_group_name.as_deref(), request.log_group_identifier.as_deref())?;
        let pattern = Pattern::parse(request.filter_pattern.as_deref().unwrap_or_default())
            .map_err(|cause| invalid(format!("Invalid filter pattern: {cause}")))?;
        let streams = match (&request.log_stream_names, &request.log_stream_name_prefix) {
            (Some(_), Some(_)) => {
                return Err(invalid("logStreamNames and logStreamNamePrefix are given; give one of them"));
            }
            (Some(names), None) if !(1..=MOST_STREAMS).contains(&names.len()) => {
                return Err(invalid(format!(
                    "logStreamNames has {} entries; it takes 1 to {MOST_STREAMS}",
                    names.len()
                )));
            }
            (Some(names), None) => {
                let mut streams = self.list(&group, "")?;
                streams.retain(|stream| names.contains(&stream.name));
                if let Some(missing) = names.iter().find(|name| streams.iter().all(|stream| stream.name != **name)) {
                    return Err(LogError::NotFound(missing.clone()).into());
                }
                streams
            }
            (None, prefix) => self.list(&group, prefix.as_deref().unwrap_or_default())?,
        };
        let limit = limit_of(request.limit, MOST_EVENTS)?;
        let after = match &request.next_token {
            Some(token) => Some(open_position(token).ok_or_else(|| wrong_token(token))?),
            None => None,
        };
        // Here the end is inclusive.
        let until = request.end_time.map(|end| end.saturating_add(1));
        let wanted = Search { pattern, from: request.start_time, until, limit };
        let (found, next) = search(streams, &wanted, after.as_ref())?;
        let events: Vec<Value> = found.iter().map(found_row).collect();
        let answer = json!({ "events": events, "searchedLogStreams": [] });
        Ok(with_token(answer, next.map(|position| seal_position(&position))))
    }

    fn put(&self) -> Done {
        let request: Put = self.read()?;
        let group = self.group(request.log_group_name.as_deref(), None)?;
        let key = key_of(&group, &request.log_stream_name)?;
        if let Some(lack) = self.world.log_disks.lack_now() {
            return Err(LogError::NoRoom(lack).into());
        }
        let rejected = put::put(&self.world.directory.logs(), &key, &request.log_events, clock::wall())?;
        let mut answer = json!({ "nextSequenceToken": "0" });
        let members = [("tooOldLogEventEndIndex", rejected.old), ("tooNewLogEventStartIndex", rejected.new)];
        for (member, index) in members.into_iter().filter_map(|(member, index)| Some((member, index?))) {
            answer["rejectedLogEventsInfo"][member] = json!(index);
        }
        Ok(answer)
    }

    /// The operations that answer with nothing.
    fn change(&self, operation: &str) -> Done {
        let request: Change = self.read()?;
        let Some(name) = request.log_group_name.as_deref() else {
            return Err(invalid("logGroupName is missing; name a log group"));
        };
        let (groups, logs, now) = (&self.world.log_groups, self.world.directory.logs(), clock::wall());
        if operation == "CreateLogGroup" {
            groups.create(name, self.groups.contains_key(name), now)?;
            return Ok(json!({}));
        }
        let group = self.group(Some(name), None)?;
        let stream = || {
            let stream = request.log_stream_name.as_deref();
            stream.ok_or_else(|| invalid("logStreamName is missing; name a log stream"))
        };
        match operation {
            "DeleteLogGroup" => groups.delete(&group)?,
            "PutRetentionPolicy" => {
                let days = request.retention_in_days;
                let days = days.ok_or_else(|| invalid("retentionInDays is missing; give a number of days"))?;
                groups.retain(&group, Some(days), now)?;
            }
            "DeleteRetentionPolicy" => groups.retain(&group, None, now)?,
            "CreateLogStream" => put::create(&logs, &key_of(&group, stream()?)?)?,
            _ => put::delete(&logs, &key_of(&group, stream()?)?)?,
        }
        Ok(json!({}))
    }
}

fn found_row(found: &Found) -> Value {
    json!({
        "logStreamName": found.stream,
        "timestamp": found.event.timestamp,
        "message": found.event.message,
        "ingestionTime": found.event.ingestion_time,
        "eventId": event_id(found),
    })
}

/// Digits, as AWS's are: the time, the stream, and the place in it; the same whenever the event is found.
fn event_id(found: &Found) -> String {
    let stream = found
        .stream
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    format!("{:014}{stream:020}{:016}", found.event.timestamp.max(0), found.offset)
}

fn seal_position(position: &Position) -> String {
    seal_token(&format!("{} {} {}", position.time, position.offset, position.stream))
}

fn open_position(token: &str) -> Option<Position> {
    let opened = open_token(token)?;
    let mut parts = opened.splitn(3, ' ');
    let (time, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Position { time, offset, stream: parts.next()?.to_owned() })
}

/// The member is absent on the last page.
fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["nextToken"] = json!(token);
    }
    answer
}
