//! Lists of jobs, page by page. A page costs what it shows, not what there is: one that looks for a name gives up after so
//! many others and says where the next page goes on, so that it may be short, as AWS's may.

use super::command::Refusal;
use super::job::Key;
use super::{Engine, JobFilter};
use crate::model::{JobId, JobStatus, JobSummary};
use std::collections::BTreeSet;

const DEFAULT_PAGE: usize = 100;
/// A page looks at so many submissions at most, whatever it finds.
const LOOKED_AT: usize = 20_000;

impl Engine {
    pub(super) fn page(&self, filter: &JobFilter) -> Result<(Vec<JobSummary>, Option<String>), Refusal> {
        let limit = if filter.limit == 0 { DEFAULT_PAGE } else { filter.limit };
        let token = filter.token.as_deref().map(read_token).transpose()?;
        let part = filter.array.as_ref().or(filter.nodes.as_ref());
        let (keys, stopped) = match (part, &filter.queue) {
            (Some(whole), _) => (self.parts(whole, filter, token, limit)?, None),
            (None, Some(queue)) => {
                let name = self.core.settings.place.local_name("job-queue", queue);
                match name.filter(|name| self.index.queues.contains_key(*name)) {
                    Some(name) => self.roots(Some(name), filter, token, limit),
                    None => return Err(Refusal::Client(format!("JobQueue {queue} not found."))),
                }
            }
            (None, None) => self.roots(None, filter, token, limit),
        };
        let next = keys.get(limit.saturating_sub(1)).map(|key| match key.slot {
            0 => key.number.to_string(),
            slot => slot.to_string(),
        });
        // One more than asked for was looked for: only then is there a next page.
        let next = next.filter(|_| keys.len() > limit).or(stopped.map(|number| number.to_string()));
        Ok((keys.into_iter().take(limit).filter_map(|key| self.summary(key)).collect(), next))
    }

    /// The children of an array, or the nodes of a multi-node job, by index.
    fn parts(&self, id: &JobId, filter: &JobFilter, token: Option<u64>, limit: usize) -> Result<Vec<Key>, Refusal> {
        let unknown = || Refusal::Client(format!("Job {id} not found; it may have been forgotten"));
        let (key, root, _) = self.find(id).ok_or_else(unknown)?;
        let refuse = |message: String| Err(Refusal::Client(message));
        if filter.array.is_some() && (key.slot > 0 || root.array.is_none()) {
            return refuse(format!("Job {id} is not the parent of an array; it has no children to list"));
        }
        if filter.nodes.is_some() && (key.slot > 0 || root.nodes.is_none()) {
            return refuse(format!("Job {id} is not a multi-node parallel job; it has no nodes to list"));
        }
        if !matches_name(filter.name.as_deref(), &root.spec.name) {
            return Ok(Vec::new());
        }
        let after = token.map_or(1, |token| u32::try_from(token).unwrap_or(u32::MAX).saturating_add(1));
        let is_listed = |slot: &u32| {
            let status = Self::standing(root, *slot).map(|(status, _)| status);
            filter.statuses.is_empty() || status.is_some_and(|status| filter.statuses.contains(&status))
        };
        let listed = (after..=*root.runners().end()).filter(is_listed);
        Ok(listed.map(|slot| Key { number: key.number, slot }).take(limit + 1).collect())
    }

    /// The jobs and parents that take of a consumable resource, the last submitted first, with the number by which pages
    /// go on; those before `token` that `passes` lets through, at most `limit`.
    pub fn jobs_by_consumable(
        &self,
        name_or_arn: &str,
        passes: impl Fn(&JobSummary) -> bool,
        token: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, JobSummary)>, Refusal> {
        let (name, _) = self.find_consumable(name_or_arn)?;
        let numbers =
            self.index.consumers.get(name).into_iter().flat_map(|of| of.range(..token.unwrap_or(u64::MAX)).rev());
        let rows = numbers.filter_map(|number| Some((*number, self.summary(Key::root(*number))?)));
        Ok(rows.filter(|(_, row)| passes(row)).take(limit).collect())
    }

    /// Jobs and parents, the last submitted first, and where it was given up.
    fn roots(
        &self,
        only: Option<&str>,
        filter: &JobFilter,
        token: Option<u64>,
        limit: usize,
    ) -> (Vec<Key>, Option<u64>) {
        let end = token.unwrap_or(u64::MAX);
        let is_named = |number: u64| {
            let root = self.core.jobs.get(&number);
            root.is_some_and(|root| matches_name(filter.name.as_deref(), &root.spec.name))
        };
        let statuses = if filter.statuses.is_empty() { &JobStatus::ALL[..] } else { &filter.statuses };
        let queues = self.index.queues.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
        let sets: Vec<&BTreeSet<u64>> =
            queues.flat_map(|(_, queue)| statuses.iter().map(|status| &queue.listed[*status as usize])).collect();
        let (numbers, stopped) = find(newest_first(&sets, end), is_named, limit + 1, LOOKED_AT);
        (numbers.into_iter().map(Key::root).collect(), stopped)
    }
}

/// The first `limit` that are meant of the first `most`, and the last one that was looked at where there may be others.
fn find(
    numbers: impl Iterator<Item = u64>,
    is_meant: impl Fn(u64) -> bool,
    limit: usize,
    most: usize,
) -> (Vec<u64>, Option<u64>) {
    let (mut found, mut last) = (Vec::new(), None);
    for (looked, number) in numbers.enumerate() {
        if looked == most {
            return (found, last);
        }
        if is_meant(number) {
            found.push(number);
            if found.len() == limit {
                break;
            }
        }
        last = Some(number);
    }
    (found, None)
}

/// The numbers below `end` of all sets, falling, each once.
fn newest_first<'a>(sets: &[&'a BTreeSet<u64>], end: u64) -> impl Iterator<Item = u64> + 'a {
    let mut heads: Vec<_> = sets.iter().map(|set| set.range(..end).rev().peekable()).collect();
    std::iter::from_fn(move || {
        let next = heads.iter_mut().filter_map(|head| head.peek().copied()).max()?;
        for head in &mut heads {
            head.next_if_eq(&next);
        }
        Some(*next)
    })
}

fn read_token(token: &str) -> Result<u64, Refusal> {
    token.parse().map_err(|_| Refusal::Client(format!("nextToken is `{token}`; take it from the page before")))
}

/// A name, or the start of one before a `*`, without regard to case.
fn matches_name(pattern: Option<&str>, name: &str) -> bool {
    let Some(pattern) = pattern else { return true };
    match pattern.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_lists_come_falling_and_once() {
        let (a, b) = (BTreeSet::from([1, 4, 9]), BTreeSet::from([4, 7]));
        assert_eq!(newest_first(&[&a, &b], u64::MAX).collect::<Vec<_>>(), [9, 7, 4, 1]);
        assert_eq!(newest_first(&[&a, &b], 7).collect::<Vec<_>>(), [4, 1]);
    }

    #[test]
    fn what_is_looked_for_in_vain_is_given_up_and_gone_on_with_from_there() {
        let numbers = || (1..=10).rev();
        let cases = [
            (2, 100, vec![9, 6], None),
            (9, 100, vec![9, 6, 3], None),
            (9, 10, vec![9, 6, 3], None),
            (9, 6, vec![9, 6], Some(5)),
            (9, 1, vec![], Some(10)),
        ];
        for (limit, most, expected, stopped) in cases {
            let found = find(numbers(), |number| number % 3 == 0, limit, most);
            assert_eq!(found, (expected, stopped), "{limit} of {most}");
        }
    }

    #[test]
    fn a_name_matches_whole_or_by_its_start_in_any_case() {
        let cases = [
            (None, "x", true),
            (Some("Nightly"), "nightly", true),
            (Some("night"), "nightly", false),
            (Some("NIGHT*"), "nightly", true),
            (Some("*"), "nightly", true),
            (Some("nightly-long*"), "nightly", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches_name(pattern, name), expected, "{pattern:?} {name}");
        }
    }
}
