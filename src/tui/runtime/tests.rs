//! The console in a pseudo-terminal: this test's own program is started once more as the console.

use super::super::contexts::{Contexts, Offered, Opened};
use super::{Options, Start, ThemeSource, run};
use crate::backend::scripted::{ScriptedBackend, World};
use crate::config::Access;
use crate::config::keys::KeyBindings;
use crate::config::theme::Theme;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Set in the environment of the program that is to be the console: its themes' directory.
const IS_CONSOLE: &str = "BATCHDECK_TEST_CONSOLE";
/// Set where the console is to be the plain one.
const IS_PLAIN: &str = "BATCHDECK_TEST_PLAIN";
/// This test, by its name.
const CONSOLE: &str = "tui::runtime::tests::the_console_for_the_other_tests";
const LINES: NonZero<u16> = NonZero::new(24).expect("not zero");
const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not zero");
const PATIENCE: Duration = Duration::from_secs(20);

/// Is the console where a test has started it as one, and nothing otherwise.
#[test]
fn the_console_for_the_other_tests() {
    let Ok(themes) = std::env::var(IS_CONSOLE) else { return };
    let world = World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json")).expect("a world");
    let directory = (!themes.is_empty()).then(|| themes.clone().into());
    let recorded = Recorded(world);
    let options = Options {
        opened: recorded.opened("local"),
        contexts: Arc::new(recorded),
        theme: Theme::load(directory.as_deref(), "midnight").expect("a theme"),
        theme_source: ThemeSource { directory },
        keys: KeyBindings::default(),
        console: crate::config::ConsoleSettings::default(),
        columns: crate::config::ColumnSettings::default(),
        prices: crate::model::Prices::default(),
        commands: std::collections::BTreeMap::new(),
        start: Start::Overview,
        kept: None,
        resume: false,
        plain: std::env::var_os(IS_PLAIN).is_some(),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if std::env::var("BATCHDECK_TEST_PANIC").is_ok() {
        runtime.spawn(async {
            // It panics once the screen has been drawn; the theme file is the sign to.
            while std::fs::metadata(std::env::var("BATCHDECK_TEST_PANIC").unwrap_or_default()).is_err() {
                tokio::task::yield_now().await;
            }
            panic!("on purpose");
        });
    }
    let result = runtime.block_on(run(options));
    runtime.shutdown_background();
    std::process::exit(if result.is_ok() { 0 } else { 3 });
}

/// The same recorded world in each context but `broken`, which cannot be opened.
struct Recorded(World);

impl Recorded {
    fn opened(&self, name: &str) -> Opened {
        let offer = |name: &str| Offered { name: name.into(), doc: "recorded".into() };
        let mut world = self.0.clone();
        if name == "empty" {
            world = World { now: world.now, ..World::default() };
        }
        Opened {
            backend: Arc::new(ScriptedBackend::new(world)),
            context: name.into(),
            access: if name == "local" { Access::Write } else { Access::Guarded },
            aws_flags: None,
            flags: Vec::new(),
            scheduler_role: None,
            log_group: None,
            offered: ["local", "empty", "broken"].map(offer).into(),
            note: None,
        }
    }
}

#[async_trait::async_trait]
impl Contexts for Recorded {
    async fn open(&self, name: &str) -> Result<Opened, String> {
        if name == "broken" { Err("nobody is there".to_owned()) } else { Ok(self.opened(name)) }
    }
}

struct Terminal {
    parser: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    all: Vec<u8>,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
}

impl Terminal {
    fn start(set: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", CONSOLE, "--nocapture", "--test-threads=1"]);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.env_remove("COLORTERM");
        command.env(IS_CONSOLE, "");
        for (name, value) in set {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("started");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            parser: vt100::Parser::new(LINES, COLUMNS, 0),
            bytes,
            all: Vec::new(),
            child,
            master: Some(pair.master),
            writer: Some(writer),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.all.extend_from_slice(bytes);
    }

    /// Waits until the screen is as asked for.
    fn wait(&mut self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_there(self.parser.screen()) {
            let Ok(bytes) = self.bytes.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                panic!("waited for {what}; the screen is:\n{}", self.parser.screen().contents());
            };
            self.take(&bytes);
        }
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    fn press(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("the terminal is there");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("pressed");
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).expect("a pid");
        kill_process(pid, signal).expect("signalled");
    }

    /// Waits for the end; the exit code, and whether the terminal was given back.
    fn end(mut self) -> (u32, bool) {
        let until = Instant::now() + PATIENCE;
        let code = loop {
            match self.bytes.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(status) = self.child.try_wait().expect("its state") {
                break status.exit_code();
            }
            assert!(Instant::now() < until, "it does not end; the screen is:\n{}", self.parser.screen().contents());
        };
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
            self.take(&bytes);
        }
        let screen = self.parser.screen();
        let is_back = !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste();
        (code, is_back)
    }
}

#[test]
fn keys_are_answered_and_quitting_gives_the_terminal_back() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    assert!(terminal.parser.screen().alternate_screen() && terminal.parser.screen().hide_cursor());
    terminal.press("j\r");
    terminal.wait_for("job resize-4711");
    terminal.press("n");
    terminal.wait_for("Submit a job");
    terminal.press("\x1b");
    terminal.wait("the form is gone", |screen| !screen.contents().contains("Submit a job"));
    terminal.press("qq");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn another_context_takes_the_place_of_the_one_before_and_the_way_back_is_open() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    terminal.press(":context broken\r");
    terminal.wait_for("nobody is there · still in `local`");
    terminal.wait_for("resize-4711");
    terminal.press(":context empty\r");
    terminal.wait_for("in the context `empty`, read-only until `:write`");
    terminal.wait("the other world", |screen| {
        let text = screen.contents();
        text.contains("batchdeck  empty [read-only]") && text.contains("no queues yet") && !text.contains("resize")
    });
    terminal.press("vc");
    terminal.wait_for("Context");
    terminal.press("local\r");
    terminal.wait_for("resize-4711");
    terminal.press("q");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn each_frame_is_one_synchronized_update_and_idle_writes_nothing() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    // The record of actions shows nothing that counts seconds.
    terminal.press("A");
    terminal.wait_for("ReprioritiseJob");
    while let Ok(bytes) = terminal.bytes.recv_timeout(Duration::from_millis(400)) {
        terminal.take(&bytes);
    }
    assert!(terminal.bytes.recv_timeout(Duration::from_millis(1500)).is_err(), "it writes while nothing changes");
    let text = String::from_utf8_lossy(&terminal.all).into_owned();
    let count = |sequence: &str| text.matches(sequence).count();
    assert!(count("\u{1b}[?2026h") > 0);
    assert_eq!(count("\u{1b}[?2026h"), count("\u{1b}[?2026l"));
    assert_eq!(count("\u{1b}[6n") + count("\u{1b}[c"), 0, "the terminal is asked nothing");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn signals_end_it_and_the_terminal_is_given_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut terminal = Terminal::start(&[]);
        terminal.wait_for("resize-4711");
        terminal.signal(signal);
        assert_eq!(terminal.end(), (0, true), "{signal:?}");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_ends_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let sign = directory.path().join("now");
    let mut terminal = Terminal::start(&[("BATCHDECK_TEST_PANIC", &sign.to_string_lossy())]);
    terminal.wait_for("resize-4711");
    std::fs::write(&sign, "").expect("written");
    assert_eq!(terminal.end(), (3, true));
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    terminal.writer = None;
    terminal.master = None;
    // The reader's own handle goes with its thread once nobody takes its bytes.
    let (_, unread) = channel();
    terminal.bytes = unread;
    let until = Instant::now() + PATIENCE;
    while terminal.child.try_wait().expect("its state").is_none() {
        assert!(Instant::now() < until, "it goes on without a terminal");
        std::thread::yield_now();
    }
}

#[test]
fn a_theme_file_that_changes_is_put_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("midnight.toml");
    std::fs::write(&path, "text = { fg = 250, bg = 17 }").expect("written");
    let mut terminal = Terminal::start(&[(IS_CONSOLE, &directory.path().to_string_lossy())]);
    let ground = |screen: &vt100::Screen| screen.cell(12, 40).map(vt100::Cell::bgcolor);
    terminal.wait("the first ground", |screen| ground(screen) == Some(vt100::Color::Idx(17)));
    std::fs::write(&path, "text = { fg = 250, bg = 52 }").expect("written");
    terminal.wait("the other ground", |screen| ground(screen) == Some(vt100::Color::Idx(52)));
    terminal.press("q");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn no_color_is_respected() {
    let mut terminal = Terminal::start(&[("NO_COLOR", "1")]);
    terminal.wait_for("resize-4711");
    let screen = terminal.parser.screen();
    let colours = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
    for (row, column) in colours {
        let cell = screen.cell(row, column).expect("a cell");
        assert_eq!((cell.fgcolor(), cell.bgcolor()), (vt100::Color::Default, vt100::Color::Default));
    }
    terminal.press("q");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn what_is_no_terminal_gets_no_control_sequence() {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", CONSOLE, "--nocapture", "--test-threads=1"])
        .env(IS_CONSOLE, "")
        .output()
        .expect("started");
    assert_eq!(output.status.code(), Some(3));
    assert!(!output.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_it_goes_on() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    terminal.press("\u{1a}");
    // Nobody would resume it here: no shell is the parent of its session. It goes on by itself.
    terminal.wait("the terminal is given back", |screen| !screen.alternate_screen());
    terminal.wait("it is taken again", |screen| screen.alternate_screen() && screen.contents().contains("resize-4711"));
    terminal.press("j\r");
    terminal.wait_for("job resize-4711");
    terminal.press("qq");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn a_console_that_is_stopped_and_resumed_is_drawn_anew() {
    let mut terminal = Terminal::start(&[]);
    terminal.wait_for("resize-4711");
    let drawn = |terminal: &Terminal| {
        let text = String::from_utf8_lossy(&terminal.all);
        (text.matches("\u{1b}[?1049h").count(), text.matches("\u{1b}[2J").count())
    };
    assert_eq!(drawn(&terminal), (1, 1));
    terminal.signal(Signal::STOP);
    terminal.signal(Signal::CONT);
    let until = Instant::now() + PATIENCE;
    while drawn(&terminal) != (2, 2) {
        let bytes = terminal.bytes.recv_timeout(until.saturating_duration_since(Instant::now()));
        terminal.take(&bytes.expect("it takes the terminal again and draws all anew"));
    }
    terminal.press("q");
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn the_plain_console_talks_line_by_line_and_sends_no_escape_sequence() {
    let mut terminal = Terminal::start(&[(IS_PLAIN, "1"), ("TERM", "dumb")]);
    terminal.wait_for("> ");
    terminal.press("jobs failed\r");
    terminal.wait_for("5. job old-report");
    terminal.press("stop resize-4711\r");
    terminal.wait_for("Reason (why; it is recorded");
    // As in a shell: ctrl-c leaves the question, and not the console.
    terminal.press("\x03");
    terminal.wait_for("nothing was done");
    terminal.press("queues\r");
    terminal.wait_for("nightly, priority 1");
    // ctrl-d is the end of the input.
    terminal.press("\x04");
    let until = Instant::now() + PATIENCE;
    while terminal.child.try_wait().expect("its state").is_none() {
        assert!(Instant::now() < until, "it does not end");
        if let Ok(bytes) = terminal.bytes.recv_timeout(Duration::from_millis(20)) {
            terminal.take(&bytes);
        }
    }
    assert!(!terminal.all.contains(&0x1b), "{:?}", String::from_utf8_lossy(&terminal.all));
    assert_eq!(terminal.end(), (0, true));
}

#[test]
fn signals_end_the_plain_console() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut terminal = Terminal::start(&[(IS_PLAIN, "1")]);
        terminal.wait_for("> ");
        terminal.signal(signal);
        assert_eq!(terminal.end(), (0, true), "{signal:?}");
    }
}

/// What the plain console says to lines that come through a pipe.
fn piped(lines: &str) -> (Option<i32>, String) {
    use std::process::{Command, Stdio};
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", CONSOLE, "--nocapture", "--test-threads=1"])
        .env(IS_CONSOLE, "")
        .env(IS_PLAIN, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("its end");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn over_a_pipe_what_was_confirmed_is_done_before_the_end_and_what_was_not_is_left() {
    let (code, said) = piped("stop resize-4711\nwrong bucket\nOPS-311\nyes\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("asked resize-4711 to end"), "{said}");
    let (code, said) = piped("stop resize-4711\nwrong bucket\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing was done") && !said.contains("asked resize-4711"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains("\n> "), "{said}");
}
