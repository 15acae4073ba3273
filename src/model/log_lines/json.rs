//! Lines of JSON, unfolded: the message first, then the members.

use super::Level;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// What the member is called that says what happened.
const MESSAGES: [&str; 7] = ["message", "msg", "@message", "event", "log", "text", "short_message"];
const LEVELS: [&str; 7] = ["level", "severity", "lvl", "levelname", "log.level", "loglevel", "@level"];
/// Its own times stand last: each line has one already.
const TIMES: [&str; 6] = ["time", "timestamp", "@timestamp", "ts", "asctime", "datetime"];

/// A line of JSON, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfolded {
    pub level: Option<Level>,
    pub message: String,
    /// In the order in which they stood, times last.
    pub members: Vec<(String, String)>,
}

impl Unfolded {
    /// `None` where the line is no object of JSON.
    pub fn of(line: &str) -> Option<Self> {
        let Members(mut members) = read(line)?;
        let level = level_of(&members);
        let mut take = |names: &[&str]| {
            let at =
                names.iter().find_map(|name| members.iter().position(|(key, _)| key.eq_ignore_ascii_case(name)))?;
            Some(members.remove(at).1)
        };
        if level.is_some() {
            take(&LEVELS);
        }
        let message = take(&MESSAGES).map(|value| plain(&value)).unwrap_or_default();
        let is_time = |key: &str| TIMES.iter().any(|name| key.eq_ignore_ascii_case(name));
        let (times, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(key, _)| is_time(key));
        let members = others.into_iter().chain(times).map(|(key, value)| (key, plain(&value))).collect();
        Some(Self { level, message, members })
    }
}

/// The level that a line of JSON says it has.
pub(super) fn level_in_json(line: &str) -> Option<Level> {
    level_of(&read(line)?.0)
}

fn level_of(members: &[(String, Value)]) -> Option<Level> {
    let named = |name: &&str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    match &LEVELS.iter().find_map(named)?.1 {
        Value::String(word) => word.trim().parse().ok(),
        Value::Number(number) => Level::of_number(number.as_i64()?),
        _ => None,
    }
}

/// A text as it is, with a sign for the end of a line; anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim_end().replace('\n', " ⏎ "),
        other => other.to_string(),
    }
}

fn read(line: &str) -> Option<Members> {
    let line = line.trim();
    if !(line.starts_with('{') && line.ends_with('}')) {
        return None;
    }
    serde_json::from_str(line).ok()
}

/// The members of an object in their order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<(Option<Level>, String, String)> {
        Unfolded::of(line).map(|told| {
            let members: Vec<String> = told.members.iter().map(|(key, value)| format!("{key}={value}")).collect();
            (told.level, told.message, members.join(" "))
        })
    }

    #[test]
    fn a_line_of_json_says_what_happened_first_and_the_rest_in_its_order() {
        let cases = [
            (
                r#"{"time":"2026-11-24T03:12:40Z","level":"ERROR","zone":"b","msg":"it broke","job":7,"at":{"x":1}}"#,
                Some((Some(Level::Error), "it broke", r#"zone=b job=7 at={"x":1} time=2026-11-24T03:12:40Z"#)),
            ),
            (r#"  {"Level":"info","Message":"two\nlines\n"}  "#, Some((Some(Level::Info), "two ⏎ lines", ""))),
            (r#"{"level":50,"msg":"pino"}"#, Some((Some(Level::Error), "pino", ""))),
            (r#"{"level":"odd","a":true}"#, Some((None, "", "level=odd a=true"))),
            (r#"{"a":null}"#, Some((None, "", "a=null"))),
            (r#"{"torn": "#, None),
            ("[1,2]", None),
            ("{not json}", None),
            ("plain", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(level, message, rest)| (level, message.to_owned(), rest.to_owned()));
            assert_eq!(told(line), expected, "{line}");
        }
    }
}
