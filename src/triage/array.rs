//! An array by its children: when it will be done, and which of them failed in which way.

use super::failures::Ending;
use crate::model::{JobStatus, JobSummary, Millis};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The rate is taken over so many children that ended last, and not from fewer than that.
const ENDS: usize = 50;
const LEAST: usize = 5;

/// How long it takes until all `size` children have ended, by the rate at which they did of late; `None` where nothing
/// runs, all is over, or too few have ended to tell. All children must be known.
pub fn time_left<'c>(children: impl Iterator<Item = &'c JobSummary>, size: u32, now: Millis) -> Option<Millis> {
    let mut ends: Vec<Millis> = Vec::new();
    let mut placed = false;
    for child in children {
        placed |= child.status.is_placed();
        ends.extend(child.stopped_at.filter(|_| child.status.is_final()));
    }
    let left = (size as usize).checked_sub(ends.len()).filter(|left| *left > 0 && placed)?;
    let last = ENDS.min(ends.len());
    if last < LEAST {
        return None;
    }
    ends.select_nth_unstable_by_key(last - 1, |at| Reverse(*at));
    // Up to now: a rate sinks while nothing ends.
    let span = (now - ends[last - 1]).max(1);
    let (left, last) = (Millis::try_from(left).ok()?, Millis::try_from(last).ok()?);
    span.checked_mul(left).map(|time| time / last)
}

/// Children that failed in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// `exit 137 OutOfMemoryError: …`
    pub ending: Ending,
    /// In their order.
    pub indexes: Vec<u32>,
}

/// The children that failed, by how they ended: the most frequent way first.
pub fn failed<'c>(children: impl Iterator<Item = &'c JobSummary>) -> Vec<Failed> {
    let mut ways: BTreeMap<Ending, Vec<u32>> = BTreeMap::new();
    for child in children.filter(|child| child.status == JobStatus::Failed) {
        ways.entry(Ending::of(child)).or_default().extend(child.job_id.part().map(|(_, index)| index));
    }
    let mut ways: Vec<Failed> = ways
        .into_iter()
        .map(|(ending, mut indexes)| {
            indexes.sort_unstable();
            Failed { ending, indexes }
        })
        .collect();
    ways.sort_by_key(|way| Reverse(way.indexes.len()));
    ways
}

/// Numbers as ranges, the first and the last of each.
pub fn ranges(mut indexes: Vec<u32>) -> Vec<(u32, u32)> {
    indexes.sort_unstable();
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for index in indexes {
        match parts.last_mut() {
            Some((_, last)) if *last == index => {}
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => parts.push((index, index)),
        }
    }
    parts
}

/// `3 7-9`: as many ranges as have room in `columns`, and how many more there are where not all do.
pub fn ranges_within(indexes: Vec<u32>, columns: usize) -> String {
    let write = |(from, to): (u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    let parts: Vec<String> = ranges(indexes).into_iter().map(write).collect();
    let all = parts.join(" ");
    if all.len() <= columns {
        return all;
    }
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        let blank = usize::from(at > 0);
        let left = parts.len() - at;
        let more = format!(" and {left} more");
        if text.len() + blank + part.len() + more.len() > columns && at > 0 {
            text.push_str(&more);
            break;
        }
        text.push_str(&" ".repeat(blank));
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSummary, JobId};

    const MINUTE: Millis = 60_000;

    fn child(index: u32, status: JobStatus, stopped_at: Option<Millis>) -> JobSummary {
        let exit_code = (status == JobStatus::Failed).then_some(if index < 5 { 1 } else { 137 });
        JobSummary {
            job_id: JobId::from("a").child(index),
            status,
            stopped_at,
            container: Some(ContainerSummary { exit_code, reason: None }),
            ..Default::default()
        }
    }

    #[test]
    fn what_is_left_takes_as_long_as_the_last_ones_took() {
        let mut children: Vec<_> =
            (0..10).map(|at| child(at, JobStatus::Succeeded, Some(Millis::from(at) * MINUTE))).collect();
        let now = 9 * MINUTE;
        let left = |children: &[JobSummary], now| time_left(children.iter(), 30, now);
        assert_eq!(left(&children, now), None, "nothing runs");
        children.push(child(10, JobStatus::Running, None));
        assert_eq!(left(&children, now), Some(18 * MINUTE), "ten in nine minutes, twenty are left");
        assert!(left(&children, now + 60 * MINUTE) > left(&children, now), "the rate sinks while nothing ends");
        assert_eq!(left(&children[6..], now), None, "too few to tell");
        assert_eq!(time_left(children.iter(), 10, now), None, "all is over");
    }

    #[test]
    fn failed_children_stand_by_how_they_ended() {
        let children = [4, 9, 3, 7, 8, 20].map(|at| child(at, JobStatus::Failed, Some(1)));
        let ways: Vec<_> =
            failed(children.iter()).into_iter().map(|way| (way.ending.to_string(), way.indexes)).collect();
        assert_eq!(ways, [("exit 137".to_owned(), vec![7, 8, 9, 20]), ("exit 1".to_owned(), vec![3, 4])]);
    }

    #[test]
    fn ranges_are_told_as_far_as_there_is_room() {
        let indexes = vec![5207, 5611, 5612, 5613, 5621, 9000];
        let cases = [
            (80, "5207 5611-5613 5621 9000"),
            (24, "5207 5611-5613 5621 9000"),
            (23, "5207 and 3 more"),
            (3, "5207 and 3 more"),
        ];
        for (columns, expected) in cases {
            assert_eq!(ranges_within(indexes.clone(), columns), expected, "{columns}");
        }
        assert_eq!(ranges_within(vec![], 10), "");
        assert_eq!(ranges(vec![2, 1, 1, 3]), [(1, 3)]);
    }
}
