//! The arguments that say what to run: of `submit`, and of `schedule create`.

use super::Format;
use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

pub const EXAMPLES: &str = "\
Examples:
  batchdeck submit -- make -j4 all
  batchdeck submit --wait --timeout 10m --attempts 3 -- ./fetch.sh
  batchdeck submit --definition resize --parameter width=640 --array 100
  batchdeck submit --depends-on 3f2a77aa --name publish -- ./publish.sh
  batchdeck submit --array 100 --depends-on 3f2a77aa:N_TO_N -- ./convert.sh
  batchdeck submit --queue trainings --payload train.json

The id of the job is all that goes to standard output, so that `ID=$(batchdeck submit …)` works.";

pub const SCHEDULE_EXAMPLES: &str = "\
Examples:
  batchdeck schedule create nightly 'cron(30 2 ? * MON-FRI *)' --zone Europe/Zurich -- ./report.sh
  batchdeck schedule create ping 'rate(5 minutes)' --queue high --definition ping";

#[derive(Debug, Args)]
pub struct SubmitArgs {
    #[command(flatten)]
    pub what: WhatToRun,
    /// Wait for a job: `ID` until it has succeeded, `ID:N_TO_N` child by child of two arrays, `SEQUENTIAL` for the
    /// children of this array one after the other.
    #[arg(long, value_name = "ID[:KIND]")]
    pub depends_on: Vec<DependsOn>,
    /// Submit a service job (SageMaker training): this file, a request to the service in JSON; `-` is standard input. The
    /// queue is one of that kind.
    #[arg(
        long,
        value_name = "FILE",
        requires = "queue",
        conflicts_with_all = [
            "definition", "parameter", "env", "workdir", "array", "nodes", "vcpus", "memory", "consumable", "command",
            "depends_on",
        ]
    )]
    pub payload: Option<PathBuf>,
    /// Quota share of a service job, in a queue that has such.
    #[arg(long, value_name = "NAME", requires = "payload", conflicts_with = "share")]
    pub quota_share: Option<String>,
    /// Wait for its end, and exit with its code.
    #[arg(long)]
    pub wait: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

// As a comment of documentation this would be the help of each verb that takes it.
// What a job is made of.
#[derive(Debug, Clone, Default, Args)]
pub struct WhatToRun {
    /// Queue; `default` if not said, or the only one there is.
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Job definition, `NAME` or `NAME:REVISION`.
    #[arg(long, value_name = "NAME", default_value = "host")]
    pub definition: String,
    /// Name of the job; made from the command if not said.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Replaces `Ref::K` in the definition's command.
    #[arg(long, value_name = "K=V")]
    pub parameter: Vec<Pair>,
    /// Environment variable of the job.
    #[arg(long, value_name = "K=V")]
    pub env: Vec<Pair>,
    /// Directory in which the command runs; local engine only.
    #[arg(long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// Submit an array of 2 to 10000 children; each finds its number in `AWS_BATCH_JOB_ARRAY_INDEX`.
    #[arg(long, value_name = "N")]
    pub array: Option<u32>,
    /// Run a multi-node definition on so many nodes; command, variables and sizes are then those of every node.
    #[arg(long, value_name = "N", conflicts_with = "array")]
    pub nodes: Option<u32>,
    /// Place in its queue, 0 to 9999, larger first; on AWS, only among the jobs of one share.
    #[arg(long, value_name = "N")]
    pub priority: Option<i32>,
    /// End an attempt that runs longer: seconds, or 5m, 2h, 1d; at least a minute.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<Seconds>,
    /// Try so many times, 1 to 10, until it succeeds.
    #[arg(long, value_name = "N")]
    pub attempts: Option<u32>,
    /// Try again only after what matches, and end at all else: `exit=13*`, `reason=OutOfMemory*`, `status=Host EC2*`.
    #[arg(long, value_name = "WHAT=PATTERN", requires = "attempts")]
    pub retry_on: Vec<Pair>,
    /// vCPUs to reserve.
    #[arg(long, value_name = "N")]
    pub vcpus: Option<String>,
    /// Memory to reserve, in MiB.
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u64>,
    /// Share identifier, for queues with a scheduling policy.
    #[arg(long, value_name = "NAME")]
    pub share: Option<String>,
    /// What it takes of a consumable resource while it runs.
    #[arg(long, value_name = "NAME=N")]
    pub consumable: Vec<Pair>,
    /// Tag of the job.
    #[arg(long, value_name = "K=V")]
    pub tag: Vec<Pair>,
    /// Command to run, in place of the definition's; options after its first word are its own.
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `K=V`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub key: String,
    pub value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            _ => Err("write a name, `=`, and a value".to_owned()),
        }
    }
}

/// A length of time, written in seconds or with one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err("write seconds, or a number with s, m, h or d".to_owned()),
        };
        let number: u32 = digits.parse().map_err(|_| "write seconds, or a number with s, m, h or d".to_owned())?;
        number.checked_mul(unit).map(Self).ok_or_else(|| "that is too long".to_owned())
    }
}

/// A moment, in RFC 3339: `2027-01-31T02:30:00Z`. In epoch seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = chrono::DateTime::parse_from_rfc3339(text);
        read.map(|time| Self(time.timestamp())).map_err(|_| "write it as 2027-01-31T02:30:00Z".to_owned())
    }
}

/// One `--depends-on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependsOn {
    /// An id or the beginning of one.
    pub id: Option<String>,
    pub kind: Option<Among>,
}

/// How children of arrays depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Each on the one of the same index in the other array.
    NToN,
    /// Each on the one before it.
    Sequential,
}

impl FromStr for DependsOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind_of = |word: &str| match word.to_ascii_uppercase().as_str() {
            "N_TO_N" => Some(Among::NToN),
            "SEQUENTIAL" => Some(Among::Sequential),
            _ => None,
        };
        // An array's child has its number behind a colon as well, and an ARN its last part: `3f2a:7@prod`, `…:job/3f2a`.
        let is_of_id = |word: &str| word.contains('/') || word.starts_with(|letter: char| letter.is_ascii_digit());
        let (id, kind) = match (kind_of(text), text.rsplit_once(':')) {
            (Some(kind), _) => (None, Some(kind)),
            (None, Some((id, word))) if kind_of(word).is_some() => (Some(id.to_owned()), kind_of(word)),
            (None, Some((_, word))) if !is_of_id(word) => {
                return Err(format!("`{word}` is no kind of dependency; there are N_TO_N and SEQUENTIAL"));
            }
            _ => (Some(text.to_owned()), None),
        };
        match (&id, kind) {
            (Some(id), _) if id.is_empty() => Err("name a job: ID, ID:N_TO_N, or SEQUENTIAL".to_owned()),
            (None, Some(Among::NToN)) => Err("N_TO_N needs the other array's id: ID:N_TO_N".to_owned()),
            _ => Ok(Self { id, kind }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_an_id_with_or_without_a_kind_or_sequential_alone() {
        let on = |id: Option<&str>, kind| Ok(DependsOn { id: id.map(str::to_owned), kind });
        let cases = [
            ("3f2a", on(Some("3f2a"), None)),
            ("3f2a:7", on(Some("3f2a:7"), None)),
            ("3f2a:N_TO_N", on(Some("3f2a"), Some(Among::NToN))),
            ("3f2a:n_to_n", on(Some("3f2a"), Some(Among::NToN))),
            ("SEQUENTIAL", on(None, Some(Among::Sequential))),
            ("3f2a:SEQUENTIAL", on(Some("3f2a"), Some(Among::Sequential))),
        ];
        for (given, expected) in cases {
            assert_eq!(given.parse::<DependsOn>(), expected, "{given}");
        }
        for wrong in ["", "N_TO_N", ":N_TO_N"] {
            assert!(wrong.parse::<DependsOn>().is_err(), "{wrong}");
        }
        for wrong in ["3f2a:WRONG", "3f2a:n-to-n", "3f2a:", "3f2a:7:SEQ"] {
            let refusal = wrong.parse::<DependsOn>().expect_err(wrong);
            assert!(refusal.ends_with("there are N_TO_N and SEQUENTIAL"), "{wrong}: {refusal}");
        }
        for id in ["3f2a:7@prod", "arn:aws:batch:us-east-1:123456789012:job/3f2a"] {
            assert_eq!(id.parse(), on(Some(id), None));
        }
    }

    #[test]
    fn a_time_is_seconds_or_a_number_with_a_unit() {
        let cases = [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400)];
        for (given, expected) in cases {
            assert_eq!(given.parse(), Ok(Seconds(expected)), "{given}");
        }
        for wrong in ["", "m", "5w", "-5", "1.5h", "99999999d"] {
            assert!(wrong.parse::<Seconds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pair_may_have_an_empty_value_and_more_equal_signs_but_needs_a_name() {
        let pair = |key: &str, value: &str| Ok(Pair { key: key.to_owned(), value: value.to_owned() });
        assert_eq!("A=".parse(), pair("A", ""));
        assert_eq!("A=b=c".parse(), pair("A", "b=c"));
        assert!("=b".parse::<Pair>().is_err());
        assert!("A".parse::<Pair>().is_err());
    }
}
