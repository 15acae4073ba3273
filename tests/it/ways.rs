//! Finding one's way in the real program: what frames cost, copies, pagers, locales, and going back after a restart.

use crate::both::{Side, on_both};
use crate::support::{House, Key, Terminal, skipped};
use portable_pty::CommandBuilder;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// A house in which nothing moves by itself: an environment and many queues.
fn house(side: Side) -> House {
    let house = side.house();
    for number in 0..7 {
        house.ok(&["queues", "create", &format!("q{number:02}"), "--environments", "local"]);
    }
    house.until("all queues are valid", &["queues"], |queues| {
        queues.as_array().is_some_and(|all| all.len() == 8 && all.iter().all(|queue| queue["status"] == "VALID"))
    });
    house
}

/// The console with the keys in the queues, at rest.
fn open(side: Side, house: &House) -> Terminal {
    let mut console = house.open(&[], 120, 40);
    console.wait_for(side.is_well());
    console.wait_for("q06");
    console.type_text("1");
    console.wait_for("▸ default");
    at_rest(&console);
    console
}

/// Waits until nothing more is written for a while.
fn at_rest(console: &Terminal) -> usize {
    let mut before = console.written().len();
    loop {
        std::thread::sleep(Duration::from_millis(400));
        let now = console.written().len();
        if now == before {
            return now;
        }
        before = now;
    }
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}

#[test]
fn a_cursor_costs_little_idling_nothing_and_many_keys_a_few_frames_of_one_update_each() {
    let house = house(Side::Engine);
    let mut console = open(Side::Engine, &house);
    let before = at_rest(&console);
    console.type_text("j");
    console.wait_for("▸ q00");
    let after = at_rest(&console);
    // Two rows of half a screen whose ground changes.
    assert!(after - before <= 300, "a move of the cursor took {} bytes", after - before);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(console.written().len(), after, "an idle console writes nothing");
    console.type_text(&"jk".repeat(150));
    console.type_text("G");
    console.wait_for("▸ q06");
    at_rest(&console);
    let written = console.written()[after..].to_vec();
    let frames = count(&written, b"\x1b[?2026h");
    assert!((1..=12).contains(&frames), "300 keys at once took {frames} frames");
    assert!(written.len() <= 10_000, "and {} bytes", written.len());
    assert_eq!(frames, count(&written, b"\x1b[?2026l"));
    console.press(Key::Ctrl('c'));
    console.wait_end();
}

on_both!(
    a_console_is_resumed_where_it_was_left,
    an_id_is_copied_and_json_is_handed_to_a_pager_that_gives_the_terminal_back,
);

fn a_console_is_resumed_where_it_was_left(side: Side) {
    let house = house(side);
    let mut console = open(side, &house);
    console.enter("/q0");
    console.type_text("jj");
    console.wait_for("▸ q02");
    console.enter(":save zeros");
    console.wait_for("saved `queues q0` as zeros");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    let mut again = house.open(&["--resume"], 120, 40);
    again.wait_for("▸ q02");
    again.wait_for("/q0");
    again.type_text(":view z");
    again.wait_for("view zeros");
    again.press(Key::Ctrl('c'));
    again.press(Key::Ctrl('c'));
    again.wait_end();
}

fn an_id_is_copied_and_json_is_handed_to_a_pager_that_gives_the_terminal_back(side: Side) {
    let house = house(side);
    let pager = house.path().join("pager");
    fs::write(&pager, "#!/bin/sh\ncp \"$1\" seen.json\n").expect("a pager");
    let line = format!("sh {}", pager.display());
    let editor = house.path().join("editor");
    let script = "printf 'the editor asks\\n'; read -r typed; \\\n\
                  modes=$(stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo | tr '\\n' ' '); \\\n\
                  echo \"$typed $modes$(grep -o 'q0[0-9]' \"$1\" | head -n 1)\" > typed\n";
    fs::write(&editor, script).expect("an editor");
    let house = house.with_variable("PAGER", &line).with_variable("VISUAL", &format!("sh {}", editor.display()));
    let mut console = open(side, &house);
    console.type_text("y");
    console.wait_for("copied name: default");
    // OSC 52 with `default` in base64.
    assert!(console.has_written(b"\x1b]52;c;ZGVmYXVsdA==\x07"));
    console.type_text("vv");
    console.wait("the pager's copy", |_| house.path().join("seen.json").exists());
    console.type_text("j");
    console.wait_for("▸ q00");
    let seen = fs::read_to_string(house.path().join("seen.json")).expect("it was handed over");
    assert!(seen.contains("\"jobQueueName\": \"default\""), "{seen}");
    // An editor has the terminal as it was before the console, and what is typed meanwhile.
    console.type_text("ve");
    console.wait_for("the editor asks");
    console.enter("answer");
    console.wait_for("▸ q00");
    let typed = fs::read_to_string(house.path().join("typed")).expect("the editor has read it");
    assert_eq!(typed, "answer icanon echo q00\n");
    console.type_text("j");
    console.wait_for("▸ q01");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    assert!(console.is_restored());
}

#[test]
fn where_the_locale_is_not_utf_8_only_ascii_is_written() {
    let house = House::new().with_variable("LC_ALL", "C");
    let mut console = house.open(&[], 80, 24);
    console.wait_for("i creates");
    console.wait_for("+1 Queues -");
    assert!(console.written().is_ascii());
    console.press(Key::Ctrl('c'));
    console.wait_end();
}

/// A terminal in which tmux runs the console.
fn in_tmux(house: &House, config: &str) -> Terminal {
    fs::write(house.path().join("tmux.conf"), config).expect("written");
    let mut command = CommandBuilder::new("tmux");
    command.args(["-S", "tmux.sock", "-f", "tmux.conf", "-u", "new-session", env!("CARGO_BIN_EXE_batchdeck")]);
    command.env_clear();
    let made = house.command(&[]);
    for (name, value) in made.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    command.cwd(house.path());
    Terminal::start(command, 120, 40)
}

#[test]
fn a_copy_comes_through_tmux_to_the_terminal_where_tmux_lets_it() {
    if Command::new("tmux").arg("-V").output().is_err() {
        return skipped("no tmux");
    }
    let house = house(Side::Engine);
    let plain = "set -g status off\n";
    for way in ["set -g allow-passthrough on\nset -s set-clipboard off\n", "set -s set-clipboard on\n"] {
        let mut terminal = in_tmux(&house, &format!("{plain}{way}"));
        terminal.wait_for("q06");
        terminal.type_text("1");
        terminal.wait_for("▸ default");
        terminal.type_text("y");
        terminal.wait_for("copied name: default");
        // `default` in base64, in a sequence for the terminal outside.
        let outside = [&b"\x1b]52;c;ZGVmYXVsdA=="[..], b"\x1b]52;;ZGVmYXVsdA=="];
        let deadline = Instant::now() + Duration::from_secs(30);
        while !outside.iter().any(|sequence| terminal.has_written(sequence)) {
            assert!(Instant::now() < deadline, "no copy comes out of tmux with {way}");
            std::thread::sleep(Duration::from_millis(20));
        }
        terminal.press(Key::Ctrl('c'));
        terminal.wait_end();
    }
}

#[test]
fn a_form_goes_to_an_editor_as_json_and_comes_back_as_it_was_saved() {
    let house = house(Side::Engine);
    let editor = house.path().join("editor");
    // It names the job the first time, and leaves half a file the second time.
    let script = "if grep -q first \"$1\"; then echo '{' > \"$1\"; else\n\
                  sed -i 's/\"jobName\": \".*\"/\"jobName\": \"first\"/' \"$1\"; fi\n";
    fs::write(&editor, script).expect("an editor");
    let house = house.with_variable("VISUAL", &format!("sh {}", editor.display()));
    let mut console = open(Side::Engine, &house);
    console.type_text("n");
    console.wait_for("Submit a job");
    console.type_text("\x1be");
    console.wait("the name that was saved", |screen| screen.contains("Submit a job") && screen.contains("first"));
    // What cannot be read is told, and the form stays.
    console.type_text("\x1be");
    console.wait_for("the JSON was not taken");
    console.wait_for("Submit a job");
    console.press(Key::Esc);
    console.wait_gone("Submit a job");
    console.press(Key::Ctrl('c'));
    console.wait_end();
    assert!(console.is_restored());
}
