//! The `[keys]` table of the config file: which keys an action has. What the actions are, the console knows.

use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Keys by action name. An entry replaces all default keys of its action; an empty list leaves it without a key.
///
/// A key is written as crokey reads it (`x`, `ctrl-d`, `shift-g` or `G`, `f5`, `space`), a sequence with spaces between
/// (`"v s"`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct KeyBindings(pub BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for KeyBindings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a key as \"x\", or a list of keys as [\"x\", \"ctrl-d\"]; [] for none")]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let entries = BTreeMap::<String, OneOrMany>::deserialize(deserializer)?;
        Ok(Self(
            entries
                .into_iter()
                .map(|(action, keys)| match keys {
                    OneOrMany::One(key) => (action, vec![key]),
                    OneOrMany::Many(keys) => (action, keys),
                })
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_a_list_and_none_are_read() {
        let keys: KeyBindings = toml::from_str("quit = \"ctrl-x\"\nhelp = [\"?\", \"f1\"]\nzoom = []").expect("reads");
        assert_eq!(keys.0["quit"], ["ctrl-x"]);
        assert_eq!(keys.0["help"], ["?", "f1"]);
        assert!(keys.0["zoom"].is_empty());
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_form() {
        let refusal = toml::from_str::<KeyBindings>("quit = 7").expect_err("no key").to_string();
        assert!(refusal.contains("a key as \"x\""), "{refusal}");
    }
}
