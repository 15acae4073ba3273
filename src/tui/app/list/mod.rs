//! Lists of jobs: where they come from, which states and what filter they show, their marks and their order.

mod cursor;
mod order;
mod sort;
mod states;

pub use cursor::{Cursor, ListState, Step};
pub use order::{By, Order};
pub use sort::Sort;
pub use states::StateSet;

use super::filter::{Field, Filter, Row, Value};
use super::store::Store;
use super::subject::title_of;
use crate::model::{JobId, JobStatus, JobSummary, Millis, name_of};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// How often a filter that asks for times is put to the rows again.
const AGAIN: Millis = 5_000;

/// Where the jobs of a list come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    #[default]
    Everywhere,
    Queue(String),
    Array(JobId),
    /// These, in this order, as far as they are known.
    Chosen(Arc<[JobId]>),
}

/// A list of jobs.
#[derive(Debug, Default)]
pub struct JobList {
    pub scope: Scope,
    pub states: StateSet,
    pub list: ListState,
    pub sort: Option<Sort>,
    pub reversed: bool,
    pub marked: BTreeSet<JobId>,
    rows: RefCell<Option<(RowsKey, Arc<Rows>)>>,
    /// What the text of the filter was read to.
    filter: RefCell<Option<(String, Rc<Filter>)>>,
    /// How often the rows were computed: what each change costs is held by a test.
    computed: Cell<u64>,
}

#[derive(Debug, PartialEq, Eq)]
struct RowsKey {
    revision: u64,
    scope: Scope,
    states: StateSet,
    filter: String,
    /// Where the filter asks for times, so often they are looked at again.
    at: Option<Millis>,
    sort: Option<Sort>,
    reversed: bool,
}

/// What a list of jobs shows.
#[derive(Debug, Default)]
pub struct Rows {
    pub ids: Vec<JobId>,
    /// Jobs in scope for each of [`StateSet::EACH`], before the filter.
    pub counts: [usize; 5],
    /// How many of the first have what the filter asks for as it is written; the rest match loosely.
    pub close: usize,
}

impl AsRef<str> for JobId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl JobList {
    pub fn of(scope: Scope, states: StateSet) -> Self {
        Self { scope, states, ..Default::default() }
    }

    /// The filter in force.
    pub fn filter(&self) -> Rc<Filter> {
        let mut kept = self.filter.borrow_mut();
        match &*kept {
            Some((text, filter)) if *text == self.list.filter => Rc::clone(filter),
            _ => {
                let filter = Rc::new(Filter::of(&self.list.filter, Field::JOBS));
                *kept = Some((self.list.filter.clone(), Rc::clone(&filter)));
                filter
            }
        }
    }

    /// The states that are listed: those that the filter asks for, or else those that were chosen.
    pub fn listed_states(&self) -> StateSet {
        self.filter().statuses().map_or(self.states, |asked| StateSet::around(&asked))
    }

    pub fn order(&self) -> Sort {
        self.sort.unwrap_or(Sort::Natural)
    }

    /// The rows, computed when something that they depend on has changed and a frame is due since.
    pub fn rows(&self, store: &Store) -> Arc<Rows> {
        let key = RowsKey {
            revision: store.shown_revision(),
            scope: self.scope.clone(),
            states: self.states,
            filter: self.list.filter.clone(),
            at: self.filter().is_timed().then(|| store.shown_at().div_euclid(AGAIN)),
            sort: self.sort,
            reversed: self.reversed,
        };
        let mut kept = self.rows.borrow_mut();
        match &*kept {
            Some((known, rows)) if *known == key => Arc::clone(rows),
            _ => {
                let rows = Arc::new(self.compute(store));
                *kept = Some((key, Arc::clone(&rows)));
                rows
            }
        }
    }

    fn compute(&self, store: &Store) -> Rows {
        self.computed.set(self.computed.get() + 1);
        let mut counts = [0; 5];
        let filter = self.filter();
        let states = self.listed_states();
        let now = store.shown_at();
        let mut take = |job: &'_ JobSummary| {
            for (set, count) in StateSet::EACH.iter().zip(&mut counts) {
                *count += usize::from(set.holds(job));
            }
            states.holds(job) && (filter.is_empty() || passes(&filter, job, now))
        };
        let rank = |job: &JobSummary| u8::from(filter.is_loose() && !is_close(&filter, job));
        // Children come in the order of their indexes.
        let mut jobs: Vec<(u8, u32, &JobSummary)> = match &self.scope {
            Scope::Everywhere => store.jobs.values().filter(|job| take(job)).map(|job| (rank(job), 0, job)).collect(),
            Scope::Queue(queue) => {
                let here = store.jobs.values().filter(|job| queue_of(job) == Some(queue.as_str()));
                here.filter(|job| take(job)).map(|job| (rank(job), 0, job)).collect()
            }
            Scope::Chosen(ids) => {
                let known = ids.iter().filter_map(|id| store.job(id));
                (0..).zip(known.filter(|job| take(job))).map(|(at, job)| (rank(job), at, job)).collect()
            }
            Scope::Array(parent) => {
                let all = store.children.get(parent).into_iter().flatten();
                all.filter(|(_, job)| take(job)).map(|(index, job)| (rank(job), *index, job)).collect()
            }
        };
        let by_index = matches!(self.scope, Scope::Array(_) | Scope::Chosen(_)) && self.order() == Sort::Natural;
        match (by_index, self.reversed) {
            (true, false) => {}
            (true, true) => jobs.reverse(),
            (false, reversed) => jobs.sort_unstable_by(|(_, a_index, a), (_, b_index, b)| {
                let order = self.order().compare(states, a, b);
                let order = if reversed { order.reverse() } else { order };
                order.then_with(|| a_index.cmp(b_index)).then_with(|| a.job_id.cmp(&b.job_id))
            }),
        }
        if filter.is_loose() {
            // What is as it is written comes first.
            jobs.sort_by_key(|(rank, ..)| *rank);
        }
        let close = jobs.iter().filter(|(rank, ..)| *rank == 0).count();
        Rows { ids: jobs.into_iter().map(|(.., job)| job.job_id.clone()).collect(), counts, close }
    }

    /// How often the rows were computed.
    #[cfg(test)]
    pub fn computed(&self) -> u64 {
        self.computed.get()
    }

    /// The row under the cursor.
    pub fn selected<'a>(&self, store: &'a Store) -> Option<&'a JobSummary> {
        let rows = self.rows(store);
        let at = self.list.cursor.position(&rows.ids)?;
        store.job(&rows.ids[at])
    }
}

/// The name of the queue that a row says it is in.
pub fn queue_of(job: &JobSummary) -> Option<&str> {
    job.extra.as_ref().map(|extra| name_of(&extra.job_queue))
}

/// The definition as a row shows it: `name:revision`.
pub fn definition_of(job: &JobSummary) -> &str {
    job.job_definition.as_deref().map(name_of).unwrap_or_default()
}

/// The state as a row shows it.
pub fn state_of(job: &JobSummary) -> &'static str {
    match job.extra.as_deref() {
        Some(extra) if extra.stopping => "STOPPING",
        _ if is_held(job) => "HELD",
        _ => job.status.as_str(),
    }
}

/// Whether an operator holds the job back. Of an array's parent it is said beside its counts.
pub fn is_held(job: &JobSummary) -> bool {
    job.status.is_waiting() && !job.is_array_parent() && job.extra.as_ref().is_some_and(|extra| extra.held)
}

fn is_close(filter: &Filter, job: &JobSummary) -> bool {
    filter.is_close(&[&title_of(job), definition_of(job), queue_of(job).unwrap_or_default()])
}

fn passes(filter: &Filter, job: &JobSummary, now: Millis) -> bool {
    let title = title_of(job);
    let texts = [title.as_str(), definition_of(job), queue_of(job).unwrap_or_default()];
    filter.passes(&Row { texts: &texts, field: &|field| value(job, field, now) })
}

/// What a job has in a field.
fn value(job: &JobSummary, field: Field, now: Millis) -> Value<'_> {
    let extra = job.extra.as_deref();
    let container = job.container.as_ref();
    match field {
        Field::Status => {
            let sets = StateSet::EACH.into_iter().filter(|set| *set != StateSet::All && set.holds(job));
            Value::Words(sets.map(StateSet::name).chain([job.status.as_str(), state_of(job)]).collect())
        }
        Field::Queue => Value::of(queue_of(job)),
        Field::Definition => Value::Revision(definition_of(job)),
        Field::Name => Value::text(title_of(job)),
        Field::Id => Value::text(job.job_id.as_str()),
        Field::Exit => container
            .and_then(|container| container.exit_code)
            .map_or(Value::Nothing, |code| Value::Number(code.into())),
        Field::Since | Field::For => Value::Span(now - since(job)),
        Field::Reason => {
            let reasons = [job.status_reason.as_deref(), container.and_then(|container| container.reason.as_deref())];
            Value::text(reasons.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        Field::Share => Value::of(job.share_identifier.as_deref()),
        Field::Instance => {
            Value::of(extra.and_then(|extra| extra.instance.as_ref()).map(|instance| instance.0.as_str()))
        }
        Field::Priority => Value::Number(extra.map_or(0, |extra| extra.priority).into()),
        Field::Attempt => Value::Number(extra.map_or(0, |extra| extra.attempt).into()),
        _ => Value::Nothing,
    }
}

/// Since when the job has been what it is now.
pub fn since(job: &JobSummary) -> Millis {
    let told = job.extra.as_ref().map(|extra| extra.state_since).filter(|since| *since > 0);
    told.unwrap_or(match job.status {
        status if status.is_final() => job.stopped_at.unwrap_or(job.created_at),
        JobStatus::Running => job.started_at.unwrap_or(job.created_at),
        _ => job.created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobExtra;

    #[test]
    fn waiting_jobs_stand_in_the_order_of_their_queue() {
        let waiting = |id: &str, created_at, priority| JobSummary {
            job_id: JobId::from(id),
            status: JobStatus::Runnable,
            created_at,
            extra: Some(Box::new(JobExtra { priority, ..Default::default() })),
            ..Default::default()
        };
        let mut store = Store::default();
        store.put_page(vec![waiting("late", 3, 0), waiting("first", 1, 0), waiting("urgent", 2, 50)]);
        let list = JobList::of(Scope::Everywhere, StateSet::Waiting);
        let ids: Vec<_> = list.rows(&store).ids.iter().map(|id| id.0.clone()).collect();
        assert_eq!(ids, ["urgent", "first", "late"]);
    }
}
