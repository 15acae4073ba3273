//! What is not shown: the values of variables whose names say that they are secret, and passwords in addresses.

use regex::{Captures, Regex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::LazyLock;
use unicode_width::UnicodeWidthChar;

/// In the place of a secret.
pub const MASK: &str = "••••••";

/// Parts of names that say so, in capitals and without what joins words.
const SECRET: [&str; 9] =
    ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "APIKEY", "ACCESSKEY", "PRIVATEKEY", "CREDENTIAL"];
/// Endings of names that say the same.
const ENDINGS: [&str; 3] = ["_PWD", "_PASS", "_KEY"];
/// Names that look like one and hold none.
const OPEN: [&str; 2] = ["ACCESSKEYID", "TOKENFILE"];

/// A variable's value as a person may see it.
pub fn shown<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret(name) && !value.is_empty() { Cow::Borrowed(MASK) } else { without_password(value) }
}

/// Whether a variable's name says that its value is nobody's business.
pub fn is_secret(name: &str) -> bool {
    let capitals = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let joined = capitals.replace('_', "");
    if OPEN.iter().any(|open| joined.ends_with(open)) {
        return false;
    }
    SECRET.iter().any(|part| joined.contains(part)) || ENDINGS.iter().any(|end| capitals.ends_with(end))
}

/// `scheme://user:password@host` without the password.
fn without_password(value: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = value.split_once("://") else { return Cow::Borrowed(value) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some((user, password)) = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')) else {
        return Cow::Borrowed(value);
    };
    if password.is_empty() {
        return Cow::Borrowed(value);
    }
    let after = &rest[user.len() + 1 + password.len()..];
    Cow::Owned(format!("{scheme}://{user}:{MASK}{after}"))
}

/// `NAME=value`, `"name": "value"`.
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z0-9_.-]+)("?\s*[=:]\s*"?)([^\s"',;&}]+)"#).ok());
/// `--name value`
static FLAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(--[A-Za-z0-9-]+)(\s+)(\S+)").ok());
/// `Bearer eyJ…`
static BEARER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}").ok());
/// `scheme://user:password@`
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(://[^\s/:@]+:)[^\s/@]+@").ok());

/// A text that is given away, as a line of a log: without the values that stand beside a secret's name, bearer tokens and
/// passwords in addresses. What does not say that it is secret is not seen to be.
pub fn in_text(text: &str) -> String {
    let (Some(named), Some(flag), Some(bearer), Some(address)) = (&*NAMED, &*FLAG, &*BEARER, &*ADDRESS) else {
        return MASK.to_owned();
    };
    let text = address.replace_all(text, format!("${{1}}{MASK}@"));
    let text = bearer.replace_all(&text, format!("$1 {MASK}"));
    let mask = |found: &Captures<'_>| {
        let (name, between) = (&found[1], &found[2]);
        if is_secret(name) { format!("{name}{between}{MASK}") } else { found[0].to_owned() }
    };
    let text = flag.replace_all(&text, mask);
    named.replace_all(&text, mask).into_owned()
}

/// The words of a command line, as they are typed: in each `NAME=value` whose name says that it is secret a dot stands for
/// each column of the value, so that whoever types it sees where the cursor is.
pub fn dotted(line: &str) -> Cow<'_, str> {
    let (mut shown, mut name) = (String::with_capacity(line.len()), String::new());
    let (mut quote, mut is_value) = (None, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        let mut pushed = [Some(letter), None];
        match (quote, letter) {
            (None, letter) if letter.is_whitespace() => {
                shown.push(letter);
                (name, is_value) = (String::new(), false);
                continue;
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if letter == open => quote = None,
            (None | Some('"'), '\\') => pushed[1] = letters.next(),
            (_, '=') if !is_value => {
                shown.push(letter);
                is_value = is_secret(&name);
                name.clear();
                continue;
            }
            (_, letter) => name.push(letter),
        }
        for letter in pushed.into_iter().flatten() {
            if is_value {
                shown.extend(std::iter::repeat_n('•', letter.width().unwrap_or(0)));
            } else {
                shown.push(letter);
            }
        }
    }
    if shown == line { Cow::Borrowed(line) } else { Cow::Owned(shown) }
}

/// A thing of the API, masked as [`in_value`] does.
pub fn without<T: Serialize + DeserializeOwned>(thing: &T) -> Option<T> {
    let mut value = serde_json::to_value(thing).ok()?;
    in_value(&mut value);
    serde_json::from_value(value).ok()
}

/// Masks what is secret in a value of the API: variables and members by their names, and all texts as [`in_text`] does.
pub fn in_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = in_text(text),
        Value::Array(items) => {
            let mut names_next = false;
            for item in items {
                let names =
                    item.as_str().is_some_and(|text| text.starts_with("--") && !text.contains('=') && is_secret(text));
                match item {
                    Value::String(text) if names_next => MASK.clone_into(text),
                    other => in_value(other),
                }
                names_next = names;
            }
        }
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "value" && is_secret(&name) => MASK.clone_into(text),
                    Value::String(text) if is_secret(key) => MASK.clone_into(text),
                    other => in_value(other),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_given_away_is_masked_in_texts_and_in_values() {
        let cases = [
            ("DB_PASSWORD=hunter2 start", "DB_PASSWORD=•••••• start"),
            (r#"{"apiKey": "hunter2", "n": 1}"#, r#"{"apiKey": "••••••", "n": 1}"#),
            ("psql --password hunter2 -h db", "psql --password •••••• -h db"),
            ("GET /x?token=hunter2&a=b", "GET /x?token=••••••&a=b"),
            ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ••••••"),
            ("see postgres://ada:hunter2@db/x now", "see postgres://ada:••••••@db/x now"),
            ("token expired at 12:30", "token expired at 12:30"),
        ];
        for (text, expected) in cases {
            assert_eq!(in_text(text), expected);
        }
        let mut value = json!({
            "environment": [{ "name": "API_TOKEN", "value": "hunter2" }, { "name": "MODE", "value": "fast" }],
            "command": ["psql", "--password", "hunter2"], "parameters": { "secret": "hunter2" },
        });
        in_value(&mut value);
        let text = value.to_string();
        assert!(!text.contains("hunter2") && text.contains("fast") && text.contains("psql"), "{text}");
    }

    #[test]
    fn what_is_typed_as_a_secret_stands_as_dots_of_its_width() {
        let cases = [
            ("MODE=fast API_TOKEN=hunter2", "MODE=fast API_TOKEN=•••••••"),
            ("'API_TOKEN=a b' x=1", "'API_TOKEN=•••• x=1"),
            (r#"API_TOKEN="a b\" c" x"#, "API_TOKEN=••••••••• x"),
            (r"API_TOKEN=a\ b x", "API_TOKEN=•••• x"),
            ("--env=API_TOKEN=x=y z=1", "--env=API_TOKEN=••• z=1"),
            ("API_TOKEN=世界 x", "API_TOKEN=•••• x"),
            ("API_TOKEN=", "API_TOKEN="),
            ("API_TOKEN", "API_TOKEN"),
            ("a=b=c", "a=b=c"),
            ("", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(dotted(line), expected, "{line}");
        }
    }

    #[test]
    fn what_looks_secret_is_masked_and_nothing_else_is() {
        let masked = [
            "DB_PASSWORD",
            "db-password",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "GithubToken",
            "API_KEY",
            "apikey",
            "SSH_PRIVATE_KEY",
            "GOOGLE_CREDENTIALS",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SIGNING_KEY",
        ];
        for name in masked {
            assert_eq!(shown(name, "hunter2"), MASK, "{name}");
        }
        let open = ["PATH", "PWD", "AWS_ACCESS_KEY_ID", "KEYBOARD", "MODE", "MONKEY", "AWS_WEB_IDENTITY_TOKEN_FILE"];
        for name in open {
            assert_eq!(shown(name, "hunter2"), "hunter2", "{name}");
        }
        assert_eq!(shown("DB_PASSWORD", ""), "", "that one is empty is worth knowing");
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let cases = [
            ("postgres://ada:hunter2@db:5432/x?y=1", "postgres://ada:••••••@db:5432/x?y=1"),
            ("amqp://ada:p@ss@mq", "amqp://ada:••••••@mq"),
            ("https://host:443/a:b@c", "https://host:443/a:b@c"),
            ("https://ada@host", "https://ada@host"),
            ("12:30", "12:30"),
        ];
        for (value, expected) in cases {
            assert_eq!(shown("URL", value), expected);
        }
    }

    crate::model::mutation::fuzz! {
        fn any_text_with_a_secret_in_it_is_shown_without_it_and_as_wide(
            before in r"\PC{0,12}", secret in "[a-z0-9]{8,20}", rest in r#"[A-Z\\ '"世]{0,8}"#, after in r"\PC{0,12}",
        ) {
            use unicode_width::UnicodeWidthStr;
            let line = format!("x API_TOKEN=q{secret}{rest}");
            proptest::prop_assert_eq!(dotted(&line).width(), line.width());
            let text = format!("{before}{line}{after}");
            for shown in [dotted(&text).into_owned(), in_text(&text)] {
                proptest::prop_assert!(!shown.contains(&secret), "{}", shown);
            }
            let mut all = json!({ "environment": [{ "name": "API_TOKEN", "value": text }], "command": [text] });
            in_value(&mut all);
            proptest::prop_assert_eq!(&all["environment"][0]["value"], MASK);
            proptest::prop_assert!(!all.to_string().contains(&secret), "{}", all);
        }
    }
}
