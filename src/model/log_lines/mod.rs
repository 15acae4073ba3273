//! What the lines of a log are: how bad each is, what belongs to the line before, what a line of JSON says. Judged by the
//! words and shapes that common loggers and languages write, from the text alone.

mod json;
mod level;
mod trace;

pub use json::Unfolded;
pub use level::Level;
pub use trace::{Shape, Traces};
