//! `{ $.level = "ERROR" && $.code > 3 }`: messages that are JSON, asked by selectors.

use super::PatternError;
use super::condition::{Comparison, Operator};
use super::logic::{Logic, Reader};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Expression(Logic<Condition>);

/// What a test says of the values that a selector finds.
#[derive(Debug)]
struct Condition {
    selector: Vec<Step>,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
    /// `[*]`
    Each,
}

#[derive(Debug)]
enum Test {
    Compare(Comparison),
    Is(Value),
    Exists(bool),
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('{').unwrap_or(text);
        let mut reader = Reader::new(inner);
        let expression = Self(reader.logic(&mut Condition::read)?);
        reader.expect("}", "`}`, `&&` or `||`")?;
        reader.skip();
        if reader.rest.is_empty() { Ok(expression) } else { Err(reader.wanted("the end")) }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if !message.trim_start().starts_with(['{', '[']) {
            return false;
        }
        serde_json::from_str(message).is_ok_and(|value| self.0.holds(&|condition| condition.holds(&value)))
    }
}

impl Condition {
    fn read(reader: &mut Reader<'_>) -> Result<Self, PatternError> {
        Ok(Self { selector: selector(reader)?, test: test(reader)? })
    }

    fn holds(&self, value: &Value) -> bool {
        let mut found = Vec::new();
        select(value, &self.selector, &mut found);
        self.test.holds(&found)
    }
}

impl Test {
    fn holds(&self, found: &[&Value]) -> bool {
        match self {
            Self::Exists(wanted) => *wanted != found.is_empty(),
            Self::Is(wanted) => found.contains(&wanted),
            Self::Compare(comparison) => found.iter().any(|value| match value {
                Value::String(text) => comparison.takes(text),
                Value::Number(_) | Value::Bool(_) => comparison.takes(&value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            }),
        }
    }
}

fn select<'a>(value: &'a Value, steps: &[Step], found: &mut Vec<&'a Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return;
    };
    match (step, value) {
        (Step::Member(name), Value::Object(members)) => {
            members.get(name).into_iter().for_each(|inner| select(inner, rest, found));
        }
        (Step::Index(index), Value::Array(items)) => {
            items.get(*index).into_iter().for_each(|inner| select(inner, rest, found));
        }
        (Step::Each, Value::Array(items)) => items.iter().for_each(|inner| select(inner, rest, found)),
        _ => {}
    }
}

fn selector(reader: &mut Reader<'_>) -> Result<Vec<Step>, PatternError> {
    reader.expect("$", "a selector, as `$.level`")?;
    let mut steps = Vec::new();
    loop {
        if let Some(rest) = reader.rest.strip_prefix('[').or_else(|| reader.rest.strip_prefix(".[")) {
            let (inside, after) = rest.split_once(']').ok_or(PatternError::Ends("`]`"))?;
            steps.push(bracket(inside.trim())?);
            reader.rest = after;
        } else if let Some(rest) = reader.rest.strip_prefix('.') {
            let ends = |letter: char| letter.is_whitespace() || ".[]=!<>()&|{}\"%".contains(letter);
            let end = rest.find(ends).unwrap_or(rest.len());
            if end == 0 {
                return Err(reader.wanted("the name of a member"));
            }
            steps.push(Step::Member(rest[..end].to_owned()));
            reader.rest = &rest[end..];
        } else if steps.is_empty() {
            return Err(reader.wanted("a selector, as `$.level`"));
        } else {
            return Ok(steps);
        }
    }
}

fn test(reader: &mut Reader<'_>) -> Result<Test, PatternError> {
    reader.skip();
    if let Some((operator, length)) = Operator::read(reader.rest) {
        reader.rest = &reader.rest[length..];
        let value = reader.value(")}")?;
        return Comparison::new(operator, value).map(Test::Compare);
    }
    if reader.takes_word("IS") {
        let words = [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))];
        let is = words.into_iter().find(|(word, _)| reader.takes_word(word));
        return is.map(|(_, value)| Test::Is(value)).ok_or_else(|| reader.wanted("NULL, TRUE or FALSE"));
    }
    if reader.takes_word("NOT") {
        return if reader.takes_word("EXISTS") { Ok(Test::Exists(false)) } else { Err(reader.wanted("EXISTS")) };
    }
    if reader.takes_word("EXISTS") {
        return Ok(Test::Exists(true));
    }
    Err(reader.wanted("a comparison, IS NULL or NOT EXISTS"))
}

/// What stands in brackets: an index, `*`, or a name in quotes.
fn bracket(inside: &str) -> Result<Step, PatternError> {
    if inside == "*" {
        return Ok(Step::Each);
    }
    for quote in ['\'', '"'] {
        if let Some(name) = inside.strip_prefix(quote).and_then(|open| open.strip_suffix(quote)) {
            return Ok(Step::Member(name.to_owned()));
        }
    }
    let wanted = "a number or `*`";
    inside.parse().map(Step::Index).map_err(|_| PatternError::Wanted { given: inside.to_owned(), wanted })
}
