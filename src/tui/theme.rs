//! A theme's roles as styles of terminal cells, for what the terminal can show.

use crate::config::theme::{Colour, Look, Role, Theme};
use crate::model::{Ink, Paint};
use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// `NO_COLOR`: weight, underline and reverse alone.
    None,
    Ansi16,
    Fixed256,
    True,
}

impl Depth {
    /// Judges by the environment: `NO_COLOR`, `COLORTERM`, `TERM`. The terminal itself is not asked.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let terminal = set("TERM").unwrap_or_default();
        if set("NO_COLOR").is_some() || terminal == "dumb" {
            return Self::None;
        }
        match set("COLORTERM").as_deref() {
            Some("truecolor" | "24bit") => Self::True,
            _ if terminal.contains("direct") => Self::True,
            _ if terminal.contains("256color") => Self::Fixed256,
            _ => Self::Ansi16,
        }
    }
}

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styles {
    by_role: Vec<Style>,
}

impl Styles {
    pub fn new(theme: &Theme, depth: Depth) -> Self {
        let ground = theme.look(Role::Text).bg;
        Self { by_role: Role::ALL.iter().map(|role| style(theme.look(*role), *role, ground, depth)).collect() }
    }

    /// The style of a role.
    pub fn of(&self, role: Role) -> Style {
        self.by_role.get(role as usize).copied().unwrap_or_default()
    }
}

fn style(look: Look, role: Role, ground: Option<Colour>, depth: Depth) -> Style {
    let mut style = Style::default();
    let mut reverse = look.reverse;
    if let Some(fg) = look.fg.and_then(|colour| lower(colour, depth)) {
        style = style.fg(fg);
    }
    if let Some(bg) = look.bg {
        let shown = lower(bg, depth);
        // A ground of its own that few colours cannot tell from the screen's is shown by reversing.
        let is_lost = role != Role::Text && shown == ground.and_then(|ground| lower(ground, depth));
        let told_by_ground = matches!(role, Role::Selected | Role::InputFocus | Role::Header);
        match shown {
            Some(_) if is_lost && told_by_ground => reverse = true,
            Some(colour) => style = style.bg(colour),
            None if role == Role::Text => {}
            None if told_by_ground => reverse = true,
            None => style = style.add_modifier(Modifier::UNDERLINED),
        }
    }
    let modifiers = [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.underline, Modifier::UNDERLINED),
        (reverse, Modifier::REVERSED),
    ];
    for (_, modifier) in modifiers.into_iter().filter(|(on, _)| *on) {
        style = style.add_modifier(modifier);
    }
    if depth == Depth::None {
        // What a theme says by colour alone is said by weight.
        match role {
            Role::Dim | Role::Border | Role::GaugeRest | Role::Off | Role::LogTime => {
                style = style.add_modifier(Modifier::DIM);
            }
            Role::SelectedAway => style = style.add_modifier(Modifier::UNDERLINED),
            _ => {}
        }
    }
    style
}

/// What a job printed in a colour, as far as the terminal shows it.
pub fn printed(ink: Ink, depth: Depth) -> Style {
    let colour = |paint: Paint| match paint {
        Paint::Indexed(number @ 0..16) => Colour::Ansi(number),
        Paint::Indexed(number) => Colour::Fixed(number),
        Paint::Rgb(red, green, blue) => Colour::Rgb(red, green, blue),
    };
    let mut style = Style::default();
    if let Some(fg) = ink.fg.and_then(|paint| lower(colour(paint), depth)) {
        style = style.fg(fg);
    }
    if let Some(bg) = ink.bg.and_then(|paint| lower(colour(paint), depth)) {
        style = style.bg(bg);
    }
    let modifiers = [
        (ink.bold, Modifier::BOLD),
        (ink.dim, Modifier::DIM),
        (ink.underline, Modifier::UNDERLINED),
        (ink.reverse, Modifier::REVERSED),
    ];
    modifiers.into_iter().filter(|(on, _)| *on).fold(style, |style, (_, modifier)| style.add_modifier(modifier))
}

/// The colour, or the nearest that the terminal has.
fn lower(colour: Colour, depth: Depth) -> Option<Color> {
    match (colour, depth) {
        (_, Depth::None) => None,
        (Colour::Ansi(number), _) | (Colour::Fixed(number), Depth::Fixed256 | Depth::True) => {
            Some(Color::Indexed(number))
        }
        (Colour::Rgb(red, green, blue), Depth::True) => Some(Color::Rgb(red, green, blue)),
        (Colour::Rgb(red, green, blue), Depth::Fixed256) => Some(Color::Indexed(nearest_fixed([red, green, blue]))),
        (Colour::Rgb(red, green, blue), Depth::Ansi16) => Some(Color::Indexed(nearest_ansi([red, green, blue]))),
        (Colour::Fixed(number), Depth::Ansi16) => Some(Color::Indexed(nearest_ansi(fixed(number)))),
    }
}

type Rgb = [u8; 3];

/// The steps of the 6x6x6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The values that most terminals give the sixteen colours (VGA).
const ANSI: [Rgb; 16] = [
    [0, 0, 0],
    [170, 0, 0],
    [0, 170, 0],
    [170, 85, 0],
    [0, 0, 170],
    [170, 0, 170],
    [0, 170, 170],
    [170, 170, 170],
    [85, 85, 85],
    [255, 85, 85],
    [85, 255, 85],
    [255, 255, 85],
    [85, 85, 255],
    [255, 85, 255],
    [85, 255, 255],
    [255, 255, 255],
];

/// What a number from 16 to 255 stands for.
fn fixed(number: u8) -> Rgb {
    if number >= 232 {
        return [8 + (number - 232) * 10; 3];
    }
    let at = usize::from(number.saturating_sub(16));
    [STEPS[at / 36 % 6], STEPS[at / 6 % 6], STEPS[at % 6]]
}

fn far(a: Rgb, b: Rgb) -> u32 {
    // Weights for how the eye tells red, green and blue apart.
    a.iter().zip(b).zip([3, 6, 1]).map(|((a, b), weight)| u32::from(a.abs_diff(b)).pow(2) * weight).sum()
}

fn nearest_fixed(colour: Rgb) -> u8 {
    (16..=255).min_by_key(|number| far(fixed(*number), colour)).unwrap_or(255)
}

fn nearest_ansi(colour: Rgb) -> u8 {
    let (least, most) = (colour.iter().min().copied().unwrap_or(0), colour.iter().max().copied().unwrap_or(0));
    let is_grey = most - least < 48;
    (0..16u8)
        .filter(|number| {
            let candidate = ANSI[usize::from(*number)];
            !is_grey || candidate.iter().all(|part| *part == candidate[0])
        })
        .min_by_key(|number| far(ANSI[usize::from(*number)], colour))
        .unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::of_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Fixed256);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(depth(&[("TERM", "xterm"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(depth(&[("TERM", "xterm"), ("NO_COLOR", "")]), Depth::Ansi16);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn without_colour_no_style_has_one_and_the_cursor_is_still_seen() {
        for name in Theme::built_in_names() {
            let styles = Styles::new(&Theme::load(None, name).expect("built in"), Depth::None);
            for role in Role::ALL {
                assert_eq!((styles.of(*role).fg, styles.of(*role).bg), (None, None), "{name} {role}");
            }
            assert!(styles.of(Role::Selected).add_modifier.contains(Modifier::REVERSED), "{name}");
        }
    }

    #[test]
    fn with_sixteen_colours_nothing_is_written_in_the_colour_of_its_ground() {
        for name in Theme::built_in_names() {
            let styles = Styles::new(&Theme::load(None, name).expect("built in"), Depth::Ansi16);
            let text = styles.of(Role::Text);
            for role in Role::ALL {
                let style = text.patch(styles.of(*role));
                assert!(style.fg.is_none() || style.fg != style.bg, "{name} {role}: {style:?}");
            }
            let selected = styles.of(Role::Selected);
            assert!(
                selected.add_modifier.contains(Modifier::REVERSED) || selected.bg != text.bg,
                "{name}: the cursor cannot be seen"
            );
        }
    }

    #[test]
    fn the_nearest_colour_is_near() {
        assert_eq!(nearest_fixed([255, 0, 0]), 196);
        assert_eq!(nearest_fixed([8, 8, 8]), 232);
        assert_eq!(nearest_ansi([0x14, 0x17, 0x1f]), 0);
        assert_eq!(nearest_ansi([0xf7, 0x76, 0x8e]), 9);
    }
}
