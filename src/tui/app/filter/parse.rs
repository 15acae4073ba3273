//! From what is typed to the words of a filter.

use super::field::Field;
use super::test::{Test, state_words};
use super::{FilterError, Term, Wanted};
use crate::model::regular::{self, BadRegex, Regex};
use crate::model::{Millis, nearest_words};
use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};

/// The words for the states of all that are no jobs.
const OTHER_STATES: [&str; 13] = [
    "on", "off", "enabled", "disabled", "valid", "invalid", "creating", "updating", "deleting", "deleted", "active",
    "inactive", "draining",
];

/// One word as it is typed, with where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed<'t> {
    pub at: usize,
    pub text: &'t str,
}

impl Typed<'_> {
    /// The part of it from a byte on.
    fn from(self, byte: usize) -> Self {
        Self { at: self.at + self.text[..byte].chars().count(), text: &self.text[byte..] }
    }

    /// Without the quotes around it.
    fn unquoted(self) -> Self {
        match self.text.strip_prefix('"') {
            Some(rest) => Self { at: self.at + 1, text: rest.strip_suffix('"').unwrap_or(rest) },
            None => self,
        }
    }

    fn wrong(self, what: impl Into<String>) -> FilterError {
        FilterError { at: self.at, what: what.into() }
    }
}

/// Splits at blanks that do not stand in quotes. A quote opens where a word or a value begins.
pub(super) fn split(text: &str) -> Vec<Typed<'_>> {
    let mut words = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let (mut in_quotes, mut before) = (false, ' ');
    for (number, (byte, letter)) in text.char_indices().enumerate() {
        if letter == '"' && (in_quotes || start.is_none() || matches!(before, '!' | '/' | '~' | '=' | '\'')) {
            in_quotes = !in_quotes;
        }
        if letter.is_whitespace() && !in_quotes {
            words.extend(start.take().map(|(at, from)| Typed { at, text: &text[from..byte] }));
        } else {
            start.get_or_insert((number, byte));
        }
        before = letter;
    }
    words.extend(start.map(|(at, from)| Typed { at, text: &text[from..] }));
    words
}

/// The words of a filter; those of which nothing but the sign is typed so far are left out.
pub(super) fn terms(text: &str, fields: &[Field]) -> Result<Vec<Term>, FilterError> {
    split(text).into_iter().filter_map(|word| term(word, fields).transpose()).collect()
}

fn term(word: Typed<'_>, fields: &[Field]) -> Result<Option<Term>, FilterError> {
    let (word, is_forbidden) = match word.text.strip_prefix('!') {
        Some(rest) => (Typed { at: word.at + 1, text: rest }, true),
        None => (word, false),
    };
    if let Some((name, sign, value)) = asked_of_field(word) {
        return field_term(name, sign, value, fields, is_forbidden);
    }
    let test = match word.text.chars().next() {
        Some('/') => pattern(word.from(1).unquoted())?.map(Wanted::Pattern),
        Some('\'') => literal(word.from(1)),
        Some('"') => literal(word),
        _ => {
            let atom = Atom::new(word.text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
            (!word.text.is_empty()).then_some(Wanted::Fuzzy(atom))
        }
    };
    Ok(test.map(|test| Term { test, is_forbidden }))
}

fn literal(word: Typed<'_>) -> Option<Wanted> {
    let text = word.unquoted().text.to_lowercase();
    (!text.is_empty()).then_some(Wanted::Literal(text))
}

/// `name`, the sign after it, and the value; of a word that begins as a question to a field does.
fn asked_of_field(word: Typed<'_>) -> Option<(Typed<'_>, &'static str, Typed<'_>)> {
    let end = word.text.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let sign = ["!=", "!~", "=", "~", "<", ">"].into_iter().find(|sign| word.text[end..].starts_with(sign))?;
    let name = Typed { at: word.at, text: &word.text[..end] };
    (end > 0).then(|| (name, sign, word.from(end + sign.len())))
}

fn field_term(
    name: Typed<'_>,
    sign: &str,
    value: Typed<'_>,
    fields: &[Field],
    is_forbidden: bool,
) -> Result<Option<Term>, FilterError> {
    let known = fields.iter().find(|field| {
        let own = field.name();
        // Columns call it so.
        let typed = if name.text == "state" { "status" } else { name.text };
        own.eq_ignore_ascii_case(typed) || (typed.len() >= 3 && own.starts_with(&typed.to_lowercase()))
    });
    let Some(field) = known.copied() else {
        let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        let nearest = nearest_words(name.text, names.iter().copied());
        let all = names.join(", ");
        return Err(name.wrong(format!("`{}` is no field of this list{nearest} (there are {all})", name.text)));
    };
    let negated = sign.starts_with('!');
    let is_forbidden = is_forbidden != negated;
    let test = if sign.ends_with('~') {
        pattern(value.unquoted())?.map(Test::Pattern)
    } else {
        compared(field, sign.trim_start_matches('!'), value.unquoted())?
    };
    Ok(test.map(|test| Term { test: Wanted::Field(field, test), is_forbidden }))
}

/// `None` while no value is typed.
fn compared(field: Field, sign: &str, value: Typed<'_>) -> Result<Option<Test>, FilterError> {
    let words = || value.text.split(',').filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<Vec<_>>();
    if value.text.is_empty() {
        return Ok(None);
    }
    let ordered = || value.wrong(format!("`{}` takes = and ~; < and > are for numbers and times", field.name()));
    Ok(Some(match field {
        Field::Since | Field::For => {
            let takes = || value.wrong(format!("`{}` is no time; write 90s, 20m, 2h or 3d", value.text));
            let span = span_of(value.text).ok_or_else(takes)?;
            match (sign, field) {
                ("<", _) => Test::Below(span),
                (">", _) => Test::Above(span),
                (_, Field::Since) => Test::AtMost(span),
                _ => return Err(value.wrong("`for` takes < and >, as for>20m")),
            }
        }
        Field::Exit | Field::Priority | Field::Attempt | Field::Waiting | Field::Running | Field::Failed => {
            let number = |word: &str| {
                word.parse::<i64>().map_err(|_| value.wrong(format!("`{}` takes a number, not `{word}`", field.name())))
            };
            match sign {
                "<" => Test::Below(number(value.text)?),
                ">" => Test::Above(number(value.text)?),
                _ => Test::Numbers(words().iter().map(|word| number(word)).collect::<Result<_, _>>()?),
            }
        }
        _ if sign != "=" => return Err(ordered()),
        Field::Status => Test::States(words().iter().map(|word| state(word, value)).collect::<Result<_, _>>()?),
        Field::Id => Test::Begins(words()),
        _ => Test::OneOf(words()),
    }))
}

/// A state by its word or by how that begins, where this tells one.
fn state(word: &str, value: Typed<'_>) -> Result<String, FilterError> {
    let known: Vec<String> = state_words().chain(OTHER_STATES.map(str::to_owned)).collect();
    if known.iter().any(|state| state == word) {
        return Ok(word.to_owned());
    }
    if let Some(begun) = known.iter().find(|state| word.len() >= 2 && state.starts_with(word)) {
        return Ok(begun.clone());
    }
    let nearest = nearest_words(word, known.iter().map(String::as_str));
    let all = state_words().collect::<Vec<_>>().join(", ");
    Err(value.wrong(format!("`{word}` is no state{nearest} (of jobs there are {all})")))
}

/// `90s`, `20m`, `2h`, `3d`, `1w`, and `1h30m`; seconds where no unit is written. In milliseconds.
fn span_of(text: &str) -> Option<Millis> {
    let mut total: Millis = 0;
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter.to_ascii_lowercase() {
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 604_800_000,
            _ => return None,
        };
        let number: Millis = std::mem::take(&mut digits).parse().ok()?;
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    if !digits.is_empty() {
        total = total.checked_add(digits.parse::<Millis>().ok()?.checked_mul(1000)?)?;
    }
    Some(total)
}

/// `None` while nothing is typed.
fn pattern(word: Typed<'_>) -> Result<Option<Regex>, FilterError> {
    if word.text.is_empty() {
        return Ok(None);
    }
    regular::compile(word.text, true)
        .map(Some)
        .map_err(|BadRegex { at, what }| FilterError { at: word.at + at, what: format!("{what} in `{}`", word.text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let cases = [
            ("90s", Some(90_000)),
            ("90", Some(90_000)),
            ("20m", Some(1_200_000)),
            ("1h30m", Some(5_400_000)),
            ("3D", Some(259_200_000)),
            ("m", None),
            ("2x", None),
            ("99999999999999999d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(span_of(text), expected, "{text}");
        }
    }

    #[test]
    fn quotes_hold_blanks_together_where_a_word_or_a_value_begins() {
        let texts = |text| split(text).into_iter().map(|word| (word.at, word.text)).collect::<Vec<_>>();
        assert_eq!(texts("a  \"b c\" d=\"e f\" g"), [(0, "a"), (3, "\"b c\""), (9, "d=\"e f\""), (17, "g")]);
        assert_eq!(texts("x\"y z"), [(0, "x\"y"), (4, "z")]);
        assert_eq!(texts("!\"open end"), [(0, "!\"open end")]);
    }
}
