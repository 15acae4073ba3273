//! Filters of lists: what is typed after `/`, and what it lets through.
//!
//! Words parted by blanks must all hold, without regard to case:
//!
//! | word | holds where |
//! |---|---|
//! | `word` | its letters stand in this order in something that the row shows (fuzzy) |
//! | `'word` | it stands there as it is written |
//! | `"two words"` | likewise, with blanks |
//! | `/regex` | the regular expression matches something that the row shows |
//! | `field=value` | the field is one of these values, parted by commas, `*` standing for any letters |
//! | `field~regex` | the regular expression matches the field |
//! | `field<5` `field>5` | the field is a number or a time below or above it; `since=2h`, `for>20m` |
//! | `!word`, `field!=value` | it does not |

mod complete;
mod field;
mod parse;
mod test;
#[cfg(test)]
mod tests;
mod typing;

pub use complete::{Completion, complete};
pub use field::{Field, Value};

use crate::model::JobStatus;
use crate::model::regular::Regex;
use crate::model::text::printable;
use nucleo_matcher::pattern::Atom;
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::cell::RefCell;
use std::fmt;
use test::Test;
use unicode_segmentation::UnicodeSegmentation;

/// What is wrong in a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("letter {}: {what}", at + 1)]
pub struct FilterError {
    /// The letter that it is about, counted from 0.
    pub at: usize,
    pub what: String,
}

/// A filter, ready to be put to rows. One without words lets all through.
#[derive(Debug, Default)]
pub struct Filter {
    terms: Vec<Term>,
    fuzzy: RefCell<Fuzzy>,
}

#[derive(Debug)]
struct Term {
    test: Wanted,
    is_forbidden: bool,
}

#[derive(Debug)]
enum Wanted {
    /// Letters in this order.
    Fuzzy(Atom),
    /// As it is written, in small letters.
    Literal(String),
    Pattern(Regex),
    Field(Field, Test),
}

/// The matcher is large: it is made when it is first needed.
#[derive(Default)]
struct Fuzzy {
    matcher: Option<Matcher>,
    letters: Vec<char>,
    found: Vec<u32>,
}

impl fmt::Debug for Fuzzy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fuzzy")
    }
}

/// What a filter looks at in one row: the texts that it shows, and its fields.
pub struct Row<'r> {
    pub texts: &'r [&'r str],
    pub field: &'r dyn Fn(Field) -> Value<'r>,
}

impl Filter {
    /// Reads a filter for lists that have these fields.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self, FilterError> {
        Ok(Self { terms: parse::terms(text, fields)?, fuzzy: RefCell::default() })
    }

    /// As [`Filter::parse`], for a filter that was found to be sound when it was set.
    pub fn of(text: &str, fields: &[Field]) -> Self {
        Self::parse(text, fields).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn passes(&self, row: &Row<'_>) -> bool {
        self.terms.iter().all(|term| {
            let holds = match &term.test {
                Wanted::Field(field, test) => test.holds(&(row.field)(*field)),
                shown => row.texts.iter().any(|text| self.is_in(shown, text)),
            };
            holds != term.is_forbidden
        })
    }

    /// Whether it lets rows through that have only its letters in their order.
    pub fn is_loose(&self) -> bool {
        self.terms.iter().any(|term| !term.is_forbidden && matches!(term.test, Wanted::Fuzzy(_)))
    }

    /// Whether a row that it lets through has its words as they are written.
    pub fn is_close(&self, texts: &[&str]) -> bool {
        self.terms.iter().filter(|term| !term.is_forbidden).all(|term| match &term.test {
            Wanted::Fuzzy(atom) => {
                let word = needle(atom);
                texts.iter().any(|text| text.to_lowercase().contains(&word))
            }
            _ => true,
        })
    }

    fn is_in(&self, wanted: &Wanted, text: &str) -> bool {
        match wanted {
            // In a sentence nearly any letters stand in nearly any order.
            Wanted::Fuzzy(atom) if is_sentence(text) => text.to_lowercase().contains(&needle(atom)),
            Wanted::Fuzzy(atom) => {
                let Fuzzy { matcher, letters, .. } = &mut *self.fuzzy.borrow_mut();
                let matcher = matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
                atom.score(Utf32Str::new(text, letters), matcher).is_some()
            }
            Wanted::Literal(word) => text.to_lowercase().contains(word),
            Wanted::Pattern(pattern) => pattern.is_match(text),
            Wanted::Field(..) => false,
        }
    }

    /// The letters of a shown text by which a row was let through: numbers of its graphemes, rising.
    pub fn letters(&self, text: &str) -> Vec<usize> {
        let text = printable(text);
        let mut found = Vec::new();
        for term in self.terms.iter().filter(|term| !term.is_forbidden) {
            match &term.test {
                Wanted::Fuzzy(atom) if is_sentence(&text) => found.extend(letters_of(&needle(atom), &text)),
                Wanted::Fuzzy(atom) => {
                    let Fuzzy { matcher, letters, found: places } = &mut *self.fuzzy.borrow_mut();
                    let matcher = matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
                    places.clear();
                    if atom.indices(Utf32Str::new(&text, letters), matcher, places).is_some() {
                        found.extend(places.iter().filter_map(|at| usize::try_from(*at).ok()));
                    }
                }
                Wanted::Literal(word) => found.extend(letters_of(word, &text)),
                Wanted::Pattern(pattern) => {
                    if let Some(range) = pattern.find(&text) {
                        found.extend(graphemes_in(&text, range.range()));
                    }
                }
                Wanted::Field(..) => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether what it lets through changes as time passes.
    pub fn is_timed(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.test, Wanted::Field(Field::Since | Field::For, _)))
    }

    /// The states of jobs that it asks for by name; `None` where it asks for none.
    pub fn statuses(&self) -> Option<Vec<JobStatus>> {
        let mut asked: Option<Vec<JobStatus>> = None;
        for test in self.wanted(Field::Status) {
            let named = test.statuses()?;
            asked = Some(match asked {
                Some(before) => before.into_iter().filter(|status| named.contains(status)).collect(),
                None => named,
            });
        }
        asked
    }

    /// The one value that it asks of a field, as it is written: what a backend can be asked for.
    pub fn only(&self, field: Field) -> Option<&str> {
        self.wanted(field).find_map(Test::only)
    }

    fn wanted(&self, field: Field) -> impl Iterator<Item = &Test> {
        self.terms.iter().filter(|term| !term.is_forbidden).filter_map(move |term| match &term.test {
            Wanted::Field(of, test) if *of == field => Some(test),
            _ => None,
        })
    }
}

/// The words of a filter as they are written.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    parse::split(text).into_iter().map(|word| word.text)
}

fn is_sentence(text: &str) -> bool {
    text.contains(' ')
}

/// The letters that are looked for, in small letters.
fn needle(atom: &Atom) -> String {
    atom.needle_text().to_string().to_lowercase()
}

/// Where a word in small letters stands in a text as it is written.
fn letters_of(word: &str, text: &str) -> Vec<usize> {
    let lower = text.to_lowercase();
    // Letters that change their length with their case are rare, and cost the light alone.
    let at = lower.find(word).filter(|_| lower.len() == text.len());
    at.map(|at| graphemes_in(text, at..at + word.len()).collect()).unwrap_or_default()
}

fn graphemes_in(text: &str, range: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    text.grapheme_indices(true).enumerate().filter(move |(_, (at, _))| range.contains(at)).map(|(number, _)| number)
}
