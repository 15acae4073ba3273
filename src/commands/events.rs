//! `events`.

use super::Done;
use super::error::{Doing, exit};
use super::world::World;
use crate::cli::{EventsArgs, Format};
use crate::model::text::printable;
use crate::model::{EventLine, name_of};
use futures::StreamExt;
use serde_json::Value;

pub async fn run(args: &EventsArgs, world: World) -> Done {
    let mut lines = world.backend.events(args.cursor, args.follow).await.doing("reading events")?;
    while let Some(line) = lines.next().await {
        let line = line.doing("reading events")?;
        match args.output {
            Format::Json => world.output().json_lines(&[line])?,
            Format::Table => match told(&line) {
                Some(text) => world.output().text(&text)?,
                None => world.output().note("what occurred before this is not known any more"),
            },
        }
    }
    Ok(exit::DONE)
}

/// One event for a person; `None` where events are missing.
fn told(line: &EventLine) -> Option<String> {
    let event = line.event.as_ref()?;
    let text = |value: &Value| printable(value.as_str().unwrap_or("-")).into_owned();
    let detail = &event["detail"];
    let status = match event["detail-type"].as_str() {
        Some("Batch Job Queue Blocked") => "BLOCKED".to_owned(),
        _ => text(&detail["status"]),
    };
    let queue = text(&detail["jobQueue"]);
    let (time, id, name, reason) =
        (text(&event["time"]), text(&detail["jobId"]), text(&detail["jobName"]), text(&detail["statusReason"]));
    Some(format!("{time}  {status:<9}  {id}  {name}  {}  {reason}\n", name_of(&queue)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_one_line_for_a_person() {
        let event = json!({
            "time": "2026-11-24T12:00:00Z", "detail-type": "Batch Job State Change",
            "detail": { "status": "FAILED", "jobId": "3f2a", "jobName": "nightly\u{1b}[2J", "statusReason": "x",
                        "jobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/main" },
        });
        let line = told(&EventLine { cursor: 1, event: Some(event) }).expect("an event");
        assert!(line.starts_with("2026-11-24T12:00:00Z  FAILED     3f2a  nightly"), "{line}");
        assert!(line.ends_with("  main  x\n") && !line.contains('\u{1b}'), "{line}");
        assert_eq!(told(&EventLine { cursor: 1, event: None }), None);
    }
}
