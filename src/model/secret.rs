//! What is not shown: the values of variables whose names say that they are secret, and passwords in addresses.

use std::borrow::Cow;

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

fn is_secret(name: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
