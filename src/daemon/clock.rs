//! The wall clock, kept from trembling.

use crate::model::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock stands still while the wall goes back by no more than this: time is corrected in such steps. What goes back
/// further was set.
const STILL: Millis = 60_000;

/// What the system's clock says now.
pub(super) fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Reads the clock for the engine: never earlier than it said before, unless it was set back.
#[derive(Debug)]
pub(super) struct Clock {
    last: Millis,
}

/// What the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub now: Millis,
    /// It was set back since it was last read: what it said then.
    pub set_back_from: Option<Millis>,
}

impl Clock {
    /// A clock that has said this before.
    pub(super) fn not_before(last: Millis) -> Self {
        Self { last }
    }

    pub(super) fn read(&mut self) -> Reading {
        self.read_at(wall())
    }

    fn read_at(&mut self, wall: Millis) -> Reading {
        let set_back_from = (wall + STILL < self.last).then_some(self.last);
        self.last = if set_back_from.is_some() { wall } else { self.last.max(wall) };
        Reading { now: self.last, set_back_from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_where_it_is_corrected_and_follows_where_it_is_set_back() {
        let mut clock = Clock::not_before(1_000_000);
        let cases = [
            (1_000_500, 1_000_500, None),
            (1_000_400, 1_000_500, None),
            (940_500, 1_000_500, None),
            (940_499, 940_499, Some(1_000_500)),
            (940_600, 940_600, None),
            (9_000_000, 9_000_000, None),
            (950_000, 950_000, Some(9_000_000)),
        ];
        for (wall, now, set_back_from) in cases {
            assert_eq!(clock.read_at(wall), Reading { now, set_back_from }, "at {wall}");
        }
    }

    #[test]
    fn a_clock_is_read_from_the_wall() {
        let before = wall();
        assert!(Clock::not_before(0).read().now >= before);
    }
}
