//! What the whole-program tests share: a terminal with a person at it, and an engine of one's own in a directory.

mod following;
mod house;
mod terminal;

pub use following::Following;
pub use house::House;
pub use terminal::{Key, Terminal};

/// Says what a machine lacks for a test: whoever runs the tests should see what was left out.
#[expect(clippy::print_stderr, reason = "it is for whoever runs the tests")]
pub fn skipped(lacks: &str) {
    eprintln!("SKIPPED, not tested here: {lacks}");
}

/// `kill -9` of a process that this test started.
pub fn kill_hard(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "process {pid} could not be killed");
}
