//! `[ip, user, ..., status = 4*, bytes]`: messages as columns divided by blanks.

use super::PatternError;
use super::condition::{Comparison, Operator};
use super::logic::{Logic, Reader};

#[derive(Debug)]
pub(super) struct Columns {
    /// Before the `...`, or all of them.
    head: Vec<Column>,
    /// After the `...`, where there is one.
    tail: Option<Vec<Column>>,
}

/// What a column must be; one without a condition takes everything.
type Column = Logic<Option<Comparison>>;

impl Columns {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut reader = Reader::new(text.strip_prefix('[').unwrap_or(text));
        let (mut head, mut tail): (Vec<Column>, Option<Vec<Column>>) = (Vec::new(), None);
        loop {
            reader.skip();
            if let Some(rest) = reader.rest.strip_prefix("...") {
                reader.rest = rest;
                if tail.replace(Vec::new()).is_some() {
                    return Err(PatternError::Wanted {
                        given: "...".to_owned(),
                        wanted: "a column, as only one `...` is taken",
                    });
                }
            } else {
                // What the column is called; all its conditions call it so.
                let mut called = None;
                let column = reader.logic(&mut |reader| condition(reader, &mut called))?;
                tail.as_mut().unwrap_or(&mut head).push(column);
            }
            reader.skip();
            match reader.rest.chars().next() {
                Some(',') => reader.rest = &reader.rest[1..],
                Some(']') if reader.rest[1..].trim().is_empty() => return Ok(Self { head, tail }),
                _ => return Err(reader.wanted("`,` or `]`")),
            }
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let words = split(message);
        let tail = self.tail.as_deref().unwrap_or_default();
        let fits = match self.tail {
            Some(_) => words.len() >= self.head.len() + tail.len(),
            None => words.len() == self.head.len(),
        };
        let takes = |column: &Column, word: &str| {
            column.holds(&|condition| condition.as_ref().is_none_or(|comparison| comparison.takes(word)))
        };
        let all =
            |columns: &[Column], words: &[&str]| columns.iter().zip(words).all(|(column, word)| takes(column, word));
        fits && all(&self.head, &words) && all(tail, &words[words.len() - tail.len()..])
    }
}

/// The columns of a message: words; what stands in quotes or in brackets is one.
fn split(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim_start();
    while !rest.is_empty() {
        let closing = match rest.as_bytes()[0] {
            b'"' => Some('"'),
            b'[' => Some(']'),
            _ => None,
        };
        let enclosed = closing.and_then(|closing| rest[1..].split_once(closing));
        let (word, after) =
            enclosed.unwrap_or_else(|| rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())));
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn condition<'a>(reader: &mut Reader<'a>, called: &mut Option<&'a str>) -> Result<Option<Comparison>, PatternError> {
    reader.skip();
    let end = reader.rest.find(|letter: char| !letter.is_alphanumeric() && !"_-.$".contains(letter));
    let (name, rest) = reader.rest.split_at(end.unwrap_or(reader.rest.len()));
    if name.is_empty() || called.is_some_and(|known| known != name) {
        return Err(reader.wanted("the name of the column"));
    }
    (*called, reader.rest) = (Some(name), rest);
    reader.skip();
    let Some((operator, length)) = Operator::read(reader.rest) else { return Ok(None) };
    reader.rest = &reader.rest[length..];
    let value = reader.value(",])")?;
    Comparison::new(operator, value).map(Some)
}
