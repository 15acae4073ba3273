//! `events`.

use super::Done;
use super::error::{Doing, exit};
use super::world::World;
use crate::cli::{EventsArgs, Format};
use crate::model::EventLine;
use crate::model::text::printable;
use futures::StreamExt;

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
    let happened = line.happened()?;
    let text = |text: &str| if text.is_empty() { "-".to_owned() } else { printable(text).into_owned() };
    let (time, what, id) = (text(&happened.time), text(&happened.what), text(happened.job.as_str()));
    let (name, queue, reason) = (text(&happened.name), text(&happened.queue), text(&happened.reason));
    Some(format!("{time}  {what:<9}  {id}  {name}  {queue}  {reason}\n"))
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
