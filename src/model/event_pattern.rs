//! Event patterns of `EventBridge`: which events a rule, or a hook, is about. Pure.
//!
//! Source: EventBridge user guide, "Comparison operators for use in event patterns".

use serde_json::{Map, Number, Value};

/// How deep members may lie in each other.
const DEEPEST: usize = 32;

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPattern(Node);

#[derive(Debug, Clone, PartialEq, Default)]
struct Node {
    members: Vec<(String, Branch)>,
    /// `$or`: one of each list.
    any: Vec<Vec<Node>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Branch {
    Inner(Node),
    /// One of these.
    Leaf(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    Wildcard(String),
    Exists(bool),
    Numeric(Vec<(Order, f64)>),
    /// None of these.
    AnythingBut(Vec<Test>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is no event pattern: where, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventPatternError {
    #[error("it is not JSON: {0}")]
    Json(String),
    #[error("{at} is `{given}`; it takes {takes}")]
    Form { at: String, given: String, takes: &'static str },
}

fn wrong<T>(at: &str, given: &Value, takes: &'static str) -> Result<T, EventPatternError> {
    let at = if at.is_empty() { "the pattern".to_owned() } else { at.to_owned() };
    Err(EventPatternError::Form { at, given: given.to_string(), takes })
}

impl EventPattern {
    pub fn parse(text: &str) -> Result<Self, EventPatternError> {
        let value = serde_json::from_str(text).map_err(|cause| EventPatternError::Json(cause.to_string()))?;
        Node::read(&value, "", 0).map(Self)
    }

    pub fn matches(&self, event: &Value) -> bool {
        self.0.takes(Some(event))
    }
}

impl Node {
    fn read(value: &Value, at: &str, depth: usize) -> Result<Self, EventPatternError> {
        let Value::Object(members) = value else { return wrong(at, value, "an object of members") };
        if members.is_empty() || depth > DEEPEST {
            return wrong(at, value, "an object with at least one member, and not too many in each other");
        }
        let mut node = Self::default();
        for (name, inner) in members {
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            match inner {
                Value::Array(choices) if name == "$or" => {
                    let read = choices.iter().map(|choice| Self::read(choice, &at, depth + 1));
                    node.any.push(read.collect::<Result<_, _>>()?);
                }
                Value::Array(tests) if !tests.is_empty() => {
                    let read = tests.iter().map(|test| Test::read(test, &at));
                    node.members.push((name.clone(), Branch::Leaf(read.collect::<Result<_, _>>()?)));
                }
                Value::Object(_) => {
                    node.members.push((name.clone(), Branch::Inner(Self::read(inner, &at, depth + 1)?)));
                }
                other => return wrong(&at, other, "a list of what it may be, or an object of members"),
            }
        }
        Ok(node)
    }

    fn takes(&self, value: Option<&Value>) -> bool {
        let member = |name: &str| value.and_then(|value| value.get(name));
        let all = self.members.iter().all(|(name, branch)| match branch {
            Branch::Inner(node) => match member(name) {
                Some(Value::Array(items)) => items.iter().any(|item| node.takes(Some(item))),
                found => node.takes(found),
            },
            Branch::Leaf(tests) => tests.iter().any(|test| test.takes_member(member(name))),
        });
        all && self.any.iter().all(|choices| choices.iter().any(|choice| choice.takes(value)))
    }
}

impl Test {
    fn read(value: &Value, at: &str) -> Result<Self, EventPatternError> {
        let Value::Object(members) = value else {
            return if value.is_array() {
                wrong(at, value, "texts, numbers, true, false, null and comparisons")
            } else {
                Ok(Self::Is(value.clone()))
            };
        };
        let takes = "one comparison: prefix, suffix, equals-ignore-case, wildcard, exists, numeric or anything-but";
        let Some((name, given)) = only(members) else { return wrong(at, value, takes) };
        let text = given.as_str().map(str::to_owned);
        let ignoring = || given.get("equals-ignore-case").and_then(Value::as_str).map(str::to_lowercase);
        match (name, text, given) {
            ("prefix", Some(text), _) => Ok(Self::Prefix(text)),
            ("suffix", Some(text), _) => Ok(Self::Suffix(text)),
            ("equals-ignore-case", Some(text), _) => Ok(Self::IgnoringCase(text.to_lowercase())),
            ("wildcard", Some(text), _) => Ok(Self::Wildcard(text)),
            ("prefix", None, Value::Object(_)) if ignoring().is_some() => wrong(at, value, "a prefix as a text"),
            ("exists", _, Value::Bool(exists)) => Ok(Self::Exists(*exists)),
            ("numeric", _, Value::Array(parts)) => numeric(parts).map_or_else(
                || wrong(at, value, "pairs of an operator and a number, as [\">\", 0, \"<=\", 5]"),
                |bounds| Ok(Self::Numeric(bounds)),
            ),
            ("anything-but", _, Value::Array(items)) => {
                items.iter().map(|item| Self::read(item, at)).collect::<Result<_, _>>().map(Self::AnythingBut)
            }
            ("anything-but", _, inner) => Self::read(inner, at).map(|test| Self::AnythingBut(vec![test])),
            _ => wrong(at, value, takes),
        }
    }

    fn takes_member(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Exists(wanted), found) => *wanted == found.is_some(),
            (_, None) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.takes(item)),
            (_, Some(value)) => self.takes(value),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Is(wanted) => match (wanted, value) {
                (Value::Number(a), Value::Number(b)) => same(a, b),
                _ => wanted == value,
            },
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::IgnoringCase(wanted) => text.is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Wildcard(wanted) => text.is_some_and(|text| wildcard(wanted, text)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(bounds) => value.as_f64().is_some_and(|value| {
                bounds.iter().all(|(order, bound)| match order {
                    Order::Equal => value.total_cmp(bound).is_eq(),
                    Order::Less => value < *bound,
                    Order::LessOrEqual => value <= *bound,
                    Order::Greater => value > *bound,
                    Order::GreaterOrEqual => value >= *bound,
                })
            }),
            Self::AnythingBut(tests) => tests.iter().all(|test| !test.takes(value)),
        }
    }
}

fn same(a: &Number, b: &Number) -> bool {
    a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

fn only(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut all = members.iter();
    let first = all.next()?;
    all.next().is_none().then_some((first.0.as_str(), first.1))
}

fn numeric(parts: &[Value]) -> Option<Vec<(Order, f64)>> {
    if !(2..=4).contains(&parts.len()) {
        return None;
    }
    let pairs = parts.chunks(2).map(|pair| {
        let order = match pair[0].as_str()? {
            "=" => Order::Equal,
            "<" => Order::Less,
            "<=" => Order::LessOrEqual,
            ">" => Order::Greater,
            ">=" => Order::GreaterOrEqual,
            _ => return None,
        };
        Some((order, pair.get(1)?.as_f64()?))
    });
    pairs.collect()
}

/// Whether a text is as a pattern in which `*` stands for any letters.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_taken_as_eventbridge_takes_them() {
        let event = json!({
            "source": "aws.batch", "detail-type": "Batch Job State Change", "resources": ["arn:job", "arn:queue"],
            "detail": {
                "status": "FAILED", "jobName": "Nightly-7", "attempts": [{ "container": { "exitCode": 7 } }, {}],
                "container": { "exitCode": 137, "reason": null }, "isTerminated": false,
            },
        });
        let cases = [
            (json!({ "source": ["aws.batch"] }), true),
            (json!({ "source": ["aws.ecs", "aws.batch"], "detail": { "status": ["FAILED"] } }), true),
            (json!({ "source": ["aws.batch"], "detail": { "status": ["SUCCEEDED"] } }), false),
            (json!({ "resources": ["arn:queue"] }), true),
            (json!({ "detail": { "container": { "exitCode": [137.0] } } }), true),
            (json!({ "detail": { "container": { "exitCode": ["137"] } } }), false),
            (json!({ "detail": { "container": { "exitCode": [{ "numeric": [">", 100, "<=", 137] }] } } }), true),
            (json!({ "detail": { "container": { "exitCode": [{ "numeric": ["<", 100] }] } } }), false),
            (json!({ "detail": { "container": { "reason": [null] } } }), true),
            (json!({ "detail": { "isTerminated": [false] } }), true),
            (json!({ "detail": { "jobName": [{ "prefix": "Night" }] } }), true),
            (json!({ "detail": { "jobName": [{ "suffix": "-8" }, { "suffix": "-7" }] } }), true),
            (json!({ "detail": { "jobName": [{ "equals-ignore-case": "NIGHTLY-7" }] } }), true),
            (json!({ "detail": { "jobName": [{ "wildcard": "N*y-*" }] } }), true),
            (json!({ "detail": { "jobName": [{ "wildcard": "N*x" }] } }), false),
            (json!({ "detail": { "jobName": [{ "anything-but": "Nightly-7" }] } }), false),
            (json!({ "detail": { "jobName": [{ "anything-but": ["a", "b"] }] } }), true),
            (json!({ "detail": { "jobName": [{ "anything-but": { "prefix": "Night" } }] } }), false),
            (json!({ "detail": { "jobQueue": [{ "exists": false }], "status": [{ "exists": true }] } }), true),
            (json!({ "detail": { "status": [{ "exists": false }] } }), false),
            (json!({ "detail": { "attempts": { "container": { "exitCode": [7] } } } }), true),
            (json!({ "detail": { "attempts": { "container": { "exitCode": [8] } } } }), false),
            (json!({ "$or": [{ "source": ["x"] }, { "detail": { "status": ["FAILED"] } }] }), true),
            (json!({ "$or": [{ "source": ["x"] }, { "source": ["y"] }] }), false),
        ];
        for (pattern, expected) in cases {
            let read = EventPattern::parse(&pattern.to_string()).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(read.matches(&event), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_place() {
        let cases = [
            ("{", "not JSON"),
            ("[]", "the pattern is `[]`"),
            ("{}", "at least one member"),
            (r#"{"source":"aws.batch"}"#, "source is `\"aws.batch\"`"),
            (r#"{"detail":{"status":[]}}"#, "detail.status is `[]`"),
            (r#"{"detail":{"n":[{"numeric":[">"]}]}}"#, "detail.n"),
            (r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, "one comparison"),
            (r#"{"a":[["b"]]}"#, "comparisons"),
        ];
        for (text, words) in cases {
            let error = EventPattern::parse(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    crate::model::mutation::fuzz! {
        fn a_pattern_of_events_that_is_almost_right_is_read_or_refused(text in crate::model::mutation::mutated_text(
            r#"{"source":["aws.batch"],"detail":{"status":["FAILED",{"prefix":"S"}],"n":[{"numeric":[">",1,"<=",9]}],
               "name":[{"wildcard":"a*b"},{"anything-but":["x"]},{"exists":true}]},"$or":[{"a":[null]},{"b":[1]}]}"#,
        )) {
            if let Ok(pattern) = EventPattern::parse(&text) {
                pattern.matches(&serde_json::json!({"source": "aws.batch", "detail": {"status": "FAILED", "n": 3, "name": "ab"}}));
            }
        }
    }
}
