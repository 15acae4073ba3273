//! Signs and borders for terminals that show ASCII alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

/// What stands for each sign that the console draws.
const SIGNS: [(&str, &str); 30] = [
    ("─", "-"),
    ("│", "|"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("├", "+"),
    ("┤", "+"),
    ("▸", ">"),
    ("›", ">"),
    ("‹", "<"),
    ("●", "*"),
    ("○", "o"),
    ("◌", "."),
    ("✔", "v"),
    ("✖", "x"),
    ("▲", "!"),
    ("■", "#"),
    ("█", "#"),
    ("▓", "#"),
    ("▒", ":"),
    ("░", "."),
    ("▼", "v"),
    ("↑", "^"),
    ("↓", "v"),
    ("←", "<"),
    ("→", ">"),
    ("…", "~"),
    ("·", "-"),
    ("—", "-"),
];

/// Whether the locale is one in which only ASCII can be written: what is set first of `LC_ALL`, `LC_CTYPE` and `LANG` is
/// not UTF-8. Where none is set, nothing is known against it.
pub fn is_all_that_is_shown(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).is_some_and(|locale| {
        let locale = locale.to_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    })
}

/// Puts ASCII in place of all else: a sign of its own for each of ours, and `?` for letters of names.
pub fn lower(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buffer[Position { x, y }];
            if cell.symbol().is_ascii() {
                continue;
            }
            let sign = SIGNS.iter().find(|(sign, _)| *sign == cell.symbol()).map_or("?", |(_, plain)| plain);
            cell.set_symbol(sign);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn the_locale_says_what_can_be_shown() {
        let of = |pairs: &[(&str, &str)]| {
            is_all_that_is_shown(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let cases: [(&[(&str, &str)], bool); 6] = [
            (&[("LANG", "en_US.UTF-8")], false),
            (&[("LANG", "en_US.utf8"), ("LC_ALL", "C")], true),
            (&[("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], false),
            (&[("LC_ALL", ""), ("LANG", "POSIX")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[], false),
        ];
        for (pairs, expected) in cases {
            assert_eq!(of(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn nothing_but_ascii_is_left_and_no_column_moves() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, "│▸● 世界 é…│", Style::default());
        lower(&mut buffer);
        let text: String = (0..20).map(|x| buffer[(x, 0)].symbol()).collect();
        assert_eq!(text.trim_end(), "|>* ? ?  ?~|");
    }
}
