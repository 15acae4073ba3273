use super::*;
use crate::tui::app::list::Step;

/// A stream of so many lines, read as the pane asks for it.
struct Written {
    lines: usize,
    asked: RequestId,
}

impl Written {
    fn part(&self, from: usize, to: usize) -> Part {
        let (from, to) = (from.min(self.lines), to.min(self.lines));
        let line = |at| Line { at: 0, text: format!("line {at}") };
        Part { lines: (from..to).map(line).collect(), before: format!("b/{from}"), after: format!("f/{to}") }
    }

    /// Answers what the pane asks until it only waits; what comes is told while `comes`.
    fn serve(&mut self, log: &mut LogPane, comes: bool) {
        let at = |place: &str| place[2..].parse::<usize>().expect("a place");
        for _ in 0..100 {
            let Some(what) = log.due() else { return };
            self.asked += 1;
            log.asked(&what, self.asked);
            let read = match what {
                Reading::Tail => LogRead::Tail(self.part(self.lines.saturating_sub(PART), self.lines)),
                Reading::Head => LogRead::Head(self.part(0, PART)),
                Reading::Before(place) => {
                    let until = at(&place);
                    LogRead::Before { part: self.part(until.saturating_sub(PART), until), place }
                }
                Reading::After(place) => LogRead::After { part: self.part(at(&place), at(&place) + PART), place },
                Reading::Follow(place) if comes && place.as_deref().map_or(0, at) < self.lines => {
                    LogRead::Followed(vec![self.part(place.as_deref().map_or(0, at), self.lines)])
                }
                Reading::Count(place) if comes && at(&place) < self.lines => {
                    LogRead::Counted { lines: (self.lines - at(&place)) as u64, until: format!("f/{}", self.lines) }
                }
                Reading::Follow(_) | Reading::Count(_) => continue,
            };
            log.take(self.asked, Ok(read));
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
        which: String::new(),
        group: None,
        stream: "s".into(),
        ended: false,
    }));
    let mut written = Written { lines, asked: 0 };
    written.serve(&mut log, true);
    look(&log);
    (log, written)
}

/// What a screen of ten lines shows.
fn look(log: &LogPane) -> Vec<String> {
    let lines = log.visible();
    let last_top = lines.len().saturating_sub(10);
    let top = if log.following { last_top } else { log.top.min(last_top) };
    log.seen.set((top, 10));
    lines[top..].iter().take(10).map(|line| line.text.clone()).collect()
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
        assert_eq!(log.visible()[0].text, format!("line {first}"));
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
    log.take(1_000_000, Ok(LogRead::Skipped { lines: 471_990, is_exact: true, tail: skipped }));
    assert_eq!(look(&log)[9], "line 499999");
    assert_eq!(log.skipped, Some(Skipped { lines: 471_990, is_exact: true }));
    log.step(Step::Lines(-990));
    written.serve(&mut log, false);
    log.step(Step::Lines(-10));
    assert_eq!(look(&log)[0], "line 498990");
}

#[test]
fn a_filter_keeps_or_leaves_out_lines_and_looks_through_no_more_than_can_be_held() {
    let (mut log, mut written) = shown(500_000);
    log.filter = "no line".into();
    written.serve(&mut log, false);
    assert_eq!((log.visible().len(), log.window.len()), (0, LINES_HELD));
    log.filter = "LINE 49999".into();
    assert_eq!(log.visible().len(), 10);
    log.filter = "!line 49999".into();
    assert_eq!(log.visible().len(), LINES_HELD - 10);
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
    log.take(1_000, Err(BackendError::Throttled { message: "slowly".into() }));
    assert_eq!((log.due(), log.error.is_some()), (None, true));
    log.step(Step::Lines(-1));
    assert!(log.due().is_some());
}
