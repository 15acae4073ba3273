//! `screenshot`: a picture of the console on a recorded world, as SVG.

use super::Done;
use super::error::{CommandError, exit};
use super::output::Output;
use crate::cli::ScreenshotArgs;
use crate::config::theme::Theme;
use crate::tui::picture;

pub fn run(args: &ScreenshotArgs) -> Done {
    let theme = Theme::load(None, &args.theme)?;
    let size = (args.size.columns, args.size.rows);
    let failed =
        |cause: picture::PictureError| CommandError::Read { path: args.world.clone(), cause: cause.to_string() };
    let svg = picture::screenshot(&args.world, size, &args.keys, &theme).map_err(failed)?;
    Output::standard().text(&svg)?;
    Ok(exit::DONE)
}
