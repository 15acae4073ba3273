//! Several streams as one, by time. There is no token that stands in all of them: a place is a time, and how many lines of
//! that time stand before it.

use super::{Line, Part, Source};
use crate::backend::{Backend, BackendError};
use crate::model::{FilterLogEvents, FilteredLogEvent, LogEvent, Millis, Traces, Way};
use futures::future::{BoxFuture, try_join_all};
use std::collections::BTreeMap;

/// The most events that a page has.
const MOST: usize = 10_000;
/// How far back is looked first.
const SPAN: Millis = 120_000;
/// How often the span is made longer or shorter for one part.
const TRIES: usize = 64;
/// Fewer lines than these, and one looks further back.
const ENOUGH: usize = 200;

/// Streams that are read together.
pub(super) struct Merged<'a> {
    pub backend: &'a dyn Backend,
    pub sources: &'a [Source],
    /// Nothing was written before, and nothing later.
    pub between: (Millis, Millis),
    pub since: Option<Millis>,
}

/// Before it are all lines of earlier times, and so many of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Millis,
    seen: usize,
}

impl Place {
    fn read(token: &str) -> Option<Self> {
        let (at, seen) = token.split_once('/')?;
        Some(Self { at: at.parse().ok()?, seen: seen.parse().ok()? })
    }

    fn token(self) -> String {
        format!("{}/{}", self.at, self.seen)
    }
}

type Event = (usize, FilteredLogEvent);

impl Merged<'_> {
    /// The lines from a place on, as soon as there are some.
    pub async fn next(&self, place: Option<&str>, limit: usize) -> Result<Part, BackendError> {
        loop {
            let part = self.walk(Way::Forward, place, limit).await?;
            if part.looked > 0 {
                return Ok(part);
            }
            self.backend.until_next_look().await;
        }
    }

    fn floor(&self) -> Millis {
        self.since.map_or(self.between.0, |since| since.max(self.between.0))
    }

    /// The lines beyond a place, or beyond the end that lies behind.
    pub async fn walk(&self, way: Way, place: Option<&str>, limit: usize) -> Result<Part, BackendError> {
        let (floor, ceiling) = (self.floor(), self.between.1);
        match (way, place.and_then(Place::read)) {
            (Way::Forward, place) => self.forward(place.unwrap_or(Place { at: floor, seen: 0 }), limit).await,
            (Way::Back, Some(place)) => self.back(place).await,
            (Way::Back, None) => {
                let mut part = self.back(Place { at: ceiling + 1, seen: 0 }).await?;
                // What comes is read on from the last line, not from a time that is still to come.
                let after = part.lines.last().map_or(Place { at: floor, seen: 0 }, |last| Place {
                    at: last.at,
                    seen: part.lines.iter().rev().take_while(|line| line.at == last.at).count(),
                });
                part.after = after.token();
                Ok(part)
            }
        }
    }

    /// The lines that end at a time.
    pub async fn until(&self, time: Millis) -> Result<Part, BackendError> {
        self.back(Place { at: time + 1, seen: 0 }).await
    }

    async fn forward(&self, place: Place, limit: usize) -> Result<Part, BackendError> {
        let (mut events, cut) = self.between(place.at, None, (limit + place.seen).min(MOST)).await?;
        // What lies beyond the end of a page that was cut may come before what others told.
        events.retain(|(_, event)| cut.is_none_or(|cut| event.timestamp <= cut));
        let seen = events.iter().take_while(|(_, event)| event.timestamp == place.at).count().min(place.seen);
        events.drain(..seen);
        let end = events.last().map_or(place, |(_, last)| {
            let same = events.iter().rev().take_while(|(_, event)| event.timestamp == last.timestamp).count();
            let before = if last.timestamp == place.at { place.seen } else { 0 };
            Place { at: last.timestamp, seen: before + same }
        });
        Ok(self.part(events, place, end))
    }

    async fn back(&self, place: Place) -> Result<Part, BackendError> {
        let floor = self.floor();
        let last = if place.seen > 0 { place.at } else { place.at - 1 };
        if last < floor {
            return Ok(self.part(Vec::new(), place, place));
        }
        // Between `last` and the place is nothing; the span is made longer until it was too long once.
        let (mut span, mut may_grow, mut last) = (SPAN, true, last);
        let mut from = floor;
        let mut events = Vec::new();
        for _ in 0..TRIES {
            from = (last - span).max(floor);
            let (told, cut) = self.between(from, Some(last), MOST).await?;
            events = told;
            if cut.is_some() && from < last {
                (span, may_grow) = ((last - from) / 4, false);
                continue;
            }
            if from > floor && events.is_empty() {
                last = from - 1;
            } else if from == floor || events.len() >= ENOUGH || !may_grow {
                break;
            }
            if may_grow {
                span = span.saturating_mul(8);
            }
        }
        let same = events.iter().filter(|(_, event)| event.timestamp < place.at).count() + place.seen;
        events.truncate(same);
        Ok(self.part(events, Place { at: from, seen: 0 }, place))
    }

    fn part(&self, events: Vec<Event>, before: Place, after: Place) -> Part {
        let looked = events.len() as u64;
        let mut traces: BTreeMap<usize, Traces> = BTreeMap::new();
        let line = |(source, event): Event| {
            let message = LogEvent { timestamp: event.timestamp, message: event.message, ..LogEvent::default() };
            let label = Some(self.sources[source].label.clone());
            Line { label, ..Line::of(&message, traces.entry(source).or_default()) }
        };
        let lines = events.into_iter().map(line).collect();
        Part { lines, before: before.token(), after: after.token(), looked, hits: Vec::new() }
    }

    /// The events between two times, both among them, and the time up to which they are all there where a page was cut.
    async fn between(
        &self,
        from: Millis,
        to: Option<Millis>,
        limit: usize,
    ) -> Result<(Vec<Event>, Option<Millis>), BackendError> {
        let mut groups: BTreeMap<Option<&String>, Vec<usize>> = BTreeMap::new();
        for (at, source) in self.sources.iter().enumerate() {
            groups.entry(source.group.as_ref()).or_default().push(at);
        }
        let asked = groups.into_iter().map(|(group, sources)| {
            let request = FilterLogEvents {
                log_group_name: group.cloned(),
                start_time: Some(from.max(0)),
                end_time: to,
                limit: u32::try_from(limit).ok(),
                ..FilterLogEvents::default()
            };
            self.of_streams(request, sources)
        });
        let mut cut: Option<Millis> = None;
        let mut all = Vec::new();
        for (events, is_cut) in try_join_all(asked).await? {
            if is_cut && let Some((_, last)) = events.last() {
                cut = Some(cut.map_or(last.timestamp, |cut| cut.min(last.timestamp)));
            }
            all.extend(events);
        }
        all.sort_by_key(|(_, event)| event.timestamp);
        Ok((all, cut))
    }

    /// The events of some streams of a group. One that has not been written to yet fails the call for all: the others
    /// are asked without it.
    fn of_streams(
        &self,
        request: FilterLogEvents,
        sources: Vec<usize>,
    ) -> BoxFuture<'_, Result<(Vec<Event>, bool), BackendError>> {
        Box::pin(async move {
            let names: Vec<String> = sources.iter().map(|at| self.sources[*at].stream.clone()).collect();
            let mut wanted = FilterLogEvents { log_stream_names: names, ..request.clone() };
            let mut events: Vec<Event> = Vec::new();
            let limit = request.limit.map_or(MOST, |limit| limit as usize);
            loop {
                let page = match self.backend.filter_log_events(wanted.clone()).await {
                    Ok(page) => page,
                    Err(BackendError::NotFound { .. }) if sources.len() == 1 => return Ok((Vec::new(), false)),
                    Err(BackendError::NotFound { .. }) => {
                        let (one, other) = sources.split_at(sources.len() / 2);
                        let one = self.of_streams(request.clone(), one.to_vec()).await?;
                        let other = self.of_streams(request.clone(), other.to_vec()).await?;
                        return Ok(joined(one, other));
                    }
                    Err(error) => return Err(error),
                };
                let source = |name: &str| sources.iter().copied().find(|at| self.sources[*at].stream == name);
                events
                    .extend(page.events.into_iter().filter_map(|event| Some((source(&event.log_stream_name)?, event))));
                // A page may be short, and even empty, before the end.
                match page.next_token {
                    Some(_) if events.len() >= limit => return Ok((events, true)),
                    None => return Ok((events, false)),
                    token => wanted.next_token = token,
                }
            }
        })
    }
}

/// The events of two halves, as far as both are whole.
fn joined((mut one, one_cut): (Vec<Event>, bool), (other, other_cut): (Vec<Event>, bool)) -> (Vec<Event>, bool) {
    let end = |events: &[Event], cut: bool| events.last().filter(|_| cut).map(|(_, event)| event.timestamp);
    let ends = [end(&one, one_cut), end(&other, other_cut)];
    let whole = ends.into_iter().flatten().min();
    one.extend(other);
    one.sort_by_key(|(_, event)| event.timestamp);
    one.retain(|(_, event)| whole.is_none_or(|end| event.timestamp <= end));
    (one, one_cut || other_cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::tui::log_reading::Label;
    use futures::FutureExt;

    /// Three streams that write in turn, two lines each time, `lines` in all; and one that is not there.
    fn read<T>(lines: i64, look: impl AsyncFnOnce(&Merged<'_>) -> T) -> T {
        let mut logs: BTreeMap<String, Vec<LogEvent>> = BTreeMap::new();
        for number in 0..lines {
            let event =
                LogEvent { timestamp: 1_000 + number / 2 * 50, message: format!("{number}"), ..LogEvent::default() };
            logs.entry(format!("s{}", number / 2 % 3)).or_default().push(event);
        }
        let backend = ScriptedBackend::new(World { logs, ..World::default() });
        let source = |name: &str| Source { stream: name.into(), label: Label::default(), group: None };
        let sources = ["s0", "gone", "s1", "s2"].map(source);
        let merged = Merged { backend: &backend, sources: &sources, between: (0, 100_000_000), since: None };
        look(&merged).now_or_never().expect("at once")
    }

    fn numbers(part: &Part) -> Vec<i64> {
        part.lines.iter().map(|line| line.text.parse().expect("a number")).collect()
    }

    #[test]
    fn all_lines_are_read_once_in_their_order_from_either_end() {
        read(25_000, async |merged| {
            let (mut place, mut seen) = (None::<String>, Vec::new());
            loop {
                let part = merged.walk(Way::Forward, place.as_deref(), 999).await.expect("read");
                if part.looked == 0 {
                    assert_eq!(place, Some(part.after));
                    break;
                }
                seen.extend(numbers(&part));
                place = Some(part.after);
            }
            assert!(seen.iter().copied().eq(0..25_000), "{} lines", seen.len());
            let mut part = merged.walk(Way::Back, None, 1_000).await.expect("read");
            let mut back = Vec::new();
            while part.looked > 0 {
                back.splice(0..0, numbers(&part));
                part = merged.walk(Way::Back, Some(&part.before), 1_000).await.expect("read");
            }
            assert!(back == seen, "{} lines", back.len());
        });
    }

    #[test]
    fn what_comes_is_read_on_from_the_last_line() {
        read(5, async |merged| {
            let tail = merged.walk(Way::Back, None, 1_000).await.expect("read");
            assert_eq!((numbers(&tail), tail.after.as_str()), (vec![0, 1, 2, 3, 4], "1100/1"));
            let more = merged.walk(Way::Forward, Some(&tail.after), 1_000).await.expect("read");
            assert_eq!((more.looked, more.after), (0, tail.after));
            let around = merged.until(1_050).await.expect("read");
            assert_eq!(numbers(&around), [0, 1, 2, 3]);
            let rest = merged.walk(Way::Forward, Some(&around.after), 1_000).await.expect("read");
            assert_eq!(numbers(&rest), [4]);
        });
    }
}
