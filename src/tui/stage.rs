//! The console without a terminal: the real state and keymap over a recorded world, driven by keys. It never waits, and
//! the same keys give the same screen.

use super::app::{App, Own, Setting};
use super::format::Clock;
use super::keymap::{Keymap, parse_sequence};
use super::requests::{Message, Request, perform};
use super::screens;
use super::theme::Depth;
use crate::backend::Backend;
use crate::backend::scripted::{ScriptedBackend, World};
use crate::config::keys::KeyBindings;
use crate::config::theme::Theme;
use crate::config::{Access, ColumnSettings, ConsoleSettings};
use crate::model::{Millis, Prices};
use futures::{FutureExt, StreamExt};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A console on a recorded world.
#[derive(Debug)]
pub struct Stage {
    pub app: App,
    pub backend: Arc<ScriptedBackend>,
    now: Millis,
}

/// Why a script of keys cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key; write keys with blanks between (j Enter ctrl-d), and text to type in quotes (\"high\")")]
pub struct NotAKey(pub String);

/// How long each key is given: more than a cursor must rest before its log is shown.
const BEAT: Millis = 200;

impl Stage {
    /// A console on `world`.
    ///
    /// # Panics
    /// When the default keys are no keymap; a test holds that they are.
    pub fn new(world: World, size: (u16, u16), theme: Theme) -> Self {
        Self::with(ScriptedBackend::new(world), size, theme, false)
    }

    /// A console on the recorded world that tells of no changes by itself, as AWS does not.
    #[cfg(test)]
    pub fn polled(size: (u16, u16)) -> Self {
        let mut world = super::screens::recorded_world();
        world.can.pushes_changes = false;
        Self::new(world, size, Theme::default())
    }

    /// A console on a recorded world that is played in another way.
    ///
    /// # Panics
    /// As [`Stage::new`].
    pub fn with(backend: ScriptedBackend, size: (u16, u16), theme: Theme, read_only: bool) -> Self {
        let can = backend.capabilities();
        let setting = Setting {
            context: can.name.to_owned(),
            access: if backend.recorded_at().is_some() {
                Access::Recorded
            } else if read_only {
                Access::Asked
            } else {
                Access::Write
            },
            region: None,
            contexts: Vec::new(),
            flags: Vec::new(),
            aws_flags: None,
            can,
            recorded_at: backend.recorded_at(),
            scheduler_role: Some("arn:aws:iam::123456789012:role/scheduler-batch".to_owned()),
            log_group: None,
            own: Own {
                clock: Clock::Utc,
                depth: Depth::True,
                ascii: false,
                themes: Theme::built_in_names().map(str::to_owned).collect(),
                processors: 2,
                // What is confirmed is done at once: time stands still here.
                console: ConsoleSettings { grace_seconds: 0, ..ConsoleSettings::default() },
                columns: ColumnSettings::default(),
                prices: Prices::default(),
                commands: BTreeMap::new(),
            },
        };
        let now = backend.world().now;
        let keymap = Keymap::new(&KeyBindings::default()).expect("the default keys are a keymap: a test holds it");
        let app = App::new(setting, keymap, theme, size, now);
        let mut stage = Self { app, backend: Arc::new(backend), now };
        stage.open();
        stage
    }

    /// Reads the world as the console does at its start.
    fn open(&mut self) {
        self.hear(Message::WatchOpened);
        let watched = self.backend.watch(None).now_or_never();
        if let Some(Ok(mut changes)) = watched {
            while let Some(Some(Ok(change))) = changes.next().now_or_never() {
                self.hear(Message::Change(change));
            }
        }
        self.rest();
    }

    /// Tells the console something from outside.
    pub fn hear(&mut self, message: Message) {
        let requests = self.app.receive(message, self.now);
        self.carry_out(requests);
        let requests = self.app.tick(self.now);
        self.carry_out(requests);
    }

    /// Lets the cursor come to rest. The clock on the screen stands still.
    pub fn rest(&mut self) {
        let (now, later) = (self.now, self.now + BEAT);
        let requests = self.app.tick(later);
        self.carry_out(requests);
        let requests = self.app.tick(now);
        self.carry_out(requests);
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Millis) {
        self.now += span;
        let requests = self.app.tick(self.now);
        self.carry_out(requests);
    }

    fn carry_out(&mut self, requests: Vec<Request>) {
        for Request { id, ask } in requests {
            if let Some(Some(answer)) = perform(self.backend.as_ref(), None, ask).now_or_never() {
                self.hear(Message::Answer { id, answer });
            }
        }
    }

    /// Presses keys: chords with blanks between; what stands in quotes is typed.
    pub fn press(&mut self, keys: &str) -> Result<(), NotAKey> {
        for (at, part) in keys.split('"').enumerate() {
            if at % 2 == 1 {
                let requests = self.app.insert(part, self.now);
                self.carry_out(requests);
                continue;
            }
            for key in part.split_whitespace() {
                let chords = parse_sequence(key).ok_or_else(|| NotAKey(key.to_owned()))?;
                for chord in chords {
                    let requests = self.app.key(chord, self.now);
                    self.carry_out(requests);
                    self.rest();
                    // Lists and texts note how much of them fits.
                    self.draw();
                }
            }
        }
        self.rest();
        Ok(())
    }

    /// The screen as it is now.
    pub fn draw(&self) -> Buffer {
        let (columns, lines) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, lines));
        screens::draw(&self.app, &mut buffer);
        buffer
    }

    /// The letters of the screen, a line each, without blanks at their ends.
    pub fn text(&self) -> String {
        lines(&self.draw()).join("\n")
    }
}

/// The letters of a buffer, a line each, without blanks at their ends. What a wide letter covers is left out.
pub fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let line = |y: u16| {
        let mut text = String::new();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += u16::try_from(super::format::width(symbol)).unwrap_or(1).max(1);
        }
        text.trim_end().to_owned()
    };
    (area.top()..area.bottom()).map(line).collect()
}
