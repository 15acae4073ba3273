//! Every view at three sizes in letters and in two themes in colours, and rows that nothing in a text can break. A view that
//! is added does not compile until it has its keys here.

use super::report_tests::reported;
use crate::backend::scripted::World;
use crate::config::theme::Theme;
use crate::tui::app::View;
use crate::tui::app::watches_tests::watched_world;
use crate::tui::format::width;
use crate::tui::stage::Stage;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use std::fmt::Write as _;

/// The place of a view among [`VIEWS`].
fn place(view: &View) -> usize {
    match view {
        View::Overview => 0,
        View::Log(_) => 1,
        View::Job { .. } => 2,
        View::Array { .. } => 3,
        View::Instances { .. } => 4,
        View::Schedules(_) => 5,
        View::Definitions(_) => 6,
        View::Definition { .. } => 7,
        View::Audit(_) => 8,
        View::Failures(_) => 9,
        View::Group { .. } => 10,
        View::Pulse(_) => 11,
        View::Events(_) => 12,
        View::Cost(_) => 13,
        View::Usage(_) => 14,
        View::Tree(_) => 15,
        View::Why(_) => 16,
        View::Watches(_) => 17,
    }
}

/// Each view by its name and the keys that lead there.
pub(super) const VIEWS: [(&str, &str); 18] = [
    ("overview", "j"),
    ("log", "j l"),
    ("job", "j Enter"),
    ("array", "j j j Enter"),
    ("instances", "2 j Enter"),
    ("schedules", "S"),
    ("definitions", "D"),
    ("definition", "D G Enter"),
    ("audit", "A"),
    ("failures", "E"),
    ("group", "E Enter"),
    ("pulse", "P"),
    ("events", "v n"),
    ("cost", "v m"),
    ("usage", "v u"),
    ("tree", "s / \"pack-9\" Enter t"),
    ("why", "s / \"render-88\" Enter w"),
    ("watches", "v w"),
];

const SIZES: [(u16, u16); 3] = [(60, 20), (80, 24), (200, 60)];

/// A world in which each view has something to show.
pub(super) fn full() -> World {
    World { watches: watched_world().watches, ..reported() }
}

fn shown(world: World, size: (u16, u16), theme: Theme, keys: &str) -> Stage {
    let mut stage = Stage::new(world, size, theme);
    stage.press(keys).expect("keys");
    stage
}

#[test]
fn every_view_at_three_sizes() {
    for (at, (name, keys)) in VIEWS.into_iter().enumerate() {
        for (columns, lines) in SIZES {
            let stage = shown(full(), (columns, lines), Theme::default(), keys);
            assert_eq!(place(stage.app.view()), at, "{name}: {keys} leads elsewhere");
            insta::assert_snapshot!(format!("{name}@{columns}x{lines}"), stage.text());
        }
    }
}

#[test]
fn every_view_in_the_colours_of_two_themes() {
    for theme in ["midnight", "daylight"] {
        for (name, keys) in VIEWS {
            let theme_of = Theme::load(None, theme).expect("built in");
            let stage = shown(full(), (80, 24), theme_of, keys);
            insta::assert_snapshot!(format!("{name}_{theme}@80x24"), colours(&stage.draw()));
        }
    }
}

/// A letter for each style, where it stands, and below what each of them is.
fn colours(buffer: &Buffer) -> String {
    let mut styles: Vec<Style> = Vec::new();
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        for x in buffer.area.left()..buffer.area.right() {
            let cell = &buffer[(x, y)];
            let mut style = cell.style();
            if cell.symbol() == " " {
                // Of a blank only the ground is seen.
                style = Style::new().bg(cell.bg);
            }
            let at = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            let letter = if cell.symbol() == " " && at == 0 {
                '.'
            } else {
                char::from(b'a' + u8::try_from(at % 26).unwrap_or(0))
            };
            text.push(letter);
        }
        text = text.trim_end_matches('.').to_owned() + "\n";
    }
    for (at, style) in styles.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(at % 26).unwrap_or(0));
        let colour = |colour: Option<ratatui::style::Color>| colour.map_or("-".to_owned(), |colour| colour.to_string());
        let _ = writeln!(text, "{letter}  {} on {} {:?}", colour(style.fg), colour(style.bg), style.add_modifier);
    }
    text
}

/// What texts from outside may hold: letters of both directions, marks, wide ones, joined ones, what nobody sees and what a
/// terminal would act on.
const PIECES: [&str; 26] = [
    "resize-4711",
    "مرحبا",
    "שלום",
    "عدد 12",
    "א1ב2",
    "e\u{301}",
    "o\u{336}\u{320}\u{321}",
    "世界",
    "한국어",
    "ｆｕｌｌ",
    "👩‍👩‍👧‍👦",
    "🇨🇭",
    "👍🏽",
    "❤\u{fe0f}",
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "क्षि",
    "ภาษาไทย",
    "﷽",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{202e}evil\u{202c}",
    "\u{2067}\u{61c}\u{2069}",
    "\u{1b}[2J",
    "\t\r\n\u{9b}31m",
    " ",
];

fn named(name: &str) -> World {
    let mut world = full();
    for (at, job) in world.jobs.iter_mut().enumerate() {
        job.job_name = format!("{name}{at}");
        job.status_reason = Some(format!("{name} {name}"));
    }
    for detail in &mut world.details {
        detail.job_name = name.to_owned();
        detail.status_reason = Some(name.repeat(9));
        detail.parameters.insert(name.to_owned(), name.to_owned());
    }
    for event in world.logs.values_mut().flatten() {
        event.message = format!("{name}{}", event.message);
    }
    for entry in &mut world.audit {
        (entry.target, entry.reason) = (name.to_owned(), Some(name.to_owned()));
    }
    for schedule in &mut world.schedules {
        schedule.name = format!("{name}{}", schedule.name);
    }
    world
}

/// Each row has exactly the columns of the screen: no letter is without a width, none hangs over the edge, and nothing
/// stands where the other half of a wide one is.
fn check_rows(buffer: &Buffer, what: &str) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            let wide = u16::try_from(width(symbol)).expect("a width");
            assert!(wide > 0, "{what}: {symbol:?} at {x},{y} takes no column");
            assert!(!symbol.chars().any(char::is_control), "{what}: {symbol:?} at {x},{y}");
            let halves = x + 1..(x + wide).min(area.right());
            assert!(x + wide <= area.right(), "{what}: {symbol:?} hangs over the edge in row {y}");
            for half in halves {
                assert_eq!(buffer[(half, y)].symbol(), " ", "{what}: half of {symbol:?} at {x},{y}");
            }
            x += wide;
        }
        assert_eq!(x, area.right(), "{what}: row {y}");
    }
}

fn check_name(name: &str) {
    let more = ["j x", ":", "j Y", "S j Enter", "n", "j / \"a\""];
    for size in [(60, 20), (80, 24), (120, 40)] {
        for keys in VIEWS.into_iter().map(|(_, keys)| keys).filter(|keys| !keys.contains('"')).chain(more) {
            let stage = shown(named(name), size, Theme::default(), keys);
            check_rows(&stage.draw(), &format!("{name:?} after {keys} at {size:?}"));
        }
    }
}

#[test]
fn no_text_alone_breaks_a_row() {
    for piece in PIECES {
        check_name(piece);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_breaks_a_row(pieces in prop::collection::vec(prop::sample::select(PIECES.as_slice()), 1..24)) {
        check_name(&pieces.concat());
    }
}
