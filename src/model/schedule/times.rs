//! When a schedule fires, within its start and its end.
//!
//! Source: EventBridge Scheduler user guide, "Schedule types"; API reference, `CreateSchedule` (`StartDate`, `EndDate`).

use super::Schedule;
use crate::model::Millis;
use crate::model::expression::Expression;

impl Schedule {
    /// The first time after `after` that its expression names within its start and end, whatever its state. A start and
    /// an end do not concern `at`.
    pub fn next_time(&self, after: Millis) -> Option<Millis> {
        let expression = Expression::parse(&self.schedule_expression, &self.schedule_expression_timezone).ok()?;
        self.next_of(&expression, after)
    }

    /// The same of its expression that was read already.
    pub fn next_of(&self, expression: &Expression, after: Millis) -> Option<Millis> {
        // A clock that was ahead may have dated it.
        let created = self.creation_date.map_or(after, epoch_millis).min(after);
        if self.is_once() {
            return expression.next(after, created);
        }
        let start = self.start_date.map(epoch_millis);
        let from = start.map_or(after, |start| after.max(start - 1));
        let next = expression.next(from, start.unwrap_or(created))?;
        self.end_date.is_none_or(|end| next <= epoch_millis(end)).then_some(next)
    }

    /// The next `count` times; fewer where it ends.
    pub fn times_of(&self, expression: &Expression, after: Millis, count: usize) -> Vec<Millis> {
        std::iter::successors(self.next_of(expression, after), |last| self.next_of(expression, *last))
            .take(count)
            .collect()
    }

    /// Whether the expression is an `at`.
    pub fn is_once(&self) -> bool {
        self.schedule_expression.trim_start().starts_with("at")
    }
}

/// Epoch seconds, as EventBridge Scheduler writes times, in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "epoch milliseconds fit")]
pub fn epoch_millis(seconds: f64) -> Millis {
    (seconds * 1000.0).round() as Millis
}
