//! The view of failures: groups of jobs that failed alike, opened to their jobs, and run again with or without changes.

use super::act::{Problems, number};
use super::filter::{Field as Asked, Filter, Row, Value};
use super::form::{Field, Form, Key, Purpose};
use super::list::{JobList, ListState, Scope, StateSet};
use super::{App, Popup, View};
use crate::backend::BackendError;
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, Millis, validate};
use crate::triage::failures::{Failures, Group};
use crate::triage::rerun::{self, Changes, Plan};
use crate::tui::action::Place;
use crate::tui::format::count;
use crate::tui::requests::{Act, Ask, Outline, Step};
use std::sync::Arc;

/// What the view shows, and where one is in it.
#[derive(Debug, Default)]
pub struct FailuresView {
    pub list: ListState,
    pub span: Span,
    /// `None` until it has been read once; the last one stands until the next has come.
    pub told: Option<Box<Failures>>,
    pub error: Option<String>,
    pub is_asked: bool,
    asked_at: Millis,
    /// How many failed jobs the store knew then.
    known: usize,
}

/// How far back a view looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    Quarter,
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl Span {
    pub const EACH: [Self; 5] = [Self::Quarter, Self::Hour, Self::Day, Self::Week, Self::Month];

    pub fn name(self) -> &'static str {
        match self {
            Self::Quarter => "15 m",
            Self::Hour => "1 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    pub fn length(self) -> Millis {
        const MINUTE: Millis = 60_000;
        match self {
            Self::Quarter => 15 * MINUTE,
            Self::Hour => 60 * MINUTE,
            Self::Day => 24 * 60 * MINUTE,
            Self::Week => 7 * 24 * 60 * MINUTE,
            Self::Month => 30 * 24 * 60 * MINUTE,
        }
    }

    /// The next longer one, or the next shorter one; the last one stays.
    #[must_use]
    pub fn turn(self, longer: bool) -> Self {
        let at = Self::EACH.iter().position(|span| *span == self).unwrap_or(0);
        Self::EACH[if longer { (at + 1).min(Self::EACH.len() - 1) } else { at.saturating_sub(1) }]
    }
}

/// While failures come in, the view is read anew so often at most.
const REREAD: Millis = 5_000;

/// Jobs that are to be run again once their details have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    jobs: Vec<JobId>,
    /// `12 failed children of render-frames`
    what: String,
}

impl App {
    pub(super) fn open_failures(&mut self) {
        self.show(View::Failures(Box::default()));
        self.ask_failures();
    }

    /// The view of failures that is shown.
    pub fn failures(&self) -> Option<&FailuresView> {
        match self.view() {
            View::Failures(failures) => Some(failures),
            _ => None,
        }
    }

    /// Reads the failures that are shown anew.
    pub(super) fn ask_failures(&mut self) {
        let (now, known) = (self.now, self.store.failed_count());
        let Some(View::Failures(view)) = self.views.last_mut() else { return };
        (view.is_asked, view.asked_at, view.known) = (true, now, known);
        let since = now - view.span.length();
        self.ask(Ask::Failures { since, at: now });
    }

    /// Reads them anew where more jobs have failed since and the service tells of that by itself.
    pub(super) fn settle_failures(&mut self) {
        if self.failures_are_due_at().is_some_and(|due| due <= self.now) {
            self.ask_failures();
        }
    }

    /// When the failures that are shown are to be read anew.
    pub(super) fn failures_are_due_at(&self) -> Option<Millis> {
        let view = self.failures().filter(|view| !view.is_asked)?;
        let has_more = self.setting.can.pushes_changes && view.known != self.store.failed_count();
        has_more.then_some(view.asked_at + REREAD)
    }

    pub(super) fn turn_span(&mut self, longer: bool) {
        if let Some(View::Failures(view)) = self.views.last_mut() {
            let span = view.span.turn(longer);
            if span != view.span {
                view.span = span;
                self.ask_failures();
            }
        }
    }

    pub(super) fn take_failures(&mut self, told: Result<(Box<Failures>, Vec<JobSummary>), BackendError>) {
        let Some(view) = self.views.iter_mut().find_map(|view| match view {
            View::Failures(view) => Some(view),
            _ => None,
        }) else {
            return;
        };
        view.is_asked = false;
        match told {
            Ok((told, rows)) => {
                (view.told, view.error) = (Some(told), None);
                self.store.put_found(rows);
            }
            Err(error) => view.error = Some(error.to_string()),
        }
    }

    /// The groups that are listed.
    pub fn failure_groups<'v>(&self, view: &'v FailuresView) -> Vec<&'v Group> {
        let filter = Filter::of(&view.list.filter, Asked::FAILURES);
        let all = view.told.iter().flat_map(|told| &told.groups);
        all.filter(|group| {
            let queues = group.queues.iter().cloned().collect::<Vec<_>>().join(" ");
            let texts = [group.definition.as_str(), &group.ending(), &group.reason, group.tells(), &queues];
            let field = |field| match field {
                Asked::Definition => Value::Revision(&group.definition),
                Asked::Queue => Value::text(queues.as_str()),
                Asked::Reason => Value::text(group.reason.as_str()),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &texts, field: &field })
        })
        .collect()
    }

    pub fn selected_group(&self) -> Option<&Group> {
        let view = self.failures()?;
        let groups = self.failure_groups(view);
        let keys: Vec<String> = groups.iter().map(|group| group_key(group)).collect();
        groups.get(view.list.cursor.position(&keys)?).copied()
    }

    /// Shows the jobs of the group under the cursor as any other list of jobs.
    pub(super) fn open_group(&mut self) {
        let Some(group) = self.selected_group() else { return };
        let title = group.title();
        let scope = Scope::Chosen(Arc::from(group.jobs.as_slice()));
        self.push(View::Group { title, list: JobList::of(scope, StateSet::Failed) });
    }

    /// Whether there is anything that [`App::ask_rerun`] would run again here.
    pub(super) fn has_to_rerun(&self) -> bool {
        match (self.place_below(), self.view()) {
            (Place::Failures, _) => self.selected_group().is_some(),
            (Place::Array, View::Array { parent, list }) if list.marked.is_empty() => {
                let failed = |child: &JobSummary| child.status == JobStatus::Failed;
                self.store.children.get(parent).is_some_and(|children| children.values().any(failed))
            }
            _ => self.job_list().is_some_and(|list| !list.marked.is_empty()),
        }
    }

    /// Asks for what is needed to run jobs again: the group under the cursor, the marked jobs, or the failed children of
    /// the array that is shown.
    pub(super) fn ask_rerun(&mut self) {
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            several => format!("{} {what}s", count_of(several)),
        };
        let (jobs, what) = match (self.place_below(), self.view()) {
            (Place::Failures, _) => match self.selected_group() {
                Some(group) => (group.jobs.clone(), format!("{}, {}", plural(group.count, "job"), group.title())),
                None => (Vec::new(), String::new()),
            },
            (Place::Array, View::Array { parent, list }) if list.marked.is_empty() => {
                let name = self.job_row(parent).map(|job| job.job_name).unwrap_or_default();
                let children = self.store.children.get(parent);
                let failed = children.into_iter().flatten().filter(|(_, child)| child.status == JobStatus::Failed);
                let jobs: Vec<JobId> = failed.map(|(_, child)| child.job_id.clone()).collect();
                let children = if jobs.len() == 1 { "child" } else { "children" };
                let what = format!("{} failed {children} of {name}", count_of(jobs.len()));
                (jobs, what)
            }
            _ => {
                let jobs = self.targets();
                let what = plural(jobs.len(), "job");
                (jobs, what)
            }
        };
        self.read_for_rerun(jobs, what);
    }

    /// Runs jobs again that were stopped here.
    pub(super) fn rerun_of(&mut self, jobs: Vec<JobId>) {
        if let [one] = jobs.as_slice()
            && one.part().is_none()
        {
            return self.ask_resubmit_with(one.clone(), super::why::Resize::default());
        }
        let what = match jobs.len() {
            1 => "the job that was stopped".to_owned(),
            several => format!("{} jobs that were stopped", count_of(several)),
        };
        self.read_for_rerun(jobs, what);
    }

    fn read_for_rerun(&mut self, jobs: Vec<JobId>, what: String) {
        let is_over = |id: &JobId| self.job_row(id).is_none_or(|job| job.status.is_final());
        if jobs.is_empty() {
            return self.say("there is nothing to submit again here");
        }
        if !jobs.iter().all(is_over) {
            return self.complain("some of these have not ended: only what is over is submitted again");
        }
        // One job has the form with all of its fields.
        if let [one] = jobs.as_slice()
            && one.part().is_none()
        {
            return self.ask_resubmit_with(one.clone(), super::why::Resize::default());
        }
        self.say(format!("reading {what} …"));
        let ids = rerun::to_describe(&jobs);
        self.rerun = Some(Wanted { jobs, what });
        self.ask(Ask::ForRerun(ids));
    }

    /// Opens the form that runs jobs again: what was needed has come.
    pub(super) fn take_for_rerun(&mut self, details: Result<Vec<JobDetail>, BackendError>) {
        let Some(Wanted { jobs, what }) = self.rerun.take() else { return };
        let details = match details {
            Ok(details) => details,
            Err(error) => return self.complain(format!("the details of {what}: {error}")),
        };
        self.notice = None;
        let definition = |label: &str| self.store.definitions.values().find(|definition| definition.label() == label);
        let plan = rerun::plan(&jobs, &details, definition);
        if let (true, Some(left)) = (plan.submits.is_empty(), plan.left_out.first()) {
            return self.complain(format!("{what} cannot be submitted again so: {}", left.why));
        }
        let mut queues = vec![AS_BEFORE.to_owned()];
        queues.extend(self.store.queues_in_order().into_iter().map(|queue| queue.job_queue_name.clone()));
        let go = match plan.submits.len() {
            1 => "Submit".to_owned(),
            several => format!("Submit {}", count_of(several)),
        };
        let mut fields = vec![
            Field::choice(Key::Queue, "Queue", queues, AS_BEFORE),
            Field::text(Key::Memory, "Memory", "", "as before; MiB"),
            Field::text(Key::Vcpus, "vCPU", "", "as before; 2, or 0.25 on Fargate"),
            Field::text(Key::Attempts, "Attempts", "", "as before; 1 to 10"),
        ];
        let hit = plan.count() as u64;
        let count = self.type_count(&mut fields, hit);
        self.popups.push(Popup::Form(Box::new(Form {
            title: format!("Submit again: {what}"),
            fields,
            count,
            go,
            ..Form::of(Purpose::Rerun { plan: Box::new(plan), what })
        })));
    }

    /// The calls of the form that runs jobs again.
    pub(super) fn rerun_calls(form: &Form, plan: &Plan) -> Result<Act, Problems> {
        let mut problems = Problems::new();
        let queue = form.value(Key::Queue);
        let mut keep = |result: Result<Option<u32>, Problems>| {
            result.unwrap_or_else(|more| {
                problems.extend(more);
                None
            })
        };
        let memory = keep(number(form, Key::Memory, |mib: u32| {
            let takes = "4 or more, in MiB";
            let wrong = validate::Invalid { field: "memory", given: mib.to_string(), takes };
            if mib >= 4 { Ok(()) } else { Err(wrong) }
        }));
        let attempts = keep(number(form, Key::Attempts, validate::attempts));
        let vcpus = form.value(Key::Vcpus);
        let is_amount = |text: &str| text.parse::<f64>().is_ok_and(|number| number > 0.0 && number.is_finite());
        if !vcpus.is_empty() && !is_amount(vcpus) {
            problems.push((Key::Vcpus, format!("`{vcpus}` is no number of vCPUs; takes 1, 2, … or 0.25 on Fargate")));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let changes = Changes {
            queue: (queue != AS_BEFORE).then(|| queue.to_owned()),
            memory_mib: memory.map(u64::from),
            vcpus: (!vcpus.is_empty()).then(|| vcpus.to_owned()),
            attempts,
        };
        let requests = plan.requests(&changes);
        let what = match (requests.as_slice(), plan.count()) {
            ([one], several) if several > 1 => format!("{} as an array of {}", one.job_name, count_of(several)),
            ([one], _) => one.job_name.clone(),
            (_, several) => format!("{} jobs", count_of(several)),
        };
        Ok(Act {
            title: format!("submit {what}"),
            done: Outline::Words(format!("submitted {what}")),
            steps: requests.into_iter().map(|request| Step::Submit(Box::new(request))).collect(),
            in_order: false,
        })
    }
}

/// What a form of running again says of the queue.
const AS_BEFORE: &str = "as before";

fn count_of(number: usize) -> String {
    count(number as u64)
}

/// By what the cursor finds a group again.
pub fn group_key(group: &Group) -> String {
    format!("{} {} {}", group.title(), group.reason, group.tells())
}
