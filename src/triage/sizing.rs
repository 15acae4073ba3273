//! Right-sizing: what was asked against what was used.

use super::fit::Asked;
use crate::model::{ObservedRuns, Spread, UsageOverTime};
use serde::Serialize;

/// So many measured runs before less is suggested.
const ENOUGH: u64 = 5;
/// A run has to be seen so often to say something of its size.
const SEEN: usize = 10;
/// A fifth above the highest peak.
const MEMORY_MARGIN: u64 = 120;
/// A quarter above what most runs average: an average hides its peaks.
const CPU_MARGIN: u64 = 125;
/// Less is suggested where it saves a quarter.
const WORTH: u64 = 75;
/// What AWS Batch takes at least: 4 MiB on EC2; a quarter of a vCPU is the smallest Fargate size.
const LEAST_MEMORY: u64 = 64;
const LEAST_CPU: u64 = 25;

/// What to do with a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Not enough is known.
    Wait,
    Keep,
    Lower,
    Raise,
}

/// One size: memory in MiB, or processors in hundredths of a vCPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sizing {
    pub asked: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_p95: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_max: Option<u64>,
    pub advice: Advice,
    /// What to ask for instead, where the advice is to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested: Option<u64>,
    pub reason: String,
    /// How many measured runs it rests on.
    pub runs: u64,
}

/// What one run would have had room in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneRun {
    pub cpu: Sizing,
    pub memory: Sizing,
}

/// Weighs one run by its samples, as all runs of a definition are weighed by their peaks; `None` where it was not seen
/// often enough.
pub fn of_one_run(asked: Asked, told: &UsageOverTime) -> Option<OneRun> {
    if told.samples.len() < SEEN {
        return None;
    }
    let spread = |of: &dyn Fn(usize) -> f64| {
        let mut values: Vec<u64> = (0..told.samples.len()).map(|at| whole(of(at))).collect();
        values.sort_unstable();
        let at = |hundredths: usize| values[(values.len() * hundredths / 100).min(values.len() - 1)];
        Spread { p50: at(50), p95: at(95), max: at(100) }
    };
    let runs = ObservedRuns {
        succeeded: 1,
        // Its samples stand for runs.
        measured: ENOUGH,
        peak_memory: Some(spread(&|at| told.samples[at].memory_mib)),
        cpu: Some(spread(&|at| told.samples[at].cpu * 100.0)),
        ..ObservedRuns::default()
    };
    let told = |sizing: Sizing| Sizing { runs: 1, reason: "by one run alone".to_owned(), ..sizing };
    Some(OneRun { cpu: told(cpu(asked, &runs)), memory: told(memory(asked, &runs)) })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small and not below 0")]
fn whole(value: f64) -> u64 {
    value.max(0.0).ceil() as u64
}

pub fn memory(asked: Asked, runs: &ObservedRuns) -> Sizing {
    let peak = runs.peak_memory;
    let mut sizing = Sizing {
        asked: asked.memory_mib,
        used_p95: peak.map(|peak| peak.p95),
        used_max: peak.map(|peak| peak.max),
        advice: Advice::Wait,
        suggested: None,
        reason: String::new(),
        runs: runs.measured,
    };
    let needed = |used: u64| round_memory(used * MEMORY_MARGIN / 100);
    if runs.out_of_memory > 0 {
        let tries = runs.succeeded + runs.failed;
        sizing.advice = Advice::Raise;
        let more = round_memory(asked.memory_mib * 3 / 2);
        sizing.suggested = Some(peak.map_or(more, |peak| needed(peak.max).max(more)));
        sizing.reason =
            format!("{} of {tries} runs were killed for their memory; half as much again", runs.out_of_memory);
        return sizing;
    }
    let Some(peak) = peak else {
        "no run was measured yet".clone_into(&mut sizing.reason);
        return sizing;
    };
    let needed = needed(peak.max);
    if needed > asked.memory_mib && peak.max * 100 > asked.memory_mib * 95 {
        sizing.advice = Advice::Raise;
        sizing.suggested = Some(needed);
        sizing.reason = format!(
            "the highest peak takes {} % of it; a fifth more than the peak",
            percent(peak.max, asked.memory_mib)
        );
    } else if runs.measured < ENOUGH {
        sizing.reason = too_few(runs.measured);
    } else if needed * 100 <= asked.memory_mib * WORTH {
        sizing.advice = Advice::Lower;
        sizing.suggested = Some(needed);
        sizing.reason = format!(
            "the highest peak takes {} % of it; a fifth more than the peak",
            percent(peak.max, asked.memory_mib)
        );
    } else {
        sizing.advice = Advice::Keep;
        sizing.reason = format!("the highest peak takes {} % of it", percent(peak.max, asked.memory_mib));
    }
    sizing
}

pub fn cpu(asked: Asked, runs: &ObservedRuns) -> Sizing {
    let used = runs.cpu;
    let mut sizing = Sizing {
        asked: asked.cpu,
        used_p95: used.map(|used| used.p95),
        used_max: used.map(|used| used.max),
        advice: Advice::Wait,
        suggested: None,
        reason: String::new(),
        runs: runs.measured,
    };
    let Some(used) = used else {
        "no run of a second or more was measured yet".clone_into(&mut sizing.reason);
        return sizing;
    };
    let needed = (used.p95 * CPU_MARGIN / 100).max(LEAST_CPU);
    // Quarters below one vCPU, and whole ones above.
    let needed = if needed <= 100 { needed.next_multiple_of(25) } else { needed.next_multiple_of(100) };
    let share = percent(used.p95, asked.cpu);
    if runs.measured < ENOUGH {
        sizing.reason = too_few(runs.measured);
    } else if needed * 100 <= asked.cpu * WORTH {
        sizing.advice = Advice::Lower;
        sizing.suggested = Some(needed);
        sizing.reason = format!("19 of 20 runs keep at most {share} % of it busy on average");
    } else if used.p95 * 100 >= asked.cpu * 95 {
        sizing.advice = Advice::Keep;
        sizing.reason = format!("runs keep {share} % of it busy: with more they may be faster");
    } else {
        sizing.advice = Advice::Keep;
        sizing.reason = format!("19 of 20 runs keep at most {share} % of it busy on average");
    }
    sizing
}

fn too_few(runs: u64) -> String {
    let measured = if runs == 1 { "1 run was".to_owned() } else { format!("{runs} runs were") };
    format!("{measured} measured; {ENOUGH} are needed to suggest less")
}

fn percent(part: u64, whole: u64) -> u64 {
    (part * 100).checked_div(whole).unwrap_or(0)
}

/// Up to a step that people write: 64 MiB below 1 GiB, 256 MiB above.
fn round_memory(mib: u64) -> u64 {
    if mib <= 1_024 { mib.max(LEAST_MEMORY).next_multiple_of(64) } else { mib.next_multiple_of(256) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Spread;

    fn runs(measured: u64, peak: u64, cpu: u64) -> ObservedRuns {
        let spread = |max: u64| Some(Spread { p50: max / 2, p95: max, max });
        ObservedRuns {
            succeeded: measured,
            measured,
            peak_memory: spread(peak),
            cpu: spread(cpu),
            ..Default::default()
        }
    }

    const ASKED: Asked = Asked { cpu: 200, memory_mib: 2_048, gpus: 0 };

    #[test]
    fn memory_follows_the_highest_peak_with_a_margin() {
        let cases = [
            (runs(20, 300, 0), Advice::Lower, Some(384)),
            (runs(20, 1_500, 0), Advice::Keep, None),
            (runs(4, 300, 0), Advice::Wait, None),
            (runs(4, 2_040, 0), Advice::Raise, Some(2_560)),
            (ObservedRuns::default(), Advice::Wait, None),
            (ObservedRuns { failed: 1, out_of_memory: 1, ..ObservedRuns::default() }, Advice::Raise, Some(3_072)),
            (ObservedRuns { failed: 1, out_of_memory: 1, ..runs(9, 2_900, 0) }, Advice::Raise, Some(3_584)),
        ];
        for (runs, advice, suggested) in cases {
            let sizing = memory(ASKED, &runs);
            assert_eq!((sizing.advice, sizing.suggested), (advice, suggested), "{sizing:?}");
            assert!(!sizing.reason.is_empty());
        }
    }

    #[test]
    fn processors_follow_what_most_runs_keep_busy() {
        let cases = [
            (runs(20, 0, 30), Advice::Lower, Some(50)),
            (runs(20, 0, 5), Advice::Lower, Some(25)),
            (runs(20, 0, 150), Advice::Keep, None),
            (runs(20, 0, 199), Advice::Keep, None),
            (runs(2, 0, 30), Advice::Wait, None),
        ];
        for (runs, advice, suggested) in cases {
            let sizing = cpu(ASKED, &runs);
            assert_eq!((sizing.advice, sizing.suggested), (advice, suggested), "{sizing:?}");
        }
        assert!(cpu(ASKED, &runs(20, 0, 199)).reason.contains("faster"));
    }
}
