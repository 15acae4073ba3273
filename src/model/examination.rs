//! *Ours*: what an examination of a context found.

use serde::{Deserialize, Serialize};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub area: Area,
    /// `credentials`, or AWS's name of a permission: `batch:ListJobs`.
    pub what: String,
    pub verdict: Verdict,
    /// What was found, for a person.
    pub told: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Who and where one is, and whether anybody answers.
    Context,
    /// What it takes to look.
    Reading,
    /// What it takes to act.
    Operating,
    /// The terminal that the console would open in.
    Terminal,
}

impl Area {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Reading => "reading",
            Self::Operating => "operating",
            Self::Terminal => "terminal",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    /// It works with less.
    Less,
    Bad,
    /// It could not be found out.
    Unknown,
}

impl Finding {
    pub fn new(area: Area, what: impl Into<String>, verdict: Verdict, told: impl Into<String>) -> Self {
        Self { area, what: what.into(), verdict, told: told.into(), mend: None }
    }

    #[must_use]
    pub fn mended_by(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }
}
