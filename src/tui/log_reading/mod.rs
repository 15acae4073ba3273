//! Reading a log stream in bounded parts: its end, its beginning, what is before and after a part, what comes.

mod merged;
mod part;
mod streams;

pub use part::{Line, Part, retain};

use crate::backend::log_search::{STRETCH, SearchLog};
use crate::backend::{Backend, BackendError};
use crate::model::{LinesOverTime, LogPattern, Millis, Way};
use std::sync::Arc;
use streams::Streams;

/// The most lines of one part, where all lines are shown.
pub const PART: usize = 1_000;
/// Lines before a hit that are read with it.
const CONTEXT: usize = 200;
/// Pages that are looked through for lines that a filter lets through before what was found is shown.
const PAGES_AT_ONCE: usize = 5;
/// Parts that are taken as they come; behind by more, what is between is skipped.
const PARTS_AT_ONCE: usize = 5;
/// Spans of time in which lines are counted; the screen shows them in as many columns as it has.
const SPANS: usize = 480;
/// Streams of which it is told when their lines were written.
const MOST_CHARTED: usize = 64;

/// What to read of which stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLog {
    /// One, or several that are read as one, by time.
    pub sources: Vec<Source>,
    /// Nothing was written to these before the one time, and nothing after the other.
    pub between: (Millis, Millis),
    /// Only lines that it takes.
    pub keep: Option<LogPattern>,
    /// Only lines from this time on.
    pub since: Option<Millis>,
    pub what: Reading,
}

/// A stream among those that are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    pub group: Option<String>,
    pub stream: String,
    pub label: Label,
}

/// What a line of one of several streams begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    pub text: Arc<str>,
    /// Streams that stand near each other have different ones.
    pub number: usize,
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
    Find { pattern: LogPattern, way: Way, from: Option<String>, edge: Option<(Millis, usize)> },
    /// When all lines were written.
    OverTime,
    /// How many hits stand beyond a place.
    Tally { pattern: LogPattern, way: Way, from: String, edge: Option<(Millis, usize)> },
}

impl Reading {
    /// Whether the answer may be long in coming.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Follow(_) | Self::Count(_))
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
    /// Of each stream; `None`: the backend cannot tell.
    OverTime(Option<Vec<LinesOverTime>>),
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
    let keep = ask.keep.as_ref();
    let log = Log { streams: Streams::of(backend, &ask), keep };
    match ask.what.clone() {
        Reading::Tail => there(log.walk(Way::Back, None).await, LogRead::Tail),
        Reading::Head => there(log.walk(Way::Forward, None).await, LogRead::Head),
        Reading::At(time) => there(log.streams.until(time).await.map(|part| part.kept(keep)), LogRead::At),
        Reading::Before(place) => {
            let part = log.walk(Way::Back, Some(&place)).await?;
            Ok(LogRead::Before { place, part })
        }
        Reading::After(place) => {
            let part = log.walk(Way::Forward, Some(&place)).await?;
            Ok(LogRead::After { place, part })
        }
        Reading::OverTime => Ok(LogRead::OverTime(over_time(backend, &ask).await?)),
        Reading::Follow(place) => log.follow(place).await,
        Reading::Count(place) => log.count(place).await,
        Reading::Find { pattern, way, from, edge } => log.find(pattern, way, from, edge).await,
        Reading::Tally { pattern, way, from, edge } => log.tally(pattern, way, from, edge).await,
    }
}

/// When the lines of each stream were written; one that is not there yet has none.
async fn over_time(backend: &dyn Backend, ask: &ReadLog) -> Result<Option<Vec<LinesOverTime>>, BackendError> {
    if ask.sources.len() > MOST_CHARTED {
        return Ok(None);
    }
    let mut all = Vec::new();
    for source in &ask.sources {
        let (group, stream) = (source.group.as_deref(), source.stream.as_str());
        match backend.lines_over_time(group, stream, ask.since, ask.keep.as_ref(), SPANS).await {
            Ok(Some(told)) => all.push(told),
            Ok(None) => return Ok(None),
            Err(BackendError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(all))
}

/// Reads the whole of a log from its first line on, in at most so many pages, as long as `take` wants more. Whether the
/// end was reached.
pub async fn each_page(
    backend: &dyn Backend,
    ask: ReadLog,
    most: usize,
    mut take: impl FnMut(&[Line]) -> bool + Send,
) -> Result<bool, BackendError> {
    let streams = Streams::of(backend, &ask);
    let mut place: Option<String> = None;
    for _ in 0..most {
        let part = streams.page(Way::Forward, place.as_deref(), STRETCH as usize).await?;
        let is_end = part.looked == 0 && place.as_ref() == Some(&part.after);
        let part = part.kept(ask.keep.as_ref());
        if is_end || !take(&part.lines) {
            return Ok(is_end);
        }
        place = Some(part.after);
    }
    Ok(false)
}

/// What is read, and what of it is wanted.
struct Log<'a> {
    streams: Streams<'a>,
    keep: Option<&'a LogPattern>,
}

impl Log<'_> {
    /// A part from a place on; with a filter, some pages are looked through for it.
    async fn walk(&self, way: Way, place: Option<&str>) -> Result<Part, BackendError> {
        let Some(keep) = self.keep else { return self.streams.page(way, place, PART).await };
        let limit = STRETCH as usize;
        let mut part = self.streams.page(way, place, limit).await?.kept(Some(keep));
        let mut last = place.map(str::to_owned);
        for _ in 1..PAGES_AT_ONCE {
            let next = part.edge(way).to_owned();
            if last.as_ref() == Some(&next) || part.lines.len() >= PART {
                break;
            }
            let page = self.streams.page(way, Some(&next), limit).await?.kept(Some(keep));
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
        let mut part = self.streams.next(place.as_deref()).await?;
        let mut parts = Vec::new();
        while part.is_full() && parts.len() < PARTS_AT_ONCE {
            let next = part.after.clone();
            parts.push(part.kept(self.keep));
            part = self.streams.page(Way::Forward, Some(&next), PART).await?;
        }
        if !part.is_full() {
            parts.push(part.kept(self.keep));
            return Ok(LogRead::Followed(parts));
        }
        let seen: u64 = parts.iter().map(|part| part.looked).sum();
        let from = parts.first().map(|part| part.before.clone());
        let tail = self.walk(Way::Back, None).await?;
        let counted = self.streams.between(from.as_deref(), &tail.before).await?;
        Ok(LogRead::Skipped { lines: counted.unwrap_or(seen), is_exact: counted.is_some(), tail })
    }

    async fn count(&self, place: String) -> Result<LogRead, BackendError> {
        let part = self.streams.next(Some(&place)).await?;
        let seen = LogRead::Counted { lines: part.looked, until: part.after.clone() };
        if !part.is_full() {
            return Ok(seen);
        }
        let until = self.streams.page(Way::Back, None, 1).await?.after;
        let counted = self.streams.between(Some(&place), &until).await?;
        Ok(counted.map_or(seen, |lines| LogRead::Counted { lines, until }))
    }

    /// Looks through a stretch for the nearest hit, and reads what stands around it.
    async fn find(
        &self,
        pattern: LogPattern,
        way: Way,
        from: Option<String>,
        edge: Option<(Millis, usize)>,
    ) -> Result<LogRead, BackendError> {
        let (lines, found, to, is_end) = match &self.streams {
            Streams::One(one) => {
                let wanted = SearchLog { first: true, edge, ..one.search(pattern, self.keep, way, from) };
                let told = one.backend.search_log(wanted).await?;
                (told.lines, told.found.map(|(page, at)| (Part::from(page), at)), told.to, told.is_end)
            }
            Streams::Several(several) => {
                let part = several.walk(way, from.as_deref(), STRETCH as usize).await?;
                let to = part.edge(way).to_owned();
                let is_end = from.as_ref() == Some(&to);
                let hits = part.hits_of(&pattern, self.keep);
                let at = if way == Way::Forward { hits.first() } else { hits.last() }.copied();
                (part.looked, at.map(|at| (part, at)), to, is_end)
            }
        };
        let found = match found {
            None => None,
            Some((part, at)) => {
                let before = self.streams.page(Way::Back, Some(&part.before), CONTEXT).await?;
                let (part, at) = part.kept_to(self.keep, at);
                Some(Box::new((before.kept(self.keep), part, at)))
            }
        };
        Ok(LogRead::Found { lines, found, to, is_end })
    }

    async fn tally(
        &self,
        pattern: LogPattern,
        way: Way,
        from: String,
        edge: Option<(Millis, usize)>,
    ) -> Result<LogRead, BackendError> {
        match &self.streams {
            Streams::One(one) => {
                let wanted = SearchLog { edge, ..one.search(pattern, self.keep, way, Some(from)) };
                let told = one.backend.search_log(wanted).await?;
                Ok(LogRead::Tallied { way, lines: told.lines, hits: told.hits, to: told.to, is_end: told.is_end })
            }
            Streams::Several(several) => {
                let part = several.walk(way, Some(&from), STRETCH as usize).await?;
                let (to, hits) = (part.edge(way).to_owned(), part.hits_of(&pattern, self.keep).len() as u64);
                let is_end = to == from;
                Ok(LogRead::Tallied { way, lines: part.looked, hits, to, is_end })
            }
        }
    }
}

fn there(part: Result<Part, BackendError>, read: impl FnOnce(Part) -> LogRead) -> Result<LogRead, BackendError> {
    match part {
        Ok(part) => Ok(read(part)),
        Err(BackendError::NotFound { .. }) => Ok(LogRead::NotThere),
        Err(error) => Err(error),
    }
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
        let sources = vec![Source { stream: "s".into(), ..Source::default() }];
        let ask = ReadLog { sources, between: (0, 0), keep: None, since: None, what };
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
