//! Colours where they mean something, in more than one theme; and what must be readable without any.

use super::tests::{LARGE, SMALL, stage, world};
use crate::config::theme::{Role, Theme};
use crate::tui::stage::{Stage, lines};
use crate::tui::theme::{Depth, Styles};
use ratatui::style::{Modifier, Style};

/// The style in which a text stands, found by its letters.
fn style_of(stage: &Stage, text: &str) -> (Style, u16) {
    let buffer = stage.draw();
    for (y, line) in lines(&buffer).iter().enumerate() {
        if let Some(at) = line.find(text) {
            let x = u16::try_from(crate::tui::format::width(&line[..at])).expect("a column");
            let y = u16::try_from(y).expect("a line");
            return (buffer[(x, y)].style(), y);
        }
    }
    panic!("`{text}` is not on the screen:\n{}", stage.text());
}

#[test]
fn failures_tree_and_pulse_say_by_colour_what_their_signs_say_in_two_themes() {
    for name in ["midnight", "daylight"] {
        let theme = Theme::load(None, name).expect("built in");
        let styles = Styles::new(&theme, Depth::True);
        let shown = |keys: &str| {
            let mut stage = Stage::new(world(), SMALL, theme.clone());
            stage.press(keys).expect("keys");
            stage
        };
        assert_eq!(style_of(&shown("E j"), "✖     1").0.fg, styles.of(Role::Failed).fg, "{name}");
        let tree = shown("s / \"pack-9\" Enter t");
        assert_eq!(style_of(&tree, "▲ root blocker").0.fg, styles.of(Role::Attention).fg, "{name}");
        assert_eq!(style_of(&tree, "● ").0.fg, styles.of(Role::Running).fg, "{name}");
        assert_eq!(style_of(&shown("P"), "▲ INVALID").0.fg, styles.of(Role::Attention).fg, "{name}");
    }
}

#[test]
fn a_cause_has_the_colour_of_its_certainty_and_the_step_under_the_cursor_stands_out() {
    let styles = Styles::new(&Theme::default(), Depth::True);
    for size in [SMALL, LARGE] {
        let stuck = stage(size, "s / \"render-88\" Enter w");
        assert_eq!(style_of(&stuck, "▲ 1").0.fg, styles.of(Role::Failed).fg);
        assert_eq!(style_of(&stuck, "certain").0.fg, styles.of(Role::Failed).fg);
        assert_eq!(style_of(&stuck, "▸ submit").0.bg, styles.of(Role::Selected).bg);
        let failed = stage(size, "s s w");
        assert_eq!(style_of(&failed, "likely").0.fg, styles.of(Role::Attention).fg);
        assert_eq!(style_of(&stage(size, "j w"), "✔").0.fg, styles.of(Role::Succeeded).fg);
    }
}

#[test]
fn colours_say_what_the_signs_say() {
    let stage = stage(LARGE, "s s s s g");
    let styles = Styles::new(&Theme::default(), Depth::True);
    for (text, role) in [
        ("✖ resize-4699", Role::Failed),
        ("◌ render-88", Role::Waiting),
        ("● etl-2026-11-24", Role::Running),
        ("▲ IN", Role::Attention),
        ("○ off", Role::Off),
    ] {
        let (style, _) = style_of(&stage, text);
        assert_eq!(style.fg, styles.of(role).fg, "{text}");
    }
}

#[test]
fn a_log_line_that_reports_an_error_stands_out() {
    let stage = stage(SMALL, "s s");
    let styles = Styles::new(&Theme::default(), Depth::True);
    let (style, _) = style_of(&stage, "error: s3://in/clip-4699.mov");
    assert_eq!(style.fg, styles.of(Role::Failed).fg);
}

#[test]
fn the_selected_row_is_seen_in_every_theme_without_a_look_at_its_colour() {
    for name in Theme::built_in_names() {
        let mut stage = Stage::new(world(), SMALL, Theme::load(None, name).expect("built in"));
        stage.press("j").expect("keys");
        assert!(stage.text().contains("▸ ● resize-4711"), "{name}");
    }
}

#[test]
fn what_an_empty_field_takes_is_paler_than_what_is_typed_in_every_theme() {
    for name in Theme::built_in_names() {
        let mut stage = Stage::new(world(), SMALL, Theme::load(None, name).expect("built in"));
        stage.press("x").expect("keys");
        let (style, _) = style_of(&stage, "why; it is recorded");
        assert!(style.add_modifier.contains(Modifier::DIM) && !style.add_modifier.contains(Modifier::BOLD), "{name}");
        stage.press("\"z\"").expect("keys");
        let (style, _) = style_of(&stage, "z   ");
        assert!(!style.add_modifier.contains(Modifier::DIM), "{name}");
    }
}

#[test]
fn every_state_is_readable_without_colour() {
    let text = stage(LARGE, "s s s s").text();
    for words in ["◌ fresh", "SUBMITTED", "◌ pack-9", "PENDING", "◌ render-88", "RUNNABLE", "○ thumbs", "STARTING"]
    {
        assert!(text.contains(words), "{words}");
    }
    for words in ["● resize-4711", "RUNNING", "✔ resize-4690", "SUCCEEDED", "✖ resize-4699", "FAILED", "▲ INVALID"]
    {
        assert!(text.contains(words), "{words}");
    }
}
