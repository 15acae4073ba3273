//! Would a definition's runs fit AWS Lambda? (AWS Lambda quotas, 2026-07: function timeout, memory, ephemeral storage,
//! container image, environment variables.)

use super::fit::Asked;
use super::shape::Shape;
use crate::model::{HOST_IMAGE, ObservedRuns, Prices, Purchase, Usd};
use serde::Serialize;

const LONGEST_SECONDS: u64 = 900;
const MOST_MEMORY: u64 = 10_240;
const LEAST_MEMORY: u64 = 128;
/// A function has about six processors at its largest memory.
const MOST_CPU: u64 = 600;
/// A function has a processor for so many MiB.
const MEMORY_OF_A_CPU: u64 = 1_769;
const MOST_DISK_GIB: u64 = 10;
const MOST_IMAGE: &str = "10 GB";
const MOST_ENVIRONMENT: usize = 4_096;
/// A function gets a fifth above the highest peak.
const MARGIN: u64 = 120;

/// What came of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Fits,
    /// It fits, with little to spare.
    Close,
    /// Nothing was measured that tells.
    Unknown,
    No,
}

/// One limit with the definition's own number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub what: &'static str,
    pub verdict: Verdict,
    pub has: String,
    pub limit: String,
}

/// The limits one by one, and the worst of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lambda {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    /// What a function would be given, where it fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// An estimate of what a run of middle length would cost there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_run: Option<Usd>,
    /// An estimate of the same run as a Fargate task of the size that is asked for, with its minimum of a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fargate_usd_per_run: Option<Usd>,
}

pub fn judge(shape: &Shape, runs: &ObservedRuns, prices: &Prices) -> Lambda {
    let asked = shape.asked;
    let mut checks = vec![time(runs), memory(asked, runs), processors(asked, runs)];
    checks.push(plain("gpu", asked.gpus == 0, asked.gpus.to_string(), "none"));
    checks.push(plain("nodes", shape.nodes <= 1, shape.nodes.to_string(), "1"));
    checks.push(plain("containers", shape.images.len() <= 1, shape.images.len().to_string(), "1"));
    let bytes = shape.environment_bytes;
    let environment = plain("environment", bytes <= MOST_ENVIRONMENT, format!("{bytes} bytes"), "4 KB");
    checks.extend([disk(shape), image(shape), environment]);
    let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Unknown);
    let memory_mib = (verdict != Verdict::No).then(|| function_memory(asked, runs));
    let middle = runs.duration.map(|duration| duration.p50);
    Lambda {
        verdict,
        checks,
        memory_mib,
        usd_per_run: memory_mib.zip(middle).map(|(mib, millis)| lambda_cost(mib, millis)),
        fargate_usd_per_run: middle.and_then(|millis| fargate_cost(asked, millis, prices)),
    }
}

fn plain(what: &'static str, fits: bool, has: String, limit: &str) -> Check {
    Check { what, verdict: if fits { Verdict::Fits } else { Verdict::No }, has, limit: limit.to_owned() }
}

/// Above four fifths of a limit there is little to spare.
fn against(value: u64, limit: u64) -> Verdict {
    match value {
        _ if value > limit => Verdict::No,
        _ if value * 5 > limit * 4 => Verdict::Close,
        _ => Verdict::Fits,
    }
}

fn time(runs: &ObservedRuns) -> Check {
    let limit = format!("{LONGEST_SECONDS} s");
    let Some(duration) = runs.duration else {
        return Check { what: "time", verdict: Verdict::Unknown, has: "no run has succeeded yet".to_owned(), limit };
    };
    let seconds = |millis: u64| millis.div_ceil(1_000);
    let has = format!(
        "at most {} s, 19 of 20 within {} s ({} runs)",
        seconds(duration.max),
        seconds(duration.p95),
        runs.succeeded
    );
    Check { what: "time", verdict: against(seconds(duration.max), LONGEST_SECONDS), has, limit }
}

fn memory(asked: Asked, runs: &ObservedRuns) -> Check {
    let limit = format!("{MOST_MEMORY} MB");
    let (value, has) = match runs.peak_memory {
        Some(peak) => (peak.max, format!("at most {} MiB ({} measured runs)", peak.max, runs.measured)),
        None => (asked.memory_mib, format!("asks for {} MiB; no run was measured", asked.memory_mib)),
    };
    Check { what: "memory", verdict: against(value, MOST_MEMORY), has, limit }
}

fn processors(asked: Asked, runs: &ObservedRuns) -> Check {
    let limit = "about 6, with 10,240 MB".to_owned();
    let (value, has) = match runs.cpu {
        Some(cpu) => (cpu.p95, format!("{} busy on average in 19 of 20 runs", hundredths(cpu.p95))),
        None => (asked.cpu, format!("asks for {}; no run was measured", hundredths(asked.cpu))),
    };
    Check { what: "vcpu", verdict: against(value, MOST_CPU), has, limit }
}

fn hundredths(cpu: u64) -> String {
    format!("{}.{:02} vCPU", cpu / 100, cpu % 100)
}

fn disk(shape: &Shape) -> Check {
    let limit = format!("{MOST_DISK_GIB} GB in /tmp");
    match shape.disk_gib {
        Some(gib) => {
            Check { what: "disk", verdict: against(gib, MOST_DISK_GIB), has: format!("asks for {gib} GiB"), limit }
        }
        None => Check { what: "disk", verdict: Verdict::Unknown, has: "not measured".to_owned(), limit },
    }
}

fn image(shape: &Shape) -> Check {
    let has = if shape.images.iter().any(|image| image == HOST_IMAGE) {
        "a process of this machine: it needs an image or a zip of its own".to_owned()
    } else {
        format!("{}, of unknown size", shape.images.join(", "))
    };
    Check { what: "image", verdict: Verdict::Unknown, has, limit: MOST_IMAGE.to_owned() }
}

/// A fifth above the highest peak, and enough for the processors that most runs keep busy.
fn function_memory(asked: Asked, runs: &ObservedRuns) -> u64 {
    let by_memory = runs.peak_memory.map_or(asked.memory_mib, |peak| peak.max * MARGIN / 100);
    let by_cpu = runs.cpu.map_or(asked.cpu, |cpu| cpu.p95) * MEMORY_OF_A_CPU / 100;
    by_memory.max(by_cpu).clamp(LEAST_MEMORY, MOST_MEMORY)
}

/// 16.6667 USD for a million GB-seconds and 0.20 for a million requests (AWS's list for x86 in us-east-1).
fn lambda_cost(memory_mib: u64, millis: u64) -> Usd {
    let gb_millis = u128::from(memory_mib) * u128::from(millis);
    Usd::from_nanos(16_666_700_000).times(gb_millis, 1_024 * 1_000 * 1_000_000) + Usd::from_nanos(200)
}

fn fargate_cost(asked: Asked, millis: u64, prices: &Prices) -> Option<Usd> {
    let rates = prices.fargate(crate::model::Architecture::X86, Purchase::OnDemand)?.per_hour;
    let millis = u128::from(millis.max(60_000));
    let hour = 3_600_000;
    let cpu = rates.vcpu_hour.times(u128::from(asked.cpu) * millis, 100 * hour);
    Some(cpu + rates.gb_hour.times(u128::from(asked.memory_mib) * millis, 1_024 * hour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Spread;

    const ASKED: Asked = Asked { cpu: 100, memory_mib: 2_048, gpus: 0 };

    fn shape() -> Shape {
        Shape { asked: ASKED, nodes: 1, images: vec!["resize:3".to_owned()], ..Shape::default() }
    }

    fn runs(seconds: u64, peak: u64) -> ObservedRuns {
        let spread = |max: u64| Some(Spread { p50: max / 2, p95: max, max });
        ObservedRuns {
            succeeded: 20,
            measured: 20,
            duration: spread(seconds * 1_000),
            peak_memory: spread(peak),
            cpu: spread(80),
            ..ObservedRuns::default()
        }
    }

    fn judged(shape: &Shape, runs: &ObservedRuns) -> Lambda {
        judge(shape, runs, &Prices::default())
    }

    #[test]
    fn short_small_runs_fit_as_far_as_anything_is_known() {
        let lambda = judged(&shape(), &runs(120, 600));
        assert_eq!((lambda.verdict, lambda.memory_mib), (Verdict::Unknown, Some(1_415)));
        // 60 s of 1,415 MiB: 82.9 GB-seconds.
        assert!((1_380_000..1_385_000).contains(&lambda.usd_per_run.expect("it ran").nanos()), "{lambda:?}");
        // A minute of a vCPU and 2 GB.
        assert_eq!(lambda.fargate_usd_per_run, Some(Usd::from_nanos(822_834)));
    }

    #[test]
    fn every_limit_is_held_against_its_number() {
        let cases = [
            (shape(), runs(1_000, 600), "time", Verdict::No),
            (shape(), runs(800, 600), "time", Verdict::Close),
            (shape(), ObservedRuns::default(), "time", Verdict::Unknown),
            (shape(), runs(9, 12_000), "memory", Verdict::No),
            (
                shape(),
                ObservedRuns { cpu: Some(Spread { p50: 1, p95: 700, max: 900 }), ..runs(9, 9) },
                "vcpu",
                Verdict::No,
            ),
            (Shape { asked: Asked { gpus: 1, ..ASKED }, ..shape() }, runs(9, 9), "gpu", Verdict::No),
            (Shape { nodes: 2, ..shape() }, runs(9, 9), "nodes", Verdict::No),
            (Shape { images: vec!["a".to_owned(), "b".to_owned()], ..shape() }, runs(9, 9), "containers", Verdict::No),
            (Shape { disk_gib: Some(21), ..shape() }, runs(9, 9), "disk", Verdict::No),
            (Shape { environment_bytes: 4_200, ..shape() }, runs(9, 9), "environment", Verdict::No),
        ];
        for (shape, runs, what, expected) in cases {
            let lambda = judged(&shape, &runs);
            for check in &lambda.checks {
                let unknown = ["disk", "image"].contains(&check.what);
                let usual = if unknown { Verdict::Unknown } else { Verdict::Fits };
                assert_eq!(check.verdict, if check.what == what { expected } else { usual }, "{what}: {check:?}");
            }
            assert_eq!(lambda.verdict, expected.max(Verdict::Unknown));
            assert_eq!(lambda.memory_mib.is_none(), expected == Verdict::No, "{what}");
        }
    }
}
