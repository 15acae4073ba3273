//! Lines that belong to the line before: stack traces stay with their error.

use super::Level;
use super::level::is_exception;

/// How a line stands among its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Its own, or that of the line to which it belongs.
    pub level: Option<Level>,
    /// It belongs to the line before.
    pub continues: bool,
}

/// Reads lines one after the other.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Of the line to which what follows may belong.
    head: Option<Level>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Plain,
    /// Of Python: indented lines, and then the exception itself.
    Python,
    /// Of Rust: the line after where it panicked says why.
    Panic,
    /// Of Go: all up to a line that looks like a logger's.
    Go,
    /// Frames were seen: what looks like one goes on.
    Frames,
}

impl Traces {
    pub fn next(&mut self, line: &str) -> Shape {
        if self.belongs(line) {
            return Shape { level: self.head, continues: true };
        }
        self.head = Level::of(line);
        self.state = if line.starts_with("Traceback (most recent call last)") {
            State::Python
        } else if line.contains("' panicked at ") {
            State::Panic
        } else if line.starts_with("panic: ") || line.starts_with("fatal error: ") {
            State::Go
        } else {
            State::Plain
        };
        Shape { level: self.head, continues: false }
    }

    /// Whether it goes on with what began above; what may follow is noted.
    fn belongs(&mut self, line: &str) -> bool {
        let is_error = self.head == Some(Level::Error);
        let is_indented = line.starts_with([' ', '\t']);
        let text = line.trim_start();
        match self.state {
            State::Python if is_indented || text.is_empty() => return true,
            State::Python => {
                self.state = State::Frames;
                return is_exception(line) || line.contains("Exception") || line.contains("Error");
            }
            State::Panic => {
                self.state = State::Frames;
                return Level::of(line).is_none();
            }
            State::Go if text.is_empty() || is_indented || is_go(text) => return true,
            State::Plain | State::Go | State::Frames => {}
        }
        if is_error && text.starts_with("Traceback (most recent call last)") {
            self.state = State::Python;
            return true;
        }
        if self.state == State::Frames && is_chained(text) {
            self.state = State::Frames;
            return true;
        }
        let is_frame = is_frame(text, is_indented);
        if is_frame && (is_error || self.state == State::Frames) {
            self.state = State::Frames;
            return true;
        }
        // What is indented below an error explains it.
        is_error && is_indented && !text.is_empty() && Level::of(line).is_none()
    }
}

fn is_frame(text: &str, is_indented: bool) -> bool {
    let is_more = text.starts_with("... ") && text.ends_with(" more");
    let is_numbered = text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    text.starts_with("at ") && is_indented
        || is_more
        || text.starts_with("Caused by: ")
        || text.starts_with("Suppressed: ")
        || text.starts_with("stack backtrace:")
        || text.starts_with("note: run with `RUST_BACKTRACE")
        || text.starts_with("note: Some details are omitted")
        || is_indented && is_numbered
        || is_indented && text.starts_with("File \"")
}

/// What Python writes between two exceptions.
fn is_chained(text: &str) -> bool {
    text.is_empty()
        || text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause")
        || text.starts_with("Traceback (most recent call last)")
}

fn is_go(text: &str) -> bool {
    text.starts_with("goroutine ")
        || text.starts_with("created by ")
        || text.starts_with("[signal ")
        || text.starts_with("exit status ")
        || text.starts_with("main.")
        || (text.ends_with(')') && text.contains('(') && !text.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with a sign: `E` for an error, `+` for what belongs to the line before.
    fn signs(text: &str) -> String {
        let mut traces = Traces::default();
        let sign = |line: &str| match traces.next(line) {
            Shape { continues: true, level: Some(Level::Error) } => '+',
            Shape { continues: true, .. } => '?',
            Shape { level: Some(Level::Error), .. } => 'E',
            Shape { .. } => '.',
        };
        text.lines().map(sign).collect()
    }

    #[test]
    fn stack_traces_belong_to_their_error() {
        let python = "INFO start\nERROR root: failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    \
                      g()\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n\
                      Traceback (most recent call last):\n  File \"a.py\", line 3\nValueError: no x\nINFO next";
        assert_eq!(signs(python), ".E++++++++++.");
        let bare =
            "start\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: no x\ndone";
        assert_eq!(signs(bare), ".E+++.");
        let java = "INFO up\n2026-11-24 ERROR c.e.App - failed\njava.io.IOException: gone\n\tat c.e.A.b(A.java:3)\n\tat \
                    c.e.C.d(C.java:4)\nCaused by: java.lang.Error: x\n\t... 12 more\nINFO next";
        assert_eq!(signs(java), ".EE++++.");
        let rust = "ok\nthread 'main' panicked at src/main.rs:3:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1` \
                    environment variable to display a backtrace\nok";
        assert_eq!(signs(rust), ".E++.");
        let go = "ok\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x.go:8 \
                  +0x1d\nexit status 2\nall is well again";
        assert_eq!(signs(go), ".E+++++.");
        let node = "Error: boom\n    at f (/x.js:1:7)\n    at Module._compile (node:internal:1)\nafter";
        assert_eq!(signs(node), "E++.");
    }

    #[test]
    fn what_is_indented_in_peace_stands_alone() {
        assert_eq!(signs("list:\n  one\n  two\n\tat home\nINFO x\n  y"), "......");
        assert_eq!(signs("ERROR x\n  because of y\n  WARN z"), "E+.");
    }
}
