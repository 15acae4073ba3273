//! A pseudo-terminal of 120x40, and what a program does in it.

use super::program::{Engine, Outcome};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub const COLUMNS: u16 = 120;
pub const LINES: u16 = 40;
const PATIENCE: Duration = Duration::from_mins(2);
/// Answers to a key have come when nothing was written for so long.
pub const REST: Duration = Duration::from_millis(120);
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// A pseudo-terminal with a program in it. All that it writes is stamped as it is read.
pub struct Terminal {
    screen: vt100::Parser,
    heard: Receiver<(Instant, Vec<u8>)>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    pub started: Instant,
    /// When the row with the cursor, or what stands around it, was last another.
    pub changed: Instant,
    position: String,
}

/// What was written in a while.
#[derive(Default)]
pub struct Written {
    pub bytes: usize,
    pub frames: usize,
}

impl Terminal {
    /// `rate`: bytes a second that the line lets through.
    pub fn start(command: CommandBuilder, rate: Option<usize>) -> Outcome<Self> {
        let size = PtySize { rows: LINES, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|error| error.to_string())?;
        let mut output = pair.master.try_clone_reader().map_err(|error| error.to_string())?;
        let keyboard = pair.master.take_writer().map_err(|error| error.to_string())?;
        let (tell, heard) = channel();
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).map_err(|error| error.to_string())?;
        drop(pair.slave);
        std::thread::spawn(move || {
            const TICK: Duration = Duration::from_millis(10);
            let mut buffer = vec![0; rate.map_or(64 * 1024, |rate| rate / 100)];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                if tell.send((Instant::now(), buffer[..length].to_vec())).is_err() {
                    return;
                }
                if rate.is_some() {
                    std::thread::sleep(TICK);
                }
            }
        });
        let cells = |count: u16| NonZeroU16::new(count).ok_or("a terminal has cells");
        let screen = vt100::Parser::new(cells(LINES)?, cells(COLUMNS)?, 0);
        Ok(Self {
            screen,
            heard,
            keyboard,
            child,
            _master: pair.master,
            started,
            changed: started,
            position: String::new(),
        })
    }

    pub fn press(&mut self, keys: &str) -> Outcome<Instant> {
        let at = Instant::now();
        self.keyboard.write_all(keys.as_bytes())?;
        self.keyboard.flush()?;
        Ok(at)
    }

    fn take(&mut self, at: Instant, bytes: &[u8]) {
        self.screen.process(bytes);
        let position = self.position();
        if position != self.position {
            (self.position, self.changed) = (position, at);
        }
    }

    pub fn until_frame(&mut self) -> Outcome<Instant> {
        self.until("a frame", |_, bytes| bytes.windows(FRAME_ENDS.len()).any(|window| window == FRAME_ENDS))
    }

    /// When what is read makes the screen, or what was written since, as it is waited for.
    pub fn until(&mut self, what: &str, good: impl Fn(&str, &[u8]) -> bool) -> Outcome<Instant> {
        let deadline = Instant::now() + PATIENCE;
        let mut since = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok((at, bytes)) = self.heard.recv_timeout(left) else {
                return Err(format!("never saw {what}; the screen is\n{}", self.text()).into());
            };
            self.take(at, &bytes);
            since.extend(bytes);
            if good(&self.text(), &since) {
                return Ok(at);
            }
        }
    }

    pub fn until_text(&mut self, text: &str) -> Outcome<Instant> {
        if self.text().contains(text) {
            return Ok(Instant::now());
        }
        self.until(&format!("`{text}`"), |screen, _| screen.contains(text))
    }

    /// All that is written until nothing was for `quiet`.
    pub fn rest(&mut self, quiet: Duration) -> Written {
        let mut all = Vec::new();
        while let Ok((at, bytes)) = self.heard.recv_timeout(quiet) {
            self.take(at, &bytes);
            all.extend(bytes);
        }
        Written { bytes: all.len(), frames: frames(&all) }
    }

    /// All that is written within so long.
    pub fn within(&mut self, span: Duration) -> Written {
        let until = Instant::now() + span;
        let mut all = Vec::new();
        while let Ok((at, bytes)) = self.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.take(at, &bytes);
            all.extend(bytes);
        }
        Written { bytes: all.len(), frames: frames(&all) }
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// The row with the cursor, and how many are above and below.
    fn position(&self) -> String {
        let text = self.text();
        let lines = text.lines().filter(|line| ["▸", "↑", "↓"].iter().any(|sign| line.contains(sign)));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn pid(&self) -> Outcome<u32> {
        Ok(self.child.process_id().ok_or("the console runs")?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn frames(bytes: &[u8]) -> usize {
    bytes.windows(FRAME_BEGINS.len()).filter(|window| *window == FRAME_BEGINS).count()
}

/// The console.
pub fn open(engine: &Engine, rate: Option<usize>) -> Outcome<Terminal> {
    let command = engine.command(&[]);
    let mut built = CommandBuilder::new(command.get_program());
    built.args(command.get_args());
    built.env_clear();
    for (name, value) in command.get_envs() {
        built.env(name, value.unwrap_or_default());
    }
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
        built.env(name, value);
    }
    built.env("HOME", engine.directory());
    built.cwd(engine.directory());
    Terminal::start(built, rate)
}

/// What a process holds of the memory now (`VmRSS`), or has held at most (`VmHWM`).
pub fn memory(pid: u32, which: &str) -> Outcome<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':')).ok_or("it has memory")?;
    let kib: usize = line.split_whitespace().next().ok_or("a number")?.parse()?;
    Ok(kib * 1024)
}
