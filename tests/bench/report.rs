//! What was measured beside what it is held against: lines for people as they come, and JSON for programs at the end.

use serde_json::{Value, json};
use std::time::Duration;

/// What was measured, and how many targets were missed.
#[derive(Debug)]
pub struct Report {
    machine: String,
    /// Whether targets are looked at.
    held: bool,
    part: String,
    lines: Vec<Value>,
    pub missed: usize,
    met: usize,
}

/// A measured value.
#[derive(Debug, Clone, Copy)]
pub enum Figure {
    Time(Duration),
    /// How many a second.
    Rate(f64),
    Bytes(f64),
    Count(f64),
}

/// How a ratio is held against its target.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing is asked.
    None,
}

impl Figure {
    fn value(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Rate(value) | Self::Bytes(value) | Self::Count(value) => value,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Time(_) => "seconds",
            Self::Rate(_) => "per second",
            Self::Bytes(_) => "bytes",
            Self::Count(_) => "",
        }
    }

    fn text(self) -> String {
        match self {
            Self::Time(duration) => time(duration),
            Self::Rate(rate) => format!("{rate:.0} a second"),
            Self::Bytes(bytes) => format!("{bytes:.0} bytes"),
            Self::Count(count) => format!("{count:.0}"),
        }
    }
}

impl Report {
    pub fn new(machine: String, held: bool) -> Self {
        println!("{machine}");
        Self { machine, held, part: String::new(), lines: Vec::new(), missed: 0, met: 0 }
    }

    pub fn part(&mut self, text: &str) {
        println!("\n{text}");
        text.clone_into(&mut self.part);
    }

    /// One line: how `measured` stands to `against`, the target, and the figures behind it, with a word on them.
    pub fn line(&mut self, what: &str, (measured, against): (Figure, Figure), target: Target, detail: &str) {
        let ratio = measured.value() / against.value();
        let target = if self.held { target } else { Target::None };
        let (met, word) = match target {
            Target::AtMost(most) => (Some(ratio <= most), format!("of at most {most:.2}")),
            Target::AtLeast(least) => (Some(ratio >= least), format!("of at least {least:.2}")),
            Target::None => (None, String::new()),
        };
        let sign = match met {
            Some(true) => "met   ",
            Some(false) => "MISSED",
            None => "      ",
        };
        self.met += usize::from(met == Some(true));
        self.missed += usize::from(met == Some(false));
        let mut figures = format!("{} against {}", measured.text(), against.text());
        if !detail.is_empty() {
            figures = format!("{figures} ({detail})");
        }
        println!("  {sign} {ratio:>6.2} {word:<16} {what:<44} {figures}");
        let (at_most, at_least) = match target {
            Target::AtMost(most) => (Some(most), None),
            Target::AtLeast(least) => (None, Some(least)),
            Target::None => (None, None),
        };
        self.lines.push(json!({
            "part": self.part, "what": what, "ratio": ratio, "atMost": at_most, "atLeast": at_least, "met": met,
            "measured": measured.value(), "against": against.value(), "unit": measured.unit(), "detail": detail,
        }));
    }

    /// A line that is held against nothing.
    pub fn note(&mut self, text: &str) {
        println!("                                {text}");
        self.lines.push(json!({ "part": self.part, "note": text }));
    }

    pub fn end(&self) {
        if self.held {
            println!("\n{} targets met, {} missed", self.met, self.missed);
        }
    }

    /// All of it, for programs.
    pub fn json(&self) -> Value {
        json!({ "machine": self.machine, "met": self.met, "missed": self.missed, "lines": self.lines })
    }
}

/// A time in the unit that gives it few digits.
pub fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        _ if micros < 1_000.0 => format!("{micros:.1} µs"),
        _ if micros < 1_000_000.0 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// 1000000 as 1,000,000.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The middle one.
pub fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
