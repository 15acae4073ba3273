//! What a rule is.

use super::case::Case;
use super::cause::{Cause, Certainty, Fact, NextStep};
use crate::model::{JobStatus, Subject};

/// One line of the catalogue.
pub struct Rule {
    /// As in the catalogue.
    pub id: &'static str,
    /// What it says where it fires.
    pub title: &'static str,
    pub about: About,
    /// What is not so where it was looked for and not found: for the list of what was ruled out. Empty: nobody asks for it.
    pub rules_out: &'static str,
    pub find: Find,
}

/// What the rule finds; `None` rules it out, and a missing piece leaves it open.
pub type Find = fn(&Case<'_>) -> Result<Option<Finding>, Unread>;

/// What a rule can be asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A job in one of these states; of a queue, the one at its head.
    Jobs(&'static [JobStatus]),
    /// A job that stands in its queue to be placed: RUNNABLE, or an array with children that are.
    Placeable,
    /// A queue, alone or that of a waiting job.
    Queues,
    /// A compute environment alone.
    Environments,
}

impl About {
    pub fn covers(self, case: &Case<'_>) -> bool {
        match self {
            Self::Jobs(states) => case.job.is_some_and(|job| states.contains(&job.status)),
            Self::Placeable => case.is_placeable(),
            Self::Queues => {
                matches!(case.evidence.subject, Subject::Queue(_))
                    || case.job.is_some_and(|job| job.status.is_waiting())
            }
            Self::Environments => matches!(case.evidence.subject, Subject::Environment(_)),
        }
    }
}

/// A piece that a rule needs and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub what: &'static str,
    /// `None`: nobody asked for it, or there is no such thing here.
    pub why: Option<String>,
}

impl Unread {
    /// The rule says nothing of this subject: it is neither ruled out nor open.
    pub const BESIDE_THE_POINT: Self = Self { what: "", why: None };
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    certainty: Certainty,
    /// In place of the rule's own.
    title: Option<String>,
    why: String,
    facts: Vec<Fact>,
    steps: Vec<NextStep>,
}

impl Finding {
    pub fn new(certainty: Certainty, why: impl Into<String>) -> Self {
        Self { certainty, title: None, why: why.into(), facts: Vec::new(), steps: Vec::new() }
    }

    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    #[must_use]
    pub fn fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    #[must_use]
    pub fn facts(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.facts.extend(facts);
        self
    }

    #[must_use]
    pub fn step(mut self, step: NextStep) -> Self {
        self.steps.push(step);
        self
    }

    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = NextStep>) -> Self {
        self.steps.extend(steps);
        self
    }

    pub fn into_cause(self, rule: &Rule) -> Cause {
        Cause {
            rule: rule.id,
            title: self.title.unwrap_or_else(|| rule.title.to_owned()),
            certainty: self.certainty,
            why: self.why,
            evidence: self.facts,
            steps: self.steps,
        }
    }
}

/// A rule about jobs that have FAILED.
pub const fn of_failed(id: &'static str, title: &'static str, rules_out: &'static str, find: Find) -> Rule {
    Rule { id, title, about: About::Jobs(&[JobStatus::Failed]), rules_out, find }
}

/// A finding, for the end of a rule.
#[expect(clippy::unnecessary_wraps, reason = "it is what a rule returns")]
pub fn found(finding: Finding) -> Result<Option<Finding>, Unread> {
    Ok(Some(finding))
}
