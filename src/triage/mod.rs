//! Pure rules over the model: what a definition needs and where it would fit, why a job waits or failed, when it moves,
//! what failed alike, and how to run it again.

pub mod array;
pub mod failures;
pub mod fit;
mod lambda;
pub mod lineage;
pub mod pulse;
pub mod rerun;
mod shape;
mod sizing;
pub mod why;
