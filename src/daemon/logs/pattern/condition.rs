//! What a value of a pattern takes: a text with `*`, a number, or a regular expression.

use super::PatternError;
use crate::model::regular::{self, Regex};

/// Signs that a regular expression may have beside letters and digits.
const SIGNS: &str = "':_#=@/;,-^$?[]{}|\\*+. ";

/// One comparison.
#[derive(Debug)]
pub(super) struct Comparison {
    pub operator: Operator,
    pub matcher: Matcher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator at the beginning of a text, and how long it is.
    pub(super) fn read(text: &str) -> Option<(Self, usize)> {
        let signs = [
            ("!=", Self::NotEqual),
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("=", Self::Equal),
            ("<", Self::Less),
            (">", Self::Greater),
        ];
        signs.into_iter().find(|(sign, _)| text.starts_with(sign)).map(|(sign, operator)| (operator, sign.len()))
    }

    fn is_of_size(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

#[derive(Debug)]
pub(super) enum Matcher {
    Text(Wildcard),
    Number { number: f64, text: Wildcard },
    Regex(Regex),
}

/// A value as it is written.
pub(super) enum Written<'a> {
    Bare(&'a str),
    Quoted(String),
    Regex(&'a str),
}

impl Comparison {
    pub(super) fn new(operator: Operator, value: Written<'_>) -> Result<Self, PatternError> {
        let matcher = match value {
            Written::Regex(given) => Matcher::Regex(regex(given)?),
            Written::Quoted(text) => Matcher::Text(Wildcard::new(&text)),
            Written::Bare(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Matcher::Number { number, text: Wildcard::new(text) },
                _ => Matcher::Text(Wildcard::new(text)),
            },
        };
        match &matcher {
            Matcher::Text(text) if operator.is_of_size() => Err(PatternError::NotANumber(text.0.join("*"))),
            Matcher::Regex(regex) if operator.is_of_size() => Err(PatternError::NotANumber(format!("%{regex}%"))),
            _ => Ok(Self { operator, matcher }),
        }
    }

    /// Whether a text is taken; where both are numbers, they are compared as such.
    pub(super) fn takes(&self, given: &str) -> bool {
        let number = || given.parse::<f64>().ok();
        let equal = || match &self.matcher {
            Matcher::Text(text) => text.matches(given),
            Matcher::Number { number: wanted, text } => {
                number().map_or_else(|| text.matches(given), |n| same(n, *wanted))
            }
            Matcher::Regex(regex) => regex.is_match(given),
        };
        let by_size = |holds: fn(f64, f64) -> bool| match (&self.matcher, number()) {
            (Matcher::Number { number: wanted, .. }, Some(given)) => holds(given, *wanted),
            _ => false,
        };
        match self.operator {
            Operator::Equal => equal(),
            Operator::NotEqual => !equal(),
            Operator::Less => by_size(|a, b| a < b),
            Operator::LessOrEqual => by_size(|a, b| a <= b),
            Operator::Greater => by_size(|a, b| a > b),
            Operator::GreaterOrEqual => by_size(|a, b| a >= b),
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

/// A text in which `*` stands for any letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<String>);

impl Wildcard {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    pub(super) fn matches(&self, given: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|only| only == given);
        };
        let Some(mut rest) = given.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.len() >= last.len() && rest.ends_with(last.as_str())
    }
}

/// Reads a regular expression with the signs that AWS takes.
pub(super) fn regex(given: &str) -> Result<Regex, PatternError> {
    let refuse = |why: String| PatternError::Regex { given: given.to_owned(), why };
    if given.contains(['(', ')']) {
        return Err(refuse("it takes no parentheses".to_owned()));
    }
    if let Some(sign) = given.chars().find(|sign| !sign.is_ascii_alphanumeric() && !SIGNS.contains(*sign)) {
        return Err(refuse(format!("it takes no `{sign}`")));
    }
    regular::compile(given, false).map_err(|bad| refuse(bad.what))
}
