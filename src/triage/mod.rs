//! Pure rules over the model: what a definition needs and where it would fit, why a job waits or failed, when it moves,
//! what failed alike, how to run it again, and how to replace what waits.

pub mod array;
pub mod failures;
pub mod fit;
mod lambda;
pub mod lineage;
pub mod placement;
pub mod pulse;
pub mod replace;
pub mod rerun;
mod shape;
mod sizing;
pub mod why;
