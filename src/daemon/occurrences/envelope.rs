//! An occurrence as `EventBridge` would deliver it.

use super::Entry;
use crate::engine::Engine;
use crate::model::watch::FiredWatch;
use crate::model::{Place, Subject, WATCH_FIRED};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use uuid::Uuid;

/// The event; `None` once its job is forgotten. The same occurrence has the same id each time.
pub(in crate::daemon) fn envelope(engine: &Engine, place: &Place, entry: &Entry) -> Option<Value> {
    let (kind, resources, detail) = match &entry.what.watch {
        Some(fired) => of_watch(place, fired),
        None if entry.what.service => of_service_job(engine, entry)?,
        None => of_job(engine, entry)?,
    };
    let source = if entry.what.watch.is_some() { "batchdeck" } else { "aws.batch" };
    let time = DateTime::from_timestamp_millis(entry.what.at).unwrap_or_default();
    Some(json!({
        "version": "0",
        "id": id(entry).to_string(),
        "detail-type": kind,
        "source": source,
        "account": place.account,
        "time": time.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": &*entry.region,
        "resources": resources,
        "detail": detail,
    }))
}

type Told = (&'static str, Vec<String>, Value);

fn of_job(engine: &Engine, entry: &Entry) -> Option<Told> {
    let job = engine.detail_at(&entry.what)?;
    let (kind, resources) = match entry.what.blocked {
        Some(_) => ("Batch Job Queue Blocked", vec![job.job_arn.clone(), job.job_queue.clone()]),
        None => ("Batch Job State Change", vec![job.job_arn.clone()]),
    };
    let mut detail = json!(job);
    detail["tags"]["resourceArn"] = Value::String(job.job_arn);
    Some((kind, resources, detail))
}

/// Batch knows no watches: this is ours, in the same form.
fn of_watch(place: &Place, fired: &FiredWatch) -> Told {
    let (member, value, resource) = match &fired.subject {
        Subject::Job(id) => ("jobId", id.to_string(), place.batch_arn("job", id.as_str())),
        Subject::Queue(name) => ("jobQueue", name.clone(), place.batch_arn("job-queue", name)),
        Subject::Environment(name) => {
            ("computeEnvironment", name.clone(), place.batch_arn("compute-environment", name))
        }
    };
    let mut detail = json!({
        "watch": fired.id,
        "jobName": fired.of(),
        "condition": fired.condition,
        "statusReason": format!("{}: {}", fired.condition, fired.why),
        "why": fired.why,
    });
    detail[member] = Value::String(value);
    (WATCH_FIRED, vec![resource], detail)
}

/// Tags and payload are not told.
fn of_service_job(engine: &Engine, entry: &Entry) -> Option<Told> {
    let job = engine.service_job_at(&entry.what)?;
    let mut detail = json!(job);
    if let Some(members) = detail.as_object_mut() {
        members.remove("tags");
        members.remove("serviceRequestPayload");
    }
    Some(("Batch Service Job State Change", vec![job.job_arn], detail))
}

fn id(entry: &Entry) -> Uuid {
    let job = entry.what.job.as_str().get(..36).and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
    // SplitMix64 of the cursor, twice: near cursors give ids that are not alike.
    let mix = |seed: u64| {
        let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let spread = (u128::from(mix(entry.cursor)) << 64) | u128::from(mix(!entry.cursor));
    uuid::Builder::from_random_bytes((job.as_u128() ^ spread).to_be_bytes()).into_uuid()
}
