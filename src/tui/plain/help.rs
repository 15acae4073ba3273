//! What can be typed: the table of actions, by name.

use crate::tui::action::{ALIASES, Info, Place, Scope, TABLE, Takes};
use crate::tui::app::App;

/// Words of this console alone.
const OWN: [(&str, &str); 8] = [
    ("NUMBER", "open the row of this number; NUMBER after a command means that row: stop 3, why 3, log 3"),
    ("show", "tell again what is shown"),
    ("more", "the next rows, or further down a log; less: the ones before"),
    ("follow", "tell changes, or new lines of a log, as they come; again: stop that"),
    ("status", "how the world is, and how fresh that is"),
    ("filter TEXT", "list only what matches; filter alone asks"),
    ("help WORD", "what a command does; help all: every command"),
    ("quit", "leave; jobs go on. So does the end of the input"),
];

/// Commands that do something to places which are not told by themselves here: cursors, panes, colours.
fn is_of_the_screen(info: &Info) -> bool {
    use crate::tui::action::Action::{
        Bottom, Down, HalfDown, HalfUp, Histogram, Mouse, NextPane, NextTheme, PageDown, PageUp, Palette, PaneLog,
        PreviousPane, Printed, Top, Up, Wrap, Zoom,
    };
    let typing = matches!(info.scope, Scope::At(places) if places.iter().all(|place| place.takes_text()));
    typing
        || matches!(
            info.action,
            Bottom
                | Down
                | HalfDown
                | HalfUp
                | Histogram
                | Mouse
                | NextPane
                | NextTheme
                | PageDown
                | PageUp
                | PaneLog
                | Palette
                | PreviousPane
                | Printed
                | Top
                | Up
                | Wrap
                | Zoom
        )
}

pub(super) fn help(app: &App, topic: &str) -> Vec<String> {
    let place = app.place_below();
    let mut lines = Vec::new();
    if !topic.is_empty() && topic != "all" {
        let meant = ALIASES.iter().find(|(short, _)| *short == topic).map_or(topic, |(_, meant)| *meant);
        let found: Vec<String> =
            TABLE.iter().filter(|info| info.name == meant).map(|info| told(app, info, place)).collect();
        let own = OWN
            .iter()
            .filter(|(name, _)| name.split(' ').next() == Some(topic))
            .map(|(name, doc)| format!("{name}: {doc}"));
        lines.extend(own.chain(found));
        if lines.is_empty() {
            let nearest = crate::model::nearest_words(topic, TABLE.iter().map(|info| info.name));
            lines.push(format!("`{topic}` is no command{nearest}; `help all` lists them"));
        }
        return lines;
    }
    lines.push("Type a command and Enter:".to_owned());
    lines.extend(OWN.iter().map(|(name, doc)| format!("{name}: {doc}")));
    let is_here = |info: &&Info| topic == "all" || info.scope.covers(place) && app.is_offered(info.action);
    let (own, everywhere): (Vec<&Info>, Vec<&Info>) = TABLE
        .iter()
        .filter(|info| !is_of_the_screen(info))
        .filter(is_here)
        .partition(|info| info.scope != Scope::Everywhere);
    lines.push(if topic == "all" { "Commands:".to_owned() } else { format!("Here, in {}:", place.title()) });
    lines.extend(own.iter().map(|info| told(app, info, place)));
    lines.push("Everywhere:".to_owned());
    lines.extend(everywhere.iter().map(|info| told(app, info, place)));
    lines
}

fn told(app: &App, info: &Info, place: Place) -> String {
    let sign =
        if info.takes == Takes::Subject { "[job ID | queue NAME | environment NAME]" } else { info.takes.sign() };
    let name = format!("{} {sign}", info.name);
    let here = match app.refusal(info.action) {
        Some(refusal) => format!(" (not now: {refusal})"),
        None if !info.scope.covers(place) => " (not here)".to_owned(),
        None => String::new(),
    };
    format!("{}: {}{here}", name.trim_end(), info.doc)
}
