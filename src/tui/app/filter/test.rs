//! What a filter asks of one field.

use super::field::Value;
use crate::model::regular::Regex;
use crate::model::{JobStatus, Millis};
use crate::tui::app::list::StateSet;

/// Words of states beside those of AWS and of the sets.
const OWN_STATES: [&str; 2] = ["held", "stopping"];

#[derive(Debug)]
pub(super) enum Test {
    /// One of these, in small letters; `*` stands for any letters.
    OneOf(Vec<String>),
    /// Begins with one of these.
    Begins(Vec<String>),
    /// Is in one of these states.
    States(Vec<String>),
    Pattern(Regex),
    Numbers(Vec<i64>),
    Below(i64),
    Above(i64),
    AtMost(Millis),
}

impl Test {
    pub(super) fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::OneOf(words), Value::Text(text)) => words.iter().any(|word| is_like(word, &text.to_lowercase())),
            (Self::OneOf(words), Value::Revision(label)) => words.iter().any(|word| is_of(word, &label.to_lowercase())),
            (Self::Begins(words), Value::Text(text)) => {
                let text = text.to_lowercase();
                words.iter().any(|word| text.starts_with(word.as_str()))
            }
            (Self::States(words), Value::Words(states)) => {
                words.iter().any(|word| states.iter().any(|state| state.eq_ignore_ascii_case(word)))
            }
            (Self::Pattern(pattern), Value::Text(text)) => pattern.is_match(text),
            (Self::Pattern(pattern), Value::Revision(label)) => pattern.is_match(label),
            (Self::Pattern(pattern), Value::Words(states)) => states.iter().any(|state| pattern.is_match(state)),
            (Self::Pattern(pattern), Value::Number(number)) => pattern.is_match(&number.to_string()),
            (Self::Numbers(numbers), Value::Number(number)) => numbers.contains(number),
            (Self::Below(bound), Value::Number(number) | Value::Span(number)) => number < bound,
            (Self::Above(bound), Value::Number(number) | Value::Span(number)) => number > bound,
            (Self::AtMost(bound), Value::Span(span)) => span <= bound,
            _ => false,
        }
    }

    /// The states of jobs that it asks for; `None` where it asks for something else.
    pub(super) fn statuses(&self) -> Option<Vec<JobStatus>> {
        let Self::States(words) = self else { return None };
        let of = |word: &String| -> Option<Vec<JobStatus>> {
            let set = StateSet::EACH.into_iter().find(|set| set.name().eq_ignore_ascii_case(word));
            match set {
                // AWS's word and the set's are the same; the set holds what starts too.
                Some(StateSet::Running) => Some(StateSet::Running.statuses()),
                Some(set) => Some(set.statuses()),
                None if word.eq_ignore_ascii_case("held") => Some(StateSet::Waiting.statuses()),
                None => word.parse().ok().map(|status| vec![status]),
            }
        };
        words.iter().map(of).collect::<Option<Vec<_>>>().map(|named| named.concat())
    }

    /// The one value that it asks for.
    pub(super) fn only(&self) -> Option<&str> {
        match self {
            Self::OneOf(words) => Some(words).filter(|words| words.len() == 1)?.first().map(String::as_str),
            _ => None,
        }
    }
}

/// The words by which states of jobs can be asked for.
pub(super) fn state_words() -> impl Iterator<Item = String> {
    let sets = StateSet::EACH.into_iter().filter(|set| *set != StateSet::All).map(|set| set.name().to_owned());
    let own = OWN_STATES.into_iter().map(str::to_owned);
    let aws = JobStatus::ALL.into_iter().map(|status| status.as_str().to_lowercase());
    let mut words: Vec<String> = sets.chain(own).collect();
    words.extend(aws.filter(|word| !words.contains(word)).collect::<Vec<_>>());
    words.into_iter()
}

/// Whether a text is a word in which `*` stands for any letters.
fn is_like(word: &str, text: &str) -> bool {
    let mut parts = word.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether a revision of a definition is meant: `resize:14` is one, `resize` any of them.
fn is_of(word: &str, label: &str) -> bool {
    is_like(word, label) || (!word.contains(':') && label.rsplit_once(':').is_some_and(|(name, _)| is_like(word, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        let cases = [
            ("etl", "etl", true),
            ("etl", "etl-1", false),
            ("etl*", "etl-1", true),
            ("*-1", "etl-1", true),
            ("e*l*1", "etl-1", true),
            ("e*x*1", "etl-1", false),
            ("*", "", true),
            ("a*a", "a", false),
        ];
        for (word, text, expected) in cases {
            assert_eq!(is_like(word, text), expected, "{word} on {text}");
        }
        assert!(is_of("resize", "resize:14") && is_of("resize:14", "resize:14") && !is_of("resize:1", "resize:14"));
    }
}
