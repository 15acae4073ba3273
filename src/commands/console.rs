//! The console: opens the screen on a context.

use super::Done;
use super::error::{CommandError, exit};
use super::world::{Setting, World};
use crate::config::theme::Theme;
use crate::tui;

/// Opens the context and the console on it.
pub async fn open(setting: Setting) -> Done {
    // A theme that cannot be read is told before an engine is started for nothing.
    theme(&setting)?;
    run(setting.open().await?).await
}

/// Shows the console until it is left.
pub async fn run(world: World) -> Done {
    let setting = &world.setting;
    let options = tui::Options {
        backend: world.backend.clone(),
        context: setting.context.name.clone(),
        read_only: setting.context.read_only,
        theme: theme(setting)?,
        theme_source: tui::ThemeSource { directory: setting.themes() },
        keys: setting.config.keys.clone(),
        start: tui::Start::Overview,
    };
    tui::run(options).await?;
    Ok(exit::DONE)
}

fn theme(setting: &Setting) -> Result<Theme, CommandError> {
    Ok(Theme::load(setting.themes().as_deref(), &setting.config.theme)?)
}
