//! A thousand stories, each told twice. One that goes wrong is told again with ever fewer steps, until the shortest is
//! found, and the end of its history is printed.

use super::{Story, settings};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// So many of the last events of a story that went wrong are printed.
const SHOWN: usize = 40;

/// Each seed has a length of its own; one of eight is long.
fn steps_of(seed: u64) -> usize {
    let most = if seed.is_multiple_of(8) { 400 } else { 100 };
    50 + usize::try_from(seed * 37 % most).expect("small")
}

/// Tells a story to its end, or up to where it goes wrong.
fn tell(seed: u64, steps: usize) -> (Vec<String>, std::thread::Result<()>) {
    let mut story = Story::new(seed);
    let told = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..steps {
            story.step();
        }
        story.finish();
        story.world.assert_replays(&settings());
    }));
    (story.world.journal, told)
}

fn check(seed: u64) {
    let steps = steps_of(seed);
    let (journal, told) = tell(seed, steps);
    if let Err(cause) = told {
        let shortest = (0..steps).find(|fewer| tell(seed, *fewer).1.is_err()).unwrap_or(steps);
        panic!("seed {seed} goes wrong after {shortest} steps:\n{}", history(&tell(seed, shortest).0, &cause));
    }
    let (again, told) = tell(seed, steps);
    told.unwrap_or_else(|cause| resume_unwind(cause));
    assert!(journal == again, "seed {seed} told another story the second time");
}

fn history(journal: &[String], cause: &Box<dyn std::any::Any + Send>) -> String {
    let mut text = String::new();
    for (number, event) in journal.iter().enumerate().skip(journal.len().saturating_sub(SHOWN)) {
        let _ = writeln!(text, "{number:>5} {event}");
    }
    let words = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
    text + words.unwrap_or("(no words)")
}

/// A test for each part, so that they share the processors.
macro_rules! seeds {
    ($($name:ident $from:literal;)*) => {$(
        #[test]
        fn $name() {
            ($from..$from + 125).for_each(check);
        }
    )*};
}

seeds! {
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_a 0;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_b 125;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_c 250;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_d 375;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_e 500;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_f 625;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_g 750;
    whatever_happens_the_invariants_hold_and_the_journal_tells_it_again_h 875;
}

/// `BATCHDECK_SIMULATE_MINUTES=60` tells other stories for an hour (`tests/long.sh`).
#[test]
fn stories_of_other_seeds_go_on_for_as_long_as_is_asked() {
    let minutes = std::env::var("BATCHDECK_SIMULATE_MINUTES").ok().and_then(|text| text.parse::<u64>().ok());
    let until = Instant::now() + Duration::from_secs(60 * minutes.unwrap_or(0));
    // Another run tells others.
    let first = 1_000 + u64::from(std::process::id()) * 1_000_000;
    for seed in first.. {
        check(seed);
        if Instant::now() >= until {
            return;
        }
    }
}

#[test]
fn a_long_story_is_worth_telling() {
    let (journal, told) = tell(7, 900);
    told.unwrap_or_else(|cause| resume_unwind(cause));
    assert!(journal.len() > 800, "{}", journal.len());
}

/// The shortest history is what one reads: it has to be told.
#[test]
fn a_story_that_goes_wrong_says_where() {
    let (journal, _) = tell(3, 60);
    let cause: Box<dyn std::any::Any + Send> = Box::new("an invariant is broken".to_owned());
    let text = history(&journal, &cause);
    assert_eq!(text.lines().count(), SHOWN + 1);
    assert!(text.ends_with("an invariant is broken"), "{text}");
}
