//! Which lists a query of jobs needs, and how their pages become one page, newest first. Pure.

use super::history::Turn;
use crate::backend::{JobQuery, JobScope};
use crate::model::{JobId, JobStatus, JobSummary, Millis};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// One list that AWS can give: of a queue or of an array, by one state, by name, or whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub of: Of,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Of {
    Queue(String),
    Array(JobId),
    Nodes(JobId),
}

/// How a list is narrowed. `ListJobs` without a state and without a filter means RUNNING alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    Status(JobStatus),
    /// The filter `JOB_NAME`, which ignores the state.
    Name(String),
    /// The filter `AFTER_CREATED_AT`, since ever: jobs of every state, newest first. Not for arrays.
    Age,
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub source: Source,
    /// AWS's token of the page.
    pub token: Option<String>,
    /// Rows of that page up to this one were shown already.
    pub after: Option<Key>,
}

/// Where a query goes on: in AWS's lists, and then in what AWS has forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub places: Vec<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<Turn>,
}

/// The order of rows: newest first, and the id where two are as old.
pub type Key = (Reverse<Millis>, JobId);

pub fn key(row: &JobSummary) -> Key {
    (Reverse(row.created_at), row.job_id.clone())
}

/// The lists that a query needs; `queues` are all there are.
pub fn plan(query: &JobQuery, queues: &[String]) -> Vec<Place> {
    let statuses = listed_statuses(&query.statuses);
    let by_status = || statuses.iter().map(|status| By::Status(*status)).collect::<Vec<_>>();
    let (scopes, narrowed) = match &query.scope {
        // Filters do not return children: all states are listed one by one.
        JobScope::Array(parent) => (vec![Of::Array(parent.clone())], by_status()),
        JobScope::Nodes(whole) => (vec![Of::Nodes(whole.clone())], by_status()),
        JobScope::Queue(name) => (vec![Of::Queue(name.clone())], narrow(query, by_status)),
        JobScope::Everywhere => (queues.iter().cloned().map(Of::Queue).collect(), narrow(query, by_status)),
    };
    let sources =
        scopes.into_iter().flat_map(|of| narrowed.clone().into_iter().map(move |by| Source { of: of.clone(), by }));
    sources.map(|source| Place { source, token: None, after: None }).collect()
}

fn narrow(query: &JobQuery, by_status: impl Fn() -> Vec<By>) -> Vec<By> {
    match &query.name {
        Some(name) => vec![By::Name(name.clone())],
        None if query.statuses.is_empty() => vec![By::Age],
        None => by_status(),
    }
}

/// The states to list for those that were asked for: an array whose children run is itself PENDING.
fn listed_statuses(asked: &[JobStatus]) -> BTreeSet<JobStatus> {
    if asked.is_empty() {
        return JobStatus::ALL.into();
    }
    let mut listed: BTreeSet<_> = asked.iter().copied().collect();
    if asked.iter().any(|status| status.is_placed()) {
        listed.insert(JobStatus::Pending);
    }
    listed
}

/// Whether a row is of a state that was asked for. An array is also where its children are, once they are placed.
pub fn is_asked_for(row: &JobSummary, asked: &[JobStatus]) -> bool {
    if asked.is_empty() || asked.contains(&row.status) {
        return true;
    }
    let children = row.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
    children.is_some_and(|counts| asked.iter().any(|status| status.is_placed() && counts.get(*status) > 0))
}

/// Whether a name matches a query's: the same, or the same start where it ends in `*`, without regard to case.
pub fn is_named(name: &str, asked: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    let (name, asked) = (name.to_lowercase(), asked.to_lowercase());
    asked.strip_suffix('*').map_or(name == asked, |start| name.starts_with(start))
}

/// What a list answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    pub place: Place,
    pub rows: Vec<JobSummary>,
    pub next: Option<String>,
}

/// One page out of what the lists answered: at most `limit` rows, newest first, each once; and where to go on. A list
/// whose rows did not all find room is read again from the same page, so that nothing is lost.
pub fn merge(fetched: Vec<Fetched>, limit: Option<usize>) -> (Vec<JobSummary>, Vec<Place>) {
    let mut rows: Vec<(Key, usize, JobSummary)> = Vec::new();
    for (list, answer) in fetched.iter().enumerate() {
        let fresh = answer.rows.iter().filter(|row| answer.place.after.as_ref().is_none_or(|after| key(row) > *after));
        rows.extend(fresh.map(|row| (key(row), list, row.clone())));
    }
    // A job may move from one state to the next between two calls: the list that was read later is right.
    rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    rows.dedup_by(|later, earlier| later.0 == earlier.0);

    let cut = limit.unwrap_or(usize::MAX).min(rows.len());
    let left_out: BTreeSet<usize> = rows[cut..].iter().map(|(_, list, _)| *list).collect();
    rows.truncate(cut);
    let last = rows.last().map(|(key, _, _)| key.clone());
    let places = fetched.into_iter().enumerate().filter_map(|(list, answer)| {
        if left_out.contains(&list) {
            let after = last.clone().or(answer.place.after);
            return Some(Place { after, ..answer.place });
        }
        Some(Place { source: answer.place.source, token: Some(answer.next?), after: None })
    });
    let places = places.collect();
    (rows.into_iter().map(|(_, _, row)| row).collect(), places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArrayProperties, StatusCounts};
    use std::collections::BTreeMap;

    fn row(id: &str, created_at: Millis) -> JobSummary {
        JobSummary { job_id: id.into(), created_at, ..Default::default() }
    }

    fn queue(name: &str, status: JobStatus) -> Source {
        Source { of: Of::Queue(name.into()), by: By::Status(status) }
    }

    fn fetched(name: &str, rows: &[(&str, Millis)], next: Option<&str>) -> Fetched {
        Fetched {
            place: Place { source: queue(name, JobStatus::Running), token: None, after: None },
            rows: rows.iter().map(|(id, at)| row(id, *at)).collect(),
            next: next.map(str::to_owned),
        }
    }

    fn ids(rows: &[JobSummary]) -> Vec<&str> {
        rows.iter().map(|row| row.job_id.as_str()).collect()
    }

    #[test]
    fn a_query_is_planned_with_as_few_lists_as_aws_allows() {
        use JobStatus::{Failed, Pending, Running};
        let queues = ["a".to_owned(), "b".to_owned()];
        let with = |scope: JobScope, statuses: &[JobStatus], name: Option<&str>| JobQuery {
            scope,
            statuses: statuses.to_vec(),
            name: name.map(str::to_owned),
            ..Default::default()
        };
        let array = || JobScope::Array("p".into());
        let cases = [
            (with(JobScope::Everywhere, &[], None), vec![By::Age], 2),
            (with(JobScope::Queue("a".into()), &[], None), vec![By::Age], 1),
            (with(JobScope::Queue("a".into()), &[Failed], None), vec![By::Status(Failed)], 1),
            (with(JobScope::Queue("a".into()), &[Running], None), vec![By::Status(Pending), By::Status(Running)], 2),
            (with(JobScope::Queue("a".into()), &[Running], Some("x*")), vec![By::Name("x*".into())], 1),
            (with(array(), &[], None), JobStatus::ALL.map(By::Status).to_vec(), 7),
            (with(array(), &[Failed], Some("x")), vec![By::Status(Failed)], 1),
        ];
        for (query, narrowed, lists) in cases {
            let places = plan(&query, &queues);
            assert_eq!(places.len(), lists, "{query:?}");
            let first_of = &places[0].source.of;
            let got: Vec<_> =
                places.iter().filter(|place| place.source.of == *first_of).map(|p| p.source.by.clone()).collect();
            assert_eq!(got, narrowed, "{query:?}");
        }
    }

    #[test]
    fn an_array_counts_as_running_while_a_child_does() {
        let parent = |children: Option<(JobStatus, u64)>| JobSummary {
            status: JobStatus::Pending,
            array_properties: Some(ArrayProperties {
                size: Some(3),
                status_summary: children.map(|(status, count)| StatusCounts(BTreeMap::from([(status, count)]))),
                ..Default::default()
            }),
            ..Default::default()
        };
        let cases = [
            (parent(Some((JobStatus::Running, 1))), JobStatus::Running, true),
            (parent(Some((JobStatus::Running, 1))), JobStatus::Pending, true),
            (parent(Some((JobStatus::Runnable, 3))), JobStatus::Running, false),
            (parent(Some((JobStatus::Failed, 1))), JobStatus::Failed, false),
            (parent(None), JobStatus::Running, false),
            (row("plain", 1), JobStatus::Running, false),
            (row("plain", 1), JobStatus::Submitted, true),
        ];
        for (row, asked, expected) in cases {
            assert_eq!(is_asked_for(&row, &[asked]), expected, "{asked} of {row:?}");
            assert!(is_asked_for(&row, &[]));
        }
    }

    #[test]
    fn names_match_as_in_awss_own_filter() {
        let cases = [("Etl-1", "etl-1", true), ("etl-1", "ETL*", true), ("etl", "et", false), ("x", "*", true)];
        for (name, asked, expected) in cases {
            assert_eq!(is_named(name, Some(asked)), expected, "{name} by {asked}");
        }
        assert!(is_named("x", None));
    }

    #[test]
    fn pages_of_several_lists_become_one_newest_first() {
        let (rows, rest) = merge(
            vec![fetched("a", &[("a9", 9), ("a5", 5)], Some("more")), fetched("b", &[("b7", 7), ("a5", 5)], None)],
            None,
        );
        assert_eq!(ids(&rows), ["a9", "b7", "a5"]);
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].token.as_deref(), Some("more"));
    }

    #[test]
    fn a_limit_loses_no_row_and_shows_none_twice() {
        // Two lists of two AWS pages each; a page of 2 at a time must give all ten rows in the end.
        let pages: BTreeMap<(&str, Option<&str>), Fetched> = [
            (("a", None), fetched("a", &[("a20", 20), ("a18", 18), ("a16", 16)], Some("a2"))),
            (("a", Some("a2")), fetched("a", &[("a14", 14), ("a12", 12)], None)),
            (("b", None), fetched("b", &[("b19", 19), ("b18", 18), ("b17", 17)], Some("b2"))),
            (("b", Some("b2")), fetched("b", &[("b3", 3), ("b1", 1)], None)),
        ]
        .into();
        for limit in 1..=11 {
            let mut places: Vec<Place> = ["a", "b"].map(|name| fetched(name, &[], None).place).into();
            let mut seen = Vec::new();
            let mut turns = 0;
            while !places.is_empty() {
                let answers = places.into_iter().map(|place| {
                    let Of::Queue(name) = &place.source.of else { panic!("a queue") };
                    let page = pages[&(name.as_str(), place.token.as_deref())].clone();
                    Fetched { place, ..page }
                });
                let (rows, rest) = merge(answers.collect(), Some(limit));
                assert!(rows.len() <= limit);
                seen.extend(rows.into_iter().map(|row| row.job_id.0));
                places = rest;
                turns += 1;
                assert!(turns < 30, "it ends");
            }
            let mut sorted = seen.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!((sorted.len(), seen.len()), (10, 10), "limit {limit}: {seen:?}");
        }
    }

    #[test]
    fn a_job_that_moved_between_two_calls_is_shown_once_in_its_later_state() {
        let mut early = fetched("a", &[("j", 5)], None);
        early.rows[0].status = JobStatus::Runnable;
        let mut late = fetched("a", &[("j", 5)], None);
        late.rows[0].status = JobStatus::Running;
        let (rows, _) = merge(vec![early, late], None);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].status, JobStatus::Running);
    }
}
