//! From keys to actions: a small trie for each layer, made from the table of actions and what a person has set.

mod chord;
#[cfg(test)]
mod tests;

pub use chord::{parse_sequence, typed};

use super::action::{Action, Place, Scope, TABLE, read_line};
use crate::config::keys::KeyBindings;
use crate::config::{CommandSettings, nearest_words};
use chord::{normal, write_sequence};
use crokey::KeyCombination;
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
    /// No keys: actions are called by their names.
    pub fn none() -> Self {
        Self { layers: BTreeMap::new(), keys: BTreeMap::new(), lines: Vec::new() }
    }

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

    /// How an action is called at a place: by its first key there, and where it has none, as line by line, by its name.
    pub fn call(&self, place: Place, action: Action) -> String {
        let keys = self.keys_at(place, action).into_iter().chain(self.keys_of(action));
        keys.into_iter().next().unwrap_or_else(|| format!("`{}`", action.info().name))
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
