//! The program as it goes on printing.

use super::House;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Only there to end a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_mins(2);

/// A run of the program, whose lines are taken one by one. It ends with this.
pub struct Following {
    program: Child,
    lines: Receiver<String>,
}

impl Following {
    pub fn begin(house: &House, arguments: &[&str]) -> Self {
        let mut command = house.command(arguments);
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let output = BufReader::new(program.stdout.take().expect("is piped"));
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { program, lines }
    }

    /// The next line; `None` once it has ended.
    pub fn next(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no further line comes"),
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
