//! Command lines: words with a shell's quotes, read and written.

/// The text ends within a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quote ({0}) is open at the end")]
pub struct OpenQuote(pub char);

/// Splits as a shell does: blanks part words, `'…'` is literal, `"…"` and `\` keep the next letter.
pub fn split(text: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
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

/// The word as a shell reads it back.
pub fn quote(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
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
        let cases: [(&str, &[&str]); 7] = [
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
        fn what_is_joined_splits_into_the_same_words(words in proptest::collection::vec("\\PC*", 0..5)) {
            prop_assert_eq!(split(&join(&words)), Ok(words));
        }
    }
}
