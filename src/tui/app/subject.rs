//! Which log is shown: chosen from what is selected, asked for once the cursor has come to rest.

use super::command::{Command, Item};
use super::list::{Scope, is_held, queue_of};
use super::log::{Choice, LogPane, REST, Stream, Subject};
use super::{App, Intention, Pane, View};
use crate::backend::{JobQuery, JobScope};
use crate::model::{JobDetail, JobId, JobStatus, JobSummary, Millis, ServiceRun};
use crate::tui::log_reading::ReadLog;
use crate::tui::requests::{Ask, Sight};

/// How many children are asked for at once.
const CHILDREN_PAGE: u32 = 1000;
/// So long after the end of a service job its logs may still come to be there.
const LATE_LOGS: Millis = 60_000;
/// What a running job uses is asked for again after so long: AWS counts once a minute.
const USAGE_AGE: Millis = 60_000;
/// The same where it costs nobody a call of a service.
const OWN_USAGE_AGE: Millis = 4_000;

impl App {
    /// Brings what is asked for in line with what is looked at.
    pub(super) fn settle(&mut self) {
        self.store.turn_over(self.now);
        self.settle_cursors();
        self.look_where_one_looks();
        if let View::Job { id, .. } = self.view() {
            let id = id.clone();
            self.describe_if_changed(&id);
            // It was opened before it was known to have parts.
            if self.store.job(&id).is_some_and(JobSummary::has_parts) {
                self.views.pop();
                self.open_job(id);
            }
        }
        self.settle_merge();
        let subject = self.merged_subject().unwrap_or_else(|| self.subject());
        if subject != self.log.wanted {
            let same_job = job_of(&subject) == job_of(&self.log.wanted);
            if !same_job {
                self.log.wanted_since = self.now;
            }
            self.log.wanted = subject;
        }
        self.settle_why();
        self.settle_failures();
        self.settle_tree();
        self.settle_pulse();
        self.settle_usage();
        self.settle_capacity();
        self.settle_reports();
        self.settle_schedule();
        if self.log_is_due_at().is_some_and(|due| due <= self.now) {
            self.turn_log();
        }
        self.read_log();
        if let Some(word) = self.log.word.take() {
            self.say(word);
        }
    }

    /// Asks for what the job whose screen is shown has used: when it is opened, when it has moved on, and from time to time
    /// while it runs.
    fn settle_usage(&mut self) {
        let View::Job { id, .. } = self.view() else { return };
        let Some(detail) = self.store.detail(id) else { return };
        let age = if self.setting.can.pushes_changes { OWN_USAGE_AGE } else { USAGE_AGE };
        if detail.task_arn().is_none() || detail.started_at.is_none() {
            return;
        }
        let is_fresh = self.usage_asked.as_ref().is_some_and(|(asked, status, at)| {
            let is_over = detail.status.is_final() || self.now - at < age;
            asked == id && *status == detail.status && is_over
        });
        if !is_fresh {
            self.usage_asked = Some((id.clone(), detail.status, self.now));
            let job = Box::new(detail.clone());
            self.ask(Ask::Usage(job));
        }
    }

    /// Lets what is polled be polled where one looks first.
    fn look_where_one_looks(&mut self) {
        if self.setting.can.pushes_changes {
            return;
        }
        let sight = Sight { queue: self.queue_in_sight(), environment: self.environment_in_sight() };
        if sight != self.looked_at {
            self.looked_at.clone_from(&sight);
            self.ask(Ask::LookAt(sight));
        }
    }

    /// The environment whose instances one looks at.
    fn environment_in_sight(&self) -> Option<String> {
        let is_in_sight = match self.view() {
            View::Instances { .. } => true,
            View::Overview => self.overview.pane == Pane::Environments,
            _ => false,
        };
        let selected = self.selected_environment().filter(|_| is_in_sight)?;
        Some(selected.compute_environment_name.clone())
    }

    /// The queue whose jobs one looks at, or would look at next; none where one looks at all.
    fn queue_in_sight(&self) -> Option<String> {
        if matches!(self.view(), View::Overview) {
            if self.overview.pane == Pane::Queues {
                return self.selected_queue().map(|queue| queue.job_queue_name.clone());
            }
            return match &self.overview.jobs.scope {
                Scope::Queue(queue) => Some(queue.clone()),
                _ => None,
            };
        }
        let job = self.selected_job().and_then(|id| self.job_row(&id))?;
        queue_of(&job).map(str::to_owned)
    }

    /// Asks for what the log needs to show where one looks.
    fn read_log(&mut self) {
        let due = |log: &LogPane, now| log.due().or_else(|| log.histogram_due(now));
        while let (Some(what), Subject::Stream(stream)) = (due(&self.log, self.now), &self.log.shown) {
            let (keep, since) = (self.log.keep.clone(), self.log.since.map(|(at, _)| at));
            let (sources, between) = (stream.sources(), stream.between);
            let ask = ReadLog { sources, between, keep, since, what: what.clone() };
            let id = self.ask(Ask::Log(ask));
            self.log.asked(&what, id);
        }
    }

    /// When the log must turn to what is wanted; `None` while it is there.
    pub fn log_is_due_at(&self) -> Option<Millis> {
        (self.log.wanted != self.log.shown).then_some(self.log.wanted_since + REST)
    }

    fn turn_log(&mut self) {
        let wanted = self.log.wanted.clone();
        let same_stream = match (&wanted, &self.log.shown) {
            (Subject::Stream(wanted), Subject::Stream(shown)) => wanted.sources() == shown.sources(),
            _ => false,
        };
        if same_stream {
            self.log.shown = wanted;
            return;
        }
        if let (Subject::Stream(wanted_streams), Subject::Stream(shown)) = (&wanted, &self.log.shown)
            && !wanted_streams.merged.is_empty()
            && !shown.merged.is_empty()
            && wanted_streams.job == shown.job
        {
            return self.log.turn_merged(wanted);
        }
        let was_streaming = self.log.waiting().is_some();
        self.log.turn_to(wanted.clone());
        match wanted {
            // Its first reading follows; what is waited for then takes the place of what was.
            Subject::Stream(_) => {}
            Subject::Asked { job, .. } => {
                if was_streaming {
                    self.ask(Ask::StopFollowing);
                }
                self.ask_about(&job);
            }
            Subject::Without { job, .. } => {
                if was_streaming {
                    self.ask(Ask::StopFollowing);
                }
                // What it depends on is told by its details.
                self.describe_if_changed(&job);
            }
            Subject::Nothing => {
                if was_streaming {
                    self.ask(Ask::StopFollowing);
                }
            }
        }
    }

    fn ask_about(&mut self, id: &JobId) {
        if self.store.job(id).is_some_and(JobSummary::is_array_parent) {
            self.ask_children(id);
        } else {
            self.describe_if_changed(id);
        }
    }

    /// Asks for the children of an array, once; changes keep them up to date from then on.
    pub(super) fn ask_children(&mut self, parent: &JobId) {
        if self.children_asked.insert(parent.clone()) {
            self.store.look_at_children(parent);
            let query = parts_query(self.store.job(parent), parent, None);
            self.ask(Ask::Children { parent: parent.clone(), query });
        }
    }

    /// Asks for the details of a job where they are missing or it has changed its state since.
    pub(super) fn describe_if_changed(&mut self, id: &JobId) {
        let state = self.store.job(id).map(|job| (job.status, attempt_of(job)));
        match (self.described.get(id), state) {
            (Some(_), None) => return,
            (Some(then), Some(now)) if *then == now => return,
            _ => {}
        }
        self.described.insert(id.clone(), state.unwrap_or_default());
        self.ask(Ask::Describe(vec![id.clone()]));
    }

    /// Looks again for logs of the service job that is shown, where it runs or has just ended and not all of its instances
    /// have one: no change of its row tells that they have begun to print.
    pub(super) fn look_for_logs_of_service(&mut self) {
        let Some(id) = job_of(&self.log.wanted).cloned() else { return };
        let Some(detail) = self.store.detail(&id) else { return };
        let may_come = detail.started_at.is_some() && detail.stopped_at.is_none_or(|at| self.now - at < LATE_LOGS);
        let lacks = |service: &ServiceRun| service.logs_unread.is_none() && service.lacks_logs(attempts_in(detail));
        if may_come && detail.service.as_deref().is_some_and(lacks) {
            self.ask(Ask::Describe(vec![id]));
        }
    }

    fn subject(&self) -> Subject {
        for view in self.views.iter().rev() {
            match view {
                View::Log(None) => {}
                View::Log(Some(id)) | View::Job { id, .. } => return self.subject_of_id(id),
                View::Overview => {
                    let selected = self.overview.jobs.selected(&self.store);
                    return selected.map_or(Subject::Nothing, |job| self.subject_of(job));
                }
                View::Why(why) => {
                    return match &why.subject {
                        crate::model::Subject::Job(id) => self.subject_of_id(id),
                        _ => self.log.wanted.clone(),
                    };
                }
                View::Group { list, .. } => {
                    return list.selected(&self.store).map_or(Subject::Nothing, |job| self.subject_of(job));
                }
                View::Tree(view) => {
                    let id = view.selected().map_or(&view.job, |row| &row.id);
                    return self.subject_of_id(id);
                }
                View::Failures(_) => {
                    let newest = self.selected_group().and_then(|group| group.jobs.first());
                    return newest.map_or(Subject::Nothing, |id| self.subject_of_id(id));
                }
                View::Array { parent, list } => {
                    return match list.selected(&self.store) {
                        Some(child) => self.subject_of(child),
                        None => self.subject_of_id(parent),
                    };
                }
                _ => return self.log.wanted.clone(),
            }
        }
        Subject::Nothing
    }

    fn subject_of_id(&self, id: &JobId) -> Subject {
        match (self.store.job(id), self.store.detail(id)) {
            (Some(job), _) => self.subject_of(job),
            (None, Some(detail)) => self.subject_of(&detail.row()),
            (None, None) => Subject::Asked { job: id.clone(), name: id.short() },
        }
    }

    fn subject_of(&self, job: &JobSummary) -> Subject {
        if job.is_multi_node() {
            // The main node speaks for the job, with its log too.
            return self.stream_of(job, "of the main node");
        }
        if job.is_array_parent() {
            return self.subject_of_array(job);
        }
        self.stream_of(job, "")
    }

    fn subject_of_array(&self, parent: &JobSummary) -> Subject {
        let (id, name) = (parent.job_id.clone(), parent.job_name.clone());
        let children = self.store.children.get(&id).filter(|children| !children.is_empty());
        let Some(children) = children else {
            return Subject::Asked { job: id, name };
        };
        let lowest = |status: JobStatus| children.values().find(|child| child.status == status);
        let chosen = [
            (JobStatus::Running, "the lowest that runs"),
            (JobStatus::Failed, "the lowest that failed"),
            (JobStatus::Succeeded, "the lowest"),
        ];
        for (status, why) in chosen {
            if let Some(child) = lowest(status) {
                return self.stream_of(child, why);
            }
        }
        Subject::Without { job: id, name, why: "no child has started yet".to_owned() }
    }

    pub(super) fn stream_of(&self, job: &JobSummary, chosen: &str) -> Subject {
        let (id, name) = (job.job_id.clone(), title_of(job));
        let detail = self.store.detail(&id);
        let choice = self.log.choice_of(&id);
        let last = attempt_of(job).max(detail.map_or(0, attempts_in));
        let number = choice.attempt.unwrap_or(last);
        let container = choice.container.as_deref();
        let known = detail.and_then(|detail| {
            let asked = if number == last { None } else { Some(number) };
            detail.log(asked, container)
        });
        let told = job.extra.as_ref().filter(|_| number == last && container.is_none()).and_then(|extra| {
            let stream = extra.log_stream_name.clone().filter(|stream| !stream.is_empty())?;
            Some((extra.log_group_name.clone(), stream))
        });
        let found = told.or_else(|| known.as_ref().map(|log| (log.group.clone(), log.stream.clone())));
        let Some((group, stream)) = found else {
            return match detail {
                Some(detail) => Subject::Without { job: id, name, why: self.why_no_log(job, Some(detail)) },
                None if job.status.is_waiting() => Subject::Without { job: id, name, why: self.why_no_log(job, None) },
                None => Subject::Asked { job: id, name },
            };
        };
        let mut which: Vec<String> = Some(chosen.to_owned()).filter(|chosen| !chosen.is_empty()).into_iter().collect();
        if number > 0 {
            which.push(format!("attempt {number}"));
        }
        if detail.is_some_and(|detail| detail.container_names().len() > 1) {
            which.extend(known.map(|log| log.container));
        }
        if let Some(driver) = detail.and_then(|detail| detail.other_log_driver(container)) {
            which.push(format!("log driver {driver}: kept here alone"));
        }
        if job.status.is_waiting() {
            which.push("it waits to run again".to_owned());
        }
        let which = which.join(" · ");
        let ended = job.status.is_final();
        Subject::Stream(Stream { job: id, name, which, group, stream, ended, ..Stream::default() })
    }

    /// Why a job has no log.
    pub fn why_no_log(&self, job: &JobSummary, detail: Option<&JobDetail>) -> String {
        let waits_for: Vec<String> = detail
            .filter(|_| job.status == JobStatus::Pending)
            .into_iter()
            .flat_map(|detail| &detail.depends_on)
            .filter_map(|dependency| dependency.job_id.as_ref())
            .map(|id| self.store.job(id).map_or_else(|| id.short(), |other| other.job_name.clone()))
            .collect();
        let reason = job.status_reason.clone().filter(|reason| !reason.is_empty());
        let has_run = detail.is_some_and(|detail| detail.started_at.is_some());
        if let Some(driver) = detail.filter(|_| has_run).and_then(|detail| detail.other_log_driver(None)) {
            return format!("its log driver is {driver}: its lines are not in CloudWatch Logs");
        }
        if let Some(why) = detail.filter(|_| has_run).and_then(|detail| detail.service.as_ref()?.why_no_log()) {
            return why;
        }
        match (job.status, reason) {
            _ if is_held(job) => "it is held by an operator until it is released".to_owned(),
            (status, Some(reason)) if status.is_waiting() => format!("it waits: {reason}"),
            (JobStatus::Pending, None) if !waits_for.is_empty() => format!("it waits for {}", waits_for.join(", ")),
            (JobStatus::Pending, None) => "it waits for the jobs that it depends on".to_owned(),
            (JobStatus::Runnable, None) if queue_of(job).is_some_and(|queue| self.is_queue_held(queue)) => {
                "it waits until its queue is released: it is held".to_owned()
            }
            (status, None) if status.is_waiting() => "it waits for room in its queue's compute environments".to_owned(),
            (JobStatus::Starting, _) => "it is being started".to_owned(),
            (status, Some(reason)) if status.is_final() => format!("it never started: {reason}"),
            (status, None) if status.is_final() => "it ended without writing a log".to_owned(),
            _ => "its log stream is not known yet".to_owned(),
        }
    }

    /// Asks for a job's details, and does something with them when they come.
    pub(super) fn intend(&mut self, id: JobId, intention: Intention) {
        self.described.remove(&id);
        self.describe_if_changed(&id);
        self.intention = Some((id, intention));
    }

    /// Does what was asked of a job before its details had come.
    pub(super) fn keep_intention(&mut self) {
        match self.intention.take() {
            Some((id, intention)) if self.store.detail(&id).is_none() => self.intention = Some((id, intention)),
            Some((id, Intention::Resubmit(resize))) => self.resubmit(&id, resize),
            Some((id, intention @ (Intention::Stop | Intention::Release | Intention::Move))) => {
                self.begin(&id, intention);
            }
            Some((id, Intention::TurnAttempt { forward })) if job_of(&self.log.wanted) == Some(&id) => {
                self.turn_attempt(forward);
            }
            Some((id, Intention::ChooseLog)) if job_of(&self.log.wanted) == Some(&id) => self.choose_log(),
            Some((id, Intention::Shell)) => self.open_shell(&id),
            Some((id, Intention::Command(at))) if self.selected_job().as_ref() == Some(&id) => self.begin_command(at),
            Some((id, Intention::Describe)) if self.selected_job().as_ref() == Some(&id) => self.describe_here(),
            _ => {}
        }
    }

    /// Offers the logs of the job that is shown, the newest first, and the nodes of one that has several.
    pub(super) fn choose_log(&mut self) {
        let Some(id) = job_of(&self.log.wanted).cloned() else { return self.say("no job is selected") };
        let Some(detail) = self.store.detail(&id) else { return self.intend(id, Intention::ChooseLog) };
        let several = detail.container_names().len() > 1;
        let last = detail.logs().last().map_or(0, |log| log.attempt);
        let mut items: Vec<Item> = Vec::new();
        for number in (1..=last).rev() {
            for log in detail.logs().into_iter().filter(|log| log.attempt == number) {
                let container = if several { format!(" · {}", log.container) } else { String::new() };
                let group = log.group.map(|group| format!(" of {group}")).unwrap_or_default();
                items.push(Item {
                    name: format!("attempt {number}{container}"),
                    doc: format!("{}{group}", log.stream),
                    command: Command::Log {
                        job: id.clone(),
                        choice: Choice { attempt: Some(number), container: Some(log.container).filter(|_| several) },
                    },
                });
            }
        }
        let nodes = detail.node_properties.as_ref();
        items.extend((0..nodes.map_or(0, |nodes| nodes.num_nodes)).map(|index| Item {
            name: format!("node {index}"),
            doc: if nodes.is_some_and(|nodes| nodes.main_node == index) { "the main node" } else { "" }.to_owned(),
            command: Command::Node(id.node(index)),
        }));
        match (items.len(), last) {
            (0, _) => self.say("it has no log yet"),
            (1, _) => self.say("it has one log alone"),
            _ => self.offer("Logs", items),
        }
    }

    /// Turns to the log of another attempt of the job that is shown.
    pub(super) fn turn_attempt(&mut self, forward: bool) {
        let Some(id) = job_of(&self.log.wanted).cloned() else { return };
        let Some(detail) = self.store.detail(&id) else {
            self.intend(id, Intention::TurnAttempt { forward });
            return;
        };
        let last = attempts_in(detail).max(self.store.job(&id).map_or(0, attempt_of));
        let choice = self.log.choice_of(&id);
        let now = choice.attempt.unwrap_or(last);
        let next = if forward { (now + 1).min(last) } else { now.saturating_sub(1).max(1) };
        if next == now || last < 2 {
            return self.say(if last < 2 { "there is one attempt only" } else { "there is no further attempt" });
        }
        self.log.choice = Some((id, Choice { attempt: Some(next), ..choice }));
    }
}

/// A job's name, with the index of a child or a node.
pub fn title_of(job: &JobSummary) -> String {
    match (job.job_id.array_parent(), job.job_id.node_parent()) {
        (Some((_, index)), _) => format!("{}:{index}", job.job_name),
        (None, Some((_, index))) => format!("{}#{index}", job.job_name),
        (None, None) => job.job_name.clone(),
    }
}

/// The job that a subject is about.
pub(super) fn job_of(subject: &Subject) -> Option<&JobId> {
    match subject {
        Subject::Nothing => None,
        Subject::Without { job, .. } | Subject::Asked { job, .. } => Some(job),
        Subject::Stream(stream) => Some(&stream.job),
    }
}

/// Asks for the children of an array, or for the nodes of a multi-node job.
pub(super) fn parts_query(whole: Option<&JobSummary>, id: &JobId, page_token: Option<String>) -> JobQuery {
    let scope = if whole.is_some_and(JobSummary::is_multi_node) { JobScope::Nodes } else { JobScope::Array };
    JobQuery { scope: scope(id.clone()), page_token, limit: Some(CHILDREN_PAGE), ..Default::default() }
}

pub(super) fn attempt_of(job: &JobSummary) -> u32 {
    job.extra.as_ref().map_or(0, |extra| extra.attempt)
}

/// Attempts that have ended, and the one that runs.
fn attempts_in(detail: &JobDetail) -> u32 {
    let ended = u32::try_from(detail.attempts.len()).unwrap_or(u32::MAX);
    ended + u32::from(detail.status.is_placed())
}
