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
        parse(&[group, "enable"]).expect_err("which one");
        parse(&[group, "high"]).expect_err("no verb");
    }
}

#[test]
fn states_are_taken_in_any_case_and_wrong_ones_are_named() {
    let parse = |states: &str| Cli::try_parse_from(["batchdeck", "jobs", "--status", states]);
    let Ok(Cli { verb: Some(Verb::Jobs(args)), .. }) = parse("running,Failed") else { panic!("not taken") };
    assert_eq!(args.status, [State::Running, State::Failed]);
    let refusal = parse("DONE").expect_err("no state").to_string();
    assert!(refusal.contains("DONE") && refusal.contains("RUNNABLE"), "{refusal}");
}
