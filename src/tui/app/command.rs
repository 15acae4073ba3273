//! The palette: any action or view by its name.

use super::list::{Scope, StateSet};
use super::log::Choice;
use super::{App, Pane, Popup, View};
use crate::model::{JobId, JobStatus};
use crate::tui::action::{Action, Place, TABLE};
use crate::tui::app::form::edit_request;
use crate::tui::requests::Ask;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::{Input, InputRequest};

/// Jobs that are offered at most.
const JOBS_OFFERED: usize = 50;

/// The state of the palette.
#[derive(Debug)]
pub struct Palette {
    pub title: &'static str,
    pub input: Input,
    /// All that is offered here.
    items: Vec<Item>,
    /// Which of them match what is typed, best first.
    pub found: Vec<usize>,
    pub at: usize,
}

/// One line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub doc: String,
    pub command: Command,
}

/// What a line of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Action(Action),
    States(StateSet),
    Queue(String),
    Environment(String),
    Theme(String),
    Context(String),
    Job(JobId),
    /// One of the nodes of a job, with its log.
    Node(JobId),
    /// One of the logs of a job.
    Log {
        job: JobId,
        choice: Choice,
    },
}

/// Short names that people's hands know.
const ALIASES: [(&str, Action); 10] = [
    ("q", Action::Quit),
    ("q!", Action::Quit),
    ("h", Action::Help),
    ("s", Action::ViewSchedules),
    ("sched", Action::ViewSchedules),
    ("ctx", Action::Context),
    ("jd", Action::ViewDefinitions),
    ("who", Action::ViewAudit),
    ("cancel", Action::Stop),
    ("terminate", Action::Stop),
];

impl Palette {
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.found.iter().filter_map(|at| self.items.get(*at))
    }

    pub fn insert(&mut self, letter: char) {
        self.input.handle(InputRequest::InsertChar(letter));
        self.search();
    }

    pub(super) fn press(&mut self, action: Action) {
        let count = self.found.len().max(1);
        match action {
            Action::NextField => self.at = (self.at + 1) % count,
            Action::PreviousField => self.at = (self.at + count - 1) % count,
            edit => {
                if let Some(request) = edit_request(edit) {
                    self.input.handle(request);
                    self.search();
                }
            }
        }
    }

    fn search(&mut self) {
        self.at = 0;
        let typed = self.input.value().trim();
        if typed.is_empty() {
            // Jobs are many: they are offered once something is typed.
            let is_job = |item: &Item| matches!(item.command, Command::Job(_));
            self.found = (0..self.items.len()).filter(|at| !is_job(&self.items[*at])).collect();
            return;
        }
        let alias = ALIASES.iter().find(|(short, _)| *short == typed).map(|(_, action)| Command::Action(*action));
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let named = pattern.score(Utf32Str::new(&item.name, &mut buffer), &mut matcher);
            let bonus = if item.name == typed || alias.as_ref() == Some(&item.command) {
                10_000
            } else if item.name.starts_with(typed) {
                1000
            } else {
                0
            };
            match named {
                Some(score) => scored.push((score + bonus, at)),
                None if bonus > 0 => scored.push((bonus, at)),
                None => {}
            }
        }
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.found = scored.into_iter().map(|(_, at)| at).collect();
    }
}

impl App {
    pub(super) fn open_palette(&mut self) {
        self.offer("Command", self.palette_items());
    }

    /// Lets a person choose one of these, by typing or by going there.
    pub(super) fn offer(&mut self, title: &'static str, items: Vec<Item>) {
        let mut palette = Palette { title, input: Input::default(), items, found: Vec::new(), at: 0 };
        palette.search();
        self.popups.push(Popup::Palette(palette));
    }

    /// Everything that the palette offers at this place.
    pub fn palette_items(&self) -> Vec<Item> {
        let place = self.place_below();
        let offered = TABLE.iter().filter(|info| info.scope.covers(place) && self.is_named_here(info.action));
        let mut items: Vec<Item> = offered
            .map(|info| Item {
                name: info.name.to_owned(),
                doc: info.doc.to_owned(),
                command: Command::Action(info.action),
            })
            .collect();
        let mut add = |name: String, doc: &str, command| items.push(Item { name, doc: doc.to_owned(), command });
        for set in StateSet::EACH {
            add(format!("jobs {}", set.name()), "the jobs in these states, of all queues", Command::States(set));
        }
        for queue in self.store.queues.keys() {
            add(format!("queue {queue}"), "the jobs of this queue", Command::Queue(queue.clone()));
        }
        for environment in self.store.environments.keys() {
            add(
                format!("environment {environment}"),
                "the instances of this compute environment",
                Command::Environment(environment.clone()),
            );
        }
        for Item { name, doc, command } in self.context_items("context ") {
            add(name, &doc, command);
        }
        for theme in &self.setting.themes {
            add(format!("theme {theme}"), "put on this theme", Command::Theme(theme.clone()));
        }
        for id in self.overview.jobs.rows(&self.store).ids.iter().take(JOBS_OFFERED) {
            if let Some(job) = self.store.job(id) {
                let doc = format!("{} · {}", job.status, id.short());
                add(format!("job {}", job.job_name), &doc, Command::Job(id.clone()));
            }
        }
        items
    }

    pub(super) fn run_palette(&mut self) {
        let Some(Popup::Palette(palette)) = self.popups.pop() else { return };
        match palette.items().nth(palette.at) {
            Some(item) => {
                let command = item.command.clone();
                self.run(command);
            }
            None if palette.input.value().trim().is_empty() => {}
            None => {
                let typed = palette.input.value().to_owned();
                self.complain(format!("`{typed}` is no command here; `:` alone lists what there is"));
            }
        }
    }

    fn run(&mut self, command: Command) {
        match command {
            Command::Action(action) => self.dispatch(action),
            Command::States(set) => {
                self.show_overview(Pane::Jobs);
                self.overview.jobs.states = set;
                self.overview.jobs.scope = Scope::Everywhere;
            }
            Command::Queue(queue) => self.open_queue(&queue),
            Command::Environment(environment) => self.open_environment(environment),
            Command::Theme(name) => {
                self.ask(Ask::Theme(name));
            }
            Command::Context(name) => self.turn_to(name),
            Command::Job(id) | Command::Node(id) => self.open_job(id),
            Command::Log { job, choice } => self.log.choice = Some((job, choice)),
        }
    }

    pub(super) fn open_queue(&mut self, queue: &str) {
        self.show_overview(Pane::Jobs);
        self.overview.queues.cursor.put(queue);
        self.overview.jobs.scope = Scope::Queue(queue.to_owned());
        self.overview.jobs.marked.clear();
    }

    pub(super) fn open_environment(&mut self, environment: String) {
        self.push(View::Instances { environment, list: super::ListState::default() });
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
            let list = super::JobList::of(Scope::Array(id.clone()), self.first_states(&id));
            self.push(View::Array { parent: id, list });
        } else {
            self.push(View::Job { id, scroll: super::Scroll::default() });
        }
    }
}

/// Whether the palette can be opened to find an action that works at `place`.
pub fn is_in_palette(action: Action, place: Place) -> bool {
    !place.takes_text() && action.info().scope.covers(place)
}
