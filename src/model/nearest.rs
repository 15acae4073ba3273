//! The known word that a mistyped one most likely meant.

/// From this likeness on, a word may have been meant: `night` and `high` share letters, and no more.
const NEAR: f64 = 0.8;

/// The candidate nearest to `given`, without regard to case; `None` where none is near enough to be meant.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (likeness(&given, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The words that end an error by naming what is nearest; empty where nothing is near.
pub fn nearest_words<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, candidates).map(|word| format!("; the nearest is `{word}`")).unwrap_or_default()
}

/// 1 for equal words, 0 for words that share nothing. A word that begins the other counts as near, and so does one with
/// two letters swapped or one wrong, however short it is.
fn likeness(given: &str, candidate: &str) -> f64 {
    let likeness = strsim::jaro_winkler(given, candidate);
    if given.len() >= 3 && candidate.starts_with(given) {
        return likeness.max(0.9);
    }
    let is_slip = strsim::damerau_levenshtein(given, candidate) == 1 && given.len().min(candidate.len()) >= 2;
    if is_slip { likeness.max(NEAR) } else { likeness }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant_and_a_foreign_one_finds_none() {
        let known = ["default", "high", "nightly", "idle-seconds", "fg", "bg"];
        let cases = [
            ("defualt", Some("default")),
            ("hgih", Some("high")),
            ("Nightly", Some("nightly")),
            ("idle_seconds", Some("idle-seconds")),
            ("nig", Some("nightly")),
            ("gb", Some("bg")),
            ("xyzzy", None),
            ("light", None),
        ];
        for (given, expected) in cases {
            assert_eq!(nearest(given, known), expected, "{given}");
        }
        assert_eq!(nearest("nightly", ["high"]), None);
    }
}
