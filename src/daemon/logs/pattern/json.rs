//! `{ $.level = "ERROR" && $.code > 3 }`: messages that are JSON, asked by selectors.

use super::condition::{Comparison, Operator, Written};
use super::terms::unquote;
use super::{MOST_REGEXES, PatternError};
use serde_json::Value;

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 32;

#[derive(Debug)]
pub(super) enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Test { selector: Vec<Step>, test: Test },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Index(usize),
    /// `[*]`
    Each,
}

#[derive(Debug)]
pub(super) enum Test {
    Compare(Comparison),
    Is(Value),
    Exists(bool),
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('{').unwrap_or(text);
        let mut reader = Reader { rest: inner, regexes: 0 };
        let expression = reader.any(0)?;
        reader.expect("}", "`}`, `&&` or `||`")?;
        reader.skip();
        if reader.rest.is_empty() { Ok(expression) } else { Err(reader.wanted("the end")) }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if !message.trim_start().starts_with(['{', '[']) {
            return false;
        }
        serde_json::from_str(message).is_ok_and(|value| self.holds(&value))
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(value)),
            Self::All(parts) => parts.iter().all(|part| part.holds(value)),
            Self::Test { selector, test } => {
                let mut found = Vec::new();
                select(value, selector, &mut found);
                test.holds(&found)
            }
        }
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

struct Reader<'a> {
    rest: &'a str,
    regexes: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A word of letters, whatever their case.
    fn takes_word(&mut self, word: &str) -> bool {
        self.skip();
        let Some(head) = self.rest.get(..word.len()) else { return false };
        let ends = !self.rest[word.len()..].starts_with(|letter: char| letter.is_alphanumeric());
        let is_it = head.eq_ignore_ascii_case(word) && ends;
        if is_it {
            self.rest = &self.rest[word.len()..];
        }
        is_it
    }

    fn expect(&mut self, sign: &str, wanted: &'static str) -> Result<(), PatternError> {
        if self.takes(sign) { Ok(()) } else { Err(self.wanted(wanted)) }
    }

    fn wanted(&self, wanted: &'static str) -> PatternError {
        if self.rest.is_empty() {
            return PatternError::Ends(wanted);
        }
        PatternError::Wanted { given: self.rest.chars().take(20).collect(), wanted }
    }

    fn any(&mut self, depth: usize) -> Result<Expression, PatternError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("||") {
            parts.push(self.all(depth)?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, PatternError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, PatternError> {
        if self.takes("(") {
            if depth == DEEPEST {
                return Err(PatternError::TooDeep);
            }
            let inner = self.any(depth + 1)?;
            self.expect(")", "`)`, `&&` or `||`")?;
            return Ok(inner);
        }
        let selector = self.selector()?;
        let test = self.test()?;
        Ok(Expression::Test { selector, test })
    }

    fn selector(&mut self) -> Result<Vec<Step>, PatternError> {
        self.expect("$", "a selector, as `$.level`")?;
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('[').or_else(|| self.rest.strip_prefix(".[")) {
                let (inside, after) = rest.split_once(']').ok_or(PatternError::Ends("`]`"))?;
                steps.push(bracket(inside.trim())?);
                self.rest = after;
            } else if let Some(rest) = self.rest.strip_prefix('.') {
                let ends = |letter: char| letter.is_whitespace() || ".[]=!<>()&|{}\"%".contains(letter);
                let end = rest.find(ends).unwrap_or(rest.len());
                if end == 0 {
                    return Err(self.wanted("the name of a member"));
                }
                steps.push(Step::Member(rest[..end].to_owned()));
                self.rest = &rest[end..];
            } else if steps.is_empty() {
                return Err(self.wanted("a selector, as `$.level`"));
            } else {
                return Ok(steps);
            }
        }
    }

    fn test(&mut self) -> Result<Test, PatternError> {
        self.skip();
        if let Some((operator, length)) = Operator::read(self.rest) {
            self.rest = &self.rest[length..];
            let value = self.value()?;
            return Comparison::new(operator, value).map(Test::Compare);
        }
        if self.takes_word("IS") {
            let words = [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))];
            let is = words.into_iter().find(|(word, _)| self.takes_word(word));
            return is.map(|(_, value)| Test::Is(value)).ok_or_else(|| self.wanted("NULL, TRUE or FALSE"));
        }
        if self.takes_word("NOT") {
            return if self.takes_word("EXISTS") { Ok(Test::Exists(false)) } else { Err(self.wanted("EXISTS")) };
        }
        if self.takes_word("EXISTS") {
            return Ok(Test::Exists(true));
        }
        Err(self.wanted("a comparison, IS NULL or NOT EXISTS"))
    }

    fn value(&mut self) -> Result<Written<'a>, PatternError> {
        self.skip();
        let (value, rest) = read_value(self.rest, |rest| {
            rest.starts_with(|letter: char| letter.is_whitespace() || ")}".contains(letter))
                || rest.starts_with("&&")
                || rest.starts_with("||")
        })?;
        if matches!(value, Written::Regex(_)) {
            self.regexes += 1;
            if self.regexes > MOST_REGEXES {
                return Err(PatternError::TooManyRegexes);
            }
        }
        self.rest = rest;
        Ok(value)
    }
}

/// A value in quotes, between `%`, or up to where `ends` says; and what follows it.
pub(super) fn read_value(text: &str, ends: impl Fn(&str) -> bool) -> Result<(Written<'_>, &str), PatternError> {
    if let Some(open) = text.strip_prefix('"') {
        let (quoted, rest) = unquote(open)?;
        return Ok((Written::Quoted(quoted), rest));
    }
    if let Some(open) = text.strip_prefix('%') {
        let (given, rest) = open.split_once('%').ok_or(PatternError::Open)?;
        return Ok((Written::Regex(given), rest));
    }
    let end = text.char_indices().map(|(at, _)| at).find(|at| ends(&text[*at..])).unwrap_or(text.len());
    if end == 0 {
        let given: String = text.chars().take(20).collect();
        let wanted = "a value";
        return Err(if given.is_empty() { PatternError::Ends(wanted) } else { PatternError::Wanted { given, wanted } });
    }
    Ok((Written::Bare(&text[..end]), &text[end..]))
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
