//! What a line of the palette, a hot key or a saved view does.

use super::filter::{Field, Filter};
use super::form::Key;
use super::list::{JobList, ListState, Scope, Sort, StateSet};
use super::log::Choice;
use super::replace::Sooner;
use super::{App, Pane, View};
use crate::model::{JobDefinition, JobId, JobStatus, Subject};
use crate::tui::action::{Action, Place, Takes, read_line};
use crate::tui::requests::Ask;

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub doc: String,
    pub command: Command,
}

impl Item {
    pub fn new(name: String, doc: &str, command: Command) -> Self {
        Self { name, doc: doc.to_owned(), command }
    }

    pub fn is_job(&self) -> bool {
        matches!(self.command, Command::Job(_))
    }
}

/// What a line of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Action(Action),
    /// An action by its name, with what it takes.
    Line(String),
    Context(String),
    Job(JobId),
    /// One of the nodes of a job, with its log.
    Node(JobId),
    /// One of the logs of a job.
    Log {
        job: JobId,
        choice: Choice,
    },
    /// Puts a text on the clipboard.
    Copy {
        what: String,
        text: String,
    },
    /// Goes to a bookmark.
    Bookmark(usize),
    /// Shows what differs between two revisions of a job definition.
    Compare {
        one: String,
        other: String,
    },
    /// Puts a text into a field of the form below.
    Fill {
        key: Key,
        text: String,
    },
    /// One of the ways to have a job sooner where the service cannot move it.
    Sooner(Sooner),
}

impl App {
    pub(super) fn run(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Action(action) => self.dispatch(action),
            Command::Line(line) => return self.run_line(&line),
            Command::Context(name) => self.turn_to(name),
            Command::Job(id) | Command::Node(id) => self.open_job(id),
            Command::Log { job, choice } => self.log.choice = Some((job, choice)),
            Command::Copy { what, text } => self.copy(&what, text),
            Command::Bookmark(at) => self.go_to_bookmark(at),
            Command::Compare { one, other } => self.show_difference(&one, &other),
            Command::Fill { key, text } => self.fill(key, &text),
            Command::Sooner(way) => self.take_way(way),
        }
        Ok(())
    }

    /// Carries out a line as it is typed in the palette. An error says what is wrong with it.
    pub(super) fn run_line(&mut self, line: &str) -> Result<(), String> {
        let Some((info, rest)) = read_line(line) else {
            let name = line.split_whitespace().next().unwrap_or_default();
            return Err(format!("`{name}` is no command; `:` lists what there is"));
        };
        if let Some(refusal) = self.refusal(info.action) {
            return Err(refusal);
        }
        if rest.is_empty() && info.takes.is_needed() {
            self.open_palette_at(&format!("{} ", info.name));
            return Ok(());
        }
        if rest.is_empty() && !matches!(info.takes, Takes::Rows(_)) {
            if !info.scope.covers(self.place()) {
                return Err(format!("`{}` does not work here", info.name));
            }
            self.dispatch(info.action);
            return Ok(());
        }
        match info.takes {
            Takes::Nothing => return Err(format!("`{}` takes nothing after its name", info.name)),
            Takes::Rows(place) => return self.show_rows(info.action, place, rest),
            Takes::Subject => {
                let subject = self.subject_named(rest)?;
                self.open_why(subject);
            }
            Takes::JobHere if info.action == Action::Tree => {
                let id = self.job_named(rest)?;
                self.open_tree(id);
            }
            Takes::JobHere if info.action == Action::Shell => {
                let id = self.job_named(rest)?;
                self.ask_shell_of(id);
            }
            Takes::JobHere => {
                let id = self.job_named(rest)?;
                if self.selected_job().as_ref() != Some(&id) {
                    self.open_job(id);
                }
                self.show_log();
            }
            Takes::Job => {
                let id = self.job_named(rest)?;
                self.open_job(id);
            }
            Takes::Queue => {
                let queue = known(rest, "queue", self.store.queues.keys())?;
                self.open_queue(&queue);
            }
            Takes::Environment => {
                let environment = known(rest, "compute environment", self.store.environments.keys())?;
                self.open_environment(environment);
            }
            Takes::Definition => {
                let labels: Vec<String> = self.store.definitions.values().map(JobDefinition::label).collect();
                let newest = || {
                    let mut of =
                        labels.iter().filter(|label| label.rsplit_once(':').is_some_and(|(name, _)| name == rest));
                    of.next().cloned()
                };
                let label = match newest() {
                    Some(label) => label,
                    None => known(rest, "job definition", labels.iter())?,
                };
                self.push(View::Definition { label, scroll: super::Scroll::default() });
            }
            Takes::Theme => {
                let theme = known(rest, "theme", self.setting.own.themes.iter())?;
                self.ask(Ask::Theme(theme));
            }
            Takes::Context => {
                let offered = || self.setting.contexts.iter().map(|offered| &offered.name);
                let is_offered = offered().any(|name| name == rest);
                // Several are one, by their names with commas between them.
                for name in rest.split(',').filter(|_| !is_offered) {
                    known(name.trim(), "context", offered())?;
                }
                self.turn_to(rest.to_owned());
            }
            Takes::Columns => return self.choose_columns(rest),
            Takes::Command => return self.run_command(rest),
            Takes::Template if info.action == Action::ForgetTemplate => return self.forget_template(rest),
            Takes::Template => return self.open_template(rest),
            Takes::View if info.action == Action::ForgetView => return self.forget_view(rest),
            Takes::View => return self.go_to_view(rest),
            Takes::Name => return self.save_view(rest),
            Takes::Condition => return self.watch_for(rest),
            Takes::File => return self.export(rest),
            Takes::FileOrClipboard => self.write_handover(Some(rest)),
        }
        Ok(())
    }

    /// Shows a list with the filter that is written after its name.
    fn show_rows(&mut self, action: Action, place: Place, rest: &str) -> Result<(), String> {
        if place == Place::Jobs {
            return self.show_jobs(rest);
        }
        Filter::parse(rest, self.fields_at(place)).map_err(|error| error.to_string())?;
        if self.place_below() != place || self.views.len() > 1 {
            self.dispatch(action);
        }
        if let Some(list) = self.list_mut() {
            rest.clone_into(&mut list.filter);
        }
        Ok(())
    }

    /// `queue=main status=failed since=2h sort=-age`: a queue and a set of states are those of the list, an order is its
    /// own, and the rest is its filter.
    fn show_jobs(&mut self, rest: &str) -> Result<(), String> {
        let (mut scope, mut states, mut sort, mut filter) = (Scope::Everywhere, None, None, Vec::new());
        for word in super::filter::words(rest) {
            let set = |name: &str| StateSet::EACH.into_iter().find(|set| set.name() == name);
            let named = word.strip_prefix("status=").or_else(|| word.strip_prefix("state=")).unwrap_or(word);
            let queue = word.strip_prefix("queue=").map(|name| name.trim_matches('"'));
            // While nothing was read yet, it is taken at its word.
            let unread = self.store.queues.is_empty();
            let queue = queue
                .filter(|name| if unread { !name.contains(['*', ',']) } else { self.store.queues.contains_key(*name) });
            match (set(&named.to_lowercase()), queue, word.strip_prefix("sort=")) {
                (Some(set), ..) if states.is_none() => states = Some(set),
                (_, Some(queue), _) if scope == Scope::Everywhere => scope = Scope::Queue(queue.to_owned()),
                (.., Some(name)) => sort = Some(Sort::named(name)?),
                _ => filter.push(word),
            }
        }
        let filter = filter.join(" ");
        Filter::parse(&filter, Field::JOBS).map_err(|error| error.to_string())?;
        self.show_overview(Pane::Jobs);
        if let Scope::Queue(queue) = &scope {
            self.overview.queues.cursor.put(queue);
        }
        let jobs = &mut self.overview.jobs;
        jobs.scope = scope;
        jobs.states = states.unwrap_or(if rest.is_empty() { jobs.states } else { StateSet::All });
        if let Some((order, reversed)) = sort {
            (jobs.sort, jobs.reversed) = (Some(order), reversed);
        }
        jobs.list.filter = filter;
        jobs.marked.clear();
        jobs.list.cursor.enter_other_list();
        self.search();
        Ok(())
    }

    /// The job of this id, of an id that begins so, or of this name: the newest of several.
    pub(super) fn job_named(&self, text: &str) -> Result<JobId, String> {
        let id = JobId::from(text);
        if self.store.job(&id).is_some() || self.store.detail(&id).is_some() {
            return Ok(id);
        }
        let all = self.store.jobs.values();
        let found =
            all.filter(|job| job.job_name == text || (text.len() >= 4 && job.job_id.as_str().starts_with(text)));
        if let Some(job) = found.max_by_key(|job| (job.created_at, &job.job_id)) {
            return Ok(job.job_id.clone());
        }
        // A whole id may be of a job that was not fetched.
        if is_whole_id(text) {
            return Ok(id);
        }
        let nearest = crate::model::nearest_words(text, self.store.jobs.values().map(|job| job.job_name.as_str()));
        Err(format!("no job `{text}` among those that were fetched{nearest}; a whole id finds any"))
    }

    fn subject_named(&self, text: &str) -> Result<Subject, String> {
        let (kind, name) = text.split_once(char::is_whitespace).unwrap_or(("job", text));
        Ok(match kind {
            "queue" => Subject::Queue(known(name, "queue", self.store.queues.keys())?),
            "environment" => Subject::Environment(known(name, "compute environment", self.store.environments.keys())?),
            "job" => Subject::Job(self.job_named(name)?),
            other => return Err(format!("`why` takes job ID, queue NAME or environment NAME, not `{other}`")),
        })
    }

    pub(super) fn open_queue(&mut self, queue: &str) {
        self.show_overview(Pane::Jobs);
        self.overview.queues.cursor.put(queue);
        self.overview.jobs.scope = Scope::Queue(queue.to_owned());
        self.overview.jobs.marked.clear();
    }

    pub(super) fn open_environment(&mut self, environment: String) {
        self.push(View::Instances { environment, list: ListState::default() });
    }

    /// Shows a screen on top of the present one.
    pub(super) fn push(&mut self, view: View) {
        self.aside = false;
        self.views.push(view);
    }

    pub(super) fn show_overview(&mut self, pane: Pane) {
        self.views.truncate(1);
        self.aside = false;
        self.focus(pane);
    }

    pub(super) fn focus(&mut self, pane: Pane) {
        self.overview.pane = pane;
        if matches!(pane, Pane::Queues | Pane::Environments) {
            self.overview.upper = pane;
        }
    }

    /// What one looks for first in an array: what runs, or else what failed.
    fn first_states(&self, parent: &JobId) -> StateSet {
        let array = self.store.job(parent).and_then(|job| job.array_properties.as_ref());
        match array.and_then(|array| array.status_summary.as_ref()) {
            Some(counts) if counts.placed() > 0 => StateSet::Running,
            Some(counts) if counts.get(JobStatus::Failed) > 0 => StateSet::Failed,
            _ => StateSet::All,
        }
    }

    /// Whether help and palette name an action here.
    pub fn is_named_here(&self, action: Action) -> bool {
        self.refusal(action).is_none() && (action != Action::Begin || self.store.is_empty())
    }

    /// Opens a job's own screen, or an array's.
    pub(super) fn open_job(&mut self, id: JobId) {
        if self.store.job(&id).is_some_and(crate::model::JobSummary::has_parts) {
            self.ask_children(&id);
            self.describe_if_changed(&id);
            let list = JobList::of(Scope::Array(id.clone()), self.first_states(&id));
            self.push(View::Array { parent: id, list });
        } else {
            self.push(View::Job { id, scroll: super::Scroll::default() });
        }
    }
}

/// A name among those that there are; while none has been read, it is taken at its word.
fn known<'k>(name: &str, kind: &str, all: impl Iterator<Item = &'k String>) -> Result<String, String> {
    let all: Vec<&String> = all.collect();
    if all.is_empty() || all.iter().any(|known| *known == name) {
        return Ok(name.to_owned());
    }
    let nearest = crate::model::nearest_words(name, all.iter().map(|known| known.as_str()));
    Err(format!("there is no {kind} `{name}`{nearest}"))
}

/// Whether a text is the id of a job, of a child or of a node: a UUID, and the number of the part.
fn is_whole_id(text: &str) -> bool {
    let id = text.split([':', '#']).next().unwrap_or_default();
    id.len() == 36 && id.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-')
}
