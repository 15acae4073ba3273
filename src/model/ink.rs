//! The colours that a job printed: of all that a terminal would act on, sequences that set colours and weights alone are
//! read (SGR, ECMA-48 8.3.117), and they become marks beside the text; nothing of them is ever written as it came.

use super::text::{Piece, last_overwrite, walk};
use std::ops::Range;

/// A colour of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// 0 to 15 are the terminal's own, the others fixed.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// How a piece of a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent attribute of a terminal cell")]
pub struct Ink {
    pub fg: Option<Paint>,
    pub bg: Option<Paint>,
    pub bold: bool,
    pub dim: bool,
    pub underline: bool,
    pub reverse: bool,
}

/// A line as [`super::text::log_line`] shows it, and how its pieces were printed; what is not named is plain.
pub fn inked_line(message: &str) -> (String, Vec<(Range<usize>, Ink)>) {
    let line = last_overwrite(message.trim_end_matches('\n'));
    let (mut clean, mut inks) = (String::with_capacity(line.len()), Vec::new());
    let (mut ink, mut from) = (Ink::default(), 0);
    walk(line, |piece| match piece {
        Piece::Letter('\t') => clean.push_str("    "),
        Piece::Letter(letter) => clean.push(letter),
        Piece::Colours(parameters) => {
            note(&mut inks, from..clean.len(), ink);
            from = clean.len();
            ink = ink.after(parameters);
        }
    });
    note(&mut inks, from..clean.len(), ink);
    (clean, inks)
}

fn note(inks: &mut Vec<(Range<usize>, Ink)>, range: Range<usize>, ink: Ink) {
    if !range.is_empty() && ink != Ink::default() {
        inks.push((range, ink));
    }
}

impl Ink {
    fn after(mut self, parameters: &str) -> Self {
        // A colour may be written with colons as one parameter: 38:2::1:2:3.
        let mut left = parameters.split(';');
        while let Some(parameter) = left.next() {
            let mut parts = parameter.split(':').map(|part| part.parse::<u16>().unwrap_or(0));
            let code = parts.next().unwrap_or(0);
            match code {
                0 => self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                4 => self.underline = true,
                7 => self.reverse = true,
                22 => (self.bold, self.dim) = (false, false),
                24 => self.underline = false,
                27 => self.reverse = false,
                30..=37 => self.fg = indexed(code - 30),
                90..=97 => self.fg = indexed(code - 90 + 8),
                40..=47 => self.bg = indexed(code - 40),
                100..=107 => self.bg = indexed(code - 100 + 8),
                39 => self.fg = None,
                49 => self.bg = None,
                38 | 48 => {
                    let own: Vec<u16> = parts.collect();
                    let paint = if own.is_empty() {
                        let mut next = || left.next().and_then(|part| part.parse().ok()).unwrap_or(0);
                        match next() {
                            5 => indexed(next()),
                            2 => rgb([next(), next(), next()]),
                            _ => None,
                        }
                    } else {
                        match own.as_slice() {
                            [5, number, ..] => indexed(*number),
                            [2, _, red, green, blue, ..] | [2, red, green, blue] => rgb([*red, *green, *blue]),
                            _ => None,
                        }
                    };
                    if code == 38 { self.fg = paint } else { self.bg = paint }
                }
                _ => {}
            }
        }
        self
    }
}

fn indexed(number: u16) -> Option<Paint> {
    u8::try_from(number).ok().map(Paint::Indexed)
}

fn rgb([red, green, blue]: [u16; 3]) -> Option<Paint> {
    let part = |number: u16| u8::try_from(number).ok();
    Some(Paint::Rgb(part(red)?, part(green)?, part(blue)?))
}

#[cfg(test)]
mod tests {
    use super::super::text::log_line;
    use super::*;
    use crate::model::mutation::fuzz;
    use proptest::prelude::*;

    type Inks<'i> = &'i [(Range<usize>, Ink)];

    const RED: Ink =
        Ink { fg: Some(Paint::Indexed(1)), bg: None, bold: false, dim: false, underline: false, reverse: false };

    #[test]
    fn colours_stand_beside_the_text_and_all_else_is_gone() {
        let bold = Ink { bold: true, ..RED };
        let rgb = Ink { bg: Some(Paint::Rgb(1, 2, 3)), ..Ink::default() };
        let fixed = Ink { fg: Some(Paint::Indexed(208)), ..Ink::default() };
        let cases: [(&str, &str, Inks<'_>); 11] = [
            ("plain", "plain", &[]),
            ("a \u{1b}[31mred\u{1b}[0m b", "a red b", &[(2..5, RED)]),
            ("\u{1b}[31mr\u{1b}[1mb\u{1b}[22mr\u{1b}[39mp", "rbrp", &[(0..1, RED), (1..2, bold), (2..3, RED)]),
            ("\u{1b}[1;31mall of it", "all of it", &[(0..9, bold)]),
            ("\u{1b}[48;2;1;2;3mx\u{1b}[mz", "xz", &[(0..1, rgb)]),
            ("\u{1b}[48:2::1:2:3mx", "x", &[(0..1, rgb)]),
            ("\u{1b}[38;5;208mx\u{1b}[38:5:208my", "xy", &[(0..1, fixed), (1..2, fixed)]),
            ("\u{1b}[31m\u{1b}[2J\u{1b}[5;5Hx\u{1b}]0;title\u{7}", "x", &[(0..1, RED)]),
            ("\u{1b}]0;a\u{1b}[31mb\u{7}c", "[31mbc", &[]),
            ("\u{1b}[?31mx\u{1b}[>4;2mz\u{1b}[31 mw", "xzw", &[]),
            ("10%\r\u{1b}[31m20%\u{1b}[0m\r\n", "20%", &[(0..3, RED)]),
        ];
        for (given, text, inks) in cases {
            let told = inked_line(given);
            assert_eq!((told.0.as_str(), told.1.as_slice()), (text, inks), "{given:?}");
        }
    }

    fuzz! {
        fn any_text_is_what_is_shown_without_colours(text in "\\PC*|[\\x00-\\x1f\\x7f-\\x9f\\[\\]PX^_0-9;:ma-zA-Z\\\\]*") {
            let (clean, inks) = inked_line(&text);
            prop_assert_eq!(&clean, &log_line(&text).into_owned());
            for (range, _) in inks {
                prop_assert!(clean.get(range).is_some());
            }
        }
    }
}
