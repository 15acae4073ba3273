//! Text from outside, made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text without anything a terminal would act on: escape sequences of every family (CSI, OSC, DCS, APC, PM, SOS
/// and two-byte ones), C0 and C1 controls, and the marks that turn the direction of writing. Letters that are written from
/// right to left stay in the order in which they are said, and none is put between isolates: terminals are not of one mind
/// whether those take a column, and most do not turn rows at all. Each cell is counted, so that a row keeps its columns. A tab becomes spaces up to
/// the next multiple of eight columns is not known here, so it becomes four spaces. What is harmless is borrowed.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    walk(text, |piece| match piece {
        Piece::Letter('\t') => clean.push_str("    "),
        Piece::Letter(letter) => clean.push(letter),
        Piece::Colours(_) => {}
    });
    Cow::Owned(clean)
}

/// Several lines, each as [`printable`] leaves it.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// The same JSON, with everything escaped that a terminal could act on. JSON leaves C1 controls and the marks that turn the
/// direction of writing as they are; they can only stand inside of strings.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let is_open = |letter: char| is_harmful(letter) && letter != '\n';
    if !json.chars().any(is_open) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_open(letter) {
            // A text cannot refuse to be written to.
            let _ = write!(safe, "\\u{:04x}", u32::from(letter));
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// What is left of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// One that does nothing, or a tab.
    Letter(char),
    /// The parameters of a sequence that sets colours and weights (SGR): digits, `;` and `:` alone.
    Colours(&'t str),
}

/// Walks through a text and takes out what a terminal would act on.
pub(super) fn walk<'t>(text: &'t str, mut take: impl FnMut(Piece<'t>)) {
    let mut letters = text.char_indices().peekable();
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                Some((_, '[')) => {
                    if let Some(colours) = skip_csi(text, &mut letters) {
                        take(Piece::Colours(colours));
                    }
                }
                Some((_, ']' | 'P' | '_' | '^' | 'X')) => skip_string(&mut letters),
                Some((_, ' '..='/')) => {
                    // nF sequences: intermediates up to a final byte.
                    while letters.next_if(|(_, c)| (' '..='/').contains(c)).is_some() {}
                    letters.next_if(|(_, c)| ('0'..='~').contains(c));
                }
                Some(_) | None => {}
            },
            '\u{9b}' => {
                skip_csi(text, &mut letters);
            }
            '\u{9d}' | '\u{90}' | '\u{9f}' | '\u{9e}' | '\u{98}' => skip_string(&mut letters),
            '\t' => take(Piece::Letter('\t')),
            other if is_harmful(other) => {}
            other => take(Piece::Letter(other)),
        }
    }
}

/// What a terminal would show of a line that overwrites itself: what follows its last carriage return, or, where nothing
/// to be seen does, what stood before it.
pub fn last_overwrite(line: &str) -> &str {
    if !line.contains('\r') {
        return line;
    }
    let mut written = line.rsplit('\r');
    written.find(|part| !printable(part).trim().is_empty()).unwrap_or_default()
}

/// A line of a log as it is shown: its last overwrite, made harmless, without a newline.
pub fn log_line(message: &str) -> Cow<'_, str> {
    // Most lines are plain, and logs are long.
    if message.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(message);
    }
    printable(last_overwrite(message.trim_end_matches('\n')))
}

fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

type Letters<'t> = std::iter::Peekable<std::str::CharIndices<'t>>;

/// Skips parameters and intermediates up to and including the final byte of a control sequence. The parameters, where it
/// is one that sets colours.
fn skip_csi<'t>(text: &'t str, letters: &mut Letters<'t>) -> Option<&'t str> {
    let from = letters.peek()?.0;
    while letters.next_if(|(_, c)| (' '..='?').contains(c)).is_some() {}
    let (to, end) = letters.next_if(|(_, c)| ('@'..='~').contains(c))?;
    let parameters = &text[from..to];
    let is_plain = parameters.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'));
    (end == 'm' && is_plain).then_some(parameters)
}

/// Skips to the end of a control string: BEL, ST, or the end of the text.
fn skip_string(letters: &mut Letters<'_>) {
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\u{07}' | '\u{9c}' => return,
            '\u{1b}' => {
                letters.next_if(|(_, c)| *c == '\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mutation::fuzz;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_act_on_is_gone_and_the_rest_stays() {
        let cases = [
            ("plain text", "plain text"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]52;c;aGk=\u{1b}\\after", "after"),
            ("\u{1b}P1$r0m\u{1b}\\x", "x"),
            ("\u{1b}_apc\u{1b}\\x", "x"),
            ("\u{9b}2Jx", "x"),
            ("\u{9d}0;t\u{9c}x", "x"),
            ("\u{1b}(0lqk", "lqk"),
            ("\u{1b}cx", "x"),
            ("50%\r100%", "50%100%"),
            ("a\tb", "a    b"),
            ("bell\u{7}", "bell"),
            ("evil\u{202e}txt", "eviltxt"),
            ("torn \u{1b}[", "torn "),
            ("torn \u{1b}", "torn "),
            ("grüezi 世界 👩‍🚀", "grüezi 世界 👩‍🚀"),
        ];
        for (given, expected) in cases {
            assert_eq!(printable(given), expected, "{given:?}");
        }
    }

    #[test]
    fn json_holds_nothing_a_terminal_would_act_on_and_still_says_the_same() {
        let value = "\u{1b}[31m \u{9b}2J \u{7f}\u{202e}evil\u{61c}\u{feff} grüezi";
        let json = serde_json::to_string_pretty(&[value]).expect("writes");
        let safe = printable_json(&json);
        assert!(!safe.replace('\n', "").chars().any(is_harmful), "{safe:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).expect("reads"), [value]);
        assert!(matches!(printable_json("[\n  \"grüezi\"\n]"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_that_overwrites_itself_is_shown_as_it_was_left() {
        let cases = [
            ("plain", "plain"),
            ("progress 1\rprogress 2", "progress 2"),
            ("progress 1\rprogress 2\r", "progress 2"),
            ("windows\r\n", "windows"),
            ("\u{1b}[32m10%\r\u{1b}[32m20%\u{1b}[0m\r\u{1b}[K", "20%"),
            ("  indented", "  indented"),
            ("\r\r", ""),
            (" ", " "),
            ("", ""),
        ];
        for (given, expected) in cases {
            assert_eq!(log_line(given), expected, "{given:?}");
        }
    }

    fuzz! {
        fn nothing_harmful_is_left_of_any_text(text in "\\PC*|[\\x00-\\x1f\\x7f-\\x9f\\[\\]PX^_0-9;a-zA-Z\\\\]*") {
            prop_assert!(!printable(&text).chars().any(is_harmful));
        }
    }
}
