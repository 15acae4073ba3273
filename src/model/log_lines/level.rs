//! How bad a line is, by the words of loggers.

use super::json::level_in_json;
use std::str::FromStr;

/// How bad a line says it is; the worst is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A level stands near the beginning of its line.
const NEAR: usize = 240;

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// Of a line as it is shown; `None` where it does not say.
    pub fn of(line: &str) -> Option<Self> {
        if line.trim_start().starts_with('{')
            && let Some(level) = level_in_json(line)
        {
            return Some(level);
        }
        let head = line.get(..NEAR).unwrap_or_else(|| head_of(line));
        klog(head).or_else(|| by_words(head)).or_else(|| by_failure(line))
    }

    /// Of the number that pino and bunyan write.
    pub(super) fn of_number(number: i64) -> Option<Self> {
        Some(match number {
            10..=29 => Self::Debug,
            30..=39 => Self::Info,
            40..=49 => Self::Warn,
            50..=69 => Self::Error,
            _ => return None,
        })
    }
}

/// A word that loggers write, whatever its case.
impl FromStr for Level {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word.to_ascii_lowercase().as_str() {
            "error" | "err" | "fatal" | "critical" | "crit" | "panic" | "severe" | "emerg" | "alert" => Self::Error,
            "warn" | "warning" | "wrn" => Self::Warn,
            "info" | "inf" | "notice" => Self::Info,
            "debug" | "dbg" | "trace" | "fine" | "verbose" => Self::Debug,
            _ => return Err(()),
        })
    }
}

fn head_of(line: &str) -> &str {
    let end = (0..=NEAR.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    &line[..end]
}

/// `E1124 03:12:40.123456`, as Kubernetes' logger writes.
fn klog(line: &str) -> Option<Level> {
    let bytes = line.as_bytes();
    let is_date = bytes.len() > 6 && bytes[1..5].iter().all(u8::is_ascii_digit) && bytes[5] == b' ';
    match bytes.first().filter(|_| is_date && bytes[6].is_ascii_digit())? {
        b'E' | b'F' => Some(Level::Error),
        b'W' => Some(Level::Warn),
        b'I' => Some(Level::Info),
        _ => None,
    }
}

/// The first word that is one of a logger: in capitals, in brackets, before a colon, or after `level=`.
fn by_words(line: &str) -> Option<Level> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut from = 0;
    while let Some(start) = line[from..].find(is_part).map(|at| from + at) {
        let end = line[start..].find(|letter: char| !is_part(letter)).map_or(line.len(), |at| start + at);
        let word = &line[start..end];
        from = end;
        let Ok(level) = Level::from_str(word) else { continue };
        let (before, after) = (line[..start].chars().next_back(), line[end..].chars().next());
        let is_name =
            !matches!(before, Some('-' | '/' | '.' | '$' | '@')) && !matches!(after, Some('-' | '/' | '.' | '('));
        let is_loud = word.len() > 2 && word.chars().all(|letter| letter.is_ascii_uppercase());
        let is_bracketed =
            matches!((before, after), (Some('['), Some(']')) | (Some('<'), Some('>')) | (Some('|'), Some('|')));
        let is_label = after == Some(':') && level >= Level::Warn;
        let key = line[..start].trim_end_matches(['"', '\'']).strip_suffix('=').map(str::to_ascii_lowercase);
        let is_value = key.is_some_and(|key| ["level", "lvl", "severity"].iter().any(|name| key.ends_with(name)));
        // `ERROR=0` and `INFO.txt` are names.
        if is_value || (is_name && after != Some('=') && (is_loud || is_bracketed || is_label)) {
            return Some(level);
        }
    }
    None
}

/// What a language prints when a program fails.
fn by_failure(line: &str) -> Option<Level> {
    let is_failure = line.starts_with("Traceback (most recent call last)")
        || line.contains("' panicked at ")
        || line.starts_with("Exception in thread ")
        || line.starts_with("Unhandled exception")
        || line.contains("Segmentation fault")
        || is_exception(line);
    if is_failure {
        return Some(Level::Error);
    }
    let is_warning = |part: &str| part.ends_with("Warning") && !part.contains(' ') || part.contains("DEPRECATED");
    line.split(':').map(str::trim).any(is_warning).then_some(Level::Warn)
}

/// `ValueError: no such thing`, `java.io.IOException: gone`, `KeyError` alone on its line.
pub(super) fn is_exception(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or_default();
    let is_name = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '$'))
        && name.starts_with(|letter: char| letter.is_alphabetic());
    let is_alone = line.len() == name.len() || line[name.len()..].starts_with(": ") || line[name.len()..] == *":";
    let kinds = ["Error", "Exception", "KeyboardInterrupt", "SystemExit", "StopIteration", "Throwable"];
    is_name && is_alone && name.len() > 5 && kinds.iter().any(|kind| name.ends_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_of_a_line_is_found_in_the_usual_forms() {
        use Level::{Debug, Error, Info, Warn};
        let cases = [
            ("2026-11-24 03:12:40,123 ERROR root: it broke", Some(Error)),
            ("2026-11-24T03:12:40Z  WARN slow read", Some(Warn)),
            ("[INFO] started", Some(Info)),
            ("[error] 12#12: *1 open() failed", Some(Error)),
            ("03:12:40 [main] DEBUG c.e.App - tick", Some(Debug)),
            ("INFO retrying after ERROR", Some(Info)),
            ("time=\"…\" level=warning msg=\"low\"", Some(Warn)),
            ("ts=1 lvl=\"eror\" level=error msg=x", Some(Error)),
            ("severity=CRITICAL x", Some(Error)),
            ("main.c:3:5: error: expected ';'", Some(Error)),
            ("warning: unused variable", Some(Warn)),
            ("error: s3://in/clip-4699.mov: no such key", Some(Error)),
            ("FATAL: the database is starting up", Some(Error)),
            ("E1124 03:12:40.123456       1 main.go:12] gone", Some(Error)),
            ("I1124 03:12:40.123456       1 main.go:12] ok", Some(Info)),
            ("Traceback (most recent call last):", Some(Error)),
            ("ValueError: bad literal", Some(Error)),
            ("java.lang.IllegalStateException: closed", Some(Error)),
            ("KeyboardInterrupt", Some(Error)),
            ("thread 'main' panicked at src/main.rs:3:5:", Some(Error)),
            ("panic: runtime error: index out of range", Some(Error)),
            ("/usr/lib/x.py:3: DeprecationWarning: use y", Some(Warn)),
            ("{\"level\":\"error\",\"msg\":\"x\"}", Some(Error)),
            ("{\"level\":30,\"msg\":\"x\"}", Some(Info)),
            ("{\"a\":1} ERROR after it", Some(Error)),
            ("0 errors, 0 warnings", None),
            ("ERRORS=0", None),
            ("ERROR=0", None),
            ("wrote ERROR.txt", None),
            ("copied to /var/log/ERROR/x", None),
            ("frame 1187/2400  41 fps", None),
            ("the error was mended", None),
            ("info: 3 files", None),
            ("An Error occurred", None),
            ("", None),
            ("世界 ERROR 世界", Some(Error)),
        ];
        for (line, expected) in cases {
            assert_eq!(Level::of(line), expected, "{line}");
        }
        let far = format!("{} ERROR", "世".repeat(200));
        assert_eq!(Level::of(&far), None, "it is text by then");
    }
}
