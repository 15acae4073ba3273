//! *Ours*: what a job has used over time.

use super::{JobDetail, Millis};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Samples of one attempt, in the order of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageOverTime {
    pub samples: Vec<UsageSample>,
    /// Where they come from, for a person.
    pub source: String,
    /// Why there are none, where there are none, for a person.
    pub nothing: String,
    /// There are more than were read: the last ones are missing.
    pub is_cut: bool,
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UsageSample {
    pub at: Millis,
    /// Cores in use.
    pub cpu: f64,
    pub memory_mib: f64,
}

/// What an attempt had used up to a moment. An agent writes one a line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counted {
    pub at: Millis,
    /// In all since it started.
    pub cpu_seconds: f64,
    /// At most since the moment before.
    pub memory_mib: f64,
}

impl Counted {
    /// What lines say; what is no whole line says nothing.
    pub fn read(text: &str) -> Vec<Self> {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(Self::of_line).collect()
    }

    fn of_line(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let (at, cpu, memory) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { at: at.parse().ok()?, cpu_seconds: cpu.parse().ok()?, memory_mib: memory.parse().ok()? })
    }

    /// What was in use between each moment and the one before it; the first one is the start.
    pub fn samples(counted: &[Self]) -> Vec<UsageSample> {
        let between = |pair: &[Self]| {
            let [before, now] = pair else { return None };
            let took = u32::try_from(now.at - before.at).ok().filter(|took| *took > 0)?;
            let cpu = (now.cpu_seconds - before.cpu_seconds).max(0.0) / (f64::from(took) / 1000.0);
            Some(UsageSample { at: now.at, cpu, memory_mib: now.memory_mib })
        };
        counted.windows(2).filter_map(between).collect()
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:.2} {:.1}", self.at, self.cpu_seconds, self.memory_mib)
    }
}

impl JobDetail {
    /// The ECS task of its present attempt, or of its last one.
    pub fn task_arn(&self) -> Option<&str> {
        let live = self.container.as_ref().and_then(|container| container.task_arn.as_deref());
        let of_task = self.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties);
        let of_task = of_task.filter_map(|task| task.task_arn.as_deref()).next_back();
        let of_attempt = self.attempts.iter().rev().find_map(|attempt| {
            let mut tasks = attempt.task_properties.iter().filter_map(|task| task.task_arn.as_deref());
            attempt.container.task_arn.as_deref().or_else(|| tasks.next_back())
        });
        live.or(of_task).or(of_attempt).filter(|arn| !arn.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_half_a_line_or_another_s_is_left_out() {
        let counted = [(1_000, 0.0, 0.0), (3_000, 1.5, 20.5), (5_000, 5.5, 64.0)]
            .map(|(at, cpu_seconds, memory_mib)| Counted { at, cpu_seconds, memory_mib });
        let mut text: String = counted.iter().map(ToString::to_string).collect();
        text.push_str("what is this\n7000 9.0 1");
        let read = Counted::read(&text);
        assert_eq!(read, counted);
        let sample = |at, cpu, memory_mib| UsageSample { at, cpu, memory_mib };
        assert_eq!(Counted::samples(&read), [sample(3_000, 0.75, 20.5), sample(5_000, 2.0, 64.0)]);
        assert_eq!(Counted::samples(&read[..1]), []);
        let back = [counted[2], Counted { cpu_seconds: 9.0, ..counted[2] }, Counted { at: 6_000, ..counted[0] }];
        assert_eq!(Counted::samples(&back), [sample(6_000, 0.0, 0.0)], "no time, and less than before");
    }
}
