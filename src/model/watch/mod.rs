//! What is watched for while nobody looks: a job, a queue or an environment, and a condition on it.
//!
//! The condition is a text that a person remembers ([`Condition`]); whether it holds is worked out from facts alone
//! ([`judge()`]). Whoever keeps watches feeds the facts in and notes what comes of it ([`Watch::take`]).

mod condition;
mod judge;
mod parse;
#[cfg(test)]
mod tests;

pub use condition::{Compare, Condition, Given, Passing, States, Word};
pub use judge::{Facts, Ground, JobFacts, Judgement, Missing, Oldest, Tally, Turn, judge, times_kept};
pub use parse::ConditionError;

use super::{JobId, Millis, Subject};
use serde::{Deserialize, Serialize};

/// So many of its firings a watch remembers.
const FIRINGS_KEPT: usize = 20;
/// So many watches are kept at most.
pub const WATCHES_KEPT: usize = 200;
/// After it has fired a watch does not fire again sooner.
const REST: Millis = 60_000;

/// A watch: what it is for, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// `w1`
    pub id: String,
    pub subject: Subject,
    /// The name of the job, as far as it was known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub condition: Condition,
    /// Who made it.
    #[serde(default)]
    pub by: String,
    #[serde(default)]
    pub created_at: Millis,
    /// It goes on, and nobody is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// It has fired, and its condition holds since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// How often it has fired.
    #[serde(default)]
    pub times: u32,
    /// The last of these, the newest at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firings: Vec<Firing>,
    /// Someone has taken note of what fired up to then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Millis>,
    /// Why it can fire no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// A condition came true: when, and by what that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    pub at: Millis,
    pub why: String,
}

/// What is asked of whoever keeps watches: to make one, or to change the one of this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SaveWatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub subject: Subject,
    pub condition: Condition,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
}

/// What an occurrence tells of a watch that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FiredWatch {
    pub id: String,
    pub subject: Subject,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub condition: Condition,
    pub why: String,
}

/// How a watch stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchState {
    /// It has fired, and nobody has taken note of it.
    Fired,
    /// It has fired and was taken note of, and its condition holds still.
    Holds,
    Armed,
    Silenced,
    Over,
}

impl WatchState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "FIRED",
            Self::Holds => "holds",
            Self::Armed => "armed",
            Self::Silenced => "silenced",
            Self::Over => "over",
        }
    }
}

impl Watch {
    pub fn new(id: String, save: &SaveWatch, name: String, by: &str, at: Millis) -> Self {
        Self {
            id,
            subject: save.subject.clone(),
            name,
            condition: save.condition.clone(),
            by: by.to_owned(),
            created_at: at,
            silenced: save.silenced,
            holds: false,
            times: 0,
            firings: Vec::new(),
            acknowledged_at: None,
            over: None,
        }
    }

    /// What it is once it is changed. Another subject or condition begins anew; what has fired stays recorded.
    #[must_use]
    pub fn changed(&self, save: &SaveWatch, name: String, at: Millis) -> Self {
        let mut changed = self.clone();
        changed.silenced = save.silenced;
        if (&self.subject, &self.condition) != (&save.subject, &save.condition) {
            changed.subject = save.subject.clone();
            changed.condition = save.condition.clone();
            changed.name = name;
            (changed.holds, changed.over, changed.created_at) = (false, None, at);
        }
        changed
    }

    pub fn last_firing(&self) -> Option<&Firing> {
        self.firings.last()
    }

    /// It has fired, and nobody has taken note of it since.
    pub fn is_unseen(&self) -> bool {
        self.last_firing().is_some_and(|firing| self.acknowledged_at.is_none_or(|seen| seen < firing.at))
    }

    /// An operator ought to look at it.
    pub fn calls(&self) -> bool {
        self.is_unseen() && !self.silenced
    }

    pub fn state(&self) -> WatchState {
        match self {
            _ if self.silenced => WatchState::Silenced,
            _ if self.is_unseen() => WatchState::Fired,
            Self { over: Some(_), .. } => WatchState::Over,
            _ if self.holds && self.condition.is_once() => WatchState::Over,
            _ if self.holds => WatchState::Holds,
            _ => WatchState::Armed,
        }
    }

    /// Whether it can still fire.
    pub fn is_live(&self) -> bool {
        self.over.is_none() && !(self.holds && self.condition.is_once())
    }

    pub fn fire(&mut self, at: Millis, why: &str) {
        self.holds = true;
        self.times += 1;
        self.firings.push(Firing { at, why: why.to_owned() });
        if self.firings.len() > FIRINGS_KEPT {
            self.firings.remove(0);
        }
    }

    pub fn acknowledge(&mut self, at: Millis) {
        self.acknowledged_at = Some(at);
    }

    /// What becomes of it, as it was judged: it fires, is armed again, or is over. `None`: nothing.
    ///
    /// It is armed again once its condition does not hold any more, but for those of which there is one end, and not within a
    /// minute of its firing.
    pub fn turn(&self, judgement: &Judgement, now: Millis) -> Option<Turn> {
        match judgement {
            _ if !self.is_live() => None,
            Judgement::Holds { why, .. } if !self.holds => Some(Turn::Fires(why.clone())),
            Judgement::Not { .. } if self.holds && now >= self.rests_until() => Some(Turn::Clears),
            Judgement::Never { why } => Some(Turn::Ends(why.clone())),
            _ => None,
        }
    }

    /// Until when it does not become armed again.
    pub fn rests_until(&self) -> Millis {
        self.last_firing().map_or(0, |firing| firing.at + REST)
    }

    pub fn take(&mut self, turn: &Turn, at: Millis) {
        match turn {
            Turn::Fires(why) => self.fire(at, why),
            Turn::Clears => self.holds = false,
            Turn::Ends(why) => self.over = Some(why.clone()),
        }
    }

    /// The subject as a person names it.
    pub fn of(&self) -> String {
        subject_name(&self.subject, &self.name)
    }

    pub fn fired(&self, why: &str) -> FiredWatch {
        FiredWatch {
            id: self.id.clone(),
            subject: self.subject.clone(),
            name: self.name.clone(),
            condition: self.condition.clone(),
            why: why.to_owned(),
        }
    }
}

/// `render-88 (3f2a77aa)`, `queue high`.
fn subject_name(subject: &Subject, name: &str) -> String {
    match subject {
        Subject::Job(id) if name.is_empty() => format!("job {}", short(id)),
        Subject::Job(id) => format!("{name} ({})", short(id)),
        Subject::Queue(queue) => format!("queue {queue}"),
        Subject::Environment(environment) => format!("environment {environment}"),
    }
}

impl FiredWatch {
    pub fn of(&self) -> String {
        subject_name(&self.subject, &self.name)
    }
}

/// The beginning of an id, with the index of a child.
fn short(id: &JobId) -> String {
    let text = id.as_str();
    let head = text.get(..8).unwrap_or(text);
    match text.find([':', '#']) {
        Some(at) => format!("{head}{}", &text[at..]),
        None => head.to_owned(),
    }
}
