use super::*;
use crate::model::mutation::{fuzz, mutated_text};
use crate::model::{Health, JobStatus, Switch};
use proptest::prelude::*;

fn told(text: &str) -> String {
    match text.parse::<Condition>() {
        Ok(condition) => condition.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn conditions_are_read_as_they_are_written() {
    let cases = [
        ("ends", "ends"),
        ("  Fails ", "fails"),
        ("exit=137", "exit = 137"),
        ("exit != -1", "exit != -1"),
        ("runnable>20m", "RUNNABLE > 20m"),
        ("RUNNABLE > 90m", "RUNNABLE > 1h30m"),
        ("waiting > 100", "waiting > 100"),
        ("running = 0", "RUNNING = 0"),
        ("failed > 5 in 10m", "failed > 5 in 10m"),
        ("succeeded < 1 in 1d", "succeeded < 1 in 1d"),
        ("silent > 15m", "silent > 15m"),
        ("instances < 1", "instances < 1"),
        ("invalid", "invalid"),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected, "{text}");
        assert_eq!(told(expected), expected);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_may_stand_there() {
    let cases = [
        ("", "it ends too early (letter 1): say what to watch for: ends"),
        ("runable > 20m", "`runable` (letter 1): did you mean `RUNNABLE`?"),
        ("failed", "it ends too early (letter 7): a number within a time goes on, as in `failed > 5 in 10m`"),
        ("failed > 5", "it ends too early (letter 11): `in` and a time go on, as in `failed > 5 in 10m`"),
        ("failed > 5 on 10m", "`on` (letter 12): `in` and a time go on"),
        ("failed > 5 in 10", "`10` (letter 15): a time is a number with s, m, h or d"),
        ("failed > many in 10m", "`many` (letter 10): a whole number goes on"),
        ("failed > 10001 in 1h", "`10001` (letter 10): at most 10000 are counted"),
        ("failed < 0 in 1h", "fewer than 0 never are"),
        ("RUNNABLE < 20m", "`<` (letter 10): a time is compared by `>` alone, as in `RUNNABLE > 20m`"),
        ("RUNNABLE >> 20m", "`>>` (letter 10): how long or how many goes on"),
        ("silent > 0s", "the shortest time is 1s"),
        ("silent > 999999999999999999d", "at most 365d can be asked for"),
        ("failed > 1 in 8d", "at most 7d can be asked for"),
        ("exit = x", "`x` (letter 8): an exit code is a whole number"),
        ("ends now", "`now` (letter 6): nothing may follow here"),
        ("é ends", "`é` (letter 1): One can watch for"),
    ];
    for (text, expected) in cases {
        assert!(told(text).contains(expected), "{text}: {}", told(text));
    }
}

fuzz! {
    fn a_condition_that_is_almost_right_is_read_or_refused_with_a_place_in_the_text(text in prop_oneof![
        "(failed|succeeded|started|waiting|RUNNABLE|silent|exit|instances|ends) [<>=!]{0,2} [0-9]{0,20}[smhd]?( in [0-9]{1,4}[smhd])?",
        mutated_text("failed > 3 in 10m"),
        mutated_text("RUNNABLE > 20m"),
    ]) {
        match text.parse::<Condition>() {
            Ok(condition) => prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition)),
            Err(error) => {
                prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1);
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}

/// A world of one answer each.
#[derive(Default)]
struct World {
    job: Option<JobFacts>,
    count: u64,
    oldest: Option<Millis>,
    ground: Ground,
    passed: Vec<Millis>,
    line: Option<Millis>,
}

impl Facts for World {
    fn job(&self, _: &JobId) -> Result<JobFacts, Missing> {
        self.job.clone().ok_or(Missing::Gone)
    }

    fn count(&self, _: &Subject, _: States) -> Option<u64> {
        Some(self.count)
    }

    fn oldest(&self, _: &Subject, _: States, _: Millis) -> Result<Option<Oldest>, Missing> {
        Ok(self.oldest.map(|since| Oldest { name: "render-88".to_owned(), since }))
    }

    fn ground(&self, _: &Subject) -> Option<Ground> {
        Some(self.ground.clone())
    }

    fn passed(&self, _: &Watch, _: Passing, since: Millis) -> Option<Tally> {
        let inside: Vec<Millis> = self.passed.iter().copied().filter(|at| *at > since).collect();
        Some(Tally { count: inside.len() as u64, first: inside.first().copied() })
    }

    fn last_line(&self, _: &JobId) -> Option<Millis> {
        self.line
    }
}

const MINUTE: Millis = 60_000;

fn watch(subject: Subject, condition: &str) -> Watch {
    let condition = condition.parse().expect("a condition");
    Watch::new("w1".to_owned(), &SaveWatch { id: None, subject, condition, silenced: false }, String::new(), "ada", 0)
}

fn on_job(condition: &str) -> Watch {
    watch(Subject::Job("j".into()), condition)
}

fn on_queue(condition: &str) -> Watch {
    watch(Subject::Queue("high".to_owned()), condition)
}

fn job(status: JobStatus, exit: Option<i32>) -> World {
    let has_started = status >= JobStatus::Running;
    let facts = JobFacts { name: "j".to_owned(), status, has_started, exit, reason: None };
    World { job: Some(facts), ..World::default() }
}

#[test]
fn each_condition_holds_where_it_should_and_not_beside() {
    use JobStatus::{Failed, Runnable, Running, Succeeded};
    let ground = |health, state, instances| World {
        ground: Ground { health, state, instances, reason: None },
        ..World::default()
    };
    let (holds, not, never) = ("holds", "not", "never");
    let environment = |condition: &str| watch(Subject::Environment("ce".to_owned()), condition);
    let cases: [(Watch, World, &str); 24] = [
        (on_job("ends"), job(Failed, Some(1)), holds),
        (on_job("ends"), job(Running, None), not),
        (on_job("ends"), World::default(), never),
        (on_job("fails"), job(Failed, Some(1)), holds),
        (on_job("fails"), job(Succeeded, Some(0)), never),
        (on_job("succeeds"), job(Succeeded, Some(0)), holds),
        (on_job("starts"), job(Running, None), holds),
        (on_job("starts"), job(Runnable, None), not),
        (on_job("exit = 137"), job(Failed, Some(137)), holds),
        (on_job("exit = 137"), job(Failed, Some(1)), never),
        (on_job("exit != 0"), job(Failed, None), never),
        (on_job("RUNNABLE > 20m"), World { oldest: Some(0), ..job(Runnable, None) }, holds),
        (on_job("RUNNABLE > 20m"), World { oldest: Some(21 * MINUTE), ..job(Runnable, None) }, not),
        (on_job("RUNNABLE > 20m"), job(Succeeded, Some(0)), never),
        (on_job("silent > 15m"), World { line: Some(10 * MINUTE), ..job(Running, None) }, holds),
        (on_job("silent > 15m"), World { line: Some(29 * MINUTE), ..job(Running, None) }, not),
        (on_job("silent > 15m"), job(Runnable, None), not),
        (on_queue("waiting > 100"), World { count: 101, ..World::default() }, holds),
        (on_queue("waiting > 100"), World { count: 100, ..World::default() }, not),
        (on_queue("failed > 1 in 10m"), World { passed: vec![1, 21 * MINUTE], ..World::default() }, not),
        (on_queue("failed > 1 in 10m"), World { passed: vec![21 * MINUTE, 22 * MINUTE], ..World::default() }, holds),
        (environment("invalid"), ground(Health::Invalid, Switch::Enabled, 1), holds),
        (environment("instances < 1"), ground(Health::Valid, Switch::Enabled, 0), holds),
        (environment("disabled"), ground(Health::Valid, Switch::Enabled, 0), not),
    ];
    for (watch, world, expected) in cases {
        let judged = judge(&watch, &world, 30 * MINUTE);
        let is = match judged {
            Judgement::Holds { .. } => holds,
            Judgement::Not { .. } => not,
            Judgement::Never { .. } => never,
            Judgement::Unknown => "unknown",
        };
        assert_eq!(is, expected, "{} of {}", watch.condition, watch.of());
        assert_eq!(watch.condition.misfit(&watch.subject), None);
    }
}

#[test]
fn a_watch_fires_once_is_armed_again_with_a_margin_and_not_within_a_minute() {
    let mut watch = on_queue("waiting > 100");
    let mut told = Vec::new();
    for (minute, count) in [(1, 100), (2, 101), (3, 120), (4, 95), (5, 101), (6, 90), (7, 100), (8, 101)] {
        let world = World { count, ..World::default() };
        let now = minute * MINUTE;
        if let Some(turn) = watch.turn(&judge(&watch, &world, now), now) {
            watch.take(&turn, now);
            told.push((minute, turn));
        }
    }
    let fires = |count| Turn::Fires(format!("{count} are waiting"));
    assert_eq!(told, [(2, fires(101)), (6, Turn::Clears), (8, fires(101))]);
    assert_eq!((watch.times, watch.state()), (2, WatchState::Fired));
    let calm = World::default();
    assert_eq!(watch.turn(&judge(&watch, &calm, 8 * MINUTE + 1), 8 * MINUTE + 1), None, "it rests for a minute");
    watch.acknowledge(9 * MINUTE);
    assert_eq!(watch.state(), WatchState::Holds);
}

#[test]
fn the_end_of_a_job_is_told_once_and_for_good() {
    let mut watch = on_job("ends");
    let world = job(JobStatus::Failed, Some(137));
    let turn = watch.turn(&judge(&watch, &world, 5), 5);
    assert_eq!(turn, Some(Turn::Fires("FAILED with exit code 137".to_owned())));
    watch.take(&turn.expect("it fires"), 5);
    assert_eq!(watch.turn(&judge(&watch, &World::default(), 99 * MINUTE), 99 * MINUTE), None);
    assert!(watch.calls());
    watch.acknowledge(6);
    assert_eq!(watch.state(), WatchState::Over);
}

#[test]
fn what_is_too_few_is_not_said_before_a_whole_window_was_seen() {
    let watch = on_queue("succeeded < 1 in 1h");
    let empty = World::default();
    assert_eq!(judge(&watch, &empty, 59 * MINUTE), Judgement::Not { again: Some(60 * MINUTE) });
    assert!(matches!(judge(&watch, &empty, 60 * MINUTE), Judgement::Holds { .. }));
}

#[test]
fn a_condition_that_says_nothing_of_a_subject_is_refused_with_what_does() {
    let queue = Subject::Queue("high".to_owned());
    let condition: Condition = "silent > 15m".parse().expect("sound");
    let refusal = condition.misfit(&queue).expect("of a job alone");
    assert!(
        refusal.starts_with("`silent > 15m` says nothing of a queue; of a queue one can watch for `failed"),
        "{refusal}"
    );
    for subject in [Subject::Job("j".into()), queue, Subject::Environment("ce".to_owned())] {
        assert_eq!(Condition::usual(&subject).misfit(&subject), None);
        for example in Condition::examples(&subject) {
            let condition: Condition = example.parse().expect("an example is sound");
            assert_eq!(condition.misfit(&subject), None, "{example}");
            assert!(!condition.words().is_empty());
        }
    }
}

#[test]
fn what_is_typed_of_a_condition_is_completed_to_what_can_be_asked_of_its_subject() {
    let (job, queue) = (Subject::Job(JobId::from("j")), Subject::Queue("q".into()));
    let environment = Subject::Environment("e".into());
    let cases = [
        ("", &job, Some("ends")),
        ("ends", &job, Some("fails")),
        ("silent > 15m", &job, Some("ends")),
        ("si", &job, Some("silent > 15m")),
        ("run", &job, Some("RUNNABLE > 20m")),
        ("runni", &job, Some("RUNNING")),
        ("fai", &queue, Some("failed > 5 in 10m")),
        ("sta", &queue, Some("started")),
        ("inv", &environment, Some("invalid")),
        ("ex", &environment, None),
        ("failed > 7 in", &queue, None),
        ("zz", &queue, None),
        ("ü", &queue, None),
    ];
    for (typed, subject, expected) in cases {
        assert_eq!(Condition::completed(typed, subject).as_deref(), expected, "{typed} {subject:?}");
    }
}
