//! Keys as a person writes and reads them.

use crokey::{KeyCombination, OneToThree};
use crossterm::event::{KeyCode, KeyModifiers};

/// Reads keys with spaces between: `"v s"`, `"ctrl-d"`.
pub fn parse_sequence(text: &str) -> Option<Vec<KeyCombination>> {
    let chords: Option<Vec<_>> = text.split_whitespace().map(parse_chord).collect();
    chords.filter(|chords| !chords.is_empty())
}

fn parse_chord(text: &str) -> Option<KeyCombination> {
    let mut letters = text.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(normal(KeyCombination::from(KeyCode::Char(letter)).normalized()));
    }
    let text = if text.eq_ignore_ascii_case("shift-tab") { "backtab" } else { text };
    let chord = crokey::parse(text).ok()?;
    chord.is_ansi_compatible().then(|| normal(chord.normalized()))
}

/// Terminals differ in whether `?` comes with shift; a letter's case says it already.
pub(super) fn normal(mut chord: KeyCombination) -> KeyCombination {
    if let OneToThree::One(KeyCode::Char(letter)) = chord.codes
        && !letter.is_ascii_alphabetic()
    {
        chord.modifiers.remove(KeyModifiers::SHIFT);
    }
    chord
}

/// The letter that a key types into a field.
pub fn typed(chord: KeyCombination) -> Option<char> {
    let OneToThree::One(KeyCode::Char(letter)) = chord.codes else { return None };
    (chord.modifiers - KeyModifiers::SHIFT).is_empty().then_some(letter)
}

pub(super) fn write_sequence(chords: &[KeyCombination]) -> String {
    let mut text = String::new();
    for chord in chords {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&write_chord(*chord));
    }
    text
}

/// A key as hints show it: `G`, `ctrl-f`, `Enter`, `↓`.
fn write_chord(chord: KeyCombination) -> String {
    let name = match chord.codes.first() {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(letter) => letter.to_string(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::BackTab => return "shift-Tab".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::F(number) => format!("F{number}"),
        other => format!("{other:?}"),
    };
    let mut text = String::new();
    for (modifier, prefix) in
        [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SUPER, "cmd-")]
    {
        if chord.modifiers.contains(modifier) {
            text.push_str(prefix);
        }
    }
    let letter_says_shift = matches!(chord.codes.first(), KeyCode::Char(_)) && text.is_empty();
    if chord.modifiers.contains(KeyModifiers::SHIFT) && !letter_says_shift {
        text.push_str("shift-");
    }
    text + &name
}
