//! What a definition's runs say of its size, and of AWS Lambda as a place for it.

pub use super::lambda::{Check, Lambda, Verdict};
pub use super::sizing::{Advice, Sizing};

use super::{lambda, sizing};
use crate::model::{JobDefinition, ObservedRuns, Prices, ResourceRequirement};
use serde::Serialize;

/// What a definition asks for, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Hundredths of a vCPU.
    pub cpu: u64,
    pub memory_mib: u64,
    pub gpus: u64,
}

/// All that is told of one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    pub asked: Asked,
    pub runs: ObservedRuns,
    pub memory: Sizing,
    pub cpu: Sizing,
    pub lambda: Lambda,
}

/// Weighs a revision by what its runs have used.
pub fn weigh(definition: &JobDefinition, runs: &ObservedRuns, prices: &Prices) -> Fit {
    let asked = Asked::of(definition);
    Fit {
        asked,
        memory: sizing::memory(asked, runs),
        cpu: sizing::cpu(asked, runs),
        lambda: lambda::judge(definition, asked, runs, prices),
        runs: runs.clone(),
    }
}

impl Asked {
    /// The definition's own request: VCPU, MEMORY and GPU, or the deprecated `vcpus` and `memory`.
    pub fn of(definition: &JobDefinition) -> Self {
        let Some(container) = &definition.container_properties else { return Self::default() };
        let value = |kind: &str| {
            let found = container.resource_requirements.iter().find(|asked: &&ResourceRequirement| asked.kind == kind);
            found.and_then(|asked| asked.value.parse::<f64>().ok())
        };
        let old = |count: Option<i32>| count.map(f64::from);
        Self {
            cpu: whole(value("VCPU").or(old(container.vcpus)).unwrap_or(0.0) * 100.0),
            memory_mib: whole(value("MEMORY").or(old(container.memory)).unwrap_or(0.0)),
            gpus: whole(value("GPU").unwrap_or(0.0)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
fn whole(value: f64) -> u64 {
    value.round().max(0.0) as u64
}
