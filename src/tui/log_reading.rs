//! Reading a log stream in bounded parts: its end, its beginning, what is before and after a part, what comes.

use crate::backend::{Backend, BackendError};
use crate::model::text::log_line;
use crate::model::{GetLogEvents, LogPage, Millis};

/// The most lines of one part.
pub const PART: usize = 1_000;
/// Parts that are taken as they come; behind by more, what is between is skipped.
const PARTS_AT_ONCE: usize = 5;
/// A page with as much text may have been cut for its size: services answer about 1 MiB at most.
const FULL_BYTES: usize = 900_000;

/// What to read of which stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLog {
    pub group: Option<String>,
    pub stream: String,
    pub what: Reading,
}

/// A part to read. Places are tokens of the parts that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The last lines.
    Tail,
    /// The first lines.
    Head,
    /// The lines that end at a part's beginning.
    Before(String),
    /// The lines that begin at a part's end.
    After(String),
    /// What comes after a place, as soon as something does. `None`: the stream is not there yet.
    Follow(Option<String>),
    /// How much comes after a place, as soon as something does.
    Count(String),
}

impl Reading {
    /// Whether the answer may be long in coming.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Follow(_) | Self::Count(_))
    }
}

/// A line, harmless to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Millis,
    pub text: String,
}

/// Lines that stand together, and the tokens of the places before and after them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    pub lines: Vec<Line>,
    pub before: String,
    pub after: String,
}

impl From<LogPage> for Part {
    fn from(page: LogPage) -> Self {
        let line =
            |event: &crate::model::LogEvent| Line { at: event.timestamp, text: log_line(&event.message).into_owned() };
        Self {
            lines: page.events.iter().map(line).collect(),
            before: page.next_backward_token,
            after: page.next_forward_token,
        }
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRead {
    /// The stream does not exist yet.
    NotThere,
    Tail(Part),
    Head(Part),
    Before {
        place: String,
        part: Part,
    },
    After {
        place: String,
        part: Part,
    },
    Followed(Vec<Part>),
    /// So much came that only the last of it was read; `None`: at least the lines that were seen on the way.
    Skipped {
        lines: u64,
        is_exact: bool,
        tail: Part,
    },
    Counted {
        lines: u64,
        until: String,
    },
}

/// Reads what is asked for.
pub async fn read(backend: &dyn Backend, ask: ReadLog) -> Result<LogRead, BackendError> {
    let ReadLog { group, stream, what } = ask;
    let request = GetLogEvents {
        log_group_name: group,
        log_stream_name: stream,
        limit: u32::try_from(PART).ok(),
        ..GetLogEvents::default()
    };
    let between = async |from: Option<&str>, to: &str| {
        let group = request.log_group_name.as_deref();
        backend.lines_between(group, &request.log_stream_name, from, to).await
    };
    let forward =
        |place: Option<String>| GetLogEvents { start_from_head: Some(true), next_token: place, ..request.clone() };
    match what {
        Reading::Tail => there(backend.log_events(request.clone()).await, LogRead::Tail),
        Reading::Head => there(backend.log_events(forward(None)).await, LogRead::Head),
        Reading::Before(place) => {
            let wanted = GetLogEvents { next_token: Some(place.clone()), ..request.clone() };
            let part = backend.log_events(wanted).await?.into();
            Ok(LogRead::Before { place, part })
        }
        Reading::After(place) => {
            let part = backend.log_events(forward(Some(place.clone()))).await?.into();
            Ok(LogRead::After { place, part })
        }
        Reading::Follow(place) => {
            let mut page = backend.next_log_page(forward(place)).await?;
            let mut parts = Vec::new();
            while is_full(&page) && parts.len() < PARTS_AT_ONCE {
                let next = forward(Some(page.next_forward_token.clone()));
                parts.push(Part::from(page));
                page = backend.log_events(next).await?;
            }
            if !is_full(&page) {
                parts.push(page.into());
                return Ok(LogRead::Followed(parts));
            }
            let seen: usize = parts.iter().map(|part| part.lines.len()).sum();
            let from = parts.first().map(|part| part.before.clone());
            let tail = backend.log_events(request.clone()).await?;
            let counted = between(from.as_deref(), &tail.next_backward_token).await?;
            let lines = counted.unwrap_or(seen as u64);
            Ok(LogRead::Skipped { lines, is_exact: counted.is_some(), tail: tail.into() })
        }
        Reading::Count(place) => {
            let page = backend.next_log_page(forward(Some(place.clone()))).await?;
            let seen = LogRead::Counted { lines: page.events.len() as u64, until: page.next_forward_token.clone() };
            if !is_full(&page) {
                return Ok(seen);
            }
            let tail = backend.log_events(GetLogEvents { limit: Some(1), ..request.clone() }).await?;
            let until = tail.next_forward_token;
            let counted = between(Some(&place), &until).await?;
            Ok(counted.map_or(seen, |lines| LogRead::Counted { lines, until }))
        }
    }
}

fn there(page: Result<LogPage, BackendError>, read: impl FnOnce(Part) -> LogRead) -> Result<LogRead, BackendError> {
    match page {
        Ok(page) => Ok(read(page.into())),
        Err(BackendError::NotFound { .. }) => Ok(LogRead::NotThere),
        Err(error) => Err(error),
    }
}

fn is_full(page: &LogPage) -> bool {
    let bytes: usize = page.events.iter().map(|event| event.message.len()).sum();
    page.events.len() >= PART || bytes >= FULL_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::LogEvent;
    use futures::FutureExt;

    fn told(lines: usize, what: Reading) -> Option<LogRead> {
        let event = |at| LogEvent { message: format!("line {at}"), ..LogEvent::default() };
        let logs = [("s".to_owned(), (0..lines).map(event).collect())].into();
        let backend = ScriptedBackend::new(World { logs, ..World::default() });
        let ask = ReadLog { group: None, stream: "s".into(), what };
        read(&backend, ask).now_or_never().map(|told| told.expect("it can be read"))
    }

    #[test]
    fn one_call_reads_the_end_of_a_long_log() {
        let Some(LogRead::Tail(part)) = told(100_000, Reading::Tail) else { panic!("no tail") };
        assert_eq!((part.lines.len(), part.lines[PART - 1].text.as_str()), (PART, "line 99999"));
        assert_eq!((part.before.as_str(), part.after.as_str()), ("b/99000", "f/100000"));
    }

    #[test]
    fn who_is_far_behind_skips_ahead_to_the_end_and_knows_how_much_was_skipped() {
        let followed = |lines| told(lines, Reading::Follow(Some("f/10".into())));
        let Some(LogRead::Followed(parts)) = followed(4_000) else { panic!("it keeps up") };
        assert_eq!(parts.iter().map(|part| part.lines.len()).sum::<usize>(), 3_990);
        let Some(LogRead::Skipped { lines, is_exact, tail }) = followed(100_000) else { panic!("it skips") };
        assert_eq!((lines, is_exact, tail.lines.len()), (98_990, true, PART));
        assert_eq!(tail.after, "f/100000");
        assert_eq!(followed(10), None, "it waits");
    }

    #[test]
    fn what_comes_while_one_looks_elsewhere_is_counted_only() {
        let counted = |lines| told(lines, Reading::Count("f/10".into()));
        assert_eq!(counted(15), Some(LogRead::Counted { lines: 5, until: "f/15".into() }));
        assert_eq!(counted(100_000), Some(LogRead::Counted { lines: 99_990, until: "f/100000".into() }));
        assert_eq!(counted(10), None, "it waits");
    }
}
