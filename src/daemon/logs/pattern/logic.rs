//! Conditions that `&&`, `||` and parentheses join, and their reader: what patterns of columns and of JSON share.

use super::condition::Written;
use super::terms::unquote;
use super::{MOST_REGEXES, PatternError};

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 32;

#[derive(Debug)]
pub(super) enum Logic<T> {
    One(T),
    Any(Vec<Logic<T>>),
    All(Vec<Logic<T>>),
}

impl<T> Logic<T> {
    pub(super) fn holds(&self, one: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::One(condition) => one(condition),
            Self::Any(parts) => parts.iter().any(|part| part.holds(one)),
            Self::All(parts) => parts.iter().all(|part| part.holds(one)),
        }
    }
}

pub(super) struct Reader<'a> {
    pub(super) rest: &'a str,
    regexes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, regexes: 0 }
    }

    pub(super) fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A word of letters, whatever their case.
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        self.skip();
        let Some(head) = self.rest.get(..word.len()) else { return false };
        let ends = !self.rest[word.len()..].starts_with(|letter: char| letter.is_alphanumeric());
        let is_it = head.eq_ignore_ascii_case(word) && ends;
        if is_it {
            self.rest = &self.rest[word.len()..];
        }
        is_it
    }

    pub(super) fn expect(&mut self, sign: &str, wanted: &'static str) -> Result<(), PatternError> {
        if self.takes(sign) { Ok(()) } else { Err(self.wanted(wanted)) }
    }

    pub(super) fn wanted(&self, wanted: &'static str) -> PatternError {
        if self.rest.is_empty() {
            return PatternError::Ends(wanted);
        }
        PatternError::Wanted { given: self.rest.chars().take(20).collect(), wanted }
    }

    /// Conditions, each read by `one`.
    pub(super) fn logic<T>(
        &mut self,
        one: &mut impl FnMut(&mut Self) -> Result<T, PatternError>,
    ) -> Result<Logic<T>, PatternError> {
        self.any(0, one)
    }

    fn any<T>(
        &mut self,
        depth: usize,
        one: &mut impl FnMut(&mut Self) -> Result<T, PatternError>,
    ) -> Result<Logic<T>, PatternError> {
        let mut parts = vec![self.all(depth, one)?];
        while self.takes("||") {
            parts.push(self.all(depth, one)?);
        }
        Ok(Logic::Any(parts))
    }

    fn all<T>(
        &mut self,
        depth: usize,
        one: &mut impl FnMut(&mut Self) -> Result<T, PatternError>,
    ) -> Result<Logic<T>, PatternError> {
        let mut parts = vec![self.single(depth, one)?];
        while self.takes("&&") {
            parts.push(self.single(depth, one)?);
        }
        Ok(Logic::All(parts))
    }

    fn single<T>(
        &mut self,
        depth: usize,
        one: &mut impl FnMut(&mut Self) -> Result<T, PatternError>,
    ) -> Result<Logic<T>, PatternError> {
        if !self.takes("(") {
            return one(self).map(Logic::One);
        }
        if depth == DEEPEST {
            return Err(PatternError::TooDeep);
        }
        let inner = self.any(depth + 1, one)?;
        self.expect(")", "`)`, `&&` or `||`")?;
        Ok(inner)
    }

    /// A value in quotes, between `%`, or up to a blank, `&&`, `||` or one of the signs of `closing`.
    pub(super) fn value(&mut self, closing: &str) -> Result<Written<'a>, PatternError> {
        self.skip();
        if let Some(open) = self.rest.strip_prefix('"') {
            let (quoted, rest) = unquote(open)?;
            self.rest = rest;
            return Ok(Written::Quoted(quoted));
        }
        if let Some(open) = self.rest.strip_prefix('%') {
            let (given, rest) = open.split_once('%').ok_or(PatternError::Open)?;
            self.rest = rest;
            self.regexes += 1;
            return if self.regexes > MOST_REGEXES {
                Err(PatternError::TooManyRegexes)
            } else {
                Ok(Written::Regex(given))
            };
        }
        let ends = |rest: &str| {
            rest.starts_with(|letter: char| letter.is_whitespace() || closing.contains(letter))
                || rest.starts_with("&&")
                || rest.starts_with("||")
        };
        let end = self.rest.char_indices().map(|(at, _)| at).find(|at| ends(&self.rest[*at..]));
        let (bare, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if bare.is_empty() {
            return Err(self.wanted("a value"));
        }
        self.rest = rest;
        Ok(Written::Bare(bare))
    }
}
