//! Pure rules over the model: what a definition needs and where it would fit, why a job waits or failed, and when it moves.

pub mod fit;
mod lambda;
mod shape;
mod sizing;
pub mod why;
