//! Whether a condition holds, from facts alone; and when time by itself may change that.

use super::Watch;
use super::condition::{Compare, Condition, Given, Passing, States, Word};
use crate::model::{Health, JobId, JobStatus, Millis, Subject, Switch};

/// What is known of the world; each answer is as it is now.
pub trait Facts {
    fn job(&self, id: &JobId) -> Result<JobFacts, Missing>;
    /// How many jobs of the subject are in these states; children count, their array does not.
    fn count(&self, subject: &Subject, states: States) -> Option<u64>;
    /// The job of the subject that has been in these states for longest, or any that has been since `before`.
    fn oldest(&self, subject: &Subject, states: States, before: Millis) -> Result<Option<Oldest>, Missing>;
    /// How a queue or an environment stands.
    fn ground(&self, subject: &Subject) -> Option<Ground>;
    /// What of this passed since a time.
    fn passed(&self, watch: &Watch, what: Passing, since: Millis) -> Option<Tally>;
    /// When a job that runs printed its last line, or started.
    fn last_line(&self, job: &JobId) -> Option<Millis>;
}

/// Why there are no facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// There is no such thing any more.
    Gone,
    /// It was not read.
    NotRead,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFacts {
    pub name: String,
    pub status: JobStatus,
    pub has_started: bool,
    pub exit: Option<i32>,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oldest {
    pub name: String,
    pub since: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ground {
    pub health: Health,
    pub state: Switch,
    pub reason: Option<String>,
    pub instances: u64,
}

/// How many passed, and when the first of them did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub count: u64,
    pub first: Option<Millis>,
}

/// How a condition stands. `again`: when time alone may change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    Holds {
        why: String,
        again: Option<Millis>,
    },
    Not {
        again: Option<Millis>,
    },
    /// It can come true no more.
    Never {
        why: String,
    },
    /// What decides it was not read.
    Unknown,
}

/// What becomes of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Fires(String),
    /// It is armed again.
    Clears,
    /// It can fire no more.
    Ends(String),
}

/// How many of the last times are enough to judge by.
pub fn times_kept(condition: &Condition) -> usize {
    match condition {
        Condition::Within { count, .. } => usize::try_from(*count).unwrap_or(usize::MAX).saturating_add(1),
        _ => 0,
    }
}

/// Judges a watch by what is known.
pub fn judge(watch: &Watch, facts: &dyn Facts, now: Millis) -> Judgement {
    match &watch.condition {
        Condition::Word(Word::Invalid) => ground(watch, facts, |ground| {
            let why = || ground.reason.as_deref().map_or("it is INVALID".to_owned(), |why| format!("INVALID: {why}"));
            (ground.health == Health::Invalid).then(why)
        }),
        Condition::Word(Word::Disabled) => {
            ground(watch, facts, |ground| (ground.state == Switch::Disabled).then(|| "it is DISABLED".to_owned()))
        }
        Condition::Instances { compare, count } => ground(watch, facts, |ground| {
            let holds = compare.holds(ground.instances, *count);
            holds.then(|| format!("it has {}", counted(ground.instances, "instance")))
        }),
        Condition::Word(word) => of_job(watch, facts, |job| ending(*word, job)),
        Condition::Exit { compare, code } => of_job(watch, facts, |job| exit(*compare, *code, job)),
        Condition::Longer { states, than } => longer(watch, facts, *states, *than, now),
        Condition::Many { states, compare, count } => match facts.count(&watch.subject, *states) {
            None => Judgement::Unknown,
            Some(is) if compare.holds(is, eased(watch, *compare, *count)) => {
                Judgement::Holds { why: format!("{is} are {}", states.as_str()), again: None }
            }
            Some(_) => over_with_its_job(watch, facts).unwrap_or(Judgement::Not { again: None }),
        },
        Condition::Within { what, compare, count, within } => {
            let bound = eased(watch, *compare, *count);
            passed(watch, facts, Window { what: *what, compare: *compare, bound, within: *within }, now)
        }
        Condition::Silent { than } => silent(watch, facts, *than, now),
    }
}

/// While it holds, a count has to come down by a tenth before it is said not to hold: one that goes to and fro at the
/// bound does not fire each time.
fn eased(watch: &Watch, compare: Compare, bound: u64) -> u64 {
    match compare {
        Compare::More if watch.holds => bound - bound / 10,
        Compare::Less if watch.holds => bound + bound / 10,
        _ => bound,
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn ground(watch: &Watch, facts: &dyn Facts, why: impl Fn(&Ground) -> Option<String>) -> Judgement {
    match facts.ground(&watch.subject) {
        None => Judgement::Unknown,
        Some(found) => match why(&found) {
            Some(why) => Judgement::Holds { why, again: None },
            None => Judgement::Not { again: None },
        },
    }
}

fn job_of(watch: &Watch) -> Option<&JobId> {
    match &watch.subject {
        Subject::Job(id) => Some(id),
        Subject::Queue(_) | Subject::Environment(_) => None,
    }
}

const GONE: &str = "the job is not known any more";

fn of_job(watch: &Watch, facts: &dyn Facts, judged: impl Fn(&JobFacts) -> Judgement) -> Judgement {
    let Some(id) = job_of(watch) else { return Judgement::Never { why: "it is no job".to_owned() } };
    match facts.job(id) {
        Ok(job) => judged(&job),
        Err(Missing::Gone) => Judgement::Never { why: GONE.to_owned() },
        Err(Missing::NotRead) => Judgement::Unknown,
    }
}

/// A job that has ended waits, runs and prints no more.
fn over_with_its_job(watch: &Watch, facts: &dyn Facts) -> Option<Judgement> {
    match facts.job(job_of(watch)?) {
        Ok(job) if job.status.is_final() => Some(Judgement::Never { why: told(&job) }),
        Ok(_) => None,
        Err(Missing::Gone) => Some(Judgement::Never { why: GONE.to_owned() }),
        Err(Missing::NotRead) => Some(Judgement::Unknown),
    }
}

/// `FAILED with exit code 137: OutOfMemoryError`
fn told(job: &JobFacts) -> String {
    let exit = job.exit.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let reason = job.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{exit}{reason}", job.status)
}

fn ending(word: Word, job: &JobFacts) -> Judgement {
    let holds = || Judgement::Holds { why: told(job), again: None };
    let ended = job.status.is_final();
    match word {
        Word::Ends if ended => holds(),
        Word::Fails if job.status == JobStatus::Failed => holds(),
        Word::Succeeds if job.status == JobStatus::Succeeded => holds(),
        Word::Starts if job.has_started => holds(),
        _ if ended => Judgement::Never { why: told(job) },
        _ => Judgement::Not { again: None },
    }
}

fn exit(compare: Compare, code: i32, job: &JobFacts) -> Judgement {
    match job.exit {
        _ if !job.status.is_final() => Judgement::Not { again: None },
        Some(is) if compare.holds(is, code) => Judgement::Holds { why: told(job), again: None },
        Some(_) => Judgement::Never { why: told(job) },
        None => Judgement::Never { why: format!("{}, without an exit code", told(job)) },
    }
}

fn longer(watch: &Watch, facts: &dyn Facts, states: States, than: Millis, now: Millis) -> Judgement {
    let before = now - than;
    match facts.oldest(&watch.subject, states, before) {
        Err(Missing::NotRead) => Judgement::Unknown,
        Err(Missing::Gone) if job_of(watch).is_some() => Judgement::Never { why: GONE.to_owned() },
        Ok(Some(oldest)) if oldest.since <= before => {
            let why = format!("{} is {} for {}", oldest.name, states.as_str(), Given(now - oldest.since));
            Judgement::Holds { why, again: None }
        }
        Ok(Some(oldest)) => Judgement::Not { again: Some(oldest.since + than) },
        // What comes into the state later is there for longer later still.
        Ok(None) | Err(Missing::Gone) => {
            over_with_its_job(watch, facts).unwrap_or(Judgement::Not { again: Some(now + than) })
        }
    }
}

#[derive(Clone, Copy)]
struct Window {
    what: Passing,
    compare: Compare,
    bound: u64,
    within: Millis,
}

fn passed(watch: &Watch, facts: &dyn Facts, window: Window, now: Millis) -> Judgement {
    let Window { what, compare, bound, within } = window;
    // What there was before it was made says nothing yet of what is fewer.
    let full = watch.created_at + within;
    if now < full && matches!(compare, Compare::Less | Compare::Equal | Compare::Unequal) {
        return Judgement::Not { again: Some(full) };
    }
    let Some(tally) = facts.passed(watch, what, now - within) else { return Judgement::Unknown };
    let again = tally.first.map(|first| first + within + 1);
    if compare.holds(tally.count, bound) {
        let why = format!("{} {} in the last {}", tally.count, what.as_str(), Given(within));
        return Judgement::Holds { why, again };
    }
    match over_with_its_job(watch, facts) {
        Some(over) if again.is_none() || compare == Compare::More => over,
        _ => Judgement::Not { again },
    }
}

fn silent(watch: &Watch, facts: &dyn Facts, than: Millis, now: Millis) -> Judgement {
    if let Some(over) = over_with_its_job(watch, facts) {
        return over;
    }
    match job_of(watch).and_then(|job| facts.last_line(job)) {
        // It does not run yet.
        None => Judgement::Not { again: None },
        Some(last) if now - last >= than => {
            Judgement::Holds { why: format!("it has printed nothing for {}", Given(now - last)), again: None }
        }
        Some(last) => Judgement::Not { again: Some(last + than) },
    }
}
