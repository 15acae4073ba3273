//! What is watched for: made by key and by name, fired, taken note of, changed, silenced and removed.

use super::walk::Walk;
use crate::both::{Side, on_both};
use batchdeck::tui::action::Action::{self, *};

#[rustfmt::skip]
pub const PRESSED: &[Action] = &[
    AckAll, AckWatch, EditWatch, Quit, RemoveWatch, SilenceWatch, ViewWatches, Watch,
];

on_both!(a_watch_is_made_fires_is_taken_note_of_changed_silenced_and_removed);

fn a_watch_is_made_fires_is_taken_note_of_changed_silenced_and_removed(side: Side) {
    let house = side.house();
    let local = |arguments: &[&str]| house.ok(&[&["--context", "local"], arguments].concat());
    let mut walk = Walk::open(side, &house);
    walk.sees("default");
    walk.brings("1", "▸ default");
    walk.press(Watch, "tell when");
    walk.brings("\"disabled\" enter", "✔ w1: queue default: disabled");
    walk.brings("2", "▸ local");
    walk.line(Watch, "disabled", "✔ w2: environment local: disabled");

    local(&["queues", "disable", "default"]);
    walk.sees("a watch fired: queue default: disabled");
    walk.press(ViewWatches, "Watches · 1 fired of 2");
    walk.press(AckWatch, "✔ the watch w1 is taken note of");
    walk.sees("Watches · 2");
    walk.press(SilenceWatch, "○ silenced");
    walk.ends(SilenceWatch, "○ silenced");
    walk.press(EditWatch, "tell when");
    walk.brings("ctrl-u \"waiting > 100\" enter", "✔ w1: queue default: waiting > 100");

    local(&["envs", "disable", "local"]);
    walk.sees("a watch fired: environment local: disabled");
    walk.sees("Watches · 1 fired of 2");
    walk.press(AckAll, "✔ all watches that have fired are taken note of");
    walk.sees("Watches · 2");
    // The cursor has stayed on the first one.
    walk.press(RemoveWatch, "✔ the watch w1 is removed");
    walk.sees("Watches · 1");
    walk.gone("waiting > 100");
    walk.end(PRESSED);
}
