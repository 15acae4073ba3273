//! What the README and `screenshots/` show is what the program does.
//!
//! `BATCHDECK_PAPERS=write cargo test --test it papers` makes the pictures and the table of keys anew.

use batchdeck::tui::Keymap;
use batchdeck::tui::action::{Scope, TABLE};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name, size, theme, and the keys that lead there from the first screen.
const PICTURES: [(&str, &str, &str, &str); 14] = [
    ("overview", "200x60", "midnight", "3 j"),
    ("overview-80x24", "80x24", "midnight", "3 j"),
    ("overview-daylight", "80x24", "daylight", "3 j"),
    ("overview-high-contrast", "80x24", "high-contrast", "3 j"),
    ("overview-mono", "80x24", "mono", "3 j"),
    ("array", "110x34", "midnight", "3 j j j Enter"),
    ("failures", "110x34", "midnight", "v f"),
    ("pulse", "110x34", "midnight", "v p"),
    ("job", "110x34", "midnight", "3 j Enter"),
    ("stop", "110x34", "midnight", "3 * x \"wrong input bucket\""),
    ("submit", "110x34", "midnight", "n"),
    (
        "schedule",
        "110x34",
        "midnight",
        "S n \"month-end\" Tab \"cron(30 2 LW * ? *)\" Tab Ctrl-u \"Europe/Zurich\" Tab Tab Tab Tab Tab \"scope=month\"",
    ),
    ("palette", "110x34", "midnight", ": \"sch\""),
    ("help", "110x34", "midnight", "3 ?"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_writing() -> bool {
    std::env::var("BATCHDECK_PAPERS").is_ok_and(|word| word == "write")
}

/// Compares with what is kept, or keeps it.
fn check(path: &Path, made: &str) {
    if is_writing() {
        fs::write(path, made).expect("it can be written");
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is stale; make it anew with `BATCHDECK_PAPERS=write cargo test --test it papers` and look at it",
        path.display()
    );
}

#[test]
fn the_pictures_are_what_the_program_draws_today() {
    for (name, size, theme, keys) in PICTURES {
        let output = Command::new(env!("CARGO_BIN_EXE_batchdeck"))
            .args([
                "screenshot",
                "--world",
                "tests/fixtures/world.json",
                "--size",
                size,
                "--theme",
                theme,
                "--keys",
                keys,
            ])
            .current_dir(root())
            .env("BATCHDECK_CONFIG", root().join("no-such-config.toml"))
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        check(&root().join(format!("screenshots/{name}.svg")), &String::from_utf8(output.stdout).expect("UTF-8"));
    }
}

#[test]
fn there_is_no_picture_that_nothing_makes() {
    for entry in fs::read_dir(root().join("screenshots")).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(PICTURES.iter().any(|(known, ..)| name == format!("{known}.svg")), "{name}");
    }
}

#[test]
fn the_table_of_keys_in_the_readme_is_the_table_of_actions() {
    let keymap = Keymap::new(&batchdeck::config::keys::KeyBindings::default()).expect("the defaults are sound");
    let mut table = String::from("\n| key | where | what it does | name in `[keys]` |\n|---|---|---|---|\n");
    for info in TABLE {
        let keys = keymap.keys_of(info.action);
        // A bar ends a cell, also between backticks.
        let keys: Vec<String> = keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let place = match info.scope {
            Scope::Everywhere => "everywhere".to_owned(),
            Scope::At(places) => places.iter().map(|place| place.title()).collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(table, "| {} | {place} | {} | `{}` |", keys.join(" "), info.doc, info.name);
    }
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).expect("the README is there");
    let (before, rest) = readme.split_once("<!-- keys -->").expect("the README marks where the keys begin");
    let (_, after) = rest.split_once("<!-- /keys -->").expect("the README marks where the keys end");
    check(&path, &format!("{before}<!-- keys -->\n{table}\n<!-- /keys -->{after}"));
}

#[test]
fn every_row_of_a_table_in_the_readme_has_the_cells_of_its_head() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let mut head = None;
    for line in readme.lines().map(str::trim) {
        if !line.starts_with('|') {
            head = None;
            continue;
        }
        let cells = line.replace("\\|", "").matches('|').count();
        assert_eq!(cells, *head.get_or_insert(cells), "a bar in a cell is written `\\|`: {line}");
    }
}

#[test]
fn the_readme_names_no_file_that_is_not_there() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let mut seen = 0;
    for part in readme.split("](").skip(1) {
        let target = part.split(')').next().unwrap_or_default();
        if !target.starts_with("http") && !target.starts_with('#') {
            assert!(root().join(target).exists(), "{target}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}
