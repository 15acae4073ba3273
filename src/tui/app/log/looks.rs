//! How lines are shown: with which times, folded or not, in whose colours; and how far back.

use super::{LogPane, Window};
use crate::model::Millis;
use crate::tui::app::log::Jump;

/// The time before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// As everywhere in the console.
    #[default]
    Clock,
    Utc,
    /// How long ago it was written.
    Ago,
    Off,
}

impl Times {
    fn next(self) -> Self {
        match self {
            Self::Clock => Self::Utc,
            Self::Utc => Self::Ago,
            Self::Ago => Self::Off,
            Self::Off => Self::Clock,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Clock => "times of this machine's zone",
            Self::Utc => "times in UTC",
            Self::Ago => "how long ago each line was written",
            Self::Off => "no times",
        }
    }
}

/// How lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    pub times: Times,
    pub wrap: bool,
    /// Lines of JSON: the message first, then the members.
    pub unfolds: bool,
    /// The colours that the job printed, rather than those of levels.
    pub printed: bool,
}

impl Default for Looks {
    fn default() -> Self {
        Self { times: Times::default(), wrap: false, unfolds: true, printed: false }
    }
}

const MINUTE: Millis = 60_000;

/// How far back the lines of a log go that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub word: &'static str,
    span: Millis,
}

/// What the keys 1 to 6 choose.
pub const SPANS: [Span; 6] = [
    Span { word: "1m", span: MINUTE },
    Span { word: "5m", span: 5 * MINUTE },
    Span { word: "15m", span: 15 * MINUTE },
    Span { word: "30m", span: 30 * MINUTE },
    Span { word: "1h", span: 60 * MINUTE },
    Span { word: "6h", span: 360 * MINUTE },
];

impl LogPane {
    pub fn turn_times(&mut self) {
        self.looks.times = self.looks.times.next();
        self.word = Some(self.looks.times.word().to_owned());
    }

    pub fn toggle_unfold(&mut self) {
        self.looks.unfolds = !self.looks.unfolds;
        let words =
            if self.looks.unfolds { "lines of JSON with the message first" } else { "lines of JSON as they are" };
        self.word = Some(words.to_owned());
    }

    pub fn toggle_printed(&mut self) {
        self.looks.printed = !self.looks.printed;
        let words = if self.looks.printed { "the colours that the job printed" } else { "colours by level" };
        self.word = Some(words.to_owned());
    }

    /// Shows the lines of the last while alone, or all.
    pub fn look_back(&mut self, span: Option<Span>, now: Millis) {
        self.since = span.map(|span| (now - span.span, span.word));
        self.window = Window::default();
        self.is_read = false;
        self.error = None;
        self.skipped = None;
        self.looked = 0;
        self.following = true;
        self.point = None;
        self.jump = Some(Jump::Tail);
        (self.reading, self.waiting) = (None, None);
        self.histogram.forget();
        if let Some(search) = &mut self.search {
            search.stop();
            search.count_from(&self.window);
        }
    }
}
