//! The trie of keys: the defaults, what a person sets, and what is refused.

use super::*;
use crate::config::CommandView;
use crossterm::event::{KeyCode, KeyModifiers};

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
                let plain = plain.replace("PgDn", "pagedown").replace("PgUp", "pageup").replace("shift-Tab", "backtab");
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

crate::model::mutation::fuzz! {
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
