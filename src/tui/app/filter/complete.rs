//! What may stand for the last word of a filter: the names of fields, and then their values.

use super::field::Field;
use super::parse::split;
use super::test::state_words;

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The whole text, with its last word completed.
    pub text: String,
    /// The completed word alone.
    pub word: String,
    pub doc: &'static str,
}

/// How a text that is typed for lists with these fields may go on; `values` are those that a field is known to have.
pub fn complete(text: &str, fields: &[Field], values: &dyn Fn(Field) -> Vec<String>) -> Vec<Completion> {
    let last = if text.is_empty() || text.ends_with(char::is_whitespace) { "" } else { last_word(text) };
    let before = &text[..text.len() - last.len()];
    let word = last.strip_prefix('!').unwrap_or(last);
    let negation = &last[..last.len() - word.len()];
    let made = |word: String, doc| Completion { text: format!("{before}{negation}{word}"), word, doc };
    let Some(end) = word.find(['=', '!', '~', '<', '>']) else {
        let begun = word.to_lowercase();
        let named = fields.iter().filter(|field| field.name().starts_with(&begun));
        return named.map(|field| made(format!("{}{}", field.name(), usual_sign(*field)), field.doc())).collect();
    };
    let Some(field) = fields.iter().find(|field| field.name() == &word[..end]) else { return Vec::new() };
    let from = word.rfind(['=', ',']).map_or(word.len(), |at| at + 1);
    let begun = word[from..].to_lowercase();
    let known = match field {
        Field::Status => state_words().collect(),
        Field::Since => ["15m", "1h", "2h", "24h", "7d"].map(str::to_owned).to_vec(),
        field => values(*field),
    };
    let fitting = known.into_iter().filter(|value| value.to_lowercase().starts_with(&begun) && *value != begun);
    fitting.map(|value| made(format!("{}{}", &word[..from], quoted(&value)), field.doc())).collect()
}

fn last_word(text: &str) -> &str {
    split(text).last().map_or("", |word| word.text)
}

/// The sign that a field is asked with as a rule.
fn usual_sign(field: Field) -> char {
    if field == Field::For { '>' } else { '=' }
}

fn quoted(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_come_first_and_then_what_they_are_known_to_have() {
        let values = |field: Field| match field {
            Field::Queue => vec!["main".to_owned(), "mail room".to_owned(), "night".to_owned()],
            _ => Vec::new(),
        };
        let texts =
            |text: &str| complete(text, Field::JOBS, &values).into_iter().map(|found| found.text).collect::<Vec<_>>();
        assert_eq!(texts("etl que"), ["etl queue="]);
        assert_eq!(texts("s"), ["status=", "since=", "share="]);
        assert_eq!(texts("fo"), ["for>"]);
        assert_eq!(texts("x !queue=ma"), ["x !queue=main", "x !queue=\"mail room\""]);
        assert_eq!(texts("queue=night,ma"), ["queue=night,main", "queue=night,\"mail room\""]);
        assert_eq!(texts("status=fa"), ["status=failed"]);
        assert_eq!(texts("queue=main"), Vec::<String>::new(), "nothing is left to add");
        assert_eq!(texts("").len(), Field::JOBS.len());
        assert!(texts("xyz=").is_empty());
    }
}
