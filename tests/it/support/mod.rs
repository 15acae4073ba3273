//! What the whole-program tests share: a terminal with a person at it, and an engine of one's own in a directory.

mod house;
mod terminal;

pub use house::House;
pub use terminal::{Key, Terminal};
