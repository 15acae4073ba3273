//! The wall clock, kept from going backwards.

use crate::model::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the system's clock says now.
pub(super) fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Reads the clock for the engine: never earlier than it said before.
#[derive(Debug)]
pub(super) struct Clock {
    last: Millis,
}

impl Clock {
    pub(super) fn not_before(last: Millis) -> Self {
        Self { last }
    }

    pub(super) fn read(&mut self) -> Millis {
        self.last = self.last.max(wall());
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_rather_than_going_back() {
        let future = wall() + 60_000;
        assert_eq!(Clock::not_before(future).read(), future);
        assert!(Clock::not_before(0).read() >= future - 60_000);
    }
}
