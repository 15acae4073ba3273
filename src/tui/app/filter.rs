//! Filters of lists: plain words, matched as they are.

/// A filter, ready to match: words that all must stand in what a row shows, whatever their case; `!word` must not.
/// `state:…` and `id:…` look at those alone: no word meets them by chance.
#[derive(Debug)]
pub struct Matching {
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    text: String,
    part: Part,
    is_forbidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Shown,
    State,
    Id,
}

impl Word {
    /// `None` while nothing but its sign is typed.
    fn new(typed: &str) -> Option<Self> {
        let (typed, is_forbidden) = typed.strip_prefix('!').map_or((typed, false), |rest| (rest, true));
        let parts = [("state:", Part::State), ("id:", Part::Id)];
        let found = parts.iter().find_map(|(sign, part)| Some((typed.strip_prefix(sign)?, *part)));
        let (text, part) = found.unwrap_or((typed, Part::Shown));
        (!text.is_empty()).then(|| Self { text: text.to_owned(), part, is_forbidden })
    }
}

/// What a filter looks at in one row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'r> {
    pub texts: &'r [&'r str],
    pub state: &'r str,
    pub id: &'r str,
}

impl Matching {
    /// `None` where the filter lets all through.
    pub fn new(filter: &str) -> Option<Self> {
        let words: Vec<Word> = filter.to_lowercase().split_whitespace().filter_map(Word::new).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    pub fn matches(&self, row: Shown<'_>) -> bool {
        let holds = |text: &str, word: &Word| text.to_lowercase().contains(&word.text);
        self.words.iter().all(|word| {
            let found = match word.part {
                Part::Shown => row.texts.iter().any(|text| holds(text, word)),
                Part::State => holds(row.state, word),
                Part::Id => holds(row.id, word),
            };
            found != word.is_forbidden
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_literal_in_what_is_shown_and_can_leave_out() {
        let cases = [
            ("rsz", "resize-4711", "", false),
            ("size-47", "resize-4711", "", true),
            ("high", "etl", "high", true),
            ("RES", "resize", "", true),
            ("res", "RESIZE", "", true),
            ("res high", "resize", "high", true),
            ("res low", "resize", "high", false),
            ("!res", "resize", "", false),
            ("!res", "etl", "", true),
            ("!r", "etl", "high", true),
            ("!r", "render", "high", false),
            ("etl !2025", "etl-2026", "", true),
            ("running", "etl", "high", false),
            ("state:run", "etl", "high", true),
            ("state:RUN high", "etl", "high", true),
            ("!state:run", "etl", "high", false),
            ("state:failed", "etl", "high", false),
            ("3f2a", "etl", "high", false),
            ("id:3F2A", "etl", "high", true),
            ("etl !state:", "etl", "high", true),
        ];
        for (filter, name, queue, expected) in cases {
            let matching = Matching::new(filter).expect("a filter");
            let row = Shown { texts: &[name, queue], state: "RUNNING", id: "3f2a88bb" };
            assert_eq!(matching.matches(row), expected, "{filter} on {name}");
        }
        for nothing in ["  ", "!", "state:", "!id:"] {
            assert!(Matching::new(nothing).is_none(), "{nothing}");
        }
    }
}
