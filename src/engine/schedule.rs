//! When schedules fire (`EventBridge` Scheduler user guide, "Schedule types", "Flexible time windows").

use super::state::{Scheduled, schedule_key};
use crate::model::{Millis, Schedule, Switch};
use std::collections::BTreeSet;

/// How far back one looks for the last of many missed times; a wider window is tried where a narrow one holds none.
const LOOK_BACK: [Millis; 4] = [3_600_000, 2 * 86_400_000, 40 * 86_400_000, 400 * 86_400_000];

/// The first time after `after` that an ENABLED schedule names.
pub fn next_run(schedule: &Schedule, after: Millis) -> Option<Millis> {
    (schedule.state == Switch::Enabled).then(|| schedule.next_time(after)).flatten()
}

/// When a firing for this time comes: within the flexible window, always the same for one schedule and time, spread
/// evenly among schedules and times.
pub fn planned(schedule: &Schedule, time: Millis) -> Millis {
    let window = schedule.flexible_time_window.length();
    if window == 0 {
        return time;
    }
    let key = schedule_key(&schedule.group_name, &schedule.name);
    // FNV-1a, and the finish of SplitMix64.
    let bytes = key.bytes().chain(time.to_le_bytes());
    let mut mixed = bytes
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let offset = mixed % window.unsigned_abs();
    time + Millis::try_from(offset - offset % 1000).unwrap_or(0)
}

/// Of the times from `first` on, `first` being one itself, the one that is due. Times whose window has passed were
/// missed: of many the last one counts.
pub fn due_time(schedule: &Schedule, first: Millis, now: Millis) -> Millis {
    let until = now - schedule.flexible_time_window.length();
    if next_run(schedule, first).is_none_or(|second| second > until) {
        return first;
    }
    for window in LOOK_BACK {
        let mut last = None;
        let mut from = first.max(until - window);
        while let Some(next) = next_run(schedule, from).filter(|next| *next <= until) {
            last = Some(next);
            from = next;
        }
        if let Some(last) = last {
            return last;
        }
    }
    first
}

/// The next time of a schedule as it is after a clock was set back: what has run under the clock that was ahead does not
/// run again.
pub fn next_again(scheduled: &Scheduled, now: Millis) -> Option<Millis> {
    let ran: BTreeSet<Millis> = scheduled.runs.iter().map(|run| run.scheduled_time).collect();
    let mut next = next_run(&scheduled.schedule, now);
    while let Some(time) = next.filter(|time| ran.contains(time)) {
        next = next_run(&scheduled.schedule, time);
    }
    next
}
