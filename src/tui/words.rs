//! Command lines: words with a shell's quotes, read and written.

/// The text ends within a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quote ({0}) is open at the end")]
pub struct OpenQuote(pub char);

/// Splits as a shell does: blanks part words, `'…'` is literal, `"…"` and `\` keep the next letter, and `$'…'` has escapes.
pub fn split(text: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '$') if letters.next_if_eq(&'\'').is_some() => {
                word.get_or_insert_default().push_str(&escaped(&mut letters)?);
            }
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => match letters.next() {
                Some(next) => {
                    let word = word.get_or_insert_default();
                    if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') {
                        word.push('\\');
                    }
                    word.push(next);
                }
                None => word.get_or_insert_default().push('\\'),
            },
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(open) = quote {
        return Err(OpenQuote(open));
    }
    words.extend(word);
    Ok(words)
}

/// The rest of a `$'…'`, up to its end (POSIX.1-2024, "Dollar-Single-Quotes").
fn escaped(letters: &mut impl Iterator<Item = char>) -> Result<String, OpenQuote> {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return Ok(text),
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('x') => {
                    let digits: String = letters.by_ref().take(2).collect();
                    text.push(u8::from_str_radix(&digits, 16).map_or('\u{fffd}', char::from));
                }
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    Err(OpenQuote('\''))
}

/// The word as a shell reads it back, on one line: what moves a cursor is written as an escape.
pub fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.chars().any(|letter| letter.is_ascii_control()) {
        let letters = word.chars().map(|letter| match letter {
            '\n' => r"\n".to_owned(),
            '\t' => r"\t".to_owned(),
            '\r' => r"\r".to_owned(),
            '\'' => r"\'".to_owned(),
            '\\' => r"\\".to_owned(),
            control if control.is_ascii_control() => format!("\\x{:02x}", u32::from(control)),
            other => other.to_string(),
        });
        format!("$'{}'", letters.collect::<String>())
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Words as one line for a shell.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let cases: [(&str, &[&str]); 9] = [
            (r"sh -c $'echo \'a\'\n\tb \\ c\x07'", &["sh", "-c", "echo 'a'\n\tb \\ c\u{7}"]),
            ("a$b $ '$'", &["a$b", "$", "$"]),
            ("", &[]),
            ("  a  b ", &["a", "b"]),
            ("sh -c 'echo $1; sleep 1'", &["sh", "-c", "echo $1; sleep 1"]),
            (r#""a b"c '' "\"" "#, &["a bc", "", "\""]),
            (r"a\ b", &["a b"]),
            (r#""\n""#, &[r"\n"]),
            (r"end\", &[r"end\"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), Ok(expected.iter().map(|word| (*word).to_owned()).collect()), "{text}");
        }
        assert_eq!(split("it's"), Err(OpenQuote('\'')));
    }

    proptest! {
        #[test]
        fn what_is_joined_splits_into_the_same_words(words in proptest::collection::vec("(?s).*", 0..5)) {
            prop_assert_eq!(split(&join(&words)), Ok(words));
        }
    }
}
