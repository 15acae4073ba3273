//! The terminal's clipboard by OSC 52, through tmux and screen.

/// Base64 of so many bytes is taken by every terminal that takes any (xterm's limit is the least that is known).
pub const MOST: usize = 74_994 / 4 * 3;

/// screen passes on strings of so many bytes at most.
const SCREEN_CHUNK: usize = 252;

/// What stands between this program and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    Direct,
    Tmux,
    Screen,
}

impl Passage {
    /// Judges by the environment: `TMUX`, `STY`, `TERM`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("TMUX").is_some() {
            Self::Tmux
        } else if set("STY").is_some() || set("TERM").is_some_and(|terminal| terminal.starts_with("screen")) {
            Self::Screen
        } else {
            Self::Direct
        }
    }

    /// A sequence as it has to be written so that what stands between passes it on to the terminal.
    pub fn carry(self, sequence: &str) -> Vec<u8> {
        match self {
            Self::Direct => sequence.as_bytes().to_vec(),
            Self::Tmux => {
                let passed = sequence.replace('\u{1b}', "\u{1b}\u{1b}");
                format!("\u{1b}Ptmux;{passed}\u{1b}\\").into_bytes()
            }
            Self::Screen => {
                let mut bytes = Vec::with_capacity(sequence.len() * 2);
                for chunk in sequence.as_bytes().chunks(SCREEN_CHUNK) {
                    bytes.extend_from_slice(b"\x1bP");
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\x1b\\");
                }
                bytes
            }
        }
    }
}

/// The bytes that put a text on the clipboard of the terminal.
pub fn copy(text: &str, passage: Passage) -> Vec<u8> {
    let content = base64(text.as_bytes());
    let sequence = format!("\u{1b}]52;c;{content}\u{7}");
    match passage {
        Passage::Direct | Passage::Screen => passage.carry(&sequence),
        // tmux takes it itself where `set-clipboard` is on, and passes it on where `allow-passthrough` is.
        Passage::Tmux => [sequence.clone().into_bytes(), passage.carry(&sequence)].concat(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let whole =
            chunk.iter().fold(0_usize, |whole, byte| whole << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[whole >> (18 - 6 * place) & 63];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("世", "5LiW")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_environment_says_what_stands_between() {
        let of = |pairs: &[(&str, &str)]| {
            Passage::of_environment(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("TERM", "xterm-256color")]), Passage::Direct);
        assert_eq!(of(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux,1,0")]), Passage::Tmux);
        assert_eq!(of(&[("TERM", "screen"), ("TMUX", "")]), Passage::Screen);
        assert_eq!(of(&[("TERM", "xterm"), ("STY", "1.pts")]), Passage::Screen);
    }

    #[test]
    fn what_stands_between_passes_it_on_whole() {
        let direct = String::from_utf8(copy("job", Passage::Direct)).expect("text");
        assert_eq!(direct, "\u{1b}]52;c;am9i\u{7}");
        let tmux = String::from_utf8(copy("job", Passage::Tmux)).expect("text");
        assert_eq!(tmux, format!("{direct}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;am9i\u{7}\u{1b}\\"));
        let long = "x".repeat(1000);
        let screen = String::from_utf8(copy(&long, Passage::Screen)).expect("text");
        let parts: Vec<&str> = screen.split("\u{1b}P").skip(1).map(|part| part.trim_end_matches("\u{1b}\\")).collect();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= SCREEN_CHUNK));
        assert_eq!(parts.concat().into_bytes(), copy(&long, Passage::Direct));
    }
}
