use crate::backend::scripted::{Can, World};
use crate::config::theme::{Role, Theme};
use crate::tui::stage::{Stage, lines};
use std::path::Path;

pub(crate) fn world() -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json")).expect("the recorded world")
}

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 60);

fn stage(size: (u16, u16), keys: &str) -> Stage {
    let mut stage = Stage::new(world(), size, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn screen(size: (u16, u16), keys: &str) -> String {
    stage(size, keys).text()
}

#[test]
fn show() {
    for keys in std::env::var("KEYS").unwrap_or_default().split('|') {
        println!("{}", screen(SMALL, keys));
    }
}
