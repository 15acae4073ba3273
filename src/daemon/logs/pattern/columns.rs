//! `[ip, user, ..., status = 4*, bytes]`: messages as columns divided by blanks.

use super::condition::{Comparison, Operator, Written};
use super::json::read_value;
use super::{MOST_REGEXES, PatternError};

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 32;

#[derive(Debug)]
pub(super) struct Columns {
    /// Before the `...`, or all of them.
    head: Vec<Column>,
    /// After the `...`, where there is one.
    tail: Option<Vec<Column>>,
}

/// What a column must be; one without a condition takes everything.
#[derive(Debug)]
enum Column {
    Anything,
    Is(Comparison),
    Any(Vec<Column>),
    All(Vec<Column>),
}

impl Columns {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut reader = Reader { rest: text.strip_prefix('[').unwrap_or(text), regexes: 0, name: None };
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
                reader.name = None;
                let column = reader.any(0)?;
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
        let all =
            |columns: &[Column], words: &[&str]| columns.iter().zip(words).all(|(column, word)| column.takes(word));
        fits && all(&self.head, &words) && all(tail, &words[words.len() - tail.len()..])
    }
}

impl Column {
    fn takes(&self, word: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Is(comparison) => comparison.takes(word),
            Self::Any(parts) => parts.iter().any(|part| part.takes(word)),
            Self::All(parts) => parts.iter().all(|part| part.takes(word)),
        }
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

struct Reader<'a> {
    rest: &'a str,
    regexes: usize,
    /// What the column is called; all its conditions call it so.
    name: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn wanted(&self, wanted: &'static str) -> PatternError {
        if self.rest.is_empty() {
            return PatternError::Ends(wanted);
        }
        PatternError::Wanted { given: self.rest.chars().take(20).collect(), wanted }
    }

    fn any(&mut self, depth: usize) -> Result<Column, PatternError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("||") {
            parts.push(self.all(depth)?);
        }
        Ok(Column::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Column, PatternError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(Column::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Column, PatternError> {
        if self.takes("(") {
            if depth == DEEPEST {
                return Err(PatternError::TooDeep);
            }
            let inner = self.any(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(self.wanted("`)`")) };
        }
        let end = self.rest.find(|letter: char| !letter.is_alphanumeric() && !"_-.$".contains(letter));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() || self.name.is_some_and(|known| known != name) {
            return Err(self.wanted("the name of the column"));
        }
        (self.name, self.rest) = (Some(name), rest);
        self.skip();
        let Some((operator, length)) = Operator::read(self.rest) else { return Ok(Column::Anything) };
        self.rest = self.rest[length..].trim_start();
        let (value, rest) = read_value(self.rest, |rest| {
            rest.starts_with(|letter: char| letter.is_whitespace() || ",])".contains(letter))
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
        Comparison::new(operator, value).map(Column::Is)
    }
}
