//! What is looked for in the lines of a log: a text as it is, or a regular expression.

use super::log_lines::Level;
use super::regular::{self, Regex};
use std::ops::Range;

/// A pattern as a person types it: `text`, `/regular expression` (a `/` at its end is taken off), `level:warn` for lines
/// that say they are as bad or worse, `!` before any of them for the lines without it. The case counts where the pattern
/// has a capital letter.
#[derive(Debug, Clone)]
pub struct LogPattern {
    typed: String,
    kind: Kind,
    is_inverse: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Text { text: String, ignores_case: bool },
    Regex(Regex),
    Level(Level),
}

/// What begins a pattern of levels.
const LEVEL: &str = "level:";

/// Why nothing can be looked for by what was typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no regular expression: {why}")]
pub struct LogPatternError {
    given: String,
    why: String,
}

impl PartialEq for LogPattern {
    fn eq(&self, other: &Self) -> bool {
        self.typed == other.typed
    }
}

impl Eq for LogPattern {}

impl LogPattern {
    /// `None` where nothing is typed to look for.
    pub fn parse(typed: &str) -> Result<Option<Self>, LogPatternError> {
        let (is_inverse, rest) = typed.strip_prefix('!').map_or((false, typed), |rest| (true, rest));
        let kind = match rest.strip_prefix('/') {
            Some(given) => {
                let given = given.strip_suffix('/').unwrap_or(given);
                if given.is_empty() {
                    return Ok(None);
                }
                let regex = regular::compile(given, !has_capital(given));
                Kind::Regex(regex.map_err(|bad| LogPatternError { given: given.to_owned(), why: bad.what })?)
            }
            None if rest.is_empty() => return Ok(None),
            None => {
                if let Some(Ok(level)) = rest.strip_prefix(LEVEL).map(str::parse) {
                    Kind::Level(level)
                } else {
                    let ignores_case = !rest.chars().any(char::is_uppercase);
                    Kind::Text { text: rest.to_owned(), ignores_case }
                }
            }
        };
        Ok(Some(Self { typed: typed.to_owned(), kind, is_inverse }))
    }

    /// As it was typed; [`LogPattern::parse`] reads it again.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The text that a line must hold as it is, and whether its case counts; `None` where that is not all.
    pub fn plain(&self) -> Option<(&str, bool)> {
        match &self.kind {
            Kind::Text { text, ignores_case } if !self.is_inverse => Some((text, !ignores_case)),
            _ => None,
        }
    }

    /// Whether it takes a line, as it is shown: without control sequences.
    pub fn takes(&self, line: &str) -> bool {
        let holds = match &self.kind {
            Kind::Text { text, ignores_case } => find(line, text, *ignores_case).is_some(),
            Kind::Regex(regex) => regex.is_match(line),
            Kind::Level(level) => Level::of(line).is_some_and(|own| own >= *level),
        };
        holds != self.is_inverse
    }

    /// Where it stands in a line, for a look at it; nowhere for a pattern of lines without something.
    pub fn places(&self, line: &str) -> Vec<Range<usize>> {
        if self.is_inverse {
            return Vec::new();
        }
        match &self.kind {
            Kind::Text { text, ignores_case } => {
                let (mut places, mut from) = (Vec::new(), 0);
                while let Some(found) = find(&line[from..], text, *ignores_case) {
                    places.push(from + found.start..from + found.end);
                    from += found.end;
                }
                places
            }
            Kind::Regex(regex) => {
                regex.find_iter(line).map(|found| found.range()).filter(|range| !range.is_empty()).collect()
            }
            Kind::Level(_) => Vec::new(),
        }
    }
}

/// Whether a regular expression has a capital letter that is one: `\S` and `\W` are classes.
fn has_capital(given: &str) -> bool {
    let mut letters = given.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter.is_uppercase() {
            return true;
        }
    }
    false
}

/// The first place of `wanted`, which is not empty and in small letters where the case is ignored.
fn find(line: &str, wanted: &str, ignores_case: bool) -> Option<Range<usize>> {
    if !ignores_case {
        return line.find(wanted).map(|at| at..at + wanted.len());
    }
    if wanted.is_ascii() {
        // No byte of a letter beyond ASCII is one of ASCII.
        let (line, wanted) = (line.as_bytes(), wanted.as_bytes());
        let first = wanted[0];
        let last = line.len().checked_sub(wanted.len())?;
        let found = (0..=last).find(|at| {
            line[*at].to_ascii_lowercase() == first && line[*at..*at + wanted.len()].eq_ignore_ascii_case(wanted)
        });
        return found.map(|at| at..at + wanted.len());
    }
    line.char_indices().find_map(|(start, _)| {
        let mut left = wanted.chars().peekable();
        for (at, letter) in line[start..].char_indices() {
            for small in letter.to_lowercase() {
                if left.next() != Some(small) {
                    return None;
                }
            }
            if left.peek().is_none() {
                return Some(start..start + at + letter.len_utf8());
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(typed: &str) -> LogPattern {
        LogPattern::parse(typed).expect("it is sound").expect("it is a pattern")
    }

    #[test]
    fn a_text_or_an_expression_is_looked_for_with_case_where_it_has_capitals() {
        let cases = [
            ("error", "an ERROR here", true),
            ("error", "an Error here", true),
            ("Error", "an ERROR here", false),
            ("Error", "an Error here", true),
            ("a.b", "axb", false),
            ("größe", "die GRÖSSE", false),
            ("größe", "die GRÖßE", true),
            ("größe", "die Größe", true),
            ("世界", "hello 世界", true),
            ("x", "", false),
            ("/a.b", "AXB", true),
            ("/a.b/", "a-b", true),
            ("/A.b", "axb", false),
            (r"/\Sb", "AB", true),
            ("/^error", "an error", false),
            ("!error", "an ERROR here", false),
            ("!error", "all well", true),
            ("!/e+rror", "all well", true),
            ("error ", "error", false),
            ("level:warn", "ERROR x", true),
            ("level:warn", "INFO x", false),
            ("!level:warn", "INFO x", true),
            ("level:odd", "a level:odd thing", true),
        ];
        for (typed, line, expected) in cases {
            assert_eq!(pattern(typed).takes(line), expected, "{typed} in {line}");
        }
    }

    #[test]
    fn nothing_to_look_for_is_no_pattern_and_a_torn_expression_says_so() {
        for typed in ["", "!", "/", "//", "!/"] {
            assert_eq!(LogPattern::parse(typed), Ok(None), "{typed}");
        }
        let error = LogPattern::parse("/a(b").expect_err("torn").to_string();
        assert!(error.starts_with("`a(b` is no regular expression: "), "{error}");
    }

    #[test]
    fn every_place_of_a_hit_is_known() {
        let places = |typed: &str, line: &str| -> Vec<String> {
            pattern(typed).places(line).into_iter().map(|range| line[range].to_owned()).collect()
        };
        assert_eq!(places("ab", "ab AB aab"), ["ab", "AB", "ab"]);
        assert_eq!(places("/[0-9]+", "1 22 x333"), ["1", "22", "333"]);
        assert_eq!(places("/x*", "abc"), [""; 0]);
        assert_eq!(places("ö", "Öö"), ["Ö", "ö"]);
        assert_eq!(places("!a", "banana"), [""; 0]);
    }
}
