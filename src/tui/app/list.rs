//! Lists: a cursor that stays on its thing, a filter, marks, an order.

use super::filter::{Field, Filter, Row, Value};
use super::store::Store;
use super::subject::title_of;
use crate::model::{JobId, JobStatus, JobSummary, Millis, name_of};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Where one is in a list. It follows its thing by key; when that is gone, it stays on the line.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    key: Option<String>,
    at: usize,
    /// A person has put it where it is.
    is_chosen: bool,
    /// Its thing is still to come.
    is_awaited: bool,
    /// The first line shown, and how many fit: noted when the list is drawn.
    top: Cell<usize>,
    height: Cell<usize>,
}

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Lines(isize),
    /// In halves of a page.
    Halves(isize),
    First,
    Last,
}

impl Step {
    /// Where one is after this step among `count` lines.
    pub fn from(self, at: usize, count: usize, height: usize) -> usize {
        let last = count.saturating_sub(1);
        let moved = |lines: isize| at.saturating_add_signed(lines).min(last);
        match self {
            Self::Lines(lines) => moved(lines),
            Self::Halves(halves) => {
                let half = isize::try_from((height / 2).max(1)).unwrap_or(1);
                moved(half * halves)
            }
            Self::First => 0,
            Self::Last => last,
        }
    }
}

impl Cursor {
    /// Which of `keys` it is on.
    pub fn position<K: AsRef<str>>(&self, keys: &[K]) -> Option<usize> {
        if keys.is_empty() {
            return None;
        }
        let on_key = self.key.as_ref().and_then(|key| {
            let near = keys.get(self.at).is_some_and(|here| here.as_ref() == key).then_some(self.at);
            near.or_else(|| keys.iter().position(|other| other.as_ref() == key))
        });
        Some(on_key.unwrap_or(self.at.min(keys.len() - 1)))
    }

    pub fn step<K: AsRef<str>>(&mut self, keys: &[K], step: Step) {
        let Some(at) = self.position(keys) else { return };
        let at = step.from(at, keys.len(), self.height.get());
        self.at = at;
        self.key = Some(keys[at].as_ref().to_owned());
        self.is_chosen = true;
        self.is_awaited = false;
    }

    /// Puts it on a thing, wherever that stands.
    pub fn put(&mut self, key: &str) {
        self.is_chosen = true;
        self.key = Some(key.to_owned());
    }

    /// Puts it on a thing that is yet to be read.
    pub fn await_thing(&mut self, key: &str) {
        self.put(key);
        self.is_awaited = true;
    }

    /// The thing that it is on.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// In another list it follows its thing, or else begins at the first line.
    pub fn enter_other_list(&mut self) {
        self.at = 0;
    }

    /// Takes note of where it is now, so that it stays on its line when its thing goes.
    pub fn settle<K: AsRef<str>>(&mut self, keys: &[K]) {
        if let Some(at) = self.position(keys) {
            self.at = at;
            if self.key.as_deref() != Some(keys[at].as_ref()) {
                self.key = Some(keys[at].as_ref().to_owned());
            }
        }
    }

    /// As [`Cursor::settle`], for a list that is still being read: what happened to come first does not hold a cursor that
    /// nobody has moved away from the first line.
    pub fn settle_while_read<K: AsRef<str>>(&mut self, keys: &[K]) {
        let is_there = || keys.iter().any(|key| Some(key.as_ref()) == self.key.as_deref());
        if self.is_chosen && (!self.is_awaited || is_there()) {
            self.settle(keys);
        }
    }

    /// The first line to show so that the cursor's line is among `height`, moved as little as can be.
    pub fn window(&self, at: Option<usize>, count: usize, height: usize) -> usize {
        self.height.set(height);
        let at = at.unwrap_or(0);
        let mut top = self.top.get().min(count.saturating_sub(height));
        if at < top {
            top = at;
        } else if height > 0 && at >= top + height {
            top = at + 1 - height;
        }
        self.top.set(top);
        top
    }
}

/// A cursor and a filter.
#[derive(Debug, Clone, Default)]
pub struct ListState {
    pub cursor: Cursor,
    pub filter: String,
}

/// Which states a list of jobs shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StateSet {
    #[default]
    Running,
    Waiting,
    Failed,
    Succeeded,
    All,
}

impl StateSet {
    pub const EACH: [Self; 5] = [Self::Running, Self::Waiting, Self::Failed, Self::Succeeded, Self::All];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::All => "all",
        }
    }

    /// For where there is little room.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::Running => "run",
            Self::Waiting => "wait",
            Self::Failed => "fail",
            Self::Succeeded => "done",
            Self::All => "all",
        }
    }

    /// The states, as a query names them.
    pub fn statuses(self) -> Vec<JobStatus> {
        let of = |keep: fn(JobStatus) -> bool| JobStatus::ALL.into_iter().filter(|status| keep(*status)).collect();
        match self {
            Self::Running => of(JobStatus::is_placed),
            Self::Waiting => of(JobStatus::is_waiting),
            Self::Failed => vec![JobStatus::Failed],
            Self::Succeeded => vec![JobStatus::Succeeded],
            Self::All => Vec::new(),
        }
    }

    /// Whether a job belongs here. A parent of an array runs while a child of it does, and waits while one does.
    pub fn holds(self, job: &JobSummary) -> bool {
        let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
        let live_children = counts.filter(|_| job.is_array_parent() && !job.status.is_final());
        match self {
            Self::Running => job.status.is_placed() || live_children.is_some_and(|counts| counts.placed() > 0),
            Self::Waiting => match live_children {
                Some(counts) if counts.total() > 0 => counts.waiting() > 0,
                _ => job.status.is_waiting(),
            },
            Self::Failed => job.status == JobStatus::Failed,
            Self::Succeeded => job.status == JobStatus::Succeeded,
            Self::All => true,
        }
    }

    /// The set that holds these states and no more than it must.
    pub fn around(statuses: &[JobStatus]) -> Self {
        let holds_all = |set: &Self| {
            let own = set.statuses();
            statuses.iter().all(|status| own.contains(status))
        };
        Self::EACH.into_iter().find(holds_all).unwrap_or(Self::All)
    }

    #[must_use]
    pub fn turn(self, steps: usize) -> Self {
        let at = Self::EACH.iter().position(|set| *set == self).unwrap_or(0);
        Self::EACH[(at + steps) % Self::EACH.len()]
    }
}

/// How often a filter that asks for times is put to the rows again.
const AGAIN: Millis = 5_000;

/// By what a list of jobs is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// What an operator looks for first: the queue's order for waiting jobs, the newest first for others.
    #[default]
    Natural,
    Age,
    Name,
    Queue,
    Definition,
    State,
    /// What takes most first, as [`Sort::Memory`] does.
    Cpu,
    Memory,
    /// The one that goes first.
    Priority,
    /// The longest first.
    Took,
    Exit,
    Instance,
    Reason,
}

impl Sort {
    const EACH: [Self; 13] = [
        Self::Natural,
        Self::Age,
        Self::Name,
        Self::Queue,
        Self::Definition,
        Self::State,
        Self::Cpu,
        Self::Memory,
        Self::Priority,
        Self::Took,
        Self::Exit,
        Self::Instance,
        Self::Reason,
    ];

    /// Whether a list of these states has the column.
    fn is_of(self, set: StateSet) -> bool {
        match self {
            Self::Cpu | Self::Memory | Self::Instance => set == StateSet::Running,
            Self::Priority => set == StateSet::Waiting,
            Self::Took | Self::Exit => matches!(set, StateSet::Failed | StateSet::Succeeded),
            Self::Reason => set != StateSet::Running,
            _ => true,
        }
    }

    /// The next one that a list of these states has a column for.
    #[must_use]
    pub fn next(self, set: StateSet) -> Self {
        let at = Self::EACH.iter().position(|sort| *sort == self).unwrap_or(0);
        let mut after = Self::EACH.into_iter().cycle().skip(at + 1);
        after.find(|sort| sort.is_of(set)).unwrap_or_default()
    }

    /// The order of this name and whether it is turned around: `age`, `-age`.
    pub fn named(text: &str) -> Result<(Self, bool), String> {
        let (name, reversed) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let found = Self::EACH.into_iter().find(|sort| sort.key() == name);
        let all = || Self::EACH.map(Self::key).join(", ");
        found.map(|sort| (sort, reversed)).ok_or_else(|| format!("`sort` takes {}, not `{name}`", all()))
    }

    /// What a line of the palette calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Natural => "turn",
            other => other.name(StateSet::All),
        }
    }

    pub fn name(self, set: StateSet) -> &'static str {
        match self {
            Self::Natural if set == StateSet::Waiting => "turn",
            Self::Natural => "newest",
            Self::Age => "age",
            Self::Name => "name",
            Self::Queue => "queue",
            Self::Definition => "definition",
            Self::State => "state",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Priority => "priority",
            Self::Took => "took",
            Self::Exit => "exit",
            Self::Instance => "instance",
            Self::Reason => "why",
        }
    }
}

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
                let order = compare(self.order(), states, a, b);
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

fn compare(sort: Sort, set: StateSet, a: &JobSummary, b: &JobSummary) -> Ordering {
    let priority = |job: &JobSummary| job.extra.as_ref().map_or(0, |extra| extra.priority);
    let memory = |job: &JobSummary| {
        job.extra.as_ref().map_or(0.0, |extra| {
            let asked = u32::try_from(extra.memory_mib).map_or(f64::MAX, f64::from);
            extra.usage.map_or(asked, |usage| usage.memory_mib)
        })
    };
    let cpu =
        |job: &JobSummary| job.extra.as_ref().map_or(0.0, |extra| extra.usage.map_or(extra.vcpus, |usage| usage.cpu));
    let took = |job: &JobSummary| job.started_at.zip(job.stopped_at).map(|(from, to)| to - from);
    let exit = |job: &JobSummary| job.container.as_ref().and_then(|container| container.exit_code);
    let instance = |job: &JobSummary| job.extra.as_ref().and_then(|extra| extra.instance.clone());
    let reason = |job: &JobSummary| {
        let told = job.container.as_ref().and_then(|container| container.reason.clone());
        told.or_else(|| job.status_reason.clone())
    };
    match sort {
        Sort::Natural if set == StateSet::Waiting => {
            priority(b).cmp(&priority(a)).then_with(|| a.created_at.cmp(&b.created_at))
        }
        Sort::Natural => since(b).cmp(&since(a)),
        Sort::Age => since(a).cmp(&since(b)),
        Sort::Name => a.job_name.cmp(&b.job_name),
        Sort::Queue => queue_of(a).cmp(&queue_of(b)).then_with(|| a.created_at.cmp(&b.created_at)),
        Sort::Definition => a.job_definition.cmp(&b.job_definition),
        Sort::State => a.status.cmp(&b.status),
        Sort::Cpu => cpu(b).total_cmp(&cpu(a)),
        Sort::Memory => memory(b).total_cmp(&memory(a)),
        Sort::Priority => priority(b).cmp(&priority(a)),
        Sort::Took => took(b).cmp(&took(a)),
        Sort::Exit => exit(a).cmp(&exit(b)),
        Sort::Instance => instance(a).cmp(&instance(b)),
        Sort::Reason => reason(a).cmp(&reason(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArrayProperties, JobExtra, StatusCounts};

    fn keys(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn each_column_of_a_list_can_be_sorted_by_and_no_other() {
        let walk = |set: StateSet| {
            let mut sorts = vec![Sort::Natural];
            while let Some(next) = sorts.last().map(|sort| sort.next(set)).filter(|next| *next != Sort::Natural) {
                sorts.push(next);
            }
            sorts.into_iter().map(Sort::key).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(walk(StateSet::Running), "turn age name queue definition state cpu memory instance");
        assert_eq!(walk(StateSet::Waiting), "turn age name queue definition state priority why");
        assert_eq!(walk(StateSet::Failed), "turn age name queue definition state took exit why");
        assert_eq!(walk(StateSet::All), "turn age name queue definition state why");
    }

    #[test]
    fn the_cursor_stays_on_its_thing_and_then_on_its_line() {
        let mut cursor = Cursor::default();
        cursor.step(&keys("a b c"), Step::Lines(1));
        assert_eq!(cursor.position(&keys("x a b c")), Some(2), "it follows b");
        cursor.settle(&keys("a b c"));
        assert_eq!(cursor.position(&keys("a c")), Some(1), "b is gone: the line stays");
        assert_eq!(cursor.position(&keys("a")), Some(0));
        assert_eq!(cursor.position::<String>(&[]), None);
    }

    #[test]
    fn the_window_moves_as_little_as_it_can() {
        let cursor = Cursor::default();
        assert_eq!(cursor.window(Some(4), 10, 5), 0);
        assert_eq!(cursor.window(Some(5), 10, 5), 1);
        assert_eq!(cursor.window(Some(2), 10, 5), 1);
        assert_eq!(cursor.window(Some(0), 10, 5), 0);
        cursor.window(Some(9), 10, 5);
        assert_eq!(cursor.window(Some(2), 3, 5), 0, "what became short is shown from its start");
    }

    #[test]
    fn a_parent_of_an_array_is_listed_where_its_children_are() {
        let mut counts = StatusCounts::default();
        counts.add(JobStatus::Running, 2);
        counts.add(JobStatus::Succeeded, 1);
        let parent = JobSummary {
            status: JobStatus::Pending,
            array_properties: Some(ArrayProperties {
                size: Some(3),
                status_summary: Some(counts),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert!(StateSet::Running.holds(&parent));
        assert!(!StateSet::Waiting.holds(&parent));
    }

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
