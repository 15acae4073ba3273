//! What a definition's runs say of its size, and of AWS Lambda as a place for it.

pub use super::lambda::{Check, Lambda, Verdict};
pub use super::sizing::{Advice, OneRun, Sizing, of_one_run};

use super::shape::Shape;
use super::{lambda, sizing};
use crate::model::{JobDefinition, ObservedRuns, Prices};
use serde::Serialize;

/// What a run asks for, as numbers: all containers of a task together, of a multi-node job its main node.
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
    let shape = Shape::of(definition);
    let asked = shape.asked;
    Fit {
        asked,
        memory: sizing::memory(asked, runs),
        cpu: sizing::cpu(asked, runs),
        lambda: lambda::judge(&shape, runs, prices),
        runs: runs.clone(),
    }
}
