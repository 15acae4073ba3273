//! Reading a log stream in bounded parts: its end, its beginning, what is before and after a part, what comes.

use crate::backend::log_search::{STRETCH, SearchLog};
use crate::backend::{Backend, BackendError};
use crate::model::text::log_line;
use crate::model::{GetLogEvents, Ink, Level, LogEvent, LogPage, LogPattern, Millis, Shape, Traces, Way, inked_line};
use std::ops::Range;

/// The most lines of one part, where all lines are shown.
pub const PART: usize = 1_000;
/// Lines before a hit that are read with it.
const CONTEXT: u32 = 200;
/// Pages that are looked through for lines that a filter lets through before what was found is shown.
const PAGES_AT_ONCE: usize = 5;
/// Parts that are taken as they come; behind by more, what is between is skipped.
const PARTS_AT_ONCE: usize = 5;
/// A page with as much text may have been cut for its size: services answer about 1 MiB at most.
const FULL_BYTES: usize = 900_000;

/// What to read of which stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLog {
    pub group: Option<String>,
    pub stream: String,
    /// Only lines that it takes.
    pub keep: Option<LogPattern>,
    /// Only lines from this time on.
    pub since: Option<Millis>,
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
    /// The lines that end at a time.
    At(Millis),
    /// The nearest hit beyond a place; `None`: from the end that lies behind.
    Find { pattern: LogPattern, way: Way, from: Option<String> },
    /// How many hits stand beyond a place.
    Tally { pattern: LogPattern, way: Way, from: String },
}

impl Reading {
    /// Whether the answer may be long in coming.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Follow(_) | Self::Count(_))
    }
}

/// A line, harmless to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub at: Millis,
    pub text: String,
    /// How bad it is, or that to which it belongs.
    pub level: Option<Level>,
    /// It belongs to the line before, as the frames of a stack trace do.
    pub continues: bool,
    /// How the job printed it, where it printed colours.
    pub inks: Vec<(Range<usize>, Ink)>,
}

/// Lines that stand together, and the tokens of the places before and after them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    pub lines: Vec<Line>,
    pub before: String,
    pub after: String,
    /// Which of the lines are hits of what is searched for.
    pub hits: Vec<usize>,
    /// So many lines were looked at for these.
    pub looked: u64,
}

impl Part {
    pub fn search(&mut self, pattern: Option<&LogPattern>) {
        self.hits = match pattern {
            Some(pattern) => (0..self.lines.len()).filter(|at| pattern.takes(&self.lines[*at].text)).collect(),
            None => Vec::new(),
        };
    }

    pub fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.text.len()).sum()
    }

    fn kept(page: LogPage, keep: Option<&LogPattern>) -> Self {
        let looked = page.events.len() as u64;
        let mut traces = Traces::default();
        let lines = page.events.iter().map(|event| Line::of(event, &mut traces));
        let mut lines: Vec<Line> = lines.collect();
        if let Some(keep) = keep {
            retain(&mut lines, keep, |_| ());
        }
        Self { lines, before: page.next_backward_token, after: page.next_forward_token, looked, hits: Vec::new() }
    }
}

/// Keeps the lines that a pattern takes, each with what belongs to it; each line is told whether it stays.
pub fn retain(lines: &mut Vec<Line>, keep: &LogPattern, mut told: impl FnMut(bool)) {
    let mut keeps_head = false;
    lines.retain(|line| {
        let stays = keep.takes(&line.text);
        if !line.continues {
            keeps_head = stays;
        }
        let stays = stays || line.continues && keeps_head;
        told(stays);
        stays
    });
}

impl Line {
    fn of(event: &LogEvent, traces: &mut Traces) -> Self {
        let (text, inks) = if event.message.contains('\u{1b}') {
            inked_line(&event.message)
        } else {
            (log_line(&event.message).into_owned(), Vec::new())
        };
        let Shape { level, continues } = traces.next(&text);
        Self { at: event.timestamp, text, level, continues, inks }
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
    /// The lines up to a time.
    At(Part),
    /// A stretch was looked through for the nearest hit: the lines before it, and those from it on with its number there.
    Found {
        lines: u64,
        found: Option<Box<(Part, Part, usize)>>,
        to: String,
        is_end: bool,
    },
    Tallied {
        way: Way,
        lines: u64,
        hits: u64,
        to: String,
        is_end: bool,
    },
}

/// Reads what is asked for.
pub async fn read(backend: &dyn Backend, ask: ReadLog) -> Result<LogRead, BackendError> {
    let ReadLog { group, stream, keep, since, what } = ask;
    let log = Log { backend, group, stream, keep, since };
    match what {
        Reading::Tail => there(log.walk(Way::Back, None).await, LogRead::Tail),
        Reading::Head => there(log.walk(Way::Forward, None).await, LogRead::Head),
        Reading::At(time) => {
            let page = GetLogEvents { end_time: Some(time + 1), ..log.page(Way::Back, None) };
            there(backend.log_events(page).await.map(|page| Part::kept(page, log.keep.as_ref())), LogRead::At)
        }
        Reading::Before(place) => {
            let part = log.walk(Way::Back, Some(place.clone())).await?;
            Ok(LogRead::Before { place, part })
        }
        Reading::After(place) => {
            let part = log.walk(Way::Forward, Some(place.clone())).await?;
            Ok(LogRead::After { place, part })
        }
        Reading::Follow(place) => log.follow(place).await,
        Reading::Count(place) => log.count(place).await,
        Reading::Find { pattern, way, from } => log.find(pattern, way, from).await,
        Reading::Tally { pattern, way, from } => {
            let told = backend.search_log(log.search(pattern, way, Some(from), false)).await?;
            Ok(LogRead::Tallied { way, lines: told.lines, hits: told.hits, to: told.to, is_end: told.is_end })
        }
    }
}

/// A stream, and what of it is wanted.
struct Log<'a> {
    backend: &'a dyn Backend,
    group: Option<String>,
    stream: String,
    keep: Option<LogPattern>,
    since: Option<Millis>,
}

impl Log<'_> {
    fn page(&self, way: Way, place: Option<String>) -> GetLogEvents {
        GetLogEvents {
            log_group_name: self.group.clone(),
            log_stream_name: self.stream.clone(),
            limit: if self.keep.is_some() { Some(STRETCH) } else { u32::try_from(PART).ok() },
            start_time: self.since,
            start_from_head: (way == Way::Forward).then_some(true),
            next_token: place,
            ..GetLogEvents::default()
        }
    }

    fn search(&self, pattern: LogPattern, way: Way, from: Option<String>, first: bool) -> SearchLog {
        let (group, stream) = (self.group.clone(), self.stream.clone());
        SearchLog { group, stream, since: self.since, pattern, keep: self.keep.clone(), way, from, first }
    }

    fn part(&self, page: LogPage) -> Part {
        Part::kept(page, self.keep.as_ref())
    }

    /// A part from a place on; with a filter, some pages are looked through for it.
    async fn walk(&self, way: Way, place: Option<String>) -> Result<Part, BackendError> {
        let mut part = self.part(self.backend.log_events(self.page(way, place.clone())).await?);
        let mut last = place;
        for _ in 1..if self.keep.is_some() { PAGES_AT_ONCE } else { 1 } {
            let next = if way == Way::Forward { &part.after } else { &part.before }.clone();
            if last.as_ref() == Some(&next) || part.lines.len() >= PART {
                break;
            }
            let page = self.part(self.backend.log_events(self.page(way, Some(next.clone()))).await?);
            part.looked += page.looked;
            if way == Way::Forward {
                part.lines.extend(page.lines);
                part.after = page.after;
            } else {
                part.lines.splice(0..0, page.lines);
                part.before = page.before;
            }
            last = Some(next);
        }
        Ok(part)
    }

    async fn follow(&self, place: Option<String>) -> Result<LogRead, BackendError> {
        let forward = |place| GetLogEvents { limit: u32::try_from(PART).ok(), ..self.page(Way::Forward, place) };
        let mut page = self.backend.next_log_page(forward(place)).await?;
        let mut parts = Vec::new();
        while is_full(&page) && parts.len() < PARTS_AT_ONCE {
            let next = forward(Some(page.next_forward_token.clone()));
            parts.push(self.part(page));
            page = self.backend.log_events(next).await?;
        }
        if !is_full(&page) {
            parts.push(self.part(page));
            return Ok(LogRead::Followed(parts));
        }
        let seen: u64 = parts.iter().map(|part| part.looked).sum();
        let from = parts.first().map(|part| part.before.clone());
        let tail = self.walk(Way::Back, None).await?;
        let counted = self.between(from.as_deref(), &tail.before).await?;
        Ok(LogRead::Skipped { lines: counted.unwrap_or(seen), is_exact: counted.is_some(), tail })
    }

    async fn count(&self, place: String) -> Result<LogRead, BackendError> {
        let forward = GetLogEvents { limit: u32::try_from(PART).ok(), ..self.page(Way::Forward, Some(place.clone())) };
        let page = self.backend.next_log_page(forward).await?;
        let seen = LogRead::Counted { lines: page.events.len() as u64, until: page.next_forward_token.clone() };
        if !is_full(&page) {
            return Ok(seen);
        }
        let tail = GetLogEvents { limit: Some(1), ..self.page(Way::Back, None) };
        let until = self.backend.log_events(tail).await?.next_forward_token;
        let counted = self.between(Some(&place), &until).await?;
        Ok(counted.map_or(seen, |lines| LogRead::Counted { lines, until }))
    }

    async fn between(&self, from: Option<&str>, to: &str) -> Result<Option<u64>, BackendError> {
        self.backend.lines_between(self.group.as_deref(), &self.stream, from, to).await
    }

    /// Looks through a stretch for the nearest hit, and reads what stands around it.
    async fn find(&self, pattern: LogPattern, way: Way, from: Option<String>) -> Result<LogRead, BackendError> {
        let told = self.backend.search_log(self.search(pattern, way, from, true)).await?;
        let found = match told.found {
            None => None,
            Some((page, at)) => {
                let back = Some(page.next_backward_token.clone());
                let context = GetLogEvents { limit: Some(CONTEXT), ..self.page(Way::Back, back) };
                let before = self.part(self.backend.log_events(context).await?);
                let at = self.part(LogPage { events: page.events[..at].to_vec(), ..LogPage::default() }).lines.len();
                Some(Box::new((before, self.part(page), at)))
            }
        };
        Ok(LogRead::Found { lines: told.lines, found, to: told.to, is_end: told.is_end })
    }
}

fn there(part: Result<Part, BackendError>, read: impl FnOnce(Part) -> LogRead) -> Result<LogRead, BackendError> {
    match part {
        Ok(part) => Ok(read(part)),
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
        let ask = ReadLog { group: None, stream: "s".into(), keep: None, since: None, what };
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
