//! From keys to actions: a small trie for each layer, made from the table of actions and what a person has set.

use super::action::{Action, Place, Scope, TABLE, read_line};
use crate::config::keys::KeyBindings;
use crate::config::{CommandSettings, nearest_words};
use crokey::{KeyCombination, OneToThree};
use crossterm::event::{KeyCode, KeyModifiers};
use std::collections::{BTreeMap, HashMap};

/// All keys, ready to be looked up.
#[derive(Debug, Clone)]
pub struct Keymap {
    layers: BTreeMap<Layer, Node>,
    keys: BTreeMap<Action, Vec<Vec<KeyCombination>>>,
    /// Keys that run a line of the palette; they go before all others.
    lines: Vec<Hot>,
}

/// A key that runs a line of the palette.
#[derive(Debug, Clone)]
struct Hot {
    chords: Vec<KeyCombination>,
    line: String,
    /// What it does, where that is not what the line says.
    doc: Option<String>,
    /// Where it works; empty: wherever no text is typed.
    places: Vec<Place>,
}

impl Hot {
    fn works_at(&self, place: Place) -> bool {
        !place.takes_text() && (self.places.is_empty() || self.places.contains(&place))
    }
}

/// Where keys are looked up: first in the place's own layer, then in the global one unless text is typed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Global,
    Place(Place),
}

#[derive(Debug, Clone, Default)]
struct Node {
    action: Option<Action>,
    next: HashMap<KeyCombination, Node>,
}

/// What the keys so far lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    Action(Action),
    /// A line of the palette.
    Line(String),
    /// A sequence has begun: the keys that may follow, sorted, and the name of what each does.
    Pending(Vec<(String, String)>),
    Unbound,
}

/// Why a keymap cannot be made of what a person set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("[keys] `{given}` is not an action{nearest} (`?` in the console lists all)")]
    UnknownAction { given: String, nearest: String },
    #[error(
        "[keys] {action}: `{given}` is not a key; write x, G, ctrl-d, alt-enter, f5, space, or a sequence as \"v s\""
    )]
    NotAKey { action: &'static str, given: String },
    #[error("[keys] \"{line}\": {why}; a hot key is written \":jobs status=failed\" = \"f9\"")]
    Line { line: String, why: String },
    #[error(
        "[keys] `{keys}` for \"{line}\" would hide {hidden}; give {hidden} other keys too, or none as {hidden} = []"
    )]
    LineHides { keys: String, line: String, hidden: &'static str },
    #[error("[commands.{name}] key: `{given}` is not a key; write x, G, ctrl-d, f5, or a sequence as \"g x\"")]
    CommandKey { name: String, given: String },
    #[error("[commands.{name}] has a key of [commands.{other}] in {place}; give one of them another key")]
    CommandKeyTwice { name: String, other: String, place: &'static str },
    #[error("[keys] `{keys}` is given to both {first} and {second} in {place}; give one of them another key")]
    Twice { keys: String, first: &'static str, second: &'static str, place: &'static str },
    #[error(
        "[keys] `{keys}` for {action} would hide {hidden} in {place}; give {hidden} other keys too, or none as \
         {hidden} = []"
    )]
    Hides { keys: String, action: &'static str, hidden: &'static str, place: &'static str },
}

impl Keymap {
    /// The default keys, with what a person has set in place of them. A person's key that would hide the key of an action
    /// that they have not set is refused: nobody should lose a key without a word.
    pub fn new(bindings: &KeyBindings) -> Result<Self, KeymapError> {
        Self::with_commands(bindings, &BTreeMap::new())
    }

    /// The same with the keys of commands of the person's own.
    pub fn with_commands(
        bindings: &KeyBindings,
        commands: &BTreeMap<String, CommandSettings>,
    ) -> Result<Self, KeymapError> {
        let mut map = Self { layers: BTreeMap::new(), keys: BTreeMap::new(), lines: Vec::new() };
        for (name, keys) in &bindings.0 {
            if let Some(line) = name.strip_prefix(':') {
                map.add_line(line.trim(), keys)?;
                continue;
            }
            let Some(action) = Action::named(name) else {
                let nearest = nearest_words(name, TABLE.iter().map(|info| info.name));
                return Err(KeymapError::UnknownAction { given: name.clone(), nearest });
            };
            map.keys.entry(action).or_default();
            for key in keys {
                let chords = parse_sequence(key)
                    .ok_or_else(|| KeymapError::NotAKey { action: action.info().name, given: key.clone() })?;
                map.bind(action, chords)?;
            }
        }
        for (name, command) in commands {
            map.add_command(name, command)?;
        }
        let own = map.keys.clone();
        if !own.is_empty() {
            let defaults = Self::new(&KeyBindings::default())?;
            for (action, keys) in &own {
                keys.iter().try_for_each(|chords| defaults.check_hidden(&own, *action, chords))?;
            }
        }
        map.check_lines(&own)?;
        for info in TABLE.iter().filter(|info| !own.contains_key(&info.action)) {
            map.keys.entry(info.action).or_default();
            for key in info.keys {
                if let Some(chords) = parse_sequence(key) {
                    // Nothing stands in the way: the test of the defaults and the check above hold it.
                    let _ = map.bind(info.action, chords);
                }
            }
        }
        Ok(map)
    }

    fn add_line(&mut self, line: &str, keys: &[String]) -> Result<(), KeymapError> {
        let wrong = |why: String| KeymapError::Line { line: format!(":{line}"), why };
        let name = line.split_whitespace().next().unwrap_or_default();
        if read_line(line).is_none() {
            let nearest = nearest_words(name, TABLE.iter().map(|info| info.name));
            return Err(wrong(format!("`{name}` is no command{nearest}")));
        }
        for key in keys {
            let chords = parse_sequence(key).ok_or_else(|| wrong(format!("`{key}` is not a key")))?;
            self.lines.push(Hot { chords, line: line.to_owned(), doc: None, places: Vec::new() });
        }
        Ok(())
    }

    fn add_command(&mut self, name: &str, command: &CommandSettings) -> Result<(), KeymapError> {
        let Some(given) = &command.key else { return Ok(()) };
        let wrong = || KeymapError::CommandKey { name: name.to_owned(), given: given.clone() };
        let chords = parse_sequence(given).ok_or_else(wrong)?;
        let places: Vec<Place> = command.views.iter().flat_map(|view| Place::of_view(*view)).copied().collect();
        let hot = Hot { chords, line: format!("run {name}"), doc: Some(command.label.clone()), places };
        for place in Place::ALL.into_iter().filter(|place| hot.works_at(*place)) {
            let mut others = self.lines.iter().filter(|other| other.works_at(place));
            if let Some(other) = others.find(|other| begins(&other.chords, &hot.chords)) {
                let other = other.line.strip_prefix("run ").unwrap_or(&other.line).to_owned();
                return Err(KeymapError::CommandKeyTwice { name: name.to_owned(), other, place: place.title() });
            }
        }
        self.lines.push(hot);
        Ok(())
    }

    /// Whether a key of a line would hide that of an action which is not in `own`.
    fn check_lines(&self, own: &BTreeMap<Action, Vec<Vec<KeyCombination>>>) -> Result<(), KeymapError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let defaults = Self::new(&KeyBindings::default())?;
        for hot @ Hot { chords, line, .. } in &self.lines {
            for place in Place::ALL.into_iter().filter(|place| hot.works_at(*place)) {
                for map in [self, &defaults] {
                    let hidden = TABLE.iter().find(|info| {
                        (std::ptr::eq(map, self) || !own.contains_key(&info.action))
                            && info.scope.covers(place)
                            && map.keys.get(&info.action).into_iter().flatten().any(|keys| begins(keys, chords))
                    });
                    if let Some(hidden) = hidden {
                        let keys = write_sequence(chords);
                        let line = format!(":{line}");
                        return Err(KeymapError::LineHides { keys, line, hidden: hidden.name });
                    }
                }
            }
        }
        Ok(())
    }

    /// The key that runs a line of the palette.
    pub fn key_of_line(&self, line: &str) -> Option<String> {
        self.lines.iter().find(|hot| hot.line == line).map(|hot| write_sequence(&hot.chords))
    }

    /// Keys that run lines of the palette at a place, as they are written, and what they do.
    pub fn lines_at(&self, place: Place) -> impl Iterator<Item = (String, String)> {
        let here = self.lines.iter().filter(move |hot| hot.works_at(place));
        here.map(|hot| (write_sequence(&hot.chords), hot.doc.clone().unwrap_or_else(|| format!(":{}", hot.line))))
    }

    /// Of the default keys: whether `chords` for `action` would hide those of one that is not in `own`.
    fn check_hidden(
        &self,
        own: &BTreeMap<Action, Vec<Vec<KeyCombination>>>,
        action: Action,
        chords: &[KeyCombination],
    ) -> Result<(), KeymapError> {
        // A key for everywhere leaves alone what a place has of its own.
        let is_under = |other: Action| {
            let global = |action: Action| action.info().scope == Scope::Everywhere;
            other != action && !own.contains_key(&other) && (global(other) || !global(action))
        };
        for place in Place::ALL.into_iter().filter(|place| action.info().scope.covers(*place)) {
            for end in 1..=chords.len() {
                let hidden = match self.resolve(place, &chords[..end - 1], chords[end - 1]) {
                    Resolution::Action(other) => is_under(other).then_some(other),
                    Resolution::Pending(follow) if end == chords.len() => {
                        follow.iter().filter_map(|(_, name)| Action::named(name)).find(|other| is_under(*other))
                    }
                    Resolution::Pending(_) | Resolution::Line(_) | Resolution::Unbound => None,
                };
                if let Some(hidden) = hidden {
                    return Err(KeymapError::Hides {
                        keys: write_sequence(chords),
                        action: action.info().name,
                        hidden: hidden.info().name,
                        place: place.title(),
                    });
                }
            }
        }
        Ok(())
    }

    fn bind(&mut self, action: Action, chords: Vec<KeyCombination>) -> Result<(), KeymapError> {
        let layers: Vec<Layer> = match action.info().scope {
            Scope::Everywhere => vec![Layer::Global],
            Scope::At(places) => places.iter().copied().map(Layer::Place).collect(),
        };
        for layer in &layers {
            if let Some(taken) = self.layers.get(layer).and_then(|node| node.taken(&chords)) {
                let place = match layer {
                    Layer::Global => "every place",
                    Layer::Place(place) => place.title(),
                };
                let keys = write_sequence(&chords);
                let (first, second) = (taken.info().name, action.info().name);
                return Err(KeymapError::Twice { keys, first, second, place });
            }
        }
        for layer in layers {
            let mut node = self.layers.entry(layer).or_default();
            for chord in &chords {
                node = node.next.entry(*chord).or_default();
            }
            node.action = Some(action);
        }
        self.keys.entry(action).or_default().push(chords);
        Ok(())
    }

    /// What `chord` means at `place` after the keys in `before`.
    pub fn resolve(&self, place: Place, before: &[KeyCombination], chord: KeyCombination) -> Resolution {
        let chord = normal(chord);
        let mut may_follow = Vec::new();
        for Hot { chords, line, .. } in self.lines.iter().filter(|hot| hot.works_at(place)) {
            let Some(rest) = chords.strip_prefix(before).and_then(|rest| rest.strip_prefix(&[chord])) else {
                continue;
            };
            if rest.is_empty() {
                return Resolution::Line(line.clone());
            }
            may_follow.push((write_sequence(rest), format!(":{line}")));
        }
        let layers = [Some(Layer::Place(place)), (!place.takes_text()).then_some(Layer::Global)];
        for layer in layers.into_iter().flatten() {
            let Some(node) = self.layers.get(&layer).and_then(|node| node.walk(before)) else { continue };
            let Some(next) = node.next.get(&chord) else { continue };
            match next.action {
                // A sequence that began in the place's own layer hides a global key with the same start.
                Some(action) if may_follow.is_empty() => return Resolution::Action(action),
                Some(_) => {}
                None => {
                    let mut found = Vec::new();
                    next.list(&mut Vec::new(), &mut found);
                    may_follow.extend(found.into_iter().map(|(keys, action)| (keys, action.info().name.to_owned())));
                }
            }
        }
        if may_follow.is_empty() {
            return Resolution::Unbound;
        }
        may_follow.sort();
        Resolution::Pending(may_follow)
    }

    /// The keys of an action that reach it at `place`, as they are written; none where it has none or they are hidden.
    pub fn keys_at(&self, place: Place, action: Action) -> Vec<String> {
        let reaches = |chords: &[KeyCombination]| {
            let (last, before) = chords.split_last()?;
            (self.resolve(place, before, *last) == Resolution::Action(action)
                && (1..chords.len()).all(|end| {
                    matches!(self.resolve(place, &chords[..end - 1], chords[end - 1]), Resolution::Pending(_))
                }))
            .then(|| write_sequence(chords))
        };
        self.keys.get(&action).into_iter().flatten().filter_map(|chords| reaches(chords)).collect()
    }

    /// All keys of an action, as they are written.
    pub fn keys_of(&self, action: Action) -> Vec<String> {
        self.keys.get(&action).into_iter().flatten().map(|chords| write_sequence(chords)).collect()
    }
}

/// Whether one sequence begins with the other.
fn begins(one: &[KeyCombination], other: &[KeyCombination]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

impl Node {
    fn walk(&self, chords: &[KeyCombination]) -> Option<&Self> {
        chords.iter().try_fold(self, |node, chord| node.next.get(chord))
    }

    /// The action that this sequence would hide, or be hidden by.
    fn taken(&self, chords: &[KeyCombination]) -> Option<Action> {
        let mut node = self;
        for chord in chords {
            node = node.next.get(chord)?;
            if node.action.is_some() {
                return node.action;
            }
        }
        let mut below = Vec::new();
        node.list(&mut Vec::new(), &mut below);
        below.first().map(|(_, action)| *action)
    }

    fn list(&self, path: &mut Vec<KeyCombination>, found: &mut Vec<(String, Action)>) {
        if let Some(action) = self.action {
            found.push((write_sequence(path), action));
        }
        for (chord, node) in &self.next {
            path.push(*chord);
            node.list(path, found);
            path.pop();
        }
    }
}

/// Reads keys with spaces between: `"v s"`, `"ctrl-d"`.
pub fn parse_sequence(text: &str) -> Option<Vec<KeyCombination>> {
    let chords: Option<Vec<_>> = text.split_whitespace().map(parse_chord).collect();
    chords.filter(|chords| !chords.is_empty())
}

fn parse_chord(text: &str) -> Option<KeyCombination> {
    let mut letters = text.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(normal(KeyCombination::from(KeyCode::Char(letter)).normalized()));
    }
    let text = if text.eq_ignore_ascii_case("shift-tab") { "backtab" } else { text };
    let chord = crokey::parse(text).ok()?;
    chord.is_ansi_compatible().then(|| normal(chord.normalized()))
}

/// Terminals differ in whether `?` comes with shift; a letter's case says it already.
fn normal(mut chord: KeyCombination) -> KeyCombination {
    if let OneToThree::One(KeyCode::Char(letter)) = chord.codes
        && !letter.is_ascii_alphabetic()
    {
        chord.modifiers.remove(KeyModifiers::SHIFT);
    }
    chord
}

/// The letter that a key types into a field.
pub fn typed(chord: KeyCombination) -> Option<char> {
    let OneToThree::One(KeyCode::Char(letter)) = chord.codes else { return None };
    (chord.modifiers - KeyModifiers::SHIFT).is_empty().then_some(letter)
}

fn write_sequence(chords: &[KeyCombination]) -> String {
    let mut text = String::new();
    for chord in chords {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&write_chord(*chord));
    }
    text
}

/// A key as hints show it: `G`, `ctrl-f`, `Enter`, `↓`.
fn write_chord(chord: KeyCombination) -> String {
    let name = match chord.codes.first() {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(letter) => letter.to_string(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::BackTab => return "shift-Tab".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::F(number) => format!("F{number}"),
        other => format!("{other:?}"),
    };
    let mut text = String::new();
    for (modifier, prefix) in
        [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SUPER, "cmd-")]
    {
        if chord.modifiers.contains(modifier) {
            text.push_str(prefix);
        }
    }
    let letter_says_shift = matches!(chord.codes.first(), KeyCode::Char(_)) && text.is_empty();
    if chord.modifiers.contains(KeyModifiers::SHIFT) && !letter_says_shift {
        text.push_str("shift-");
    }
    text + &name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CommandView;

    fn defaults() -> Keymap {
        Keymap::new(&KeyBindings::default()).expect("the defaults are a keymap")
    }

    fn with(bindings: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
        let own = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keymap::new(&KeyBindings(bindings.iter().map(|(name, keys)| ((*name).to_owned(), own(keys))).collect()))
    }

    fn press(map: &Keymap, place: Place, keys: &str) -> Resolution {
        let chords = parse_sequence(keys).expect("keys");
        let (last, before) = chords.split_last().expect("a key");
        map.resolve(place, before, *last)
    }

    #[test]
    fn no_default_key_stands_twice_in_a_layer_and_each_is_a_key() {
        let map = defaults();
        for info in TABLE {
            assert_eq!(map.keys_of(info.action).len(), info.keys.len(), "a key of {} was lost", info.name);
        }
    }

    #[test]
    fn every_key_that_help_lists_does_what_it_says() {
        let map = defaults();
        for place in Place::ALL {
            for info in TABLE.iter().filter(|info| info.scope.covers(place)) {
                for keys in map.keys_at(place, info.action) {
                    let plain = keys.replace('↓', "down").replace('↑', "up").replace('←', "left").replace('→', "right");
                    let plain =
                        plain.replace("PgDn", "pagedown").replace("PgUp", "pageup").replace("shift-Tab", "backtab");
                    assert_eq!(press(&map, place, &plain), Resolution::Action(info.action), "{keys} at {place:?}");
                }
            }
        }
    }

    #[test]
    fn a_place_hides_the_global_key_and_fields_take_letters() {
        let map = defaults();
        assert_eq!(press(&map, Place::Jobs, "n"), Resolution::Action(Action::Submit));
        assert_eq!(press(&map, Place::Schedules, "n"), Resolution::Action(Action::NewSchedule));
        assert!(map.keys_at(Place::Schedules, Action::Submit).is_empty());
        assert_eq!(press(&map, Place::Form, "n"), Resolution::Unbound);
        assert_eq!(typed(parse_sequence("N").expect("a key")[0]), Some('N'));
        assert_eq!(typed(parse_sequence("ctrl-n").expect("a key")[0]), None);
    }

    #[test]
    fn a_sequence_that_has_begun_says_what_may_follow() {
        let Resolution::Pending(follow) = press(&defaults(), Place::Jobs, "v") else { panic!("v is a prefix") };
        assert!(follow.contains(&("s".to_owned(), "schedules".to_owned())), "{follow:?}");
        assert_eq!(press(&defaults(), Place::Jobs, "v s"), Resolution::Action(Action::ViewSchedules));
        assert_eq!(press(&defaults(), Place::Jobs, "v x"), Resolution::Unbound);
    }

    #[test]
    fn what_a_person_sets_replaces_and_unbinds() {
        let map = with(&[("help", &["h", "f2"]), ("zoom", &[])]).expect("a keymap");
        assert_eq!(press(&map, Place::Jobs, "h"), Resolution::Action(Action::Help));
        assert_eq!(press(&map, Place::Jobs, "?"), Resolution::Unbound);
        assert_eq!(press(&map, Place::Jobs, "z"), Resolution::Unbound);
        assert!(map.keys_of(Action::Zoom).is_empty());
    }

    #[test]
    fn a_persons_key_hides_another_action_only_where_that_one_is_set_too() {
        type Bindings = &'static [(&'static str, &'static [&'static str])];
        let refused: [(Bindings, &str); 6] = [
            (&[("stop", &["j"])], "`j` for stop would hide down in jobs"),
            (&[("stop", &["s"])], "`s` for stop would hide next-states in jobs"),
            (&[("stop", &["v"])], "`v` for stop would hide "),
            (&[("stop", &["j x"])], "`j x` for stop would hide down in jobs"),
            (&[("help", &["q"])], "`q` for help would hide back-or-quit in queues"),
            (&[("send", &["enter"])], "`Enter` for send would hide accept in form"),
        ];
        for (bindings, expected) in refused {
            let error = with(bindings).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let map = with(&[("stop", &["j"]), ("down", &["down"])]).expect("both are set");
        assert_eq!(press(&map, Place::Jobs, "j"), Resolution::Action(Action::Stop));
        with(&[("stop", &["s"]), ("next-states", &[]), ("shell", &[])]).expect("the others have none");
        with(&[("stop", &["x"]), ("submit", &["n"]), ("new-schedule", &["n"])]).expect("as the defaults hide");
        let map = with(&[("help", &["x"])]).expect("a place keeps what it has of its own");
        assert_eq!(press(&map, Place::Jobs, "x"), Resolution::Action(Action::Stop));
        assert_eq!(press(&map, Place::Queues, "x"), Resolution::Action(Action::Help));
    }

    #[test]
    fn a_hot_key_runs_a_line_wherever_no_text_is_typed() {
        type Bindings = &'static [(&'static str, &'static [&'static str])];
        let map = with(&[(":jobs status=failed since=2h", &["f9"]), (":view night", &["g n"]), ("top", &["home"])]);
        let map = map.expect("a keymap");
        assert_eq!(press(&map, Place::Jobs, "f9"), Resolution::Line("jobs status=failed since=2h".to_owned()));
        assert_eq!(press(&map, Place::Form, "f9"), Resolution::Unbound);
        assert_eq!(press(&map, Place::Log, "g"), Resolution::Pending(vec![("n".to_owned(), ":view night".to_owned())]));
        assert_eq!(map.key_of_line("view night").as_deref(), Some("g n"));
        let refused: [(Bindings, &str); 4] = [
            (&[(":jobz", &["f9"])], "`jobz` is no command; the nearest is `job"),
            (&[(":jobs", &["ctrl-"])], "`ctrl-` is not a key"),
            (&[(":jobs failed", &["j"])], "`j` for \":jobs failed\" would hide down"),
            (&[(":jobs failed", &["v"])], "would hide overview"),
        ];
        for (bindings, expected) in refused {
            let error = with(bindings).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    fn command(key: &str, views: Vec<CommandView>) -> CommandSettings {
        let text = format!("label = 'x'\ncommand = 'ls'\nkey = '{key}'");
        CommandSettings { views, ..toml::from_str(&text).expect("a command") }
    }

    #[test]
    fn the_key_of_a_command_works_in_its_views_and_hides_nothing() {
        let with = |all: &[(&str, CommandSettings)]| {
            let commands = all.iter().map(|(name, command)| ((*name).to_owned(), command.clone())).collect();
            Keymap::with_commands(&KeyBindings::default(), &commands)
        };
        let queues = || command("X", vec![CommandView::Queues]);
        let map = with(&[("exec", command("X", vec![CommandView::Jobs])), ("look", queues())]).expect("a keymap");
        assert_eq!(press(&map, Place::Jobs, "X"), Resolution::Line("run exec".to_owned()));
        assert_eq!(press(&map, Place::Queues, "X"), Resolution::Line("run look".to_owned()));
        assert_eq!(press(&map, Place::Schedules, "X"), Resolution::Unbound);
        assert_eq!(map.lines_at(Place::Queues).collect::<Vec<_>>(), [("X".to_owned(), "x".to_owned())]);
        let refused = [
            (vec![("exec", command("ctrl-", vec![]))], "[commands.exec] key: `ctrl-` is not a key"),
            (vec![("exec", command("x", vec![CommandView::Jobs]))], "`x` for \":run exec\" would hide stop"),
            (vec![("a", command("X", vec![])), ("b", queues())], "[commands.b] has a key of [commands.a] in queues"),
        ];
        for (commands, expected) in refused {
            let error = with(&commands).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        type Bindings = &'static [(&'static str, &'static [&'static str])];
        let cases: [(Bindings, &str); 5] = [
            (&[("xyzzy", &["x"])], "`xyzzy` is not an action (`?`"),
            (&[("hepl", &["x"])], "`hepl` is not an action; the nearest is `help`"),
            (&[("help", &["ctrl-"])], "help: `ctrl-` is not a key"),
            (&[("mark", &["x"]), ("stop", &["x"])], "`x` is given to both mark and stop in jobs"),
            (&[("mark", &["v"]), ("sort", &["v v"])], "`v v` is given to both mark and sort in jobs"),
        ];
        for (bindings, expected) in cases {
            let error = with(bindings).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn shift_is_read_from_the_letter_and_ignored_on_signs() {
        let map = defaults();
        assert_eq!(press(&map, Place::Jobs, "G"), Resolution::Action(Action::Bottom));
        assert_eq!(press(&map, Place::Jobs, "shift-g"), Resolution::Action(Action::Bottom));
        let question = KeyCombination::one_key(KeyCode::Char('?'), KeyModifiers::SHIFT);
        assert_eq!(map.resolve(Place::Jobs, &[], question), Resolution::Action(Action::Help));
    }

    proptest::proptest! {
        #[test]
        fn a_keymap_that_is_almost_right_is_made_or_refused_by_name(
            text in crate::model::mutation::mutated_text(ALMOST),
            typed in crate::model::mutation::mutated_text("v s ctrl-d"),
        ) {
            let Ok(bindings) = toml::from_str::<KeyBindings>(&text) else { return Ok(()) };
            for bindings in [bindings, KeyBindings([("stop".to_owned(), vec![typed])].into())] {
                match Keymap::new(&bindings) {
                    Ok(map) => for (action, keys) in map.keys.iter().flat_map(|(action, all)| all.iter().map(move |keys| (action, keys))) {
                        let written = write_sequence(keys);
                        proptest::prop_assert!(!written.is_empty(), "{}", action.info().name);
                    },
                    Err(refusal) => proptest::prop_assert!(refusal.to_string().starts_with("[keys] "), "{refusal}"),
                }
            }
        }
    }

    const ALMOST: &str = "quit = \"ctrl-x\"\nhelp = [\"?\", \"f1\", \"v h\"]\nzoom = []\nstop = \"x\"\n\":jobs status=failed\" = \"f9\"\n\":view night\" = [\"g n\", \"alt-enter\"]\n";
}
