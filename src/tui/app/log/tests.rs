use super::window::LINES_HELD;
use super::*;
use crate::backend::BackendError;
use crate::model::{LineCount, LinesOverTime, Way};
use crate::tui::app::list::Step;
use crate::tui::log_reading::{Line, LogRead, PART, Part, Reading};

/// Lines of a stretch that is looked through.
const STRETCH: usize = 5_000;

/// A stream of so many lines, read as the pane asks for it.
struct Written {
    lines: usize,
    asked: RequestId,
}

impl Written {
    fn part(&self, from: usize, to: usize) -> Part {
        let (from, to) = (from.min(self.lines), to.min(self.lines));
        let line =
            |at: usize| Line { at: i64::try_from(at).expect("a time"), text: format!("line {at}"), ..Line::default() };
        let lines: Vec<Line> = (from..to).map(line).collect();
        let looked = lines.len() as u64;
        Part { lines, before: format!("b/{from}"), after: format!("f/{to}"), looked, ..Part::default() }
    }

    /// The same, with only the lines that a filter lets through.
    fn kept(&self, log: &LogPane, from: usize, to: usize) -> Part {
        let mut part = self.part(from, to);
        part.lines.retain(|line| log.keep.as_ref().is_none_or(|keep| keep.takes(&line.text)));
        part
    }

    /// Where a stretch from a place on ends, and the hits in it, in the order in which they are met.
    fn stretch(&self, pattern: &LogPattern, way: Way, from: Option<&str>) -> (usize, Vec<usize>, usize) {
        let at = from.map(|place| place[2..].parse::<usize>().expect("a place"));
        let takes = |at: &usize| pattern.takes(&format!("line {at}"));
        match way {
            Way::Forward => {
                let from = at.unwrap_or(0);
                let to = (from + STRETCH).min(self.lines);
                (to, (from..to).filter(takes).collect(), to - from)
            }
            Way::Back => {
                let from = at.unwrap_or(self.lines);
                let to = from.saturating_sub(STRETCH);
                (to, (to..from).rev().filter(takes).collect(), from - to)
            }
        }
    }

    /// Answers what the pane asks until it only waits; what comes is told while `comes`.
    fn serve(&mut self, log: &mut LogPane, comes: bool) {
        let at = |place: &str| place[2..].parse::<usize>().expect("a place");
        for _ in 0..10_000 {
            let Some(what) = log.due() else { return };
            self.asked += 1;
            log.asked(&what, self.asked);
            let read = match what {
                Reading::Tail => LogRead::Tail(self.kept(log, self.lines.saturating_sub(PART), self.lines)),
                Reading::Head => LogRead::Head(self.kept(log, 0, PART)),
                Reading::Before(place) => {
                    let until = at(&place);
                    LogRead::Before { part: self.kept(log, until.saturating_sub(PART), until), place }
                }
                Reading::After(place) => LogRead::After { part: self.kept(log, at(&place), at(&place) + PART), place },
                Reading::At(time) => {
                    let end = usize::try_from(time).expect("a time") + 1;
                    LogRead::At(self.kept(log, end.saturating_sub(PART), end))
                }
                Reading::Find { pattern, way, from, .. } => {
                    let (to, hits, lines) = self.stretch(&pattern, way, from.as_deref());
                    let found = hits.first().map(|hit| {
                        Box::new((self.part(hit.saturating_sub(200), *hit), self.part(*hit, hit + PART), 0))
                    });
                    let is_end = to == 0 || to == self.lines;
                    let sign = if way == Way::Forward { "f" } else { "b" };
                    LogRead::Found { lines: lines as u64, found, to: format!("{sign}/{to}"), is_end }
                }
                Reading::Tally { pattern, way, from, .. } => {
                    let (to, hits, lines) = self.stretch(&pattern, way, Some(&from));
                    let is_end = to == 0 || to == self.lines;
                    let sign = if way == Way::Forward { "f" } else { "b" };
                    let (lines, hits) = (lines as u64, hits.len() as u64);
                    LogRead::Tallied { way, lines, hits, to: format!("{sign}/{to}"), is_end }
                }
                Reading::Follow(place) if comes && place.as_deref().map_or(0, at) < self.lines => {
                    LogRead::Followed(vec![self.part(place.as_deref().map_or(0, at), self.lines)])
                }
                Reading::Count(place) if comes && at(&place) < self.lines => {
                    LogRead::Counted { lines: (self.lines - at(&place)) as u64, until: format!("f/{}", self.lines) }
                }
                Reading::Follow(_) | Reading::Count(_) | Reading::OverTime => continue,
            };
            log.take(self.asked, Ok(read), 0);
        }
        panic!("it asks for ever: {:?}", log.due());
    }

    /// More lines come, and what waited for them hears of it.
    fn grow(&mut self, log: &mut LogPane, lines: usize) {
        self.lines += lines;
        log.waiting = None;
        self.serve(log, true);
    }
}

fn shown(lines: usize) -> (LogPane, Written) {
    let mut log = LogPane::default();
    log.turn_to(Subject::Stream(Stream {
        job: JobId::from("j"),
        name: "j".into(),
        stream: "s".into(),
        ..Stream::default()
    }));
    let mut written = Written { lines, asked: 0 };
    written.serve(&mut log, true);
    look(&log);
    (log, written)
}

/// What a screen of ten lines shows.
fn look(log: &LogPane) -> Vec<String> {
    let last_top = log.window.len().saturating_sub(10);
    let top = if log.following { last_top } else { log.top.min(last_top) };
    log.seen.set((top, 10));
    log.window.lines_from(top).take(10).map(|line| line.text.clone()).collect()
}

#[test]
fn a_long_log_is_shown_from_its_end_and_read_backwards_up_to_its_first_line() {
    let (mut log, mut written) = shown(30_500);
    assert_eq!(look(&log)[9], "line 30499");
    assert_eq!(log.window.len(), PART);
    let mut expected = 30_490_usize;
    while expected > 0 {
        log.step(Step::Lines(-100));
        written.serve(&mut log, false);
        expected = expected.saturating_sub(100);
        assert_eq!(look(&log)[0], format!("line {expected}"));
        assert!(log.window.len() <= LINES_HELD);
    }
    assert!(log.window.has_first);
    assert_eq!(log.window.below + log.window.len() as u64, 30_500);
}

#[test]
fn the_first_line_is_one_reading_away_one_reads_on_from_it_and_the_end_is_as_near() {
    let (mut log, mut written) = shown(30_500);
    log.step(Step::First);
    assert_eq!(log.due(), Some(Reading::Head));
    written.serve(&mut log, false);
    assert_eq!(look(&log)[0], "line 0");
    assert!(log.window.has_first && log.window.is_below_unknown());
    for at in 1..=300 {
        log.step(Step::Lines(100));
        written.serve(&mut log, false);
        assert_eq!(look(&log)[0], format!("line {}", at * 100));
        assert!(log.window.len() <= LINES_HELD);
    }
    log.step(Step::Lines(10_000));
    written.serve(&mut log, false);
    assert!(log.window.has_last());
    log.step(Step::First);
    written.serve(&mut log, false);
    log.step(Step::Last);
    assert_eq!(log.due(), Some(Reading::Tail));
    written.serve(&mut log, false);
    assert_eq!((look(&log)[9].as_str(), log.following), ("line 30499", true));
}

#[test]
fn what_comes_while_it_is_not_followed_moves_nothing_and_is_counted() {
    for stop in [LogPane::toggle_follow, |log: &mut LogPane| log.step(Step::Lines(-3))] {
        let (mut log, mut written) = shown(9_000);
        stop(&mut log);
        let before = look(&log);
        for _ in 0..20 {
            written.grow(&mut log, 5_000);
            assert_eq!(look(&log), before);
        }
        assert!(log.window.len() <= LINES_HELD);
        let first = 109_000 - log.window.below - log.window.len() as u64;
        assert_eq!(log.window.line(0).expect("a line").text, format!("line {first}"));
        assert!(log.window.below > 80_000, "{}", log.window.below);
        log.toggle_follow();
        written.serve(&mut log, true);
        assert_eq!((look(&log)[9].as_str(), log.window.below), ("line 108999", 0));
    }
}

#[test]
fn a_followed_log_holds_its_last_lines_only_and_what_was_skipped_is_told_and_can_be_read_back() {
    let (mut log, mut written) = shown(10);
    for _ in 0..30 {
        written.grow(&mut log, 900);
        assert!(log.window.len() <= LINES_HELD);
    }
    assert_eq!(look(&log)[9], "line 27009");
    written.lines = 500_000;
    let skipped = written.part(499_000, 500_000);
    log.asked(&Reading::Follow(None), 1_000_000);
    log.take(1_000_000, Ok(LogRead::Skipped { lines: 471_990, is_exact: true, tail: skipped }), 0);
    assert_eq!(look(&log)[9], "line 499999");
    assert_eq!(log.skipped, Some(Skipped { lines: 471_990, is_exact: true }));
    log.step(Step::Lines(-990));
    written.serve(&mut log, false);
    log.step(Step::Lines(-10));
    assert_eq!(look(&log)[0], "line 498990");
}

fn pattern(typed: &str) -> LogPattern {
    LogPattern::parse(typed).expect("sound").expect("a pattern")
}

/// The line that is pointed at, and where one is among the hits.
fn at_hit(log: &LogPane) -> (String, Option<u64>, u64) {
    look(log);
    let line = log.point.and_then(|point| log.window.line(point)).map(|line| line.text.clone());
    let tally = log.tally().expect("something is searched for");
    assert!(!tally.is_partial, "{tally:?}");
    (line.unwrap_or_default(), tally.at, tally.hits)
}

#[test]
fn a_filter_holds_only_its_lines_and_reads_on_for_more_of_them_within_bounds() {
    let (mut log, mut written) = shown(500_000);
    log.filter(Some(pattern("nowhere")));
    written.serve(&mut log, false);
    assert_eq!((log.window.len(), log.window.has_first), (0, true), "all was looked through");
    log.filter(Some(pattern("line 49999")));
    written.serve(&mut log, false);
    assert_eq!(look(&log).last().map(String::as_str), Some("line 499999"));
    assert!(log.window.lines().all(|line| line.text.contains("49999")));
    log.filter(Some(pattern("!line 49999")));
    written.serve(&mut log, false);
    assert_eq!(look(&log)[9], "line 499989");
    let (mut log, mut written) = shown(5_000_000);
    log.filter(Some(pattern("nowhere")));
    written.serve(&mut log, false);
    assert!((MOST_LOOKED..MOST_LOOKED + 10_000).contains(&log.looked) && log.is_looking(), "{}", log.looked);
    log.step(Step::Lines(-1));
    assert!(log.due().is_some(), "a key looks further");
}

#[test]
fn a_filter_that_is_taken_off_stays_at_its_line() {
    let (mut log, mut written) = shown(300_000);
    log.filter(Some(pattern("77777")));
    written.serve(&mut log, false);
    log.step(Step::First);
    written.serve(&mut log, false);
    assert_eq!(look(&log)[0], "line 77777");
    log.filter(None);
    written.serve(&mut log, false);
    assert_eq!(log.window.line(log.point.expect("it points")).expect("a line").text, "line 77777");
    assert!(look(&log).contains(&"line 77776".to_owned()), "with what stands around: {:?}", look(&log));
}

#[test]
fn an_end_is_gone_to_while_what_a_filter_left_out_is_still_being_read() {
    // From the end, where it is followed, and from a line amid the log.
    for first in [Step::Last, Step::First] {
        for (step, expected) in [(Step::First, "line 0"), (Step::Last, "line 2999")] {
            let (mut log, mut written) = shown(3_000);
            log.filter(Some(pattern("line 777")));
            written.serve(&mut log, false);
            log.step(first);
            written.serve(&mut log, false);
            assert!(log.window.has_first, "all is held that the filter lets through");
            log.filter(None);
            let asked = log.due().expect("what was left out is read");
            log.asked(&asked, 1_000_000);
            log.step(step);
            // The answer to what was asked before comes late.
            let late = match asked {
                Reading::Tail => LogRead::Tail(written.part(2_000, 3_000)),
                _ => LogRead::At(written.part(2_000, 3_000)),
            };
            log.take(1_000_000, Ok(late), 0);
            written.serve(&mut log, false);
            let seen = look(&log);
            let line = if step == Step::First { seen.first() } else { seen.last() };
            assert_eq!(line.map(String::as_str), Some(expected), "{first:?} {step:?}");
        }
    }
}

#[test]
fn a_log_that_is_stopped_while_its_end_is_still_being_gone_to_stands_at_its_end() {
    let (mut log, mut written) = shown(300_000);
    log.step(Step::First);
    written.serve(&mut log, false);
    look(&log);
    log.step(Step::Last);
    let what = log.due().expect("the end is read");
    log.asked(&what, 1_000_000);
    log.toggle_follow();
    log.take(1_000_000, Ok(LogRead::Tail(written.part(299_000, 300_000))), 0);
    written.serve(&mut log, false);
    assert_eq!((look(&log)[9].as_str(), log.following), ("line 299999", false));
    log.toggle_follow();
    assert!(log.following);
}

#[test]
fn a_marked_line_is_stayed_at_though_the_end_was_still_being_gone_to() {
    let (mut log, mut written) = shown(300_000);
    log.step(Step::First);
    written.serve(&mut log, false);
    look(&log);
    log.toggle_mark();
    log.step(Step::Last);
    let what = log.due().expect("the end is read");
    assert!(matches!(what, Reading::Tail), "{what:?}");
    log.asked(&what, 1_000_000);
    log.walk_marks();
    log.take(1_000_000, Ok(LogRead::Tail(written.part(299_000, 300_000))), 0);
    written.serve(&mut log, false);
    assert_eq!((look(&log)[0].as_str(), log.following), ("line 0", false));
}

#[test]
fn a_search_goes_from_hit_to_hit_through_the_whole_log_and_leaves_out_nothing() {
    let (mut log, mut written) = shown(30_500);
    log.search(pattern("/line 1?5000$"));
    written.serve(&mut log, false);
    assert_eq!(at_hit(&log), ("line 15000".into(), Some(2), 2));
    assert!(look(&log).contains(&"line 14999".to_owned()) && look(&log).contains(&"line 15001".to_owned()));
    log.walk_hits(Way::Back);
    written.serve(&mut log, false);
    assert_eq!(at_hit(&log), ("line 5000".into(), Some(1), 2));
    log.walk_hits(Way::Back);
    assert!(log.word.take().is_none(), "what is beyond is looked for first");
    written.serve(&mut log, false);
    assert!(log.word.take().is_some_and(|word| word.contains("goes on from the last line")));
    assert_eq!(at_hit(&log), ("line 15000".into(), Some(2), 2));
    log.walk_hits(Way::Forward);
    written.serve(&mut log, false);
    assert!(log.word.take().is_some_and(|word| word.contains("goes on from the first line")));
    assert_eq!(at_hit(&log), ("line 5000".into(), Some(1), 2));
    log.walk_hits(Way::Forward);
    written.serve(&mut log, false);
    assert_eq!(at_hit(&log), ("line 15000".into(), Some(2), 2));
}

#[test]
fn hits_keep_their_numbers_however_one_moves() {
    let (mut log, mut written) = shown(20_000);
    log.search(pattern("/line [0-9]*00$"));
    written.serve(&mut log, false);
    assert_eq!(at_hit(&log), ("line 19900".into(), Some(199), 199));
    for number in (1..199).rev() {
        log.walk_hits(Way::Back);
        written.serve(&mut log, false);
        assert_eq!(at_hit(&log), (format!("line {}", number * 100), Some(number), 199));
    }
    log.step(Step::First);
    written.serve(&mut log, false);
    log.walk_hits(Way::Forward);
    assert_eq!(at_hit(&log), ("line 100".into(), Some(1), 199));
    log.step(Step::Last);
    written.serve(&mut log, false);
    look(&log);
    log.walk_hits(Way::Back);
    assert_eq!(at_hit(&log), ("line 19900".into(), Some(199), 199));
}

#[test]
fn hits_of_lines_that_come_are_counted_too() {
    let (mut log, mut written) = shown(1_000);
    log.search(pattern("/0$"));
    written.serve(&mut log, false);
    assert_eq!(at_hit(&log).2, 100);
    written.grow(&mut log, 500);
    assert_eq!(at_hit(&log).2, 150, "one looks elsewhere");
    log.step(Step::Last);
    written.serve(&mut log, true);
    written.grow(&mut log, 50);
    look(&log);
    assert_eq!(log.tally().map(|tally| tally.hits), Some(155));
}

#[test]
fn what_stands_nowhere_is_said_and_a_look_can_be_left() {
    let (mut log, mut written) = shown(30_000);
    log.search(pattern("nowhere"));
    assert!(matches!(log.due(), Some(Reading::Find { .. })));
    written.serve(&mut log, false);
    assert!(log.word.take().is_some_and(|word| word.contains("no line of the log holds `nowhere`")));
    assert_eq!(log.tally().map(|tally| (tally.hits, tally.is_partial)), Some((0, false)));
    log.walk_hits(Way::Forward);
    assert!(log.stop_seeking() && !log.stop_seeking());
    assert!(log.end_search() && !log.end_search());
    log.walk_hits(Way::Forward);
    assert!(log.word.take().is_some_and(|word| word.contains("nothing is searched for")));
}

#[test]
fn looking_back_stops_following_and_the_end_follows_again() {
    let (mut log, _) = shown(100);
    log.step(Step::Lines(-5));
    assert_eq!((log.following, log.top), (false, 85));
    log.step(Step::Last);
    assert!(log.following);
}

#[test]
fn a_log_that_cannot_be_read_is_not_asked_for_again_before_a_key_is_pressed() {
    let (mut log, _) = shown(100);
    log.asked(&Reading::Follow(None), 1_000);
    log.take(1_000, Err(BackendError::Throttled { message: "slowly".into() }), 0);
    assert_eq!((log.due(), log.error.is_some()), (None, true));
    log.step(Step::Lines(-1));
    assert!(log.due().is_some());
}

#[test]
fn when_lines_were_written_is_asked_of_the_whole_log_and_again_as_it_grows() {
    let (mut log, mut written) = shown(30_000);
    log.histogram.is_shown = true;
    assert_eq!(log.lines_over_time(10).map(|(told, is_whole)| (told.total().lines, is_whole)), Some((1_000, false)));
    let tell = |log: &mut LogPane, now, lines: u64| {
        assert_eq!(log.histogram_due(now), Some(Reading::OverTime));
        log.asked(&Reading::OverTime, 7);
        assert_eq!(log.histogram_due(now), None, "it is being asked for");
        let told = LinesOverTime { first: 1, last: 9, spans: vec![LineCount { lines, errors: 0 }], is_estimate: true };
        log.take(7, Ok(LogRead::OverTime(Some(vec![told]))), now);
    };
    tell(&mut log, 100, 30_000);
    let told = |log: &LogPane| log.lines_over_time(10).map(|(told, is_whole)| (told.total().lines, is_whole));
    assert_eq!((told(&log), log.histogram_is_due_at()), (Some((30_000, true)), None));
    written.grow(&mut log, 500);
    assert_eq!((log.histogram_due(5_000), log.histogram_is_due_at()), (None, Some(5_100)));
    tell(&mut log, 5_100, 30_500);
    assert_eq!(told(&log), Some((30_500, true)));
    // Of what a filter leaves nothing was told; and where the backend cannot tell, nobody asks it for ever.
    log.filter(Some(pattern("line 3")));
    written.serve(&mut log, false);
    assert_eq!(log.histogram_due(5_200), Some(Reading::OverTime));
    log.asked(&Reading::OverTime, 8);
    log.take(8, Ok(LogRead::OverTime(None)), 5_200);
    assert!(told(&log).is_some_and(|(lines, is_whole)| lines > 0 && !is_whole));
    written.grow(&mut log, 500);
    assert_eq!(log.histogram_is_due_at(), None);
}
