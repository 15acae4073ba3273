//! A cursor that stays on its thing, and how far it is moved.

use std::cell::Cell;

/// Where one is in a list. It follows its thing by key; when that is gone, it stays on the line.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    key: Option<String>,
    at: usize,
    /// A person has put it where it is.
    is_chosen: bool,
    /// Its thing is still to come.
    is_awaited: bool,
    /// The first line shown, and how many fit: noted when the list is drawn.
    top: Cell<usize>,
    height: Cell<usize>,
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Lines(isize),
    /// In halves of a page.
    Halves(isize),
    First,
    Last,
}

impl Step {
    /// Where one is after this step among `count` lines.
    pub fn from(self, at: usize, count: usize, height: usize) -> usize {
        let last = count.saturating_sub(1);
        let moved = |lines: isize| at.saturating_add_signed(lines).min(last);
        match self {
            Self::Lines(lines) => moved(lines),
            Self::Halves(halves) => {
                let half = isize::try_from((height / 2).max(1)).unwrap_or(1);
                moved(half * halves)
            }
            Self::First => 0,
            Self::Last => last,
        }
    }
}

impl Cursor {
    /// Which of `keys` it is on.
    pub fn position<K: AsRef<str>>(&self, keys: &[K]) -> Option<usize> {
        if keys.is_empty() {
            return None;
        }
        let on_key = self.key.as_ref().and_then(|key| {
            let near = keys.get(self.at).is_some_and(|here| here.as_ref() == key).then_some(self.at);
            near.or_else(|| keys.iter().position(|other| other.as_ref() == key))
        });
        Some(on_key.unwrap_or(self.at.min(keys.len() - 1)))
    }

    pub fn step<K: AsRef<str>>(&mut self, keys: &[K], step: Step) {
        let Some(at) = self.position(keys) else { return };
        let at = step.from(at, keys.len(), self.height.get());
        self.at = at;
        self.key = Some(keys[at].as_ref().to_owned());
        self.is_chosen = true;
        self.is_awaited = false;
    }

    /// Puts it on a thing, wherever that stands.
    pub fn put(&mut self, key: &str) {
        self.is_chosen = true;
        self.key = Some(key.to_owned());
    }

    /// Puts it on a thing that is yet to be read.
    pub fn await_thing(&mut self, key: &str) {
        self.put(key);
        self.is_awaited = true;
    }

    /// The thing that it is on.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// In another list it follows its thing, or else begins at the first line.
    pub fn enter_other_list(&mut self) {
        self.at = 0;
    }

    /// Takes note of where it is now, so that it stays on its line when its thing goes.
    pub fn settle<K: AsRef<str>>(&mut self, keys: &[K]) {
        if let Some(at) = self.position(keys) {
            self.at = at;
            if self.key.as_deref() != Some(keys[at].as_ref()) {
                self.key = Some(keys[at].as_ref().to_owned());
            }
        }
    }

    /// As [`Cursor::settle`], for a list that is still being read: what happened to come first does not hold a cursor that
    /// nobody has moved away from the first line.
    pub fn settle_while_read<K: AsRef<str>>(&mut self, keys: &[K]) {
        let is_there = || keys.iter().any(|key| Some(key.as_ref()) == self.key.as_deref());
        if self.is_chosen && (!self.is_awaited || is_there()) {
            self.settle(keys);
        }
    }

    /// The first line to show so that the cursor's line is among `height`, moved as little as can be.
    pub fn window(&self, at: Option<usize>, count: usize, height: usize) -> usize {
        self.height.set(height);
        let at = at.unwrap_or(0);
        let mut top = self.top.get().min(count.saturating_sub(height));
        if at < top {
            top = at;
        } else if height > 0 && at >= top + height {
            top = at + 1 - height;
        }
        self.top.set(top);
        top
    }
}

/// A cursor and a filter.
#[derive(Debug, Clone, Default)]
pub struct ListState {
    pub cursor: Cursor,
    pub filter: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_cursor_stays_on_its_thing_and_then_on_its_line() {
        let mut cursor = Cursor::default();
        cursor.step(&keys("a b c"), Step::Lines(1));
        assert_eq!(cursor.position(&keys("x a b c")), Some(2), "it follows b");
        cursor.settle(&keys("a b c"));
        assert_eq!(cursor.position(&keys("a c")), Some(1), "b is gone: the line stays");
        assert_eq!(cursor.position(&keys("a")), Some(0));
        assert_eq!(cursor.position::<String>(&[]), None);
    }

    #[test]
    fn the_window_moves_as_little_as_it_can() {
        let cursor = Cursor::default();
        assert_eq!(cursor.window(Some(4), 10, 5), 0);
        assert_eq!(cursor.window(Some(5), 10, 5), 1);
        assert_eq!(cursor.window(Some(2), 10, 5), 1);
        assert_eq!(cursor.window(Some(0), 10, 5), 0);
        cursor.window(Some(9), 10, 5);
        assert_eq!(cursor.window(Some(2), 3, 5), 0, "what became short is shown from its start");
    }
}
