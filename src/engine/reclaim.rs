//! What time does to instances: a boot that is over, and Spot interruptions: a notice, two minutes in which nothing new is
//! placed, and the end (EC2 user guide, "Spot Instance interruption notices").

use super::event::Event;
use super::state::Host;
use super::{Engine, Ids};
use crate::model::{Health, InstanceState, Millis};

/// Between the notice and the end.
pub const NOTICE: Millis = 120_000;
/// So many instances in a row that are lost before they register make their environment INVALID.
const FAILURES: u32 = 5;
/// After the second of them nothing is launched for so long, and twice as long after each further one.
const PAUSE: Millis = 10_000;

impl Host {
    /// When time changes something about it next.
    pub(super) fn due(&self) -> Option<Millis> {
        [self.boot_over(), self.interrupted_at, self.reclaim_at].into_iter().flatten().min()
    }

    /// Its agent is there, and it counts as booting until then.
    fn boot_over(&self) -> Option<Millis> {
        self.pid.filter(|_| self.state == InstanceState::Pending).and(self.ready_at)
    }

    /// It has not booted yet, whatever its agent says.
    pub(super) fn boots(&self, now: Millis) -> bool {
        self.ready_at.is_some_and(|ready| now < ready)
    }
}

impl Engine {
    /// Boots that are over, notices, ends that follow them, and environments that try again to launch.
    pub(super) fn pass_of_time(&self, now: Millis) -> Vec<Event> {
        let paused = self.core.environments.iter().filter(|(_, found)| found.paused_until.is_some_and(|at| at <= now));
        let go_on = paused.map(|(name, found)| Event::EnvironmentPaused {
            at: now,
            name: name.clone(),
            failures: found.failures,
            until: None,
        });
        let due = self.index.hosts.due().take_while(|(at, _)| *at <= now);
        let events = due.filter_map(|(_, id)| {
            let (instance, host) = self.core.instances.get_key_value(id)?;
            let instance = instance.clone();
            if host.reclaim_at.is_some_and(|at| at <= now) {
                return Some(Event::InstanceReclaimed { at: now, instance });
            }
            if host.interrupted_at.is_some_and(|at| at <= now) {
                return Some(Event::InstanceInterrupted {
                    at: now,
                    instance,
                    ends_at: now + NOTICE,
                    for_update: false,
                });
            }
            host.pid.map(|pid| Event::InstanceRegistered { at: now, instance, pid })
        });
        events.chain(go_on).collect()
    }

    pub(super) fn next_pass(&self) -> Option<Millis> {
        let paused = self.core.environments.values().filter_map(|found| found.paused_until);
        paused.chain(self.index.hosts.due().next().map(|(at, _)| *at)).min()
    }

    /// What follows from an instance that was lost before its agent registered: the environment waits longer each time,
    /// and is INVALID after a number of them, until somebody changes it or the engine starts anew.
    pub(super) fn failed_to_register(&self, name: &str, cause: &str, now: Millis) -> Vec<Event> {
        let Some(environment) = self.core.environments.get(name).filter(|found| found.status != Health::Deleting)
        else {
            return Vec::new();
        };
        let failures = environment.failures + 1;
        // While it is about to change, it is not judged: the next failure is.
        if failures >= FAILURES && environment.status == Health::Valid {
            let reason = format!(
                "CLIENT_ERROR - {failures} instances in a row ended before they registered, the last one because {cause}. \
                 Mend that, then update or enable the environment, or start the engine anew."
            );
            return vec![
                Event::EnvironmentPaused { at: now, name: name.to_owned(), failures, until: None },
                Event::EnvironmentJudged {
                    at: now,
                    name: name.to_owned(),
                    status: Health::Invalid,
                    reason: Some(reason),
                },
            ];
        }
        // The first may be an accident.
        let wait = if failures < 2 { 0 } else { PAUSE << (failures - 2).min(FAILURES) };
        let until = (wait > 0).then_some(now + wait);
        vec![Event::EnvironmentPaused { at: now, name: name.to_owned(), failures, until }]
    }

    /// What was INVALID because its instances failed is tried again.
    pub(super) fn mended(&self, now: Millis) -> Vec<Event> {
        let failed = self
            .core
            .environments
            .iter()
            .filter(|(_, found)| found.status == Health::Invalid && found.failures >= FAILURES);
        failed
            .map(|(name, _)| Event::EnvironmentJudged {
                at: now,
                name: name.clone(),
                status: Health::Valid,
                reason: None,
            })
            .collect()
    }
}

/// How long a Spot instance lives where so many thousandths of one are interrupted an hour; `None` where none is. Each
/// hour is as dangerous as another, so that lifetimes are spread exponentially.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "chance needs no more than 52 bits, and what lives longer than time is cut"
)]
pub fn lifetime(interruptions_milli: u32, ids: &mut dyn Ids) -> Option<Millis> {
    if interruptions_milli == 0 {
        return None;
    }
    let chance = (spread(&ids.uuid()) >> 12) as f64 / (1_u64 << 52) as f64;
    let hours = -(1.0 - chance).ln() * 1000.0 / f64::from(interruptions_milli);
    Some((hours * 3_600_000.0) as Millis)
}

/// A number from a text, any as likely as another (FNV-1a, and the last steps of `SplitMix64`).
fn spread(text: &str) -> u64 {
    let mixed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::world::Counting;

    #[test]
    fn lifetimes_are_on_average_what_the_rate_says() {
        let mut ids = Counting::default();
        assert_eq!(lifetime(0, &mut ids), None);
        let count = 4_000;
        let sum: Millis = (0..count).filter_map(|_| lifetime(2_000, &mut ids)).sum();
        let minutes = sum / count / 60_000;
        assert!((27..=33).contains(&minutes), "two an hour live half an hour each, not {minutes} minutes");
    }
}
