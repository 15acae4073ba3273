//! From keys to actions: a small trie for each layer, made from the table of actions and what a person has set.

use super::action::{Action, Place, Scope, TABLE};
use crate::config::keys::KeyBindings;
use crate::config::nearest_words;
use crokey::{KeyCombination, OneToThree};
use crossterm::event::{KeyCode, KeyModifiers};
use std::collections::{BTreeMap, HashMap};

/// All keys, ready to be looked up.
#[derive(Debug, Clone)]
pub struct Keymap {
    layers: BTreeMap<Layer, Node>,
    keys: BTreeMap<Action, Vec<Vec<KeyCombination>>>,
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
    /// A sequence has begun: the keys that may follow, sorted, and what each does.
    Pending(Vec<(String, Action)>),
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
    #[error("[keys] `{keys}` is given to both {first} and {second} in {place}; give one of them another key")]
    Twice { keys: String, first: &'static str, second: &'static str, place: &'static str },
}

impl Keymap {
    /// The default keys, with what a person has set in place of them. A default that stands in the way of a person's key
    /// gives way.
    pub fn new(bindings: &KeyBindings) -> Result<Self, KeymapError> {
        let mut map = Self { layers: BTreeMap::new(), keys: BTreeMap::new() };
        for (name, keys) in &bindings.0 {
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
        for info in TABLE.iter().filter(|info| !bindings.0.contains_key(info.name)) {
            map.keys.entry(info.action).or_default();
            for key in info.keys {
                if let Some(chords) = parse_sequence(key) {
                    // What stands in the way was set by a person, or is caught by the test of the defaults.
                    let _ = map.bind(info.action, chords);
                }
            }
        }
        Ok(map)
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
        let layers = [Some(Layer::Place(place)), (!place.takes_text()).then_some(Layer::Global)];
        for layer in layers.into_iter().flatten() {
            let Some(node) = self.layers.get(&layer).and_then(|node| node.walk(before)) else { continue };
            let Some(next) = node.next.get(&chord) else { continue };
            match next.action {
                // A sequence that began in the place's own layer hides a global key with the same start.
                Some(action) if may_follow.is_empty() => return Resolution::Action(action),
                Some(_) => {}
                None => next.list(&mut Vec::new(), &mut may_follow),
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
        assert!(follow.contains(&("s".to_owned(), Action::ViewSchedules)), "{follow:?}");
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
    fn a_default_gives_way_to_a_persons_key() {
        let map = with(&[("stop", &["s"])]).expect("a keymap");
        assert_eq!(press(&map, Place::Jobs, "s"), Resolution::Action(Action::Stop));
        assert_eq!(map.keys_of(Action::NextStates), ["→", "]"]);
    }

    #[test]
    fn mistakes_are_named() {
        type Bindings = &'static [(&'static str, &'static [&'static str])];
        let cases: [(Bindings, &str); 4] = [
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
}
