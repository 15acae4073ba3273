//! Looking through a log stream for lines that a pattern takes, by stretches: each is one call or a few, so that one sees
//! how far it is and can leave it at that.

use super::{Backend, BackendError};
use crate::model::{GetLogEvents, LogPage, LogPattern, Millis, Way, text::log_line};

/// Lines of a stretch that is read to be looked through; the most that AWS gives at once.
pub const STRETCH: u32 = 10_000;

/// What to look for from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchLog {
    pub group: Option<String>,
    pub stream: String,
    /// Lines before it are not looked at.
    pub since: Option<Millis>,
    pub pattern: LogPattern,
    /// A hit must be one that this takes as well.
    pub keep: Option<LogPattern>,
    pub way: Way,
    /// A token of the way in which it goes; `None`: the end that lies behind.
    pub from: Option<String>,
    /// The time of the line that stands at `from`, on the side that was looked at, and how many hits of that time were
    /// seen there: for a service that looks by time.
    pub edge: Option<(Millis, usize)>,
    /// End at the first hit rather than count all.
    pub first: bool,
}

/// What came of a stretch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Searched {
    /// So many lines were looked at, and so many of them are hits.
    pub lines: u64,
    pub hits: u64,
    /// Lines that stand together, and which of them is the hit, where the first one was wanted.
    pub found: Option<(LogPage, usize)>,
    /// The token that goes on from here.
    pub to: String,
    /// Nothing stands beyond it.
    pub is_end: bool,
}

impl SearchLog {
    /// Whether a line is a hit.
    pub fn takes(&self, message: &str) -> bool {
        let line = log_line(message);
        self.pattern.takes(&line) && self.keep.as_ref().is_none_or(|keep| keep.takes(&line))
    }

    /// The page of the stretch, where it is read.
    pub fn page(&self) -> GetLogEvents {
        GetLogEvents {
            log_group_name: self.group.clone(),
            log_stream_name: self.stream.clone(),
            start_time: self.since,
            limit: Some(STRETCH),
            start_from_head: Some(self.way == Way::Forward),
            next_token: self.from.clone(),
            ..GetLogEvents::default()
        }
    }
}

/// Reads a stretch and looks through it here.
pub async fn search(backend: &(impl Backend + ?Sized), search: SearchLog) -> Result<Searched, BackendError> {
    let page = backend.log_events(search.page()).await?;
    let to = if search.way == Way::Forward { &page.next_forward_token } else { &page.next_backward_token }.clone();
    let is_end = Some(&to) == search.from.as_ref();
    let is_hit = |at: &usize| search.takes(&page.events[*at].message);
    let mut order: Box<dyn Iterator<Item = usize> + Send> = Box::new(0..page.events.len());
    if search.way == Way::Back {
        order = Box::new((0..page.events.len()).rev());
    }
    let lines = page.events.len() as u64;
    if !search.first {
        let hits = order.filter(is_hit).count() as u64;
        return Ok(Searched { lines, hits, found: None, to, is_end });
    }
    let found = order.map(|at| (at, is_hit(&at))).find(|(_, is_hit)| *is_hit).map(|(at, _)| at);
    let hits = u64::from(found.is_some());
    Ok(Searched { lines, hits, found: found.map(|at| (page, at)), to, is_end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::{ScriptedBackend, World};
    use crate::model::LogEvent;
    use futures::FutureExt;

    fn searched(way: Way, from: Option<&str>, first: bool) -> Searched {
        let event = |at: usize| LogEvent {
            message: if at % 1_000 == 7 { format!("line {at} \u{1b}[31mBa\u{1b}[0md") } else { format!("line {at}") },
            ..LogEvent::default()
        };
        let logs = [("s".to_owned(), (0..25_000).map(event).collect())].into();
        let backend = ScriptedBackend::new(World { logs, ..World::default() });
        let pattern = LogPattern::parse("bad").expect("sound").expect("a pattern");
        let from = from.map(str::to_owned);
        let search = SearchLog {
            group: None,
            stream: "s".into(),
            since: None,
            pattern,
            keep: None,
            way,
            from,
            edge: None,
            first,
        };
        backend.search_log(search).now_or_never().expect("at once").expect("it is read")
    }

    #[test]
    fn hits_are_counted_stretch_by_stretch_up_to_the_end() {
        for way in [Way::Forward, Way::Back] {
            let (mut from, mut lines, mut hits) = (None, 0, 0);
            for _ in 0..10 {
                let told = searched(way, from.as_deref(), false);
                (lines, hits) = (lines + told.lines, hits + told.hits);
                if told.is_end {
                    break;
                }
                from = Some(told.to);
            }
            assert_eq!((lines, hits), (25_000, 25), "{way:?}");
        }
    }

    #[test]
    fn the_nearest_hit_is_found_with_the_lines_around_it() {
        for (way, from, expected) in [
            (Way::Forward, None, Some("line 7 ")),
            (Way::Forward, Some("f/8"), Some("line 1007 ")),
            (Way::Back, None, Some("line 24007 ")),
            (Way::Back, Some("b/24007"), Some("line 23007 ")),
            (Way::Back, Some("b/7"), None),
            (Way::Forward, Some("f/24008"), None),
        ] {
            let found = searched(way, from, true).found;
            let told = found.map(|(page, at)| page.events[at].message.clone());
            assert_eq!(told.as_deref().map(|text| text.starts_with(expected.unwrap_or("-"))), expected.map(|_| true));
        }
    }
}
