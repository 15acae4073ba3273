//! Conditions, and what each can be asked of.

use super::parse::{self, ConditionError};
use crate::model::{JobStatus, Millis, Subject};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// What a watch waits for; written as a person writes it, and read back from that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `ends`, `invalid`
    Word(Word),
    /// `exit = 137`
    Exit { compare: Compare, code: i32 },
    /// `RUNNABLE > 20m`: one has been so for longer.
    Longer { states: States, than: Millis },
    /// `waiting > 100`: so many are.
    Many { states: States, compare: Compare, count: u64 },
    /// `failed > 5 in 10m`
    Within { what: Passing, compare: Compare, count: u64, within: Millis },
    /// `instances < 1`
    Instances { compare: Compare, count: u64 },
    /// `silent > 15m`: its log had no line for longer.
    Silent { than: Millis },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Ends,
    Fails,
    Succeeds,
    Starts,
    Invalid,
    Disabled,
}

impl Word {
    pub const ALL: [Self; 6] = [Self::Ends, Self::Fails, Self::Succeeds, Self::Starts, Self::Invalid, Self::Disabled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Fails => "fails",
            Self::Succeeds => "succeeds",
            Self::Starts => "starts",
            Self::Invalid => "invalid",
            Self::Disabled => "disabled",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    More,
    Less,
    Equal,
    Unequal,
}

impl Compare {
    pub const ALL: [Self; 4] = [Self::More, Self::Less, Self::Equal, Self::Unequal];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::More => ">",
            Self::Less => "<",
            Self::Equal => "=",
            Self::Unequal => "!=",
        }
    }

    pub fn holds<T: PartialOrd + Copy>(self, value: T, bound: T) -> bool {
        match self {
            Self::More => value > bound,
            Self::Less => value < bound,
            Self::Equal => value == bound,
            Self::Unequal => value != bound,
        }
    }
}

/// The states that a word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum States {
    /// SUBMITTED, PENDING or RUNNABLE.
    Waiting,
    /// One that a job can be in for a while.
    One(JobStatus),
}

impl States {
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::One(JobStatus::Submitted),
        Self::One(JobStatus::Pending),
        Self::One(JobStatus::Runnable),
        Self::One(JobStatus::Starting),
        Self::One(JobStatus::Running),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::One(status) => status.as_str(),
        }
    }

    pub fn hold(self, status: JobStatus) -> bool {
        match self {
            Self::Waiting => status.is_waiting(),
            Self::One(one) => one == status,
        }
    }

    pub fn each(self) -> impl Iterator<Item = JobStatus> {
        JobStatus::ALL.into_iter().filter(move |status| self.hold(*status))
    }
}

/// What happens at a moment and can be counted over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    Failed,
    Succeeded,
    Started,
}

impl Passing {
    pub const ALL: [Self; 3] = [Self::Failed, Self::Succeeded, Self::Started];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Started => "started",
        }
    }

    /// The state that a job enters then.
    pub fn status(self) -> JobStatus {
        match self {
            Self::Failed => JobStatus::Failed,
            Self::Succeeded => JobStatus::Succeeded,
            Self::Started => JobStatus::Running,
        }
    }
}

/// A length of time as it is written: `90s`, `20m`, `1h30m`, `2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given(pub Millis);

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0 / 1_000;
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word.as_str()),
            Self::Exit { compare, code } => write!(f, "exit {} {code}", compare.as_str()),
            Self::Longer { states, than } => write!(f, "{} > {}", states.as_str(), Given(*than)),
            Self::Many { states, compare, count } => write!(f, "{} {} {count}", states.as_str(), compare.as_str()),
            Self::Within { what, compare, count, within } => {
                write!(f, "{} {} {count} in {}", what.as_str(), compare.as_str(), Given(*within))
            }
            Self::Instances { compare, count } => write!(f, "instances {} {count}", compare.as_str()),
            Self::Silent { than } => write!(f, "silent > {}", Given(*than)),
        }
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        parse::condition(text)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Condition {
    /// What a watch is for where nobody says more: the end of a job, failures in a queue, an environment's fault.
    pub fn usual(subject: &Subject) -> Self {
        match subject {
            Subject::Job(_) => Self::Word(Word::Ends),
            Subject::Queue(_) => {
                Self::Within { what: Passing::Failed, compare: Compare::More, count: 0, within: 600_000 }
            }
            Subject::Environment(_) => Self::Word(Word::Invalid),
        }
    }

    /// A few that can be asked of a subject, to learn from.
    pub fn examples(subject: &Subject) -> &'static [&'static str] {
        match subject {
            Subject::Job(_) => &["ends", "fails", "starts", "exit = 137", "RUNNABLE > 20m", "silent > 15m"],
            Subject::Queue(_) => &["failed > 5 in 10m", "waiting > 100", "RUNNABLE > 20m", "succeeded < 1 in 1h"],
            Subject::Environment(_) => &["invalid", "instances < 1", "disabled"],
        }
    }

    /// How what is typed of a condition of this subject may go on: to the first example that begins so, or to a word that
    /// does; from a whole example to the next one.
    pub fn completed(typed: &str, subject: &Subject) -> Option<String> {
        let examples = Self::examples(subject);
        let typed = typed.trim();
        if let Some(at) = examples.iter().position(|example| example.eq_ignore_ascii_case(typed)) {
            return examples.get((at + 1) % examples.len()).map(|example| (*example).to_owned());
        }
        let begins = |word: &&str| {
            word.get(..typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(typed)) && word.len() > typed.len()
        };
        // With what may stand behind a word that goes on.
        let fits = |word: &&str| {
            let whole = ["", " = 1", " > 1m", " > 1 in 1m"].map(|rest| format!("{word}{rest}").parse::<Self>());
            whole.into_iter().flatten().any(|condition| condition.misfit(subject).is_none())
        };
        let example = examples.iter().copied().find(begins);
        example.or_else(|| parse::firsts().find(|word| begins(word) && fits(word))).map(str::to_owned)
    }

    /// Whether it comes true once and stays so.
    pub fn is_once(&self) -> bool {
        let words = [Word::Ends, Word::Fails, Word::Succeeds, Word::Starts];
        matches!(self, Self::Exit { .. }) || matches!(self, Self::Word(word) if words.contains(word))
    }

    /// Why it cannot be asked of this subject, if it cannot.
    pub fn misfit(&self, subject: &Subject) -> Option<String> {
        use Subject::{Environment, Job, Queue};
        let fits = match self {
            Self::Word(Word::Invalid | Word::Disabled) => !matches!(subject, Job(_)),
            Self::Exit { .. } | Self::Silent { .. } | Self::Word(_) => matches!(subject, Job(_)),
            Self::Longer { .. } | Self::Many { .. } | Self::Within { .. } => !matches!(subject, Environment(_)),
            Self::Instances { .. } => matches!(subject, Environment(_)),
        };
        let what = match subject {
            Job(_) => "a job",
            Queue(_) => "a queue",
            Environment(_) => "an environment",
        };
        let can = || Self::examples(subject).join("`, `");
        (!fits).then(|| format!("`{self}` says nothing of {what}; of {what} one can watch for `{}`", can()))
    }

    /// In words, as a sentence goes on after the subject.
    pub fn words(&self) -> String {
        let than = |compare: Compare| match compare {
            Compare::More => "more than",
            Compare::Less => "fewer than",
            Compare::Equal => "exactly",
            Compare::Unequal => "other than",
        };
        match self {
            Self::Word(Word::Ends) => "ends, whatever comes of it".to_owned(),
            Self::Word(Word::Invalid) => "becomes INVALID".to_owned(),
            Self::Word(Word::Disabled) => "is DISABLED".to_owned(),
            Self::Word(word) => word.as_str().to_owned(),
            Self::Exit { compare: Compare::Equal, code } => format!("ends with exit code {code}"),
            Self::Exit { compare: Compare::Unequal, code } => format!("ends with an exit code that is not {code}"),
            Self::Exit { compare, code } => format!("ends with an exit code {} {code}", compare.as_str()),
            Self::Longer { states, than } => format!("a job is {} for more than {}", states.as_str(), Given(*than)),
            Self::Many { states, compare, count } => format!("{} {count} are {}", than(*compare), states.as_str()),
            Self::Within { what, compare, count: 0, within } if *compare == Compare::More => {
                format!("one has {} in the last {}", what.as_str(), Given(*within))
            }
            Self::Within { what, compare, count, within } => {
                format!("{} {count} {} in the last {}", than(*compare), what.as_str(), Given(*within))
            }
            Self::Instances { compare, count } => format!("has {} {count} instances", than(*compare)),
            Self::Silent { than } => format!("has printed nothing for more than {}", Given(*than)),
        }
    }
}
