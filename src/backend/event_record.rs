//! What happened, as far as it is held: in order and numbered, for who asks again with the number that was told last. Pure.

use crate::model::{EventLine, Millis};
use serde_json::Value;
use std::collections::VecDeque;

/// Events that are held.
pub const HELD: usize = 2_000;

/// Events, oldest first.
#[derive(Debug)]
pub struct EventRecord {
    /// What has been noted since somebody asked: it is put in order then.
    fresh: Vec<(Millis, Value)>,
    lines: VecDeque<EventLine>,
    /// The number of the last line.
    last: u64,
}

impl EventRecord {
    /// Numbers begin at the time, so that those of a process that was before are below all of this one's.
    pub fn begun_at(now: Millis) -> Self {
        let last = u64::try_from(now).unwrap_or_default().saturating_mul(1_000);
        Self { fresh: Vec::new(), lines: VecDeque::new(), last }
    }

    /// Takes note of events that were at these times.
    pub fn note(&mut self, events: impl IntoIterator<Item = (Millis, Value)>) {
        self.fresh.extend(events);
        let too_many = self.fresh.len().saturating_sub(HELD);
        if too_many > 0 {
            self.fresh.sort_by_key(|(at, _)| *at);
            self.fresh.drain(..too_many);
        }
    }

    /// All that is held.
    pub fn events(&self) -> impl Iterator<Item = &Value> {
        let told = self.lines.iter().filter_map(|line| line.event.as_ref());
        told.chain(self.fresh.iter().map(|(_, event)| event))
    }

    /// What came after a line, oldest first. Of what was before all that is held, a line without an event says that there
    /// was more.
    pub fn after(&mut self, cursor: Option<u64>) -> Vec<EventLine> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_by_key(|(at, _)| *at);
        for (_, event) in fresh {
            self.last += 1;
            self.lines.push_back(EventLine { cursor: self.last, event: Some(event) });
        }
        let too_many = self.lines.len().saturating_sub(HELD);
        self.lines.drain(..too_many);
        // One that was never told here says nothing.
        let cursor = cursor.filter(|cursor| *cursor <= self.last);
        let first = self.lines.front().map_or(self.last + 1, |line| line.cursor);
        let is_cut = cursor.is_none_or(|cursor| cursor + 1 < first);
        let cut = is_cut.then_some(EventLine { cursor: first - 1, event: None });
        let later = self.lines.iter().filter(|line| cursor.is_none_or(|cursor| line.cursor > cursor)).cloned();
        cut.into_iter().chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(lines: &[EventLine]) -> Vec<Option<Value>> {
        lines.iter().map(|line| line.event.clone()).collect()
    }

    #[test]
    fn what_is_noted_comes_in_the_order_of_time_and_once() {
        let mut record = EventRecord::begun_at(5);
        record.note([(3, json!("c")), (1, json!("a"))]);
        record.note([(2, json!("b"))]);
        assert_eq!(record.events().count(), 3);
        let lines = record.after(None);
        assert_eq!(told(&lines), [None, Some(json!("a")), Some(json!("b")), Some(json!("c"))]);
        assert_eq!(lines[1].cursor, 5_001);
        record.note([(9, json!("d"))]);
        let cursor = lines.last().map(|line| line.cursor);
        assert_eq!(told(&record.after(cursor)), [Some(json!("d"))]);
        assert!(record.after(Some(5_004)).is_empty());
    }

    #[test]
    fn a_number_of_another_process_is_told_all_and_that_there_was_more() {
        let mut earlier = EventRecord::begun_at(1_000);
        earlier.note((0..5).map(|at| (at, json!(at))));
        let cursor = earlier.after(None).last().map(|line| line.cursor);
        let mut record = EventRecord::begun_at(2_000);
        record.note([(1, json!("a"))]);
        let all = [None, Some(json!("a"))];
        assert_eq!(told(&record.after(cursor)), all);
        assert_eq!(told(&record.after(Some(u64::MAX))), all, "of one whose clock was ahead");
    }

    #[test]
    fn what_is_held_has_a_bound_and_who_comes_late_is_told_that_some_is_missing() {
        let mut record = EventRecord::begun_at(0);
        record.note((0..3_000).map(|at| (at, json!(at))));
        let lines = record.after(None);
        assert_eq!((lines.len(), lines[0].event.is_none()), (HELD + 1, true));
        assert_eq!(lines[1].event, Some(json!(1_000)), "the newest are held");
        record.note([(4_000, json!("new"))]);
        assert!(record.after(lines.first().map(|line| line.cursor))[0].event.is_none(), "one has gone since");
    }
}
