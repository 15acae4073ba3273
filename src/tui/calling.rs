//! The terminal's own ways to call somebody: its bell, and notifications by OSC 9 (iTerm2, Windows Terminal, kitty, `WezTerm`)
//! and OSC 777 (urxvt, foot, Ghostty, VTE), through tmux and screen.

use super::clipboard::Passage;
use crate::config::Notify;

/// Terminals show so many letters or fewer.
const MOST: usize = 200;

/// The bytes that tell a text in these ways; each once.
pub fn bytes(ways: &[Notify], text: &str, passage: Passage) -> Vec<u8> {
    let text = harmless(text);
    let mut bytes = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        if ways[..at].contains(way) {
            continue;
        }
        match way {
            Notify::Bell => bytes.push(7),
            // A text that begins with a digit and a semicolon would be another command to some terminals.
            Notify::Osc9 => bytes.extend(passage.carry(&format!("\u{1b}]9;batchdeck: {text}\u{7}"))),
            Notify::Osc777 => bytes.extend(passage.carry(&format!("\u{1b}]777;notify;batchdeck;{text}\u{7}"))),
        }
    }
    bytes
}

/// Without anything that a terminal could take for a command or for the end of one.
fn harmless(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.map(|letter| if letter == ';' { ',' } else { letter }).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_its_bytes_and_goes_through_what_stands_between() {
        let text = |ways: &[Notify], passage| String::from_utf8(bytes(ways, "high; failed", passage)).expect("text");
        assert_eq!(text(&[Notify::Bell, Notify::Bell], Passage::Direct), "\u{7}");
        assert_eq!(text(&[Notify::Osc9], Passage::Direct), "\u{1b}]9;batchdeck: high, failed\u{7}");
        let direct = text(&[Notify::Osc777], Passage::Direct);
        assert_eq!(direct, "\u{1b}]777;notify;batchdeck;high, failed\u{7}");
        let tmux = text(&[Notify::Bell, Notify::Osc777], Passage::Tmux);
        assert_eq!(tmux, format!("\u{7}\u{1b}Ptmux;\u{1b}{direct}\u{1b}\\"));
        assert_eq!(text(&[Notify::Osc9], Passage::Screen), "\u{1b}P\u{1b}]9;batchdeck: high, failed\u{7}\u{1b}\\");
        assert_eq!(text(&[], Passage::Direct), "");
    }

    #[test]
    fn what_a_name_holds_cannot_end_the_sequence_or_begin_another() {
        let evil = "a\u{1b}]52;c;eA==\u{7}\u{9c}\n4;1";
        let told = String::from_utf8(bytes(&[Notify::Osc9], evil, Passage::Direct)).expect("text");
        let inside = told.strip_prefix("\u{1b}]9;").and_then(|rest| rest.strip_suffix('\u{7}')).expect("one sequence");
        assert!(!inside.chars().any(char::is_control) && !inside.contains(';'), "{inside:?}");
        assert!(bytes(&[Notify::Osc9], &"x".repeat(9_000), Passage::Direct).len() < 300);
    }
}
