//! Lines for people: how it stands to its target first, then the figures.

use std::time::Duration;

/// What is printed, and how many targets were missed.
#[derive(Debug, Default)]
pub struct Report {
    pub missed: usize,
    met: usize,
}

/// How a ratio is held against its target.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing is asked.
    None,
}

impl Report {
    pub fn heading(&mut self, text: &str) {
        println!("{text}");
    }

    pub fn part(&mut self, text: &str) {
        println!("\n{text}");
    }

    /// One line: the ratio, the target, what it is of, and the figures behind it.
    pub fn line(&mut self, ratio: f64, target: Target, what: &str, figures: &str) {
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
        println!("  {sign} {ratio:>8.2} {word:<17} {what:<44} {figures}");
    }

    pub fn end(&self) {
        println!("\n{} targets met, {} missed", self.met, self.missed);
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
