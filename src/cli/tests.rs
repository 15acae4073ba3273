//! The arguments as people write them.

use super::*;
use clap::CommandFactory;

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_of_the_program_and_of_submit() {
    let mut command = Cli::command().term_width(100);
    command.build();
    insta::assert_snapshot!("help", command.render_long_help());
    let submit = command.find_subcommand_mut("submit").expect("there");
    insta::assert_snapshot!("help_submit", submit.render_long_help());
}

#[test]
fn places_are_taken_before_and_after_a_verb() {
    for words in [["batchdeck", "--context", "lab", "queues"], ["batchdeck", "queues", "--context", "lab"]] {
        let cli = Cli::try_parse_from(words).expect("taken");
        assert_eq!(cli.places.context.as_deref(), Some("lab"));
    }
}

#[test]
fn queues_and_environments_are_listed_or_one_is_switched() {
    let parse = |words: &[&str]| Cli::try_parse_from([&["batchdeck"], words].concat());
    for group in ["queues", "envs"] {
        for words in [vec![group], vec![group, "-o", "json"], vec![group, "disable", "high", "--reason", "r"]] {
            parse(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        }
        parse(&[group, "enable", "high", "-o", "json"]).expect("taken");
        parse(&[group, "--context", "lab", "enable", "high"]).expect("taken");
        parse(&[group, "enable"]).expect_err("which one");
        parse(&[group, "high"]).expect_err("no verb");
    }
}

#[test]
fn what_is_said_between_a_group_and_its_verb_holds_for_the_verb() {
    let parse = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    for line in
        ["b queues -o json disable high", "b queues disable high -o json", "b queues -o json disable high -o json"]
    {
        let Some(Verb::Queues(args)) = parse(line).verb else { panic!("{line}") };
        let Some(QueuesVerb::Disable(args)) = args.into_verb() else { panic!("{line}") };
        assert_eq!(args.output, Format::Json, "{line}");
    }
    let Some(Verb::Envs(args)) = parse("b envs -o json capacity spot").verb else { panic!("no envs") };
    assert!(matches!(args.into_verb(), Some(EnvsVerb::Capacity(args)) if args.output == Format::Json));
    for line in ["b queues --context lab create q --environments e", "b definitions --read-only register f"] {
        let places = parse(line).places;
        assert!(places.context.as_deref() == Some("lab") || places.read_only, "{line}: {places:?}");
    }
}

#[test]
fn a_move_names_both_of_its_directions_where_it_has_none() {
    let refusal = Cli::try_parse_from(["batchdeck", "move", "3f2a"]).expect_err("where to").to_string();
    assert!(refusal.contains("--to") && refusal.contains("--front"), "{refusal}");
    for words in [&["--front"][..], &["--to", "high"], &["--to", "high", "--front"]] {
        Cli::try_parse_from([&["batchdeck", "move", "3f2a"], words].concat()).expect("taken");
    }
}

#[test]
fn a_command_needs_no_mark_before_it_and_its_options_are_its_own() {
    for line in ["submit --wait make -j 4 --wait", "submit --wait -- make -j 4 --wait"] {
        let parsed = Cli::try_parse_from(["batchdeck"].into_iter().chain(line.split(' ')));
        let Ok(Cli { verb: Some(Verb::Submit(args)), .. }) = parsed else { panic!("{line}: {parsed:?}") };
        assert!(args.wait && args.what.command == ["make", "-j", "4", "--wait"], "{line}: {args:?}");
    }
    let typo = Cli::try_parse_from(["batchdeck", "submit", "--quue", "q", "make"]);
    assert!(typo.is_err_and(|error| error.to_string().contains("--queue")));
}

#[test]
fn states_are_taken_in_any_case_and_wrong_ones_are_named() {
    let parse = |states: &str| Cli::try_parse_from(["batchdeck", "jobs", "--status", states]);
    let Ok(Cli { verb: Some(Verb::Jobs(args)), .. }) = parse("running,Failed") else { panic!("not taken") };
    assert_eq!(args.status, [State::Running, State::Failed]);
    let refusal = parse("DONE").expect_err("no state").to_string();
    assert!(refusal.contains("DONE") && refusal.contains("RUNNABLE"), "{refusal}");
}

#[test]
fn a_verb_is_read_alone_as_it_is_among_all_and_what_it_does_not_take_is_left_to_the_whole() {
    let taken = [
        "submit --queue q --name n --array 3 -o json -- make -j 4",
        "--data-dir /d submit -- batchdeck jobs",
        "queues create fast --priority 5 --environments local --context lab",
        "queues --context lab create fast --environments local",
        "reprioritize 1 2 30",
        "schedules list -o json",
        "engine start --http 127.0.0.1:0 --write",
        "--read-only logs 1 -f",
        "watch add high failed > 5 in 10m",
    ];
    let left = [
        "",
        "--resume",
        "--version",
        "submit --help",
        "submit --quue q",
        "jobs queues",
        "help",
        "nothing",
        "--context jobs",
    ];
    let words = |line: &str| {
        ["batchdeck"].into_iter().chain(line.split_whitespace()).map(std::ffi::OsString::from).collect::<Vec<_>>()
    };
    for line in taken {
        let whole = Cli::try_parse_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        let alone = Cli::by_its_verb(&words(line)).unwrap_or_else(|| panic!("{line}: not understood"));
        assert_eq!(format!("{alone:?}"), format!("{whole:?}"), "{line}");
    }
    for line in left {
        let whole = Cli::try_parse_from(words(line)).ok().map(|whole| format!("{whole:?}"));
        let alone = Cli::by_its_verb(&words(line)).map(|alone| format!("{alone:?}"));
        assert!(alone.is_none() || alone == whole, "{line}");
    }
}
