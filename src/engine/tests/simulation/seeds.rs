//! A thousand stories, each told twice. One that goes wrong is told again with ever fewer of its steps, until none can be
//! left out, and what is left is printed with its history.

use super::{Dice, Story, settings};
use std::any::Any;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::time::{Duration, Instant};

/// So many of the last events of a story that went wrong are printed.
const SHOWN: usize = 80;

/// Each seed has a length of its own; one of eight is long.
fn steps_of(seed: u64) -> usize {
    let most = if seed.is_multiple_of(8) { 400 } else { 100 };
    50 + usize::try_from(seed * 37 % most).expect("small")
}

/// What came of a story.
struct Told {
    journal: Vec<String>,
    /// Events before its first step.
    furnished: usize,
    ended: std::thread::Result<()>,
}

/// Tells those steps of a story that are named, to its end or up to where it goes wrong. The numbers that a step draws are
/// its own: they are the same whatever is left out before it.
fn tell(seed: u64, steps: &[usize], after_each: impl Fn(&mut Story)) -> Told {
    let mut story = Story::new(seed);
    let furnished = story.world.journal.len();
    let first = Dice(seed).next();
    let dice = |step: usize| Dice(first.wrapping_add(step as u64));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        for step in steps {
            story.dice = dice(*step);
            story.step();
            after_each(&mut story);
        }
        story.dice = dice(usize::MAX);
        story.finish();
        story.world.assert_replays(&settings());
    }));
    Told { journal: story.world.journal, furnished, ended }
}

fn check(seed: u64) {
    let steps: Vec<usize> = (0..steps_of(seed)).collect();
    let told = tell(seed, &steps, |_| {});
    assert!(told.ended.is_ok(), "{}", shortest_history(seed, &steps, |_| {}));
    let again = tell(seed, &steps, |_| {});
    again.ended.unwrap_or_else(|cause| resume_unwind(cause));
    assert!(told.journal == again.journal, "seed {seed} told another story the second time");
}

/// The steps without which a story does not go wrong, what they did, and what went wrong then.
fn shortest_history(seed: u64, steps: &[usize], after_each: impl Fn(&mut Story) + Copy) -> String {
    // What each try has to say would bury the last.
    let usual = take_hook();
    set_hook(Box::new(|_| {}));
    let left = shortest(steps, |some| tell(seed, some, after_each).ended.is_err());
    let told = tell(seed, &left, after_each);
    set_hook(usual);
    let words = told.ended.map_or_else(|cause| words(&*cause), |()| "(it went well this time)".to_owned());
    let count = (left.len(), steps.len());
    let mut text = format!("seed {seed} goes wrong in {} of its {} steps, {left:?}:\n", count.0, count.1);
    let skipped = told.furnished.max(told.journal.len().saturating_sub(SHOWN));
    for (number, event) in told.journal.iter().enumerate().skip(skipped) {
        let _ = writeln!(text, "{number:>5} {event}");
    }
    text + &words
}

fn words(cause: &(dyn Any + Send)) -> String {
    let words = cause.downcast_ref::<String>().map(String::as_str).or(cause.downcast_ref::<&str>().copied());
    words.unwrap_or("(no words)").to_owned()
}

/// Leaves out what comes after a short beginning that goes wrong already, then halves of that, quarters and so on, for as
/// long as it still goes wrong; of what is left no single one can be left out.
fn shortest(whole: &[usize], goes_wrong: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let beginnings = (0..).map(|power| 1 << power).take_while(|length| *length < whole.len());
    let short = beginnings.map(|length| &whole[..length]).find(|some| goes_wrong(some));
    let mut left = short.unwrap_or(whole).to_vec();
    let mut piece = left.len().div_ceil(2).max(1);
    loop {
        let (mut at, before) = (0, left.len());
        while at < left.len() {
            let fewer = [&left[..at], &left[(at + piece).min(left.len())..]].concat();
            if goes_wrong(&fewer) {
                left = fewer;
            } else {
                at += piece;
            }
        }
        if piece > 1 {
            piece = piece.div_ceil(2);
        } else if left.len() == before {
            return left;
        }
    }
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
    let steps: Vec<usize> = (0..900).collect();
    let told = tell(7, &steps, |_| {});
    told.ended.unwrap_or_else(|cause| resume_unwind(cause));
    assert!(told.journal.len() > 800, "{}", told.journal.len());
}

#[test]
fn what_is_not_needed_is_left_out_wherever_it_stands() {
    let whole: Vec<usize> = (0..100).collect();
    for needed in [vec![], vec![0], vec![99], vec![3, 50, 51, 97], (0..100).step_by(2).collect()] {
        let goes_wrong = |some: &[usize]| needed.iter().all(|step| some.contains(step));
        assert_eq!(shortest(&whole, goes_wrong), needed);
    }
    // Where one of two will do, one of them is left.
    assert_eq!(shortest(&whole, |some| some.contains(&20) || some.contains(&70)).len(), 1);
}

/// The journal loses the end of the first attempt: of a hundred steps those are left that bring it about.
#[test]
fn a_story_that_goes_wrong_is_told_in_the_fewest_steps_with_all_that_happened_in_them() {
    fn lose_an_end(story: &mut Story) {
        let journal = &mut story.world.journal;
        let ends = |line: &String| line.contains(r#""event":"attempt-ended""#);
        if let Some(first) = journal.iter().position(ends) {
            journal.remove(first);
        }
    }
    let steps: Vec<usize> = (0..100).collect();
    assert!(tell(3, &steps, |_| {}).ended.is_ok(), "nothing is wrong with it by itself");
    let text = shortest_history(3, &steps, lose_an_end);
    let of: usize = text
        .split(" goes wrong in ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .map_or(0, |count| count.parse().expect("a number"));
    // A job, an agent, and an end.
    assert!((1..=6).contains(&of), "{text}");
    assert!(text.starts_with("seed 3 goes wrong in ") && text.contains("of its 100 steps"), "{text}");
    assert!(text.contains(r#""event":"job-submitted""#) && text.contains(r#""event":"attempt-placed""#), "{text}");
    assert!(!text.ends_with("(it went well this time)"), "{text}");
}
