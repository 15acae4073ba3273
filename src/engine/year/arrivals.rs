//! When which jobs come: by hours of the day and days of the week, the same for the same seed.

use super::{DAY, HOST_VCPUS, HOUR, Plan};
use crate::model::Millis;
use std::collections::VecDeque;

/// What is the same of all jobs of a queue.
pub struct Kind {
    pub name: &'static str,
    pub priority: i32,
    pub environments: &'static [&'static str],
    pub is_fair: bool,
    /// Of a hundred jobs.
    percent: u64,
    /// How much comes in each hour of a day from Monday to Friday.
    hours: [u64; 24],
    /// Of that at the weekend, in a hundred.
    weekend: u64,
    /// Submissions are arrays of up to so many.
    largest: u64,
    /// How long its jobs are beside those of other queues.
    length: u64,
}

const ALWAYS: [u64; 24] = [1; 24];
const AT_NIGHT: [u64; 24] = [2, 4, 30, 10, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
const BY_DAY: [u64; 24] = [1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 10, 12, 14, 14, 12, 10, 6, 4, 3, 2, 2, 1];

pub const QUEUES: [Kind; 4] = [
    Kind {
        name: "urgent",
        priority: 100,
        environments: &["on-demand"],
        is_fair: false,
        percent: 5,
        hours: ALWAYS,
        weekend: 60,
        largest: 1,
        length: 1,
    },
    Kind {
        name: "nightly",
        priority: 50,
        environments: &["spot", "on-demand"],
        is_fair: false,
        percent: 25,
        hours: AT_NIGHT,
        weekend: 100,
        largest: 1_000,
        length: 2,
    },
    Kind {
        name: "research",
        priority: 10,
        environments: &["spot", "on-demand"],
        is_fair: true,
        percent: 30,
        hours: BY_DAY,
        weekend: 20,
        largest: 200,
        length: 6,
    },
    Kind {
        name: "bulk",
        priority: 1,
        environments: &["spot"],
        is_fair: false,
        percent: 40,
        hours: ALWAYS,
        weekend: 100,
        largest: 5_000,
        length: 4,
    },
];

/// Who shares `research`; the less the weight, the more they get.
pub const TEAMS: [(&str, f64); 4] = [("climate", 0.5), ("genome", 1.0), ("render", 1.0), ("students", 4.0)];

const SIZES: [u64; 8] = [1, 1, 1, 2, 2, 4, 8, 16];

/// Numbers from a seed (`SplitMix64`).
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// A submission: a job, or an array of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub at: Millis,
    /// A number of [`QUEUES`].
    pub queue: usize,
    /// A number of [`TEAMS`].
    pub team: usize,
    pub size: u64,
    pub vcpus: u64,
    /// How long its jobs run, on average.
    pub seconds: u64,
}

/// All submissions, made an hour at a time.
#[derive(Debug)]
pub struct Arrivals {
    start: Millis,
    hours: u64,
    /// How many have been made.
    hour: u64,
    jobs: [u64; 4],
    /// By queue: what has come, in parts of all its hours.
    weight_so_far: [u64; 4],
    weight: [u64; 4],
    come: [u64; 4],
    /// A job of length 1 is so long.
    unit_seconds: u64,
    made: VecDeque<Arrival>,
    dice: Dice,
}

impl Arrivals {
    pub fn new(plan: &Plan, start: Millis) -> Self {
        let hours = plan.days * 24;
        let mut jobs = QUEUES.each_ref().map(|queue| plan.jobs * queue.percent / 100);
        // What is left over by rounding.
        jobs[3] += plan.jobs - jobs.iter().sum::<u64>();
        let weight = QUEUES.each_ref().map(|queue| (0..hours).map(|hour| weight_of(queue, start, hour)).sum());
        let vcpu_seconds = plan.hosts * HOST_VCPUS * hours * 3_600 * plan.load_percent / 100;
        // What the jobs of each queue would take at a length of one second, in eighths.
        let mean_eighths: u64 = SIZES.iter().sum();
        let lengths: u64 = QUEUES.iter().zip(jobs).map(|(queue, jobs)| jobs * queue.length * mean_eighths).sum();
        let unit_seconds = (vcpu_seconds * 8 / lengths.max(1)).max(1);
        Self {
            start,
            hours,
            hour: 0,
            jobs,
            weight_so_far: [0; 4],
            weight,
            come: [0; 4],
            unit_seconds,
            made: VecDeque::new(),
            dice: Dice(plan.seed ^ 0x5EED),
        }
    }

    /// When the next one comes at the earliest; `None` after the last.
    pub fn next_at(&self) -> Option<Millis> {
        let next_hour = (self.hour < self.hours).then(|| self.hour_at(self.hour));
        self.made.front().map(|arrival| arrival.at).or(next_hour)
    }

    /// The next one that has come until then.
    pub fn until(&mut self, now: Millis) -> Option<Arrival> {
        while self.made.is_empty() && self.hour < self.hours && self.hour_at(self.hour) <= now {
            self.make();
        }
        if self.made.front()?.at <= now { self.made.pop_front() } else { None }
    }

    fn hour_at(&self, hour: u64) -> Millis {
        self.start + Millis::try_from(hour).unwrap_or(0) * HOUR
    }

    /// The submissions of an hour.
    fn make(&mut self) {
        let from = self.hour_at(self.hour);
        let mut made = Vec::new();
        for (number, queue) in QUEUES.iter().enumerate() {
            self.weight_so_far[number] += weight_of(queue, self.start, self.hour);
            let until_now = u128::from(self.jobs[number]) * u128::from(self.weight_so_far[number]);
            let until_now = u64::try_from(until_now / u128::from(self.weight[number].max(1))).unwrap_or(u64::MAX);
            let mut left = until_now - self.come[number];
            self.come[number] = until_now;
            while left > 0 {
                let size = (1 + self.dice.below(queue.largest)).min(left);
                left -= size;
                let at = from + Millis::try_from(self.dice.below(3_600)).unwrap_or(0) * 1_000;
                let vcpus = SIZES[usize::try_from(self.dice.below(SIZES.len() as u64)).unwrap_or(0)];
                let team = usize::try_from(self.dice.below(TEAMS.len() as u64)).unwrap_or(0);
                let seconds = self.unit_seconds * queue.length;
                made.push(Arrival { at, queue: number, team, size, vcpus, seconds });
            }
        }
        made.sort_by_key(|arrival| arrival.at);
        self.made.extend(made);
        self.hour += 1;
    }
}

fn weight_of(queue: &Kind, start: Millis, hour: u64) -> u64 {
    let at = start + Millis::try_from(hour).unwrap_or(0) * HOUR;
    // The epoch began on a Thursday.
    let is_weekend = matches!((at.div_euclid(DAY) + 4).rem_euclid(7), 0 | 6);
    let hour = usize::try_from(at.rem_euclid(DAY) / HOUR).unwrap_or(0);
    queue.hours[hour] * if is_weekend { queue.weekend } else { 100 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_jobs_come_as_were_planned_in_order_and_more_where_more_are_to_come() {
        let plan = Plan { hosts: 10, jobs: 10_007, days: 14, ..Plan::default() };
        let start = super::super::START;
        let mut arrivals = Arrivals::new(&plan, start);
        let mut all = Vec::new();
        while let Some(at) = arrivals.next_at() {
            let before = all.len();
            while let Some(arrival) = arrivals.until(at) {
                all.push(arrival);
            }
            assert!(all.len() > before || arrivals.next_at().is_none_or(|next| next > at), "it goes on");
        }
        assert_eq!(all.iter().map(|arrival| arrival.size).sum::<u64>(), 10_007);
        assert!(all.is_sorted_by_key(|arrival| arrival.at));
        let at_two = |arrival: &&Arrival| (arrival.at - start).rem_euclid(DAY) / HOUR == 2;
        let jobs = |of: Vec<&Arrival>| of.iter().map(|arrival| arrival.size).sum::<u64>();
        let nightly = || all.iter().filter(|arrival| QUEUES[arrival.queue].name == "nightly");
        assert!(jobs(nightly().filter(at_two).collect()) > jobs(nightly().collect()) / 2);
        let asked: u64 = all.iter().map(|arrival| arrival.size * arrival.vcpus * arrival.seconds).sum();
        let fleet = plan.hosts * HOST_VCPUS * plan.days * 86_400;
        assert!((fleet / 2..fleet * 7 / 10).contains(&asked), "{asked} of {fleet}");
    }
}
