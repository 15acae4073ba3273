//! The view of dependencies: what a job depends on, what depends on it, and the one that holds all of it up.

use super::list::{ListState, Step};
use super::{App, View};
use crate::backend::BackendError;
use crate::model::{JobDetail, JobId, Millis};
use crate::triage::lineage::{Branch, Tree};
use crate::tui::requests::Ask;

/// What the view shows, and where one is in it.
#[derive(Debug)]
pub struct TreeView {
    pub job: JobId,
    /// Its cursor alone is used: a tree has no filter.
    pub list: ListState,
    /// `None` until it has been read once; the last one stands until the next has come.
    pub told: Option<Box<Tree>>,
    pub error: Option<String>,
    pub is_asked: bool,
    asked_at: Millis,
}

/// While jobs of the tree change their states, it is read anew so often at most.
const REREAD: Millis = 2_000;

impl TreeView {
    /// The jobs of both trees with the job itself between them, and what the cursor finds each by.
    pub fn rows(&self) -> Vec<(String, &Branch)> {
        let Some(told) = &self.told else { return Vec::new() };
        let key = |part: &str, at: usize, row: &Branch| format!("{part} {at} {}", row.id);
        let before = told.before.iter().enumerate().map(|(at, row)| (key("before", at, row), row));
        let own = [(own_key(&told.job), &told.own)];
        let behind = told.behind.iter().enumerate().map(|(at, row)| (key("behind", at, row), row));
        before.chain(own).chain(behind).collect()
    }

    /// Which row the cursor is on.
    pub fn at(&self) -> Option<usize> {
        let keys: Vec<String> = self.rows().into_iter().map(|(key, _)| key).collect();
        self.list.cursor.position(&keys)
    }

    pub fn selected(&self) -> Option<&Branch> {
        let at = self.at()?;
        self.rows().into_iter().nth(at).map(|(_, row)| row)
    }

    pub(super) fn walk(&mut self, step: Step) {
        let keys: Vec<String> = self.rows().into_iter().map(|(key, _)| key).collect();
        self.list.cursor.step(&keys, step);
    }
}

fn own_key(job: &JobId) -> String {
    format!("own {job}")
}

impl App {
    pub(super) fn ask_tree(&mut self) {
        match self.selected_job() {
            Some(job) => self.open_tree(job),
            None => self.say("no job is selected"),
        }
    }

    pub(super) fn open_tree(&mut self, job: JobId) {
        let mut list = ListState::default();
        list.cursor.put(&own_key(&job));
        let view = TreeView { job, list, told: None, error: None, is_asked: false, asked_at: 0 };
        self.push(View::Tree(Box::new(view)));
        self.ask_tree_again();
    }

    /// The view of dependencies that is shown.
    pub fn tree(&self) -> Option<&TreeView> {
        match self.view() {
            View::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    /// Reads the tree that is shown anew.
    pub(super) fn ask_tree_again(&mut self) {
        let now = self.now;
        let Some(View::Tree(view)) = self.views.last_mut() else { return };
        (view.is_asked, view.asked_at) = (true, now);
        let job = view.job.clone();
        self.ask(Ask::Tree { job, at: now });
    }

    pub(super) fn settle_tree(&mut self) {
        if self.tree_is_due_at().is_some_and(|due| due <= self.now) {
            self.ask_tree_again();
        }
    }

    /// When the tree that is shown is to be read anew: a job in it is not in the state any more in which it stands there.
    pub(super) fn tree_is_due_at(&self) -> Option<Millis> {
        let view = self.tree().filter(|view| !view.is_asked)?;
        let has_moved = |row: &Branch| self.store.listed(&row.id).is_some_and(|job| Some(job.status) != row.status);
        let is_old = view.rows().into_iter().any(|(_, row)| has_moved(row));
        is_old.then_some(view.asked_at + REREAD)
    }

    pub(super) fn take_tree(&mut self, job: &JobId, told: Result<(Box<Tree>, Vec<JobDetail>), BackendError>) {
        let mut views = self.views.iter_mut().rev();
        let Some(view) = views.find_map(|view| match view {
            View::Tree(view) if view.job == *job => Some(view),
            _ => None,
        }) else {
            return;
        };
        view.is_asked = false;
        match told {
            Ok((told, jobs)) => {
                (view.told, view.error) = (Some(told), None);
                self.store.put_found(jobs.iter().map(JobDetail::row).collect());
            }
            Err(error) => view.error = Some(error.to_string()),
        }
    }

    /// Goes to the job that holds all of the tree up, and from there opens it.
    pub(super) fn go_to_root_blocker(&mut self) {
        let Some(view) = self.tree() else { return };
        let Some(root) = view.told.as_ref().and_then(|told| told.root_blocker.clone()) else {
            return self.say("nothing holds it up");
        };
        if view.selected().is_some_and(|row| row.id == root.id) {
            return self.open_job(root.id);
        }
        let key = view.rows().into_iter().find(|(_, row)| row.id == root.id).map(|(key, _)| key);
        if let (Some(key), Some(View::Tree(view))) = (key, self.views.last_mut()) {
            view.list.cursor.put(&key);
        }
    }
}
