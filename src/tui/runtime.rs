//! The event loop: keys, messages, signals and time go in; requests and frames come out.

mod ends;
mod hand;
mod keys;
mod plain;
mod runner;
mod writer;

use super::app::mouse::Mouse;
use super::app::{App, Own, Setting};
use super::ascii;
use super::calling;
use super::clipboard::{self, Passage};
use super::contexts::{Contexts, Opened};
use super::format::Clock;
use super::keymap::{Keymap, KeymapError};
use super::pen;
use super::requests::{Ask, Message, Request, RequestId};
use super::screens;
use super::terminal::{Screen, Terminal, restore, take_mouse};
use super::theme::Depth;
use crate::backend::Backend;
use crate::config::kept::{Kept, Note};
use crate::config::keys::KeyBindings;
use crate::config::theme::Theme;
use crate::config::{ColumnSettings, CommandSettings, ConsoleSettings};
use crate::model::{Millis, Prices};
use crokey::KeyCombination;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use ends::{PanicHook, Signals, is_hangup, watch_hangup};
use futures::FutureExt;
use hand::Handed;
use keys::Keys;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use runner::Runner;
use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::Signal;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use writer::Writer;

/// What the console is opened with.
pub struct Options {
    /// The context that it starts in.
    pub opened: Opened,
    /// By what it turns to others.
    pub contexts: Arc<dyn Contexts>,
    pub theme: Theme,
    pub theme_source: ThemeSource,
    pub keys: KeyBindings,
    pub console: ConsoleSettings,
    pub columns: ColumnSettings,
    /// By what costs are estimated before anything is submitted.
    pub prices: Prices,
    /// Commands of the person's own, by name.
    pub commands: BTreeMap<String, CommandSettings>,
    pub start: Start,
    /// The file of what is kept over restarts.
    pub kept: Option<PathBuf>,
    /// Go back where the last console was.
    pub resume: bool,
    /// Line by line in words, without a screen.
    pub plain: bool,
}

/// Where themes are read from.
#[derive(Debug, Clone, Default)]
pub struct ThemeSource {
    /// Theme files of the person's own; a file that changes is read anew.
    pub directory: Option<PathBuf>,
}

/// What is shown first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    #[default]
    Overview,
    /// The overview with the jobs of one queue.
    Queue(String),
    Schedules,
    Definitions,
    Audit,
}

/// Why the console could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error(transparent)]
    Keys(#[from] KeymapError),
    #[error(
        "the console needs a terminal: {0}; `batchdeck --plain` works on any line, and for scripts there are verbs, as `batchdeck jobs -o json`"
    )]
    NoTerminal(io::Error),
    #[error("the terminal could not be written to: {0}")]
    Write(io::Error),
    #[error("signals cannot be watched: {0}")]
    Signals(io::Error),
    #[error("the console has met a bug and ended; jobs go on. What happened is told above: please report it")]
    Bug,
}

/// Frames for what changed by itself are at least so far apart; a key is answered at once.
const FRAME: Duration = Duration::from_millis(33);

/// So long changes are taken before keys and the screen have their turn.
const SLICE: Duration = Duration::from_millis(4);

/// How long to wait for a stop that does not come: nobody would resume a console without a shell.
const STOP: Duration = Duration::from_millis(200);

/// Shows the console until it is left. However it ends, the terminal is given back.
pub async fn run(options: Options) -> Result<(), TuiError> {
    if options.plain {
        return Box::pin(plain::run_plain(options)).await;
    }
    let keymap = Keymap::with_commands(&options.keys, &options.commands)?;
    let signals = Signals::watch().map_err(TuiError::Signals)?;
    take_mouse(options.console.mouse);
    let _terminal = Terminal::take().map_err(TuiError::NoTerminal)?;
    let (columns, lines) = crossterm::terminal::size().map_err(TuiError::NoTerminal)?;
    let (directory, kept) = (options.theme_source.directory.clone(), options.kept.clone());
    let (app, mut runner, inbox, opened) = furnish(options, keymap, (columns, lines));
    let (panicked, panics) = unbounded_channel();
    let _hook = PanicHook::set(panicked);
    let changes = runner.watch();
    let (touched, theme_files) = unbounded_channel();
    let _watcher = directory.as_deref().and_then(|path| watch_themes(path, touched));
    let mut console = Console {
        app,
        runner,
        screen: Screen::new(columns, lines, pen::can_erase(|name| std::env::var(name).ok())),
        writer: Writer::start(),
        next_frame: Instant::now(),
        suspends: false,
        handed: None,
        passage: Passage::of_environment(|name| std::env::var(name).ok()),
    };
    let result = console.serve(signals, Heard { answers: inbox, opened, changes, panics, theme_files }).await;
    console.runner.stop();
    if let Some(path) = &kept {
        keep_place(path, &console.app);
    }
    result
}

/// The console's state and what carries out its requests, with where their answers and other contexts come.
fn furnish(
    options: Options,
    keymap: Keymap,
    size: (u16, u16),
) -> (App, Runner, UnboundedReceiver<Message>, OpenedOthers) {
    take_time_of(options.opened.backend.as_ref());
    let own = Own {
        clock: Clock::Local,
        depth: Depth::of_environment(|name| std::env::var(name).ok()),
        ascii: ascii::is_all_that_is_shown(|name| std::env::var(name).ok()),
        themes: Theme::names(options.theme_source.directory.as_deref()),
        processors: std::thread::available_parallelism().map_or(1, NonZero::get),
        console: options.console,
        columns: options.columns,
        prices: options.prices,
        commands: options.commands,
    };
    let setting = Setting::new(&options.opened, own);
    let backend = options.opened.backend;
    let mut app = App::new(setting, keymap, options.theme, size, now());
    match options.kept.as_deref().map(Kept::read).transpose() {
        Ok(kept) => app.kept = kept.unwrap_or_default(),
        Err(error) => app.complain(error.to_string()),
    }
    begin(&mut app, &options.start);
    if options.resume {
        app.resume();
    }
    let (messages, inbox) = unbounded_channel();
    let (has_opened, opened) = unbounded_channel();
    let runner = Runner {
        backend,
        contexts: options.contexts,
        themes: options.theme_source.directory.clone(),
        kept: options.kept.clone(),
        messages,
        has_opened,
        watching: None,
        following: None,
        reconnect: Arc::default(),
        may_follow_at: Instant::now(),
    };
    (app, runner, inbox, opened)
}

/// The contexts that were turned to, as they are opened.
type OpenedOthers = UnboundedReceiver<(RequestId, Result<Opened, String>)>;

/// Keeps for the next console where this one was left.
fn keep_place(path: &Path, app: &App) {
    let left = Note::Left { context: app.setting.context.clone(), trail: app.trail() };
    // The console is over: there is nobody to tell that it could not be kept.
    let _ = Kept::keep(path, left);
}

fn begin(app: &mut App, start: &Start) {
    use super::action::Action;
    let action = match start {
        Start::Overview => return,
        Start::Queue(queue) => return app.look_at_queue(queue),
        Start::Schedules => Action::ViewSchedules,
        Start::Definitions => Action::ViewDefinitions,
        Start::Audit => Action::ViewAudit,
    };
    app.update(action, now());
}

/// How far the console's time is behind the wall clock: a recording is looked at as of its own time.
static BEHIND: AtomicI64 = AtomicI64::new(0);

fn take_time_of(backend: &dyn Backend) {
    BEHIND.store(backend.recorded_at().map_or(0, |at| wall_clock() - at), Ordering::Relaxed);
}

fn now() -> Millis {
    wall_clock() - BEHIND.load(Ordering::Relaxed)
}

fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

struct Console {
    app: App,
    runner: Runner,
    screen: Screen,
    writer: Writer,
    /// When a frame for what changed by itself may be drawn.
    next_frame: Instant,
    /// The person wants the shell back for a while.
    suspends: bool,
    /// A program of the person's own is to have the terminal.
    handed: Option<Handed>,
    passage: Passage,
}

/// What comes from outside.
struct Heard {
    answers: UnboundedReceiver<Message>,
    opened: UnboundedReceiver<(RequestId, Result<Opened, String>)>,
    changes: Receiver<Message>,
    panics: UnboundedReceiver<()>,
    theme_files: UnboundedReceiver<()>,
}

impl Console {
    async fn serve(&mut self, mut signals: Signals, mut heard: Heard) -> Result<(), TuiError> {
        let mut gone = watch_hangup().fuse();
        let mut keys = Keys::open().map_err(TuiError::NoTerminal)?;
        // Whether something is to be drawn, and whether a person waits for it.
        let (mut is_stale, mut is_urgent) = (true, true);
        let mut is_writing = false;
        while !self.app.is_over {
            if self.suspends && !is_writing {
                self.suspend(&mut signals.resumed).await?;
                (is_stale, is_urgent) = (true, true);
            }
            if let Some(handed) = self.handed.take_if(|_| !is_writing) {
                self.lend(handed, &mut signals).await?;
                (is_stale, is_urgent) = (true, true);
            }
            if is_stale && !is_writing && (is_urgent || self.next_frame <= Instant::now()) {
                is_writing = self.draw();
                (is_stale, is_urgent) = (false, false);
            }
            let wait = Duration::from_millis(u64::try_from(self.app.next_wake() - now()).unwrap_or(0));
            let mut wake = Instant::now() + wait;
            if is_stale && !is_writing {
                wake = wake.min(self.next_frame);
            }
            // In the order of who waits: the person at the keys first, then what others tell.
            tokio::select! {
                biased;
                Some(()) = heard.panics.recv() => return Err(TuiError::Bug),
                Ok(()) = &mut gone => break,
                () = Signals::end(&mut signals.ends) => break,
                _ = signals.resumed.recv() => {
                    Terminal::take_again().map_err(TuiError::NoTerminal)?;
                    self.screen.redraw_all();
                    (is_stale, is_urgent) = (true, true);
                }
                came = keys.came() => {
                    if came.is_err() {
                        break;
                    }
                    // Keys that came at once are answered by one frame.
                    loop {
                        match Keys::take() {
                            Ok(Some(event)) => {
                                is_urgent |= self.take_event(event);
                                is_stale = true;
                            }
                            Ok(None) => break,
                            Err(_) => return Ok(()),
                        }
                    }
                }
                written = self.writer.written.recv() => {
                    match written {
                        Some(Ok(())) => is_writing = false,
                        // Nobody can see the screen any more.
                        Some(Err(error)) if is_hangup(&error) => break,
                        Some(Err(error)) => return Err(TuiError::Write(error)),
                        None => break,
                    }
                }
                () = tokio::time::sleep_until(wake) => {
                    let requests = self.app.tick(now());
                    self.start(requests);
                    is_stale = true;
                }
                Some(()) = heard.theme_files.recv() => {
                    while heard.theme_files.try_recv().is_ok() {}
                    let theme = Theme::load(self.runner.themes.as_deref(), &self.app.theme.name);
                    if theme.as_ref().map_or(true, |theme| *theme != self.app.theme) {
                        self.hear(Message::ThemeFile(theme));
                        is_stale = true;
                    }
                }
                Some((id, opened)) = heard.opened.recv() => {
                    if let Some(changes) = turn_to(&mut self.app, &mut self.runner, id, opened) {
                        heard.changes = changes;
                    }
                    (is_stale, is_urgent) = (true, true);
                }
                Some(message) = heard.answers.recv() => {
                    self.hear_slice(message, || heard.answers.try_recv().ok());
                    is_stale = true;
                }
                Some(message) = heard.changes.recv() => {
                    self.hear_slice(message, || heard.changes.try_recv().ok());
                    is_stale = true;
                }
            }
        }
        Ok(())
    }

    /// Gives the terminal to the shell until the process is resumed.
    async fn suspend(&mut self, resumed: &mut Signal) -> Result<(), TuiError> {
        self.suspends = false;
        restore();
        // As the terminal does it: all processes of the job stop.
        if rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).is_ok() {
            let _ = tokio::time::timeout(STOP, resumed.recv()).await;
        }
        Terminal::take_again().map_err(TuiError::NoTerminal)?;
        self.screen.redraw_all();
        Ok(())
    }

    /// Gives the terminal to a program of the person's own until that ends.
    async fn lend(&mut self, handed: Handed, signals: &mut Signals) -> Result<(), TuiError> {
        restore();
        let command = handed.command().cloned();
        let result = handed.run().await;
        signals.forget_keys();
        Terminal::take_again().map_err(TuiError::NoTerminal)?;
        self.screen.redraw_all();
        if let Some(run) = command {
            let requests = self.app.command_ended(hand::told_of(run, &result), now());
            self.start(requests);
        }
        match result {
            Ok(Some(text)) => {
                let requests = self.app.edited(text, now());
                self.start(requests);
            }
            Ok(None) => {}
            Err(error) => self.app.complain(error.to_string()),
        }
        Ok(())
    }

    /// Whether a person waits for what comes of it.
    fn take_event(&mut self, event: Event) -> bool {
        let requests = match event {
            Event::Key(key) if is_suspend(key) => {
                self.suspends = true;
                return true;
            }
            Event::Key(key) if key.kind != KeyEventKind::Release => self.app.key(KeyCombination::from(key), now()),
            Event::Mouse(event) => {
                let Some(mouse) = mouse_of(event.kind) else { return false };
                self.app.mouse(mouse, Position { x: event.column, y: event.row }, now())
            }
            Event::Paste(text) => self.app.insert(&text, now()),
            Event::Resize(columns, lines) => {
                self.app.resize((columns, lines));
                self.screen.resize(columns, lines);
                self.app.tick(now())
            }
            _ => return false,
        };
        self.start(requests);
        true
    }

    /// Takes what has come, for a short while: what is left has its turn after the keys and the frame.
    fn hear_slice(&mut self, first: Message, mut next: impl FnMut() -> Option<Message>) {
        let until = Instant::now() + SLICE;
        let mut message = Some(first);
        while let Some(heard) = message {
            self.hear(heard);
            message = if Instant::now() < until { next() } else { None };
        }
    }

    fn hear(&mut self, message: Message) {
        let requests = self.app.receive(message, now());
        self.start(requests);
    }

    fn start(&mut self, requests: Vec<Request>) {
        for request in requests {
            match request.ask {
                Ask::Redraw => self.screen.redraw_all(),
                Ask::TakeMouse(takes) => self.screen.say(take_mouse(takes).as_bytes().to_vec()),
                Ask::RunCommand(run) => self.handed = Some(Handed::Command(*run)),
                Ask::RunProgram { to, file } => self.handed = Some(Handed::File { to, file }),
                Ask::Reconnect => self.runner.reconnect(&self.app.setting.context),
                Ask::Copy(text) => self.screen.say(clipboard::copy(&text, self.passage)),
                Ask::Tell(text) => {
                    let console = &self.app.setting.own.console;
                    let bytes = calling::bytes(&console.notify, &text, self.passage);
                    let command = console.notify_command.clone();
                    if !bytes.is_empty() {
                        self.screen.say(bytes);
                    }
                    if !command.is_empty() {
                        self.runner.start(Request { id: request.id, ask: Ask::TellCommand { command, text } });
                    }
                }
                Ask::Hand { program, name, text } => self.handed = Some(Handed::Text { program, name, text }),
                Ask::EditText { name, text } => self.handed = Some(Handed::Edit { name, text }),
                Ask::Handover(mut handover) => {
                    handover.screen = self.shown();
                    self.runner.start(Request { id: request.id, ask: Ask::Handover(handover) });
                }
                Ask::Save { path, over, text: None } => {
                    let text = self.shown();
                    self.runner.start(Request { id: request.id, ask: Ask::Save { path, over, text: Some(text) } });
                }
                _ => self.runner.start(request),
            }
        }
    }

    /// The screen as it is, as text.
    fn shown(&self) -> String {
        let (columns, lines) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, lines));
        screens::draw(&self.app, &mut buffer);
        super::stage::lines(&buffer).join("\n") + "\n"
    }

    /// Hands the next frame to the writer; whether there was anything to write.
    fn draw(&mut self) -> bool {
        let begun = Instant::now();
        self.app.code.wanted = self.runner.backend.code_wanted();
        let requests = self.app.tick(now());
        self.start(requests);
        self.app.meter = self.runner.backend.meter();
        let app = &self.app;
        let bytes = self.screen.frame(|buffer| screens::draw(app, buffer));
        // Where frames are dear, they take half of the time at most.
        let done = Instant::now();
        self.next_frame = done + FRAME.max(done - begun);
        bytes.is_some_and(|bytes| self.writer.write(bytes))
    }
}

/// Goes over to a context that was asked for last, and watches what stands behind it: the changes come where is told.
fn turn_to(
    app: &mut App,
    runner: &mut Runner,
    id: RequestId,
    opened: Result<Opened, String>,
) -> Option<Receiver<Message>> {
    if !app.awaits_context(id) {
        return None;
    }
    match opened {
        Ok(opened) => {
            runner.stop();
            take_time_of(opened.backend.as_ref());
            let setting = Setting::new(&opened, app.setting.own.clone());
            app.enter(setting, opened.note.as_deref(), now());
            runner.backend = opened.backend;
            Some(runner.watch())
        }
        Err(why) => {
            app.stay(&why);
            None
        }
    }
}

/// What the console does with an event of the mouse; with others nothing.
fn mouse_of(kind: MouseEventKind) -> Option<Mouse> {
    Some(match kind {
        MouseEventKind::Down(MouseButton::Left) => Mouse::Click,
        MouseEventKind::ScrollDown => Mouse::WheelDown,
        MouseEventKind::ScrollUp => Mouse::WheelUp,
        _ => return None,
    })
}

/// ctrl-z, as shells and terminals have it; raw mode makes it a key.
fn is_suspend(key: KeyEvent) -> bool {
    key.kind == KeyEventKind::Press && key.code == KeyCode::Char('z') && key.modifiers == KeyModifiers::CONTROL
}

fn watch_themes(directory: &Path, touched: UnboundedSender<()>) -> Option<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = touched.send(());
        }
    })
    .ok()?;
    watcher.watch(directory, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

#[cfg(test)]
mod tests;
