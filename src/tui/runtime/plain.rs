//! The plain console's loop: lines, messages, signals and time go in; requests and lines come out. The terminal stays as it
//! is: no raw mode, no other screen, no moving cursor. Input and output may be pipes.

use super::ends::{Signals, is_hangup};
use super::hand::{self, Handed};
use super::writer::Writer;
use super::{Options, TuiError, furnish, now, turn_to};

use crate::tui::keymap::Keymap;
use crate::tui::plain::Plain;
use crate::tui::requests::{Answer, Ask, HandTo, Message, Request, RequestId};
use crate::tui::runtime::runner::Runner;
use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// So long answers are waited for before what is known is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long what was confirmed is waited for when the input has ended.
const LAST_PATIENCE: Duration = Duration::from_mins(2);
/// So long the last lines may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The size that what is drawn by the way is for.
const SIZE: (u16, u16) = (80, 24);

/// Runs the plain console until it is left or its input ends.
pub async fn run_plain(options: Options) -> Result<(), TuiError> {
    let mut signals = Signals::watch().map_err(TuiError::Signals)?;
    let kept = options.kept.clone();
    let (app, mut runner, mut answers, mut opened) = furnish(options, Keymap::none(), SIZE);
    let mut changes = runner.watch();
    let mut talk = Conversation {
        plain: Plain::new(app),
        runner,
        asked: HashSet::new(),
        patient_until: None,
        handed: None,
        writer: Writer::start(),
        unwritten: 0,
        is_interactive: io::stdin().is_terminal(),
        has_prompt: false,
        prompted: String::new(),
    };
    let mut lines = Lines::start();
    let (mut wants_line, mut ends_by) = (false, None::<Instant>);
    while !talk.plain.app.is_over {
        if let Some(handed) = talk.handed.take() {
            talk.lend(handed, &mut signals).await;
        }
        let is_read = talk.is_read();
        talk.write(is_read);
        if let Some(ends_by) = ends_by {
            let is_done = talk.asked.is_empty() && !talk.plain.app.counts_down();
            if (is_done && is_read) || ends_by <= Instant::now() {
                break;
            }
        } else if is_read {
            talk.prompt();
            if !std::mem::replace(&mut wants_line, true) {
                lines.want();
            }
        }
        let wait = Duration::from_millis(u64::try_from(talk.plain.app.next_wake() - now()).unwrap_or(0));
        let mut wake = Instant::now() + wait;
        wake = [talk.patient_until, ends_by].into_iter().flatten().fold(wake, Instant::min);
        tokio::select! {
            biased;
            which = Signals::which(&mut signals.ends) => {
                if which != Signals::INTERRUPT {
                    break;
                }
                // As in a shell: it leaves a question, and otherwise the console.
                talk.has_prompt = false;
                if !talk.plain.leave_question(now()) {
                    talk.run_line("quit");
                }
                talk.write(true);
                talk.prompt();
            }
            line = lines.came.recv(), if wants_line => {
                wants_line = false;
                talk.has_prompt = false;
                if let Some(line) = line.flatten() {
                    talk.run_line(&line);
                } else {
                    talk.plain.leave_question(now());
                    if talk.plain.app.counts_down() {
                        talk.plain.say("The input has ended; what was confirmed is still sent.");
                    }
                    ends_by = Some(Instant::now() + LAST_PATIENCE);
                }
            }
            written = talk.writer.written.recv() => match written {
                Some(Ok(())) => talk.unwritten = talk.unwritten.saturating_sub(1),
                // Nobody reads any more.
                Some(Err(error)) if is_hangup(&error) => break,
                Some(Err(error)) => return Err(TuiError::Write(error)),
                None => break,
            },
            () = tokio::time::sleep_until(wake) => {
                talk.tick();
            }
            Some((id, answer)) = opened.recv() => {
                if let Some(others) = turn_to(&mut talk.plain.app, &mut talk.runner, id, answer) {
                    changes = others;
                    talk.asked.clear();
                }
            }
            Some(message) = answers.recv() => talk.hear(message),
            Some(message) = changes.recv() => talk.hear(message),
        }
    }
    talk.write(true);
    talk.runner.stop();
    if let Some(path) = kept {
        super::keep_place(&path, &talk.plain.app);
    }
    while talk.unwritten > 0 {
        match tokio::time::timeout(LAST_WORDS, talk.writer.written.recv()).await {
            Ok(Some(Ok(()))) => talk.unwritten -= 1,
            _ => break,
        }
    }
    Ok(())
}

struct Conversation {
    plain: Plain,
    runner: Runner,
    /// What was asked of the backend and has not been answered.
    asked: HashSet<RequestId>,
    patient_until: Option<Instant>,
    /// A program that is to have the terminal.
    handed: Option<Handed>,
    writer: Writer,
    unwritten: usize,
    /// A person types: lines are prompted for.
    is_interactive: bool,
    /// The last thing written is a prompt.
    has_prompt: bool,
    prompted: String,
}

impl Conversation {
    fn run_line(&mut self, line: &str) {
        let requests = self.plain.take(line, now());
        self.start(requests);
    }

    fn hear(&mut self, message: Message) {
        if let Message::Answer { id, answer } = &message
            && !matches!(answer, Answer::Progress(_))
        {
            self.asked.remove(id);
        }
        let requests = self.plain.hear(message, now());
        self.start(requests);
        self.tick();
    }

    fn tick(&mut self) {
        self.plain.app.code.wanted = self.runner.backend.code_wanted();
        let requests = self.plain.tick(now());
        self.start(requests);
    }

    /// Whether all has been read that was asked for, or has been waited for long enough.
    fn is_read(&mut self) -> bool {
        // A question is asked at once.
        if self.plain.is_asking() {
            return true;
        }
        let app = &self.plain.app;
        let log_is_due = app.place_below().is_log() && app.log_is_due_at().is_some();
        if self.asked.is_empty() && !log_is_due && !app.is_first_read() {
            self.patient_until = None;
            return true;
        }
        *self.patient_until.get_or_insert_with(|| Instant::now() + PATIENCE) <= Instant::now()
    }

    fn start(&mut self, requests: Vec<Request>) {
        for Request { id, ask } in requests {
            match ask {
                Ask::Redraw | Ask::TakeMouse(_) => {}
                Ask::Reconnect => self.runner.reconnect(&self.plain.app.setting.context),
                Ask::RunCommand(run) => self.handed = Some(Handed::Command(*run)),
                Ask::RunProgram { to: HandTo::Command(command), file } => {
                    self.handed = Some(Handed::Piped { command, file });
                }
                Ask::RunProgram { file, .. } => self.tell_file(&file),
                Ask::EditText { name, text } => self.handed = Some(Handed::Edit { name, text }),
                Ask::Tell(text) => {
                    let command = self.plain.app.setting.own.console.notify_command.clone();
                    self.plain.say(format!("Watched for: {text}"));
                    if !command.is_empty() {
                        self.run(id, Ask::TellCommand { command, text });
                    }
                }
                Ask::Copy(text) => self.plain.say(format!("To copy: {text}")),
                Ask::Hand { text, .. } => self.plain.say(text),
                Ask::Handover(mut handover) => {
                    handover.screen = self.plain.shown();
                    self.run(id, Ask::Handover(handover));
                }
                Ask::Save { path, over, text } => {
                    let text = text.unwrap_or_else(|| self.plain.shown());
                    self.run(id, Ask::Save { path, over, text: Some(text) });
                }
                ask => self.run(id, ask),
            }
        }
    }

    fn run(&mut self, id: RequestId, ask: Ask) {
        let is_answered = match &ask {
            Ask::Log(read) => !read.what.waits(),
            Ask::StopFollowing | Ask::Open(_) | Ask::Note(_) | Ask::LookAt(_) | Ask::LookAgain | Ask::Context(_) => {
                false
            }
            _ => true,
        };
        if is_answered {
            self.asked.insert(id);
            self.patient_until = None;
        }
        self.runner.start(Request { id, ask });
    }

    /// What a pager would show is told; an editor would need a screen.
    fn tell_file(&mut self, file: &Path) {
        match std::fs::read_to_string(file) {
            Ok(text) => self.plain.say(text.trim_end()),
            Err(error) => self.plain.say(format!("{} cannot be read: {error}", file.display())),
        }
        // It was written for this alone.
        let _ = std::fs::remove_file(file);
    }

    /// Gives the terminal to a program until it ends. No line is being read meanwhile.
    async fn lend(&mut self, handed: Handed, signals: &mut Signals) {
        self.write(false);
        let command = handed.command().cloned();
        let result = handed.run().await;
        signals.forget_keys();
        if let Some(run) = command {
            let requests = self.plain.app.command_ended(hand::told_of(run, &result), now());
            self.start(requests);
        }
        match result {
            Ok(Some(text)) => {
                let requests = self.plain.app.edited(text, now());
                self.start(requests);
            }
            Ok(None) => {}
            Err(error) => self.plain.say(error.to_string()),
        }
    }

    fn write(&mut self, is_read: bool) {
        let lines = self.plain.lines(is_read);
        if lines.is_empty() {
            return;
        }
        let before = if std::mem::take(&mut self.has_prompt) && self.is_interactive { "\n" } else { "" };
        let had_prompt = !before.is_empty();
        self.put(format!("{before}{}\n", lines.join("\n")));
        if had_prompt {
            self.prompt();
        }
    }

    /// Asks for a line. Into a pipe only questions are written.
    fn prompt(&mut self) {
        let prompt = self.plain.prompt();
        let is_there = self.has_prompt && self.prompted == prompt;
        if is_there || !(self.is_interactive || self.plain.is_asking()) {
            return;
        }
        let before = if self.has_prompt && self.is_interactive { "\n" } else { "" };
        self.put(if self.is_interactive { format!("{before}{prompt}") } else { format!("{}\n", prompt.trim_end()) });
        (self.has_prompt, self.prompted) = (true, prompt);
    }

    fn put(&mut self, text: String) {
        if self.writer.write(text.into_bytes()) {
            self.unwritten += 1;
        }
    }
}

/// Lines of standard input, read one by one as they are wanted: while another program has the terminal, none is.
struct Lines {
    wanted: std::sync::mpsc::Sender<()>,
    /// `None` is the end of the input.
    came: UnboundedReceiver<Option<String>>,
}

impl Lines {
    fn start() -> Self {
        let (wanted, wants) = std::sync::mpsc::channel::<()>();
        let (sender, came) = unbounded_channel();
        std::thread::spawn(move || {
            for () in wants {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_until(b'\n', &mut bytes);
                let line = matches!(read, Ok(count) if count > 0).then(|| String::from_utf8_lossy(&bytes).into_owned());
                let is_over = line.is_none();
                if sender.send(line).is_err() || is_over {
                    return;
                }
            }
        });
        Self { wanted, came }
    }

    fn want(&self) {
        // Where the reader has ended, so has the input: that was told.
        let _ = self.wanted.send(());
    }
}
