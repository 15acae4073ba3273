//! The console: opens the screen on a context.

use super::Done;
use super::error::{CommandError, exit};
use super::world::World;
use crate::tui;

pub async fn run(world: World) -> Done {
    let setting = &world.setting;
    let options = tui::Options {
        backend: world.backend.clone(),
        context: setting.context.name.clone(),
        read_only: setting.context.read_only,
        theme: setting.config.theme.clone(),
    };
    tui::run(options).await.map_err(|error| CommandError::Console(error.to_string()))?;
    Ok(exit::DONE)
}
