//! Pure rules over the model: what a definition needs, and where it would fit.

pub mod fit;
mod lambda;
mod shape;
mod sizing;
