//! What is known of the world, and how old it is.

use crate::model::watch::Watch;
use crate::model::{
    AuditEntry, Change, ComputeEnvironment, Cursor, JobDefinition, JobDetail, JobId, JobQueue, JobStatus, JobSummary,
    Millis, Scaling, Schedule, ScheduleRun, What,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// At most so many details are held; the oldest make room.
const DETAILS_HELD: usize = 512;
/// Of jobs that views have read by themselves.
const FOUND_HELD: usize = 20_000;
const AUDIT_HELD: usize = 1000;
const RUNS_HELD: usize = 50;
/// Of one environment.
const SCALING_HELD: usize = 50;

/// The world as it was told to the console.
#[derive(Debug, Default)]
pub struct Store {
    pub queues: BTreeMap<String, JobQueue>,
    pub environments: BTreeMap<String, ComputeEnvironment>,
    /// Newest revision first within a name.
    pub definitions: BTreeMap<(String, Reverse<u32>), JobDefinition>,
    /// By group and name.
    pub schedules: BTreeMap<(String, String), Schedule>,
    pub runs: BTreeMap<(String, String), Vec<ScheduleRun>>,
    /// Newest first.
    pub audit: VecDeque<AuditEntry>,
    /// By their ids.
    pub watches: BTreeMap<String, Watch>,
    /// Of jobs that are watched from here: when their last line was written, moved on by what nobody has looked since.
    pub last_lines: HashMap<JobId, Millis>,
    /// By environment; newest first.
    pub scaling: BTreeMap<String, VecDeque<Scaling>>,
    /// Jobs and parents of arrays; children stand in `children`.
    pub jobs: HashMap<JobId, JobSummary>,
    /// Jobs and children that a view has read by itself: they may be in none of the lists that are kept up to date.
    found: HashMap<JobId, JobSummary>,
    /// Children of the arrays that are looked at, by index.
    pub children: BTreeMap<JobId, BTreeMap<u32, JobSummary>>,
    details: HashMap<JobId, JobDetail>,
    details_order: VecDeque<JobId>,
    /// Arrays all of whose children have been read.
    pub children_read: HashSet<JobId>,
    /// Grows with every change of a row of a job.
    jobs_revision: u64,
    /// What [`Store::jobs_revision`] was when the last frame was due: lists are computed anew when it has grown.
    shown_revision: u64,
    /// When that was.
    shown_at: Millis,
    /// What has been read at least once.
    pub read: BTreeSet<Kind>,
    /// Why the last reading of something failed.
    pub unread: BTreeMap<Kind, String>,
    pub live: Liveness,
    pub cursor: Option<Cursor>,
    pub consoles: u32,
    /// Failed jobs by when they ended.
    failed: BTreeSet<(Millis, JobId)>,
    /// What has been told since the last reset: a page that was read before may not put it back.
    told: HashSet<Told>,
    /// Which jobs the present reading has met; the others are gone when it is complete.
    met: HashSet<JobId>,
    rereading: bool,
}

/// The kinds of things that are read as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Queues,
    Environments,
    Definitions,
    Schedules,
    Audit,
    Jobs,
}

/// Whether what is shown is how things are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Liveness {
    #[default]
    Connecting,
    /// The stream of changes is open.
    Live,
    /// It broke: since when nothing was heard, why, and when it is tried again. `renewal` is the command that renews the
    /// credentials where those are why.
    Gone { since: Millis, why: String, renewal: Option<String>, again_at: Millis },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Told {
    Queue(String),
    Environment(String),
    Schedule(String, String),
    Job(JobId),
}

impl Store {
    /// All will be read anew. What is known stays on the screen until then.
    pub fn reset(&mut self) {
        self.told.clear();
        self.met.clear();
        self.rereading = true;
    }

    /// Whether what was there before a reset is still being read.
    pub fn is_filling(&self) -> bool {
        self.rereading
    }

    /// Of a watch that tells all rows after a reset: what is told has been read, and when the round is over, so is all.
    pub fn note_told(&mut self, what: &What) {
        let kind = match what {
            What::Queue(_) => Kind::Queues,
            What::ComputeEnvironment(_) => Kind::Environments,
            What::Schedule(_) => Kind::Schedules,
            What::Job(_) => Kind::Jobs,
            What::Alive { .. } if self.rereading => return self.all_is_told(),
            _ => return,
        };
        self.read.insert(kind);
    }

    fn all_is_told(&mut self) {
        self.read.extend([Kind::Queues, Kind::Environments, Kind::Schedules, Kind::Jobs]);
        self.put_queues(Vec::new());
        self.put_environments(Vec::new());
        self.put_schedules(Vec::new());
        self.jobs_reread(true);
    }

    /// Lists may show what was heard until now. Called once a frame, however many changes have come since the last.
    pub fn turn_over(&mut self, now: Millis) {
        self.shown_revision = self.jobs_revision;
        self.shown_at = now;
    }

    /// The time that lists show.
    pub fn shown_at(&self) -> Millis {
        self.shown_at
    }

    /// By what a list knows that its rows are the present ones.
    pub fn shown_revision(&self) -> u64 {
        self.shown_revision
    }

    /// Applies one change; [`What::Reset`] is the caller's matter. It costs the same however much is held.
    pub fn apply(&mut self, change: Change) {
        self.cursor = Some(change.cursor);
        match change.what {
            What::Reset | What::Notice(_) => {}
            What::SchedulesUnread(Some(why)) => drop(self.unread.insert(Kind::Schedules, why)),
            What::SchedulesUnread(None) => drop(self.unread.remove(&Kind::Schedules)),
            What::Alive { consoles } => self.consoles = consoles,
            What::Job(job) => {
                if job.job_id.part().is_some_and(|(parent, _)| !self.children.contains_key(&parent)) {
                    return;
                }
                self.told.insert(Told::Job(job.job_id.clone()));
                self.put_job(*job);
            }
            What::JobGone(id) => {
                self.told.insert(Told::Job(id.clone()));
                self.remove_job(&id);
            }
            What::Queue(queue) => {
                self.told.insert(Told::Queue(queue.job_queue_name.clone()));
                self.queues.insert(queue.job_queue_name.clone(), *queue);
            }
            What::QueueGone(name) => {
                self.queues.remove(&name);
                self.told.insert(Told::Queue(name));
            }
            What::ComputeEnvironment(environment) => {
                self.told.insert(Told::Environment(environment.compute_environment_name.clone()));
                self.environments.insert(environment.compute_environment_name.clone(), *environment);
            }
            What::ComputeEnvironmentGone(name) => {
                self.environments.remove(&name);
                self.scaling.remove(&name);
                self.told.insert(Told::Environment(name));
            }
            What::Definition(definition) => self.put_definition(*definition),
            What::Schedule(schedule) => {
                let key = (schedule.group_name.clone(), schedule.name.clone());
                self.told.insert(Told::Schedule(key.0.clone(), key.1.clone()));
                self.schedules.insert(key, *schedule);
            }
            What::ScheduleGone { group, name } => {
                self.schedules.remove(&(group.clone(), name.clone()));
                self.told.insert(Told::Schedule(group, name));
            }
            What::ScheduleRun(run) => {
                let runs = self.runs.entry((run.group_name.clone(), run.schedule_name.clone())).or_default();
                if !runs.contains(&run) {
                    runs.insert(0, run);
                    runs.truncate(RUNS_HELD);
                }
            }
            What::Scaling(step) => {
                let steps = self.scaling.entry(step.compute_environment.clone()).or_default();
                if !steps.contains(&step) {
                    steps.push_front(step);
                    steps.truncate(SCALING_HELD);
                }
            }
            What::Watch(watch) => {
                self.watches.insert(watch.id.clone(), *watch);
            }
            What::WatchGone(id) => {
                self.watches.remove(&id);
            }
            What::Audit(entry) => {
                if !self.audit.contains(&entry) {
                    self.audit.push_front(entry);
                    self.audit.truncate(AUDIT_HELD);
                }
            }
        }
    }

    fn put_definition(&mut self, definition: JobDefinition) {
        self.definitions.insert((definition.job_definition_name.clone(), Reverse(definition.revision)), definition);
    }

    fn put_job(&mut self, job: JobSummary) {
        if let Some((parent, index)) = job.job_id.part() {
            if let Some(children) = self.children.get_mut(&parent) {
                children.insert(index, job);
                self.jobs_revision += 1;
            }
            return;
        }
        if self.rereading {
            self.met.insert(job.job_id.clone());
        }
        self.forget_failure(&job.job_id);
        if job.status == JobStatus::Failed {
            self.failed.insert((ended_at(&job), job.job_id.clone()));
        }
        self.jobs.insert(job.job_id.clone(), job);
        self.jobs_revision += 1;
    }

    fn forget_failure(&mut self, id: &JobId) {
        if let Some(before) = self.jobs.get(id).filter(|job| job.status == JobStatus::Failed) {
            self.failed.remove(&(ended_at(before), id.clone()));
        }
    }

    fn remove_job(&mut self, id: &JobId) {
        self.forget_failure(id);
        self.jobs.remove(id);
        self.found.remove(id);
        self.children.remove(id);
        if let Some((parent, index)) = id.part()
            && let Some(children) = self.children.get_mut(&parent)
        {
            children.remove(&index);
        }
        self.jobs_revision += 1;
    }

    /// A page of jobs or of children that was read; what has been told since is newer and stays.
    pub fn put_page(&mut self, jobs: Vec<JobSummary>) {
        self.read.insert(Kind::Jobs);
        for job in jobs {
            if !self.told.contains(&Told::Job(job.job_id.clone())) {
                self.put_job(job);
            }
        }
    }

    /// What a view has read by itself.
    pub fn put_found(&mut self, jobs: Vec<JobSummary>) {
        if self.found.len() + jobs.len() > FOUND_HELD {
            self.found.clear();
        }
        let found = jobs.into_iter().map(|job| (job.job_id.clone(), job));
        self.found.extend(found);
        self.jobs_revision += 1;
    }

    /// All pages that are read on their own have come; `complete` says that nothing was left out.
    pub fn jobs_reread(&mut self, complete: bool) {
        if !std::mem::take(&mut self.rereading) || !complete {
            return;
        }
        let met = std::mem::take(&mut self.met);
        self.jobs.retain(|id, _| met.contains(id));
        self.failed.retain(|(_, id)| met.contains(id));
        self.jobs_revision += 1;
    }

    pub fn put_queues(&mut self, queues: Vec<JobQueue>) {
        let told = &self.told;
        self.queues.retain(|name, _| told.contains(&Told::Queue(name.clone())));
        for queue in queues {
            if !self.told.contains(&Told::Queue(queue.job_queue_name.clone())) {
                self.queues.insert(queue.job_queue_name.clone(), queue);
            }
        }
    }

    pub fn put_environments(&mut self, environments: Vec<ComputeEnvironment>) {
        let told = &self.told;
        self.environments.retain(|name, _| told.contains(&Told::Environment(name.clone())));
        for environment in environments {
            if !self.told.contains(&Told::Environment(environment.compute_environment_name.clone())) {
                self.environments.insert(environment.compute_environment_name.clone(), environment);
            }
        }
    }

    pub fn put_schedules(&mut self, schedules: Vec<Schedule>) {
        let told = |key: &(String, String)| Told::Schedule(key.0.clone(), key.1.clone());
        let known = &self.told;
        self.schedules.retain(|key, _| known.contains(&told(key)));
        for schedule in schedules {
            let key = (schedule.group_name.clone(), schedule.name.clone());
            if !self.told.contains(&told(&key)) {
                self.schedules.insert(key, schedule);
            }
        }
    }

    pub fn put_definitions(&mut self, definitions: Vec<JobDefinition>) {
        for definition in definitions {
            self.put_definition(definition);
        }
    }

    /// All that is remembered, newest first.
    pub fn put_scaling(&mut self, steps: Vec<Scaling>) {
        self.scaling.clear();
        for step in steps {
            let steps = self.scaling.entry(step.compute_environment.clone()).or_default();
            if steps.len() < SCALING_HELD {
                steps.push_back(step);
            }
        }
    }

    pub fn put_audit(&mut self, entries: Vec<AuditEntry>) {
        for entry in entries.into_iter().rev() {
            if !self.audit.contains(&entry) {
                self.audit.push_front(entry);
            }
        }
        self.audit.make_contiguous().sort_by_key(|entry| Reverse(entry.at));
        self.audit.truncate(AUDIT_HELD);
    }

    pub fn put_detail(&mut self, detail: JobDetail) {
        let id = detail.job_id.clone();
        if self.details.insert(id.clone(), detail).is_none() {
            self.details_order.push_back(id);
        }
        while self.details.len() > DETAILS_HELD {
            let Some(oldest) = self.details_order.pop_front() else { break };
            self.details.remove(&oldest);
        }
    }

    pub fn detail(&self, id: &JobId) -> Option<&JobDetail> {
        self.details.get(id)
    }

    pub fn details(&self) -> impl Iterator<Item = &JobDetail> {
        self.details.values()
    }

    /// The row of a job or of a child.
    pub fn job(&self, id: &JobId) -> Option<&JobSummary> {
        self.listed(id).or_else(|| self.found.get(id))
    }

    /// The row of a job or of a child in a list that is kept up to date.
    pub fn listed(&self, id: &JobId) -> Option<&JobSummary> {
        match id.part() {
            Some((parent, index)) => self.children.get(&parent).and_then(|children| children.get(&index)),
            None => self.jobs.get(id),
        }
    }

    /// Notes that children of this array are looked at: they are kept from now on.
    pub fn look_at_children(&mut self, parent: &JobId) {
        self.children.entry(parent.clone()).or_default();
    }

    /// Queues in the order in which they are served.
    pub fn queues_in_order(&self) -> Vec<&JobQueue> {
        let mut queues: Vec<_> = self.queues.values().collect();
        queues.sort_by_key(|queue| Reverse(queue.priority));
        queues
    }

    /// The names of what can be submitted from, newest revisions alone.
    pub fn active_definitions(&self) -> Vec<&JobDefinition> {
        let mut newest: Vec<&JobDefinition> = Vec::new();
        for definition in self.definitions.values().filter(|definition| definition.is_active()) {
            if newest.last().is_none_or(|last| last.job_definition_name != definition.job_definition_name) {
                newest.push(definition);
            }
        }
        newest
    }

    /// Whether nothing at all has been made here yet.
    pub fn is_empty(&self) -> bool {
        [Kind::Queues, Kind::Environments].iter().all(|kind| self.read.contains(kind))
            && self.queues.is_empty()
            && self.environments.is_empty()
            && self.jobs.is_empty()
    }

    /// Placed and waiting jobs of all queues that say so, and whether that is a lower bound.
    pub fn totals(&self) -> (u64, u64, bool) {
        let mut totals = (0, 0, false);
        for queue in self.queues.values() {
            if let Some(counts) = &queue.job_counts {
                totals.0 += counts.placed();
                totals.1 += counts.waiting();
            }
            totals.2 |= queue.job_counts_partial;
        }
        totals
    }

    /// Failed jobs that are known.
    pub fn failed_count(&self) -> usize {
        self.failed.len()
    }

    /// Jobs that failed for good since `from`.
    pub fn failed_since(&self, from: Millis) -> u64 {
        self.failed.range((from, JobId::default())..).count() as u64
    }
}

fn ended_at(job: &JobSummary) -> Millis {
    job.stopped_at.unwrap_or(job.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, status: JobStatus) -> JobSummary {
        JobSummary { job_id: JobId::from(id), status, ..Default::default() }
    }

    fn change(what: What) -> Change {
        Change { cursor: Cursor(1), at: 0, what }
    }

    #[test]
    fn a_page_read_before_a_change_does_not_put_the_old_row_back() {
        let mut store = Store::default();
        store.reset();
        store.apply(change(What::Job(Box::new(row("a", JobStatus::Failed)))));
        store.put_page(vec![row("a", JobStatus::Running), row("b", JobStatus::Running)]);
        assert_eq!(store.jobs[&JobId::from("a")].status, JobStatus::Failed);
        assert_eq!(store.jobs.len(), 2);
    }

    #[test]
    fn what_a_complete_reading_did_not_meet_is_gone() {
        let mut store = Store::default();
        store.put_page(vec![row("old", JobStatus::Running), row("kept", JobStatus::Running)]);
        store.reset();
        store.put_page(vec![row("kept", JobStatus::Running)]);
        assert_eq!(store.jobs.len(), 2, "nothing goes before all is read");
        store.jobs_reread(true);
        assert_eq!(store.jobs.keys().map(JobId::as_str).collect::<Vec<_>>(), ["kept"]);
    }

    #[test]
    fn children_are_held_only_of_arrays_that_are_looked_at() {
        let mut store = Store::default();
        store.apply(change(What::Job(Box::new(row("a:0", JobStatus::Running)))));
        assert!(store.job(&JobId::from("a:0")).is_none());
        store.look_at_children(&JobId::from("a"));
        store.apply(change(What::Job(Box::new(row("a:0", JobStatus::Running)))));
        assert!(store.job(&JobId::from("a:0")).is_some());
        assert!(store.jobs.is_empty(), "a child is no row of a queue");
    }

    #[test]
    fn details_make_room_for_newer_ones() {
        let mut store = Store::default();
        for number in 0..DETAILS_HELD + 10 {
            store.put_detail(JobDetail { job_id: JobId(format!("{number}")), ..Default::default() });
        }
        assert_eq!(store.details().count(), DETAILS_HELD);
        assert!(store.detail(&JobId::from("0")).is_none());
    }
}
