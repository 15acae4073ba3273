//! Going: where one is as lines that lead there, and back, forward, bookmarks and saved views made of them.

use super::command::{Command, Item};
use super::list::{JobList, ListState, Scope, Sort};
use super::{App, Pane, View};
use crate::config::kept::{Bookmark, Note, Stop};
use crate::model::{JobId, Subject};
use crate::tui::action::Action;
use crate::tui::requests::Ask;

/// Ways that one can go back.
const HELD: usize = 50;

/// The ways that were gone, by which one can go back and forward.
#[derive(Debug, Default)]
pub struct Ways {
    back: Vec<Vec<Stop>>,
    forward: Vec<Vec<Stop>>,
}

impl App {
    /// The words for the views from the first to the one that is shown.
    pub fn breadcrumbs(&self) -> Vec<String> {
        self.views.iter().map(|view| self.breadcrumb(view)).collect()
    }

    fn breadcrumb(&self, view: &View) -> String {
        let name = |id: &JobId| self.job_row(id).map_or_else(|| id.short(), |job| job.job_name);
        match view {
            View::Overview => "overview".to_owned(),
            View::Log(_) => "log".to_owned(),
            View::Job { id, .. } => match (id.array_parent(), id.node_parent()) {
                (Some((_, index)), _) => format!("child {index}"),
                (None, Some((_, index))) => format!("node {index}"),
                (None, None) => format!("job {}", name(id)),
            },
            View::Array { parent, .. } => {
                let nodes = self.job_row(parent).is_some_and(|job| job.is_multi_node());
                format!("{} {}", if nodes { "nodes of" } else { "array" }, name(parent))
            }
            View::Instances { environment, .. } => format!("environment {environment}"),
            View::Schedules(_) => "schedules".to_owned(),
            View::Definitions(_) => "definitions".to_owned(),
            View::Definition { label, .. } => label.clone(),
            View::Audit(_) => "record of actions".to_owned(),
            View::Watches(_) => "watches".to_owned(),
            View::Failures(_) => "failures".to_owned(),
            View::Group { title, .. } => title.clone(),
            View::Pulse(_) => "pulse".to_owned(),
            View::Events(_) => "events".to_owned(),
            View::Cost(_) => "cost".to_owned(),
            View::Usage(_) => "usage".to_owned(),
            View::Tree(view) => format!("dependencies of {}", name(&view.job)),
            View::Why(why) => match &why.subject {
                Subject::Job(id) => format!("why {}", name(id)),
                Subject::Queue(name) | Subject::Environment(name) => format!("why {name}"),
            },
        }
    }

    /// The line of the palette that leads to a view from the one before it, and what its cursor is on.
    fn stop(&self, view: &View) -> Stop {
        let filtered = |name: &str, list: &ListState| Stop {
            line: format!("{name} {}", list.filter.trim()).trim_end().to_owned(),
            cursor: list.cursor.key().map(str::to_owned),
        };
        let plain = |line: String| Stop { line, cursor: None };
        match view {
            View::Overview => match self.overview.pane {
                Pane::Queues => filtered("queues", &self.overview.queues),
                Pane::Environments => filtered("environments", &self.overview.environments),
                Pane::Jobs | Pane::Log => {
                    let list = &self.overview.jobs;
                    Stop { line: line_of_jobs(list), cursor: list.list.cursor.key().map(str::to_owned) }
                }
            },
            View::Log(_) => plain(self.selected_job().map_or_else(|| "logs".to_owned(), |id| format!("logs {id}"))),
            View::Job { id, .. } => plain(format!("job {id}")),
            View::Array { parent, list } => {
                Stop { line: format!("job {parent}"), cursor: list.list.cursor.key().map(str::to_owned) }
            }
            View::Instances { environment, list } => {
                Stop { line: format!("environment {environment}"), cursor: list.cursor.key().map(str::to_owned) }
            }
            View::Schedules(list) => filtered("schedules", list),
            View::Definitions(list) => filtered("definitions", list),
            View::Definition { label, .. } => plain(format!("definition {label}")),
            View::Audit(list) => filtered("audit", list),
            View::Watches(list) => filtered("watches", list),
            View::Failures(view) => filtered("failures", &view.list),
            View::Pulse(_) => plain("pulse".to_owned()),
            View::Events(view) => filtered("events", &view.list),
            View::Cost(view) => filtered("cost", &view.list),
            View::Usage(view) => filtered("usage", &view.list),
            View::Tree(view) => plain(format!("tree {}", view.job)),
            // What was picked out by hand is not found again by a line.
            View::Group { .. } => plain(String::new()),
            View::Why(why) => plain(match &why.subject {
                Subject::Job(id) => format!("why job {id}"),
                Subject::Queue(name) => format!("why queue {name}"),
                Subject::Environment(name) => format!("why environment {name}"),
            }),
        }
    }

    /// The lines that lead to where one is.
    pub fn trail(&self) -> Vec<Stop> {
        self.views.iter().map(|view| self.stop(view)).filter(|stop| !stop.line.is_empty()).collect()
    }

    /// Goes where these lines lead.
    pub fn go(&mut self, trail: &[Stop]) {
        self.popups.clear();
        self.views.truncate(1);
        self.aside = false;
        for stop in trail {
            if let Err(error) = self.run_line(&stop.line) {
                self.complain(format!("`{}`: {error}", stop.line));
                return;
            }
            if let (Some(cursor), Some(list)) = (&stop.cursor, self.list_mut()) {
                list.cursor.await_thing(cursor);
            }
        }
    }

    /// Goes back where the last console of this context was, where that is known.
    pub fn resume(&mut self) {
        match self.kept.left.get(&self.setting.context).cloned() {
            Some(trail) => self.go(&trail),
            None => self.say("no console of this context has ended yet: there is nothing to go back to"),
        }
    }

    /// What tells one place from another for going back: views and what they are of, not filters and cursors.
    pub(super) fn whereabouts(&self) -> Vec<String> {
        let of = |view: &View| match view {
            View::Overview => match &self.overview.jobs.scope {
                Scope::Queue(queue) => format!("queue {queue}"),
                Scope::Everywhere | Scope::Array(_) | Scope::Chosen(_) => String::new(),
            },
            View::Schedules(_) => "schedules".to_owned(),
            View::Definitions(_) => "definitions".to_owned(),
            View::Audit(_) => "audit".to_owned(),
            View::Watches(_) => "watches".to_owned(),
            View::Log(_) => "log".to_owned(),
            View::Failures(_) => "failures".to_owned(),
            View::Events(_) => "events".to_owned(),
            View::Cost(_) => "cost".to_owned(),
            View::Usage(_) => "usage".to_owned(),
            View::Group { title, .. } => title.clone(),
            View::Tree(view) => format!("tree {}", view.job),
            other => self.stop(other).line,
        };
        self.views.iter().map(of).collect()
    }

    /// Takes note of the way that was left by an action, so that one can go back to it.
    pub(super) fn leave(&mut self, trail: Vec<Stop>, action: Action) {
        if matches!(action, Action::Before | Action::Backward | Action::Forward) {
            return;
        }
        push(&mut self.ways.back, trail);
        self.ways.forward.clear();
    }

    pub(super) fn go_before(&mut self) {
        let Some(trail) = self.ways.back.pop() else { return self.say("there is no view before") };
        let here = self.trail();
        push(&mut self.ways.back, here);
        self.go(&trail);
    }

    pub(super) fn go_backward(&mut self) {
        let Some(trail) = self.ways.back.pop() else { return self.say("there is no view before") };
        let here = self.trail();
        push(&mut self.ways.forward, here);
        self.go(&trail);
    }

    pub(super) fn go_forward(&mut self) {
        let Some(trail) = self.ways.forward.pop() else { return self.say("there is no view after") };
        let here = self.trail();
        push(&mut self.ways.back, here);
        self.go(&trail);
    }

    /// Keeps something over restarts.
    pub(super) fn note(&mut self, note: Note) {
        self.kept.note(note.clone());
        self.ask(Ask::Note(note));
    }

    pub(super) fn remember(&mut self, line: &str) {
        self.note(Note::Ran(line.to_owned()));
    }

    pub(super) fn toggle_bookmark(&mut self) {
        let trail = self.trail();
        let was_set = self.kept.bookmarks.iter().any(|known| known.is_of(&trail));
        let crumbs = self.breadcrumbs();
        let title = match (crumbs.len(), trail.first()) {
            (1, Some(stop)) => stop.line.clone(),
            _ => crumbs[1..].join(" ▸ "),
        };
        self.note(Note::Bookmark(Bookmark { title: title.clone(), trail }));
        let list = self.keymap.keys_of(Action::Bookmarks).into_iter().next().unwrap_or_else(|| ":bookmarks".to_owned());
        self.say(if was_set {
            format!("no bookmark any more: {title}")
        } else {
            format!("bookmark set: {title} ({list} lists)")
        });
    }

    pub(super) fn offer_bookmarks(&mut self) {
        let bookmarks = self.kept.bookmarks.iter().enumerate().rev();
        let mut items: Vec<Item> = bookmarks
            .map(|(at, bookmark)| Item::new(bookmark.title.clone(), "bookmark", Command::Bookmark(at)))
            .collect();
        let views = self.kept.views.iter();
        items.extend(views.map(|(name, line)| Item::new(name.clone(), line, Command::Line(format!("view {name}")))));
        if items.is_empty() {
            let key = self.keymap.keys_at(self.place(), Action::Bookmark).into_iter().next().unwrap_or_default();
            return self.say(format!("no bookmarks yet: {key} sets one, `:save NAME` saves a view"));
        }
        self.offer("Bookmarks and saved views", items);
    }

    pub(super) fn go_to_bookmark(&mut self, at: usize) {
        if let Some(bookmark) = self.kept.bookmarks.get(at).cloned() {
            self.go(&bookmark.trail);
        }
    }

    pub(super) fn save_view(&mut self, name: &str) -> Result<(), String> {
        let line = self.stop(self.view()).line;
        if line.is_empty() {
            return Err("what was picked out by hand cannot be saved; `:export` writes it to a file".to_owned());
        }
        self.note(Note::Save { name: name.to_owned(), line: line.clone() });
        self.say(format!("saved `{line}` as {name}; `:view {name}` shows it"));
        Ok(())
    }

    pub(super) fn go_to_view(&mut self, name: &str) -> Result<(), String> {
        let Some(line) = self.kept.views.get(name).cloned() else { return Err(self.no_view(name)) };
        self.run_line(&line)
    }

    pub(super) fn forget_view(&mut self, name: &str) -> Result<(), String> {
        if !self.kept.views.contains_key(name) {
            return Err(self.no_view(name));
        }
        self.note(Note::Forget { name: name.to_owned() });
        self.say(format!("forgot the view {name}"));
        Ok(())
    }

    fn no_view(&self, name: &str) -> String {
        let nearest = crate::model::nearest_words(name, self.kept.views.keys().map(String::as_str));
        format!("no view is saved as `{name}`{nearest}; `:save {name}` saves the one that is shown")
    }
}

/// `jobs queue=main failed sort=-age exit=137`
fn line_of_jobs(list: &JobList) -> String {
    let mut words = vec!["jobs".to_owned()];
    if let Scope::Queue(queue) = &list.scope {
        words.push(format!("queue={queue}"));
    }
    words.push(list.states.name().to_owned());
    if list.sort.is_some() || list.reversed {
        words.push(format!("sort={}{}", if list.reversed { "-" } else { "" }, Sort::key(list.order())));
    }
    words.extend(Some(list.list.filter.trim().to_owned()).filter(|filter| !filter.is_empty()));
    words.join(" ")
}

fn push(ways: &mut Vec<Vec<Stop>>, trail: Vec<Stop>) {
    if ways.last() != Some(&trail) {
        ways.push(trail);
    }
    let over = ways.len().saturating_sub(HELD);
    ways.drain(..over);
}
