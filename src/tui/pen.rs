//! Cells as few bytes: what the terminal has set already is not set again, what it can erase is not written, and what
//! nobody sees is not told.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// What is seen of a blank besides its ground.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);
/// A gap of so many cells is as well written as jumped over.
const SHORT_GAP: u16 = 4;

/// Blanks get one look, whatever they were drawn in, as long as their ground is the same: they differ in nothing that is
/// seen, and a frame that differs in nothing else writes nothing.
pub fn settle(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| is_blank(cell)) {
        cell.fg = Color::Reset;
        cell.modifier = Modifier::empty();
    }
}

/// The ground that most blanks of a frame have.
pub fn ground(buffer: &Buffer) -> Color {
    let mut counts: Vec<(Color, usize)> = Vec::new();
    for cell in buffer.content.iter().filter(|cell| is_blank(cell)) {
        match counts.iter_mut().find(|(colour, _)| *colour == cell.bg) {
            Some((_, count)) => *count += 1,
            None => counts.push((cell.bg, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(Color::Reset, |(colour, _)| colour)
}

/// A wide letter that something is written over leaves half of itself, and terminals are not of one mind what is seen
/// there: it is written anew. Whether there is any.
pub fn forget_halves(shown: &mut Buffer, next: &Buffer) -> bool {
    let mut any = false;
    for at in 1..shown.content.len().min(next.content.len()) {
        let before = &shown.content[at - 1];
        if before.symbol().len() > 1 && before.symbol().width() > 1 && *before != next.content[at - 1] {
            shown.content[at].set_symbol("?").set_fg(Color::Indexed(255)).set_bg(Color::Indexed(254));
            any = true;
        }
    }
    any
}

/// Whether the terminal erases to the ground that is set (terminfo's `bce`), as all but the oldest do. GNU screen does not
/// and says `screen`, as some tmux do.
pub fn can_erase(variable: impl Fn(&str) -> Option<String>) -> bool {
    const CAN: [&str; 17] = [
        "xterm",
        "tmux",
        "alacritty",
        "foot",
        "kitty",
        "wezterm",
        "ghostty",
        "rxvt",
        "linux",
        "konsole",
        "st-",
        "gnome",
        "vte",
        "iterm",
        "mintty",
        "putty",
        "contour",
    ];
    let terminal = variable("TERM").unwrap_or_default();
    CAN.iter().any(|name| terminal.starts_with(name))
        || terminal.starts_with("screen") && variable("TMUX").is_some_and(|socket| !socket.is_empty())
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && !cell.modifier.intersects(SEEN_ON_BLANKS)
}

/// What is set in the terminal, and where its cursor stands. Begins and ends with nothing set.
#[derive(Debug)]
pub struct Pen<'o> {
    out: &'o mut String,
    can_erase: bool,
    /// `None` where terminals are not of one mind: behind wide and combined letters and the last column.
    at: Option<(u16, u16)>,
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl<'o> Pen<'o> {
    pub fn new(out: &'o mut String, can_erase: bool) -> Self {
        Self { out, can_erase, at: None, fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() }
    }

    /// Empties the screen to a ground.
    pub fn clear(&mut self, ground: Color) {
        self.set(self.fg, ground, self.modifier);
        self.out.push_str("\u{1b}[2J");
        self.at = None;
    }

    /// Writes the changes that lead to `next`, in the order of rows and columns.
    pub fn draw(&mut self, next: &Buffer, changes: &[(u16, u16, &Cell)]) {
        let mut rest = changes;
        while let Some((x, y, cell)) = rest.first().copied() {
            self.go_to(x, y, next);
            let erased = if self.can_erase && is_blank(cell) { self.erase(next, rest) } else { 0 };
            if erased == 0 {
                self.put(x, y, cell, next.area.right());
            }
            rest = &rest[erased.max(1)..];
        }
        self.set(Color::Reset, Color::Reset, Modifier::empty());
    }

    /// Erases the blanks that the changes begin with, where that is shorter; how many of the changes are done by it.
    fn erase(&mut self, next: &Buffer, changes: &[(u16, u16, &Cell)]) -> usize {
        let Some((x, y, first)) = changes.first().copied() else { return 0 };
        let is_alike = |cell: &Cell| is_blank(cell) && cell.bg == first.bg;
        let run = changes.iter().zip(x..).take_while(|((at, row, cell), x)| at == x && *row == y && is_alike(cell));
        let run = run.count();
        let end = usize::from(x) + run;
        let all_the_rest = (x..next.area.right()).all(|x| is_alike(&next[(x, y)]));
        if all_the_rest && run >= 4 {
            self.set_for(first);
            self.out.push_str("\u{1b}[K");
            return run;
        }
        // The cursor stays where it is: what follows at once takes a jump.
        let follows = changes.get(run).is_some_and(|(at, row, _)| usize::from(*at) == end && *row == y);
        if run < if follows { 11 } else { 6 } {
            return 0;
        }
        self.set_for(first);
        let _ = write!(self.out, "\u{1b}[{run}X");
        run
    }

    fn go_to(&mut self, x: u16, y: u16, next: &Buffer) {
        if self.at == Some((x, y)) {
            return;
        }
        let from = self.at.filter(|(from, row)| *row == y && *from < x).map(|(from, _)| from);
        let _ = match from {
            Some(from) => {
                let gap = || (from..x).map(|x| &next[(x, y)]);
                if x - from <= SHORT_GAP && gap().all(|cell| cell.symbol().len() == 1 && self.is_set_for(cell)) {
                    self.out.extend(gap().map(Cell::symbol));
                    Ok(())
                } else if x - from == 1 {
                    write!(self.out, "\u{1b}[C")
                } else {
                    write!(self.out, "\u{1b}[{}C", x - from)
                }
            }
            None if x == 0 => write!(self.out, "\u{1b}[{}H", y + 1),
            None => write!(self.out, "\u{1b}[{};{}H", y + 1, x + 1),
        };
        self.at = Some((x, y));
    }

    fn put(&mut self, x: u16, y: u16, cell: &Cell, right: u16) {
        self.set_for(cell);
        let symbol = cell.symbol();
        self.out.push_str(symbol);
        let is_plain = symbol.len() == 1 || symbol.chars().count() == 1 && symbol.width() == 1;
        self.at = (is_plain && x + 1 < right).then_some((x + 1, y));
    }

    fn is_set_for(&self, cell: &Cell) -> bool {
        if is_blank(cell) {
            return self.bg == cell.bg && !self.modifier.intersects(SEEN_ON_BLANKS);
        }
        (self.fg, self.bg, self.modifier) == (cell.fg, cell.bg, cell.modifier)
    }

    fn set_for(&mut self, cell: &Cell) {
        if is_blank(cell) {
            self.set(self.fg, cell.bg, self.modifier.difference(SEEN_ON_BLANKS));
        } else {
            self.set(cell.fg, cell.bg, cell.modifier);
        }
    }

    fn set(&mut self, fg: Color, bg: Color, modifier: Modifier) {
        if (fg, bg, modifier) == (self.fg, self.bg, self.modifier) {
            return;
        }
        let mut codes = Codes::default();
        if (fg, bg, modifier) != (Color::Reset, Color::Reset, Modifier::empty()) {
            codes.change(self.modifier, modifier);
            if fg != self.fg {
                codes.colour(38, fg);
            }
            if bg != self.bg {
                codes.colour(48, bg);
            }
        }
        let _ = write!(self.out, "\u{1b}[{}m", codes.0);
        (self.fg, self.bg, self.modifier) = (fg, bg, modifier);
    }
}

/// The numbers of one `SGR` sequence; none of them resets all.
#[derive(Default)]
struct Codes(String);

impl Codes {
    fn add(&mut self, code: u8) {
        let sign = if self.0.is_empty() { "" } else { ";" };
        let _ = write!(self.0, "{sign}{code}");
    }

    fn add_all(&mut self, codes: &[u8]) {
        for code in codes {
            self.add(*code);
        }
    }

    fn change(&mut self, from: Modifier, to: Modifier) {
        const WEIGHT: Modifier = Modifier::BOLD.union(Modifier::DIM);
        const BLINK: Modifier = Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK);
        const PUT_OUT: [(Modifier, u8); 7] = [
            (WEIGHT, 22),
            (Modifier::ITALIC, 23),
            (Modifier::UNDERLINED, 24),
            (BLINK, 25),
            (Modifier::REVERSED, 27),
            (Modifier::HIDDEN, 28),
            (Modifier::CROSSED_OUT, 29),
        ];
        const PUT_ON: [(Modifier, u8); 9] = [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::SLOW_BLINK, 5),
            (Modifier::RAPID_BLINK, 6),
            (Modifier::REVERSED, 7),
            (Modifier::HIDDEN, 8),
            (Modifier::CROSSED_OUT, 9),
        ];
        let mut is = from;
        for (group, code) in PUT_OUT {
            if from.difference(to).intersects(group) {
                self.add(code);
                is = is.difference(group);
            }
        }
        for (one, code) in PUT_ON {
            if to.difference(is).contains(one) {
                self.add(code);
            }
        }
    }

    /// `which`: 38 of letters, 48 of their ground.
    fn colour(&mut self, which: u8, colour: Color) {
        let number = match colour {
            Color::Reset => return self.add(which + 1),
            Color::Rgb(red, green, blue) => return self.add_all(&[which, 2, red, green, blue]),
            Color::Indexed(number) => number,
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 8,
            Color::LightRed => 9,
            Color::LightGreen => 10,
            Color::LightYellow => 11,
            Color::LightBlue => 12,
            Color::LightMagenta => 13,
            Color::LightCyan => 14,
            Color::White => 15,
        };
        self.add_all(&[which, 5, number]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    const WIDTH: u16 = 24;
    const HEIGHT: u16 = 4;

    /// A terminal of its own, as far as `vt100` is one.
    struct Glass {
        terminal: vt100::Parser,
        shown: Buffer,
    }

    impl Glass {
        fn new() -> Self {
            let cells = |count: u16| std::num::NonZero::new(count).expect("some");
            Self {
                terminal: vt100::Parser::new(cells(HEIGHT), cells(WIDTH), 0),
                shown: Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT)),
            }
        }

        /// Draws the next frame, and holds what the terminal shows against it; the bytes that it took.
        fn draw(&mut self, mut next: Buffer, can_erase: bool) -> String {
            settle(&mut next);
            forget_halves(&mut self.shown, &next);
            let mut out = String::new();
            Pen::new(&mut out, can_erase).draw(&next, &self.shown.diff(&next));
            self.terminal.process(out.as_bytes());
            for y in 0..HEIGHT {
                for x in 0..WIDTH {
                    let (drawn, cell) = (&next[(x, y)], self.terminal.screen().cell(y, x).expect("a cell"));
                    if cell.is_wide_continuation() {
                        continue;
                    }
                    let symbol = if cell.contents().is_empty() { " " } else { cell.contents() };
                    assert_eq!(symbol, drawn.symbol(), "{x},{y} after {out:?}");
                    assert_eq!(cell.bgcolor(), as_seen(drawn.bg), "the ground of {x},{y} after {out:?}");
                    if is_blank(drawn) {
                        assert!(!cell.inverse() && !cell.underline(), "{x},{y} after {out:?}");
                        continue;
                    }
                    assert_eq!(cell.fgcolor(), as_seen(drawn.fg), "{x},{y} after {out:?}");
                    let is = (cell.bold(), cell.dim(), cell.underline(), cell.inverse());
                    let ought = [Modifier::BOLD, Modifier::DIM, Modifier::UNDERLINED, Modifier::REVERSED];
                    let [bold, dim, underline, inverse] = ought.map(|one| drawn.modifier.contains(one));
                    assert_eq!(is, (bold, dim, underline, inverse), "{x},{y} after {out:?}");
                }
            }
            self.shown = next;
            out
        }
    }

    fn as_seen(colour: Color) -> vt100::Color {
        match colour {
            Color::Indexed(number) => vt100::Color::Idx(number),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            _ => vt100::Color::Default,
        }
    }

    fn row(parts: &[(&str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        let mut x = 0;
        for (text, style) in parts {
            (x, _) = set(&mut buffer, x, 1, text, *style);
        }
        buffer
    }

    fn set(buffer: &mut Buffer, x: u16, y: u16, text: &str, style: Style) -> (u16, u16) {
        buffer.set_stringn(x, y, text, usize::from(WIDTH), style)
    }

    #[test]
    fn what_is_set_is_not_set_again_and_colours_of_blanks_are_not_told() {
        let ground = Style::new().bg(Color::Indexed(17));
        let (red, blue) = (ground.fg(Color::Indexed(9)), ground.fg(Color::Indexed(12)));
        let mut glass = Glass::new();
        let out = glass.draw(row(&[("one", red), ("  ", blue), ("two", red)]), true);
        assert_eq!(out, "\u{1b}[2H\u{1b}[38;5;9;48;5;17mone  two\u{1b}[m");
        assert_eq!(glass.draw(row(&[("one", red), ("  ", ground), ("two", red)]), true), "", "nothing is seen of it");
        let out = glass.draw(row(&[("One", red), ("  ", blue), ("Two", red)]), true);
        assert_eq!(out, "\u{1b}[2H\u{1b}[38;5;9;48;5;17mOne  T\u{1b}[m");
    }

    #[test]
    fn what_can_be_erased_is_not_written_and_where_it_cannot_it_is() {
        let ground = Style::new().bg(Color::Indexed(17));
        let blanks = " ".repeat(12);
        for (can_erase, expected) in [
            (true, "\u{1b}[2H\u{1b}[48;5;17m\u{1b}[12X\u{1b}[12Cx\u{1b}[K\u{1b}[m".to_owned()),
            (false, format!("\u{1b}[2H\u{1b}[48;5;17m{blanks}x{}\u{1b}[m", " ".repeat(11))),
        ] {
            let next = row(&[(&blanks, ground), ("x", ground), (&" ".repeat(11), ground)]);
            assert_eq!(Glass::new().draw(next, can_erase), expected);
        }
    }

    #[test]
    fn terminals_that_erase_to_the_ground_are_known_by_name() {
        let of = |term: &str, tmux: &str| {
            can_erase(|name| match name {
                "TERM" => Some(term.to_owned()),
                "TMUX" => Some(tmux.to_owned()),
                _ => None,
            })
        };
        assert!(of("xterm-256color", "") && of("tmux-256color", "") && of("screen-256color", "/tmp/tmux-0/default"));
        assert!(!of("screen-256color", "") && !of("vt220", "") && !of("dumb", "") && !can_erase(|_| None));
    }

    fn style() -> impl Strategy<Value = Style> {
        let colour = || {
            prop_oneof![
                Just(Color::Reset),
                (0_u8..4).prop_map(Color::Indexed),
                any::<[u8; 3]>().prop_map(|[red, green, blue]| Color::Rgb(red, green, blue))
            ]
        };
        // A letter that is bold and dim at once is one or the other to this terminal.
        let weight = proptest::sample::select(vec![Modifier::empty(), Modifier::BOLD, Modifier::DIM]);
        let others = proptest::sample::subsequence(vec![Modifier::UNDERLINED, Modifier::REVERSED], 0..=2);
        (colour(), colour(), weight, others).prop_map(|(fg, bg, weight, others)| {
            others.into_iter().fold(Style::new().fg(fg).bg(bg).add_modifier(weight), Style::add_modifier)
        })
    }

    fn screen() -> impl Strategy<Value = Buffer> {
        let text =
            proptest::sample::select(vec!["a", "word", " ", "   ", "                ", "世界", "é", "e\u{301}", "│"]);
        proptest::collection::vec((0..WIDTH, 0..HEIGHT, text, style()), 0..24).prop_map(|parts| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            for (x, y, text, style) in parts {
                set(&mut buffer, x, y, text, style);
            }
            let both = Modifier::BOLD.union(Modifier::DIM);
            buffer.content.iter_mut().filter(|cell| cell.modifier.contains(both)).for_each(|cell| {
                cell.modifier.remove(Modifier::DIM);
            });
            buffer
        })
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_is_what_the_terminal_shows(frames in proptest::collection::vec((screen(), any::<bool>()), 1..5)) {
            let mut glass = Glass::new();
            for (next, can_erase) in frames {
                glass.draw(next, can_erase);
            }
        }
    }
}
