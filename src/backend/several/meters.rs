//! What the calls of several contexts cost together.

use super::{Several, tag};
use crate::backend::{Meter, ReadAt};

impl Several {
    /// All calls together; what was read longest ago says how old the ground is.
    pub(super) fn meters(&self) -> Option<Meter> {
        let mut all = Meter::default();
        let mut is_counted = false;
        for (_, part) in self.enumerated() {
            let Some(meter) = part.backend.meter() else { continue };
            let older = |a: Option<_>, b: Option<_>| if is_counted { a.min(b) } else { b };
            let jobs = meter.read_at.jobs.into_iter().map(|(queue, at)| (tag::tag(&queue, &part.context), at));
            all = Meter {
                per_second: all.per_second + meter.per_second,
                allowed: all.allowed + meter.allowed,
                waiting: all.waiting + meter.waiting,
                throttled: all.throttled + meter.throttled,
                closed_for: all.closed_for.max(meter.closed_for),
                unanswered: all.unanswered.max(meter.unanswered),
                clock_behind: if all.clock_behind == 0 { meter.clock_behind } else { all.clock_behind },
                read_at: ReadAt {
                    ground: older(all.read_at.ground, meter.read_at.ground),
                    jobs: all.read_at.jobs.into_iter().chain(jobs).collect(),
                    schedules: older(all.read_at.schedules, meter.read_at.schedules),
                },
            };
            is_counted = true;
        }
        is_counted.then_some(all)
    }
}
