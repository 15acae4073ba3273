//! The import rules of `src/lib.rs`: who may import whom, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may name after `crate::`. A path with `::` allows that module alone.
const RULES: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("triage", &["model"]),
    ("engine", &["model"]),
    ("config", &["model"]),
    ("backend", &["model", "config"]),
    ("agent", &["model"]),
    ("daemon", &["engine", "agent::message", "agent::leftovers", "config", "model"]),
    ("tui", &["backend", "triage", "config", "model"]),
    ("cli", &[]),
    ("commands", &["model", "triage", "engine", "config", "backend", "agent", "daemon", "tui", "cli"]),
];

/// What only the tests inside of a room may name: its body is tried with real agents.
const FOR_TESTS: [(&str, &str); 1] = [("daemon", "agent")];

/// What the console may not name of `backend`: it knows the trait, not who stands behind it.
const BEHIND_THE_TRAIT: [&str; 2] = ["backend::local", "backend::aws"];

#[test]
fn each_room_imports_only_what_the_map_of_the_house_allows() {
    let mut breaches = Vec::new();
    for (room, allowed) in RULES {
        for file in files_of(room) {
            let text = fs::read_to_string(&file).expect("a source file is readable");
            for path in crate_paths(&text) {
                let target = path.split("::").next().unwrap_or_default();
                let is_room = RULES.iter().any(|(name, _)| *name == target);
                let ok = !is_room
                    || target == room
                    || allowed.iter().any(|rule| path == *rule || path.starts_with(&format!("{rule}::")));
                let ok = ok || is_in_tests(&file) && FOR_TESTS.contains(&(room, target));
                let ok = ok && !(room == "tui" && BEHIND_THE_TRAIT.iter().any(|behind| path.starts_with(behind)));
                if !ok {
                    breaches.push(format!("{} imports crate::{path}", file.display()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn the_pure_rooms_know_no_clock_no_file_and_no_async() {
    let mut breaches = Vec::new();
    for room in ["engine", "triage", "model"] {
        // Their tests may look at a clock, to measure.
        for file in files_of(room).into_iter().filter(|file| !is_in_tests(file)) {
            let text = fs::read_to_string(&file).expect("a source file is readable");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in code.enumerate() {
                for word in
                    ["SystemTime", "Instant::now", "Utc::now", "std::fs", "std::net", "tokio", "async ", "HashMap"]
                {
                    if line.contains(word) {
                        breaches.push(format!("{}:{}: {word}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_way_to_write_one() {
    let text = "use crate::model::{A, B};\nuse crate::{engine::Engine, tui};\nlet x = crate::daemon::run();\n// crate::agent\n";
    let found = crate_paths(text);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["daemon::run", "engine::Engine", "model", "tui"]);
}

fn is_in_tests(file: &Path) -> bool {
    file.components().skip_while(|part| part.as_os_str() != "src").any(|part| part.as_os_str() == "tests")
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let single = source.join(format!("{room}.rs"));
    let mut found: Vec<PathBuf> = single.exists().then_some(single).into_iter().collect();
    let mut left = vec![source.join(room)];
    while let Some(folder) = left.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// Every path after `crate::` outside of comments, groups taken apart.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut paths = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            for item in top_level_items(group) {
                paths.insert(leading_path(item.trim()));
            }
        } else {
            paths.insert(leading_path(rest));
        }
    }
    paths.remove("");
    paths
}

fn leading_path(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    text[..end].trim_end_matches(':').to_owned()
}

/// The items of a brace group, up to its closing brace.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}
