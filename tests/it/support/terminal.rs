//! A pseudo-terminal with the real program in it. Reading waits for text, never for time.

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long anything on the screen may take before the test says that it never came.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a person types.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    Enter,
    Esc,
    Tab,
    AltEnter,
    Ctrl(char),
    F4,
}

impl Key {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Enter => b"\r".to_vec(),
            Self::Esc => b"\x1b".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::AltEnter => b"\x1b\r".to_vec(),
            Self::F4 => b"\x1bOS".to_vec(),
            Self::Ctrl(letter) => vec![letter as u8 & 0x1f],
        }
    }
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

/// The program under test, its screen and its keyboard.
pub struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    /// The thread that reads, and the word that it is to stop.
    reader: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Terminal {
    /// Starts `command` in a terminal of `columns` by `rows`.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal opens");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().expect("the terminal can be read");
        let keyboard = pair.master.take_writer().expect("the terminal can be written");
        let seen = Seen { screen: vt100::Parser::new(cells(rows), cells(columns), 0), raw: Vec::new(), ended: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let writer = Arc::clone(&seen);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let count = output.read(&mut buffer).unwrap_or(0);
                let (lock, changed) = &*writer;
                let mut seen = lock.lock().expect("the screen's lock is sound");
                if count == 0 {
                    seen.ended = true;
                } else {
                    seen.screen.process(&buffer[..count]);
                    seen.raw.extend_from_slice(&buffer[..count]);
                }
                changed.notify_all();
                if count == 0 || stopped.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        Self { seen, keyboard, child, master: Some(pair.master), reader: Some(reader), stop }
    }

    /// Waits until the screen satisfies `good`; fails with the screen as it is when that never happens.
    pub fn wait(&self, what: &str, good: impl Fn(&str) -> bool) {
        let (lock, changed) = &*self.seen;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = lock.lock().expect("the screen's lock is sound");
        loop {
            let contents = seen.screen.screen().contents();
            if good(&contents) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.ended,
                "never saw {what} (ended: {}); the screen is\n{contents}",
                seen.ended
            );
            seen = changed.wait_timeout(seen, left).expect("the screen's lock is sound").0;
        }
    }

    pub fn wait_for(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text));
    }

    pub fn wait_gone(&self, text: &str) {
        self.wait(&format!("the end of `{text}`"), |screen| !screen.contains(text));
    }

    /// What the screen shows now.
    pub fn screen(&self) -> String {
        self.seen.0.lock().expect("the screen's lock is sound").screen.screen().contents()
    }

    /// Whether the terminal is as it was before: main screen, cursor shown.
    pub fn is_restored(&self) -> bool {
        let seen = self.seen.0.lock().expect("the screen's lock is sound");
        !seen.screen.screen().alternate_screen() && !seen.screen.screen().hide_cursor()
    }

    /// All bytes that were ever written to the terminal.
    pub fn written(&self) -> Vec<u8> {
        self.seen.0.lock().expect("the screen's lock is sound").raw.clone()
    }

    /// Whether these bytes were ever written to the terminal.
    pub fn has_written(&self, bytes: &[u8]) -> bool {
        let seen = self.seen.0.lock().expect("the screen's lock is sound");
        seen.raw.windows(bytes.len()).any(|window| window == bytes)
    }

    /// How many times these bytes were written to the terminal.
    pub fn times_written(&self, bytes: &[u8]) -> usize {
        times(&self.seen.0.lock().expect("the screen's lock is sound").raw, bytes)
    }

    /// Waits until these bytes were written so many times.
    pub fn wait_written(&self, bytes: &[u8], at_least: usize) {
        let (lock, changed) = &*self.seen;
        let seen = lock.lock().expect("the screen's lock is sound");
        let few = |seen: &mut Seen| times(&seen.raw, bytes) < at_least;
        let waited = changed.wait_timeout_while(seen, PATIENCE, few).expect("the lock is sound").1;
        assert!(
            !waited.timed_out(),
            "never written {at_least} times: {}",
            String::from_utf8_lossy(bytes).escape_debug()
        );
    }

    pub fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the keyboard writes");
        self.keyboard.flush().expect("the keyboard writes");
    }

    /// Types a line, and Enter.
    pub fn enter(&mut self, line: &str) {
        self.type_text(line);
        self.press(Key::Enter);
    }

    pub fn press(&mut self, key: Key) {
        self.keyboard.write_all(&key.bytes()).expect("the keyboard writes");
        self.keyboard.flush().expect("the keyboard writes");
    }

    /// Presses keys as they are written in the config, with blanks between; what stands in quotes is typed.
    pub fn keys(&mut self, keys: &str) {
        let mut bytes = Vec::new();
        for (at, part) in keys.split('"').enumerate() {
            if at % 2 == 1 {
                bytes.extend_from_slice(part.as_bytes());
            } else {
                part.split_whitespace().for_each(|key| bytes.extend(bytes_of(key)));
            }
        }
        self.keyboard.write_all(&bytes).expect("the keyboard writes");
        self.keyboard.flush().expect("the keyboard writes");
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let (lock, _) = &*self.seen;
        lock.lock().expect("the screen's lock is sound").screen.screen_mut().set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("the terminal is there").resize(size).expect("the terminal resizes");
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("the program has a pid")
    }

    /// Takes the terminal away, as a closed window or a lost connection does.
    pub fn hang_up(&mut self) {
        // The reader holds the terminal open: a frame of another size wakes it, and it lets go.
        self.stop.store(true, Ordering::SeqCst);
        self.resize(70, 20);
        self.reader.take().map(JoinHandle::join).transpose().expect("the reader ends").unwrap_or_default();
        self.keyboard = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits for the program to end, and for all that it has written until then.
    pub fn wait_end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the program can be waited for") {
                break status;
            }
            assert!(Instant::now() < deadline, "the program never ended; the screen is\n{}", self.screen());
            std::thread::yield_now();
        };
        if self.reader.is_some() {
            let (lock, changed) = &*self.seen;
            let seen = lock.lock().expect("the screen's lock is sound");
            let ended = changed.wait_timeout_while(seen, PATIENCE, |seen| !seen.ended).expect("the lock is sound");
            assert!(!ended.1.timed_out(), "the program has ended and something still holds its terminal");
        }
        status
    }
}

fn times(written: &[u8], part: &[u8]) -> usize {
    written.windows(part.len()).filter(|window| *window == part).count()
}

/// What a terminal sends for a key.
fn bytes_of(key: &str) -> Vec<u8> {
    let plain: &[u8] = match key {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "space" => b" ",
        "backtab" => b"\x1b[Z",
        "backspace" => b"\x7f",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "delete" => b"\x1b[3~",
        "pageup" => b"\x1b[5~",
        "pagedown" => b"\x1b[6~",
        "f3" => b"\x1bOR",
        "f4" => b"\x1bOS",
        "f6" => b"\x1b[17~",
        _ => match key.split_once('-') {
            // As xterm writes an arrow with a modifier.
            Some(("alt", "right")) => b"\x1b[1;3C",
            Some(("alt", "left")) => b"\x1b[1;3D",
            Some(("alt", key)) if !key.is_empty() => return [b"\x1b", bytes_of(key).as_slice()].concat(),
            Some(("ctrl", letter)) if letter.len() == 1 => return vec![letter.as_bytes()[0] & 0x1f],
            _ => {
                assert_eq!(key.chars().count(), 1, "`{key}` is no key that this terminal has");
                key.as_bytes()
            }
        },
    };
    plain.to_vec()
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
