//! Pictures of the console: frames as SVG.

use super::format::width;
use super::stage::{NotAKey, Stage};
use crate::backend::scripted::{World, WorldError};
use crate::config::theme::{Colour, Role, Theme};
use anstyle::{Ansi256Color, AnsiColor, Color, Effects, RgbColor, Style};
use anstyle_svg::Term;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color as CellColor, Modifier};
use std::fmt::Write as _;
use std::path::Path;

/// Why a picture cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    Keys(#[from] NotAKey),
}

/// Plays keys on a recorded world, at the time at which it was recorded, and draws the screen. The same world, keys,
/// size and theme always give the same bytes.
pub fn screenshot(world: &Path, size: (u16, u16), keys: &str, theme: &Theme) -> Result<String, PictureError> {
    let mut stage = Stage::new(World::load(world)?, size, theme.clone());
    stage.press(keys)?;
    Ok(svg(&stage.draw(), theme))
}

/// A frame as SVG, on the theme's own ground.
pub fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let look = theme.look(Role::Text);
    let fg = look.fg.map_or(Color::Ansi(AnsiColor::White), colour);
    let bg = look.bg.map_or(Color::Ansi(AnsiColor::Black), colour);
    let mut text = String::new();
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        let mut run = String::new();
        let mut style = Style::new();
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            let own = style_of(cell, bg);
            if own != style {
                write_run(&mut text, &mut run, style);
                style = own;
            }
            run.push_str(cell.symbol());
            // What a wide letter covers is skipped.
            x += u16::try_from(width(cell.symbol())).unwrap_or(1).max(1);
        }
        if style.get_bg_color().is_none() && !style.get_effects().contains(Effects::INVERT) {
            run.truncate(run.trim_end().len());
        }
        write_run(&mut text, &mut run, style);
        text.push('\n');
    }
    Term::new().fg_color(fg).bg_color(bg).min_width_px(0).render_svg(&text)
}

fn write_run(text: &mut String, run: &mut String, style: Style) {
    if !run.is_empty() {
        // Writing to a String does not fail.
        let _ = write!(text, "{style}{run}{style:#}");
        run.clear();
    }
}

fn style_of(cell: &Cell, ground: Color) -> Style {
    let mut effects = Effects::new();
    for (modifier, effect) in [
        (Modifier::BOLD, Effects::BOLD),
        (Modifier::DIM, Effects::DIMMED),
        (Modifier::UNDERLINED, Effects::UNDERLINE),
        (Modifier::REVERSED, Effects::INVERT),
    ] {
        if cell.modifier.contains(modifier) {
            effects |= effect;
        }
    }
    let bg = cell_colour(cell.bg).filter(|bg| *bg != ground);
    Style::new().fg_color(cell_colour(cell.fg)).bg_color(bg).effects(effects)
}

fn cell_colour(colour: CellColor) -> Option<Color> {
    match colour {
        CellColor::Rgb(red, green, blue) => Some(Color::Rgb(RgbColor(red, green, blue))),
        CellColor::Indexed(number) => Some(indexed(number)),
        // The console's styles are made of these two alone.
        _ => None,
    }
}

fn colour(colour: Colour) -> Color {
    match colour {
        Colour::Rgb(red, green, blue) => Color::Rgb(RgbColor(red, green, blue)),
        Colour::Ansi(number) | Colour::Fixed(number) => indexed(number),
    }
}

fn indexed(number: u8) -> Color {
    let own = Ansi256Color(number);
    own.into_ansi().map_or(Color::Ansi256(own), Color::Ansi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(keys: &str, theme: &str) -> String {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json");
        screenshot(&world, (100, 30), keys, &Theme::load(None, theme).expect("built in")).expect("a picture")
    }

    #[test]
    fn the_same_keys_give_the_same_picture_on_the_themes_ground() {
        let picture = picture("j", "midnight");
        assert_eq!(picture, self::picture("j", "midnight"));
        assert!(picture.starts_with("<svg") && picture.contains("resize-4711"));
        assert!(picture.contains("fill: #14171F") || picture.contains("fill: #14171f"), "{}", &picture[..600]);
        assert_ne!(picture, self::picture("j", "daylight"));
    }

    #[test]
    fn what_a_wide_letter_covers_is_not_drawn() {
        assert!(picture("s s s", "midnight").contains("映画-世界-4694"));
    }

    #[test]
    fn a_mistake_in_the_keys_is_named() {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json");
        let error = screenshot(&world, (80, 24), "j nokey", &Theme::default()).expect_err("no key").to_string();
        assert!(error.contains("`nokey` is not a key"), "{error}");
    }
}
