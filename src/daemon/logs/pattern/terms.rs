//! Words and phrases: all of them, one of several, or none.

use super::PatternError;
use super::condition::regex;
use crate::model::regular::Regex;

#[derive(Debug, Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    /// `?term`: one of them, where there is nothing else.
    any: Vec<Term>,
    /// `-term`
    none: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Words(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut terms = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (into, body) = match (rest.strip_prefix('?'), rest.strip_prefix('-')) {
                (Some(body), _) => (&mut terms.any, body),
                (_, Some(body)) => (&mut terms.none, body),
                _ => (&mut terms.all, rest),
            };
            let (term, after) = Term::read(body)?;
            into.push(term);
            rest = after.trim_start();
        }
        Ok(terms)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| term.is_in(message);
        // Beside other terms, AWS pays no heed to those with `?`.
        let any = self.any.is_empty() || !self.all.is_empty() || !self.none.is_empty() || self.any.iter().any(is_in);
        any && self.all.iter().all(is_in) && !self.none.iter().any(is_in)
    }
}

impl Term {
    /// The term at the beginning of a text, and what follows it.
    fn read(text: &str) -> Result<(Self, &str), PatternError> {
        if let Some(open) = text.strip_prefix('"') {
            let (phrase, rest) = unquote(open)?;
            return Ok((Self::Words(phrase), rest));
        }
        if let Some(open) = text.strip_prefix('%') {
            let (given, rest) = open.split_once('%').ok_or(PatternError::Open)?;
            return Ok((Self::Regex(regex(given)?), rest));
        }
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() || !word.chars().all(is_of_words) {
            return Err(PatternError::Term(word.to_owned()));
        }
        Ok((Self::Words(word.to_owned()), rest))
    }

    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Words(words) => has_words(message, words),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}

fn is_of_words(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether the words stand in a message as they are, and not within longer ones.
fn has_words(message: &str, words: &str) -> bool {
    if words.is_empty() {
        return true;
    }
    let begins = words.chars().next().is_some_and(is_of_words);
    let ends = words.chars().next_back().is_some_and(is_of_words);
    message.match_indices(words).any(|(at, found)| {
        let before = message[..at].chars().next_back().is_some_and(is_of_words);
        let after = message[at + found.len()..].chars().next().is_some_and(is_of_words);
        !(begins && before || ends && after)
    })
}

/// What stands up to the closing quote, and what follows it. `\"` and `\\` stand for themselves.
pub(super) fn unquote(open: &str) -> Result<(String, &str), PatternError> {
    let mut text = String::new();
    let mut letters = open.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((text, &open[at + 1..])),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => return Err(PatternError::Open),
            },
            _ => text.push(letter),
        }
    }
    Err(PatternError::Open)
}
