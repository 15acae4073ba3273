//! Would a definition's runs fit AWS Lambda? (AWS Lambda quotas, 2026-07: function timeout, memory, ephemeral storage,
//! container image, environment variables.)

use super::fit::Asked;
use crate::model::{HOST_IMAGE, JobDefinition, ObservedRuns, Prices, Purchase, Usd};
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

pub fn judge(definition: &JobDefinition, asked: Asked, runs: &ObservedRuns, prices: &Prices) -> Lambda {
    let mut checks = vec![time(runs), memory(asked, runs), processors(asked, runs)];
    checks.push(plain("gpu", asked.gpus == 0, asked.gpus.to_string(), "none"));
    let nodes = definition.kind == "multinode";
    checks.push(plain("nodes", !nodes, if nodes { "several".into() } else { "1".into() }, "1"));
    checks.extend([disk(definition), image(definition), environment(definition)]);
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

fn disk(definition: &JobDefinition) -> Check {
    let container = definition.container_properties.as_ref();
    let asked = container.and_then(|found| u64::try_from(found.ephemeral_storage.as_ref()?.size_in_gib).ok());
    let limit = format!("{MOST_DISK_GIB} GB in /tmp");
    match asked {
        Some(gib) => {
            Check { what: "disk", verdict: against(gib, MOST_DISK_GIB), has: format!("asks for {gib} GiB"), limit }
        }
        None => Check { what: "disk", verdict: Verdict::Unknown, has: "not measured".to_owned(), limit },
    }
}

fn image(definition: &JobDefinition) -> Check {
    let image = definition.container_properties.as_ref().map_or("", |found| found.image.as_str());
    let has = if image == HOST_IMAGE {
        "a process of this machine: it needs an image or a zip of its own".to_owned()
    } else {
        format!("{image}, of unknown size")
    };
    Check { what: "image", verdict: Verdict::Unknown, has, limit: MOST_IMAGE.to_owned() }
}

fn environment(definition: &JobDefinition) -> Check {
    let pairs = definition.container_properties.iter().flat_map(|found| &found.environment);
    let bytes: usize = pairs.map(|pair| pair.name.len() + pair.value.len()).sum();
    plain("environment", bytes <= MOST_ENVIRONMENT, format!("{bytes} bytes"), "4 KB")
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
    use crate::model::{ContainerProperties, EphemeralStorage, KeyValuePair, Spread};

    fn definition(image: &str) -> JobDefinition {
        let container = ContainerProperties { image: image.to_owned(), ..ContainerProperties::default() };
        JobDefinition { kind: "container".into(), container_properties: Some(container), ..JobDefinition::default() }
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

    const ASKED: Asked = Asked { cpu: 100, memory_mib: 2_048, gpus: 0 };

    fn verdicts(lambda: &Lambda) -> Vec<(&'static str, Verdict)> {
        lambda
            .checks
            .iter()
            .map(|check| (check.what, check.verdict))
            .filter(|(_, verdict)| *verdict != Verdict::Fits)
            .collect()
    }

    #[test]
    fn short_small_runs_fit_as_far_as_anything_is_known() {
        let mut definition = definition("resize:3");
        let lambda = judge(&definition, ASKED, &runs(120, 600), &Prices::default());
        assert_eq!(verdicts(&lambda), [("disk", Verdict::Unknown), ("image", Verdict::Unknown)]);
        assert_eq!(lambda.memory_mib, Some(1_415));
        // 60 s of 1,415 MiB: 82.9 GB-seconds.
        assert!((1_380_000..1_385_000).contains(&lambda.usd_per_run.expect("it ran").nanos()), "{lambda:?}");
        let container = definition.container_properties.as_mut().expect("a container");
        container.ephemeral_storage = Some(EphemeralStorage { size_in_gib: 21 });
        let lambda = judge(&definition, ASKED, &runs(120, 600), &Prices::default());
        assert_eq!((lambda.verdict, lambda.memory_mib), (Verdict::No, None));
    }

    #[test]
    fn every_limit_is_held_against_its_number() {
        let image = ("image", Verdict::Unknown);
        let disk = ("disk", Verdict::Unknown);
        let mut large = definition("x");
        let value = "v".repeat(4_200);
        large
            .container_properties
            .as_mut()
            .expect("a container")
            .environment
            .push(KeyValuePair { name: "N".into(), value });
        let mut nodes = definition("x");
        nodes.kind = "multinode".into();
        let cases = [
            (definition("x"), runs(1_000, 600), vec![("time", Verdict::No), disk, image]),
            (definition("x"), runs(800, 600), vec![("time", Verdict::Close), disk, image]),
            (definition("x"), runs(9, 12_000), vec![("memory", Verdict::No), disk, image]),
            (large, runs(9, 9), vec![disk, image, ("environment", Verdict::No)]),
            (nodes, runs(9, 9), vec![("nodes", Verdict::No), disk, image]),
            (definition("x"), ObservedRuns::default(), vec![("time", Verdict::Unknown), disk, image]),
        ];
        for (definition, runs, expected) in cases {
            let lambda = judge(&definition, ASKED, &runs, &Prices::default());
            assert_eq!(verdicts(&lambda), expected);
            assert_eq!(Some(lambda.verdict), expected.iter().map(|(_, verdict)| *verdict).max());
        }
        let gpu = judge(&definition("x"), Asked { gpus: 1, ..ASKED }, &runs(9, 9), &Prices::default());
        assert_eq!(gpu.verdict, Verdict::No);
    }
}
