//! Looking with the backend for what a filter of jobs means beyond what was fetched.

use super::filter::{Field, Filter};
use super::list::{Scope, StateSet};
use super::{App, Kind};
use crate::backend::{BackendError, JobQuery, JobScope, Page};
use crate::model::JobSummary;
use crate::tui::requests::Ask;

/// How many jobs are asked for at once.
const PAGE: u32 = 500;
/// Pages that are read in a row; going to the end of the list reads on.
const PAGES: usize = 20;

/// A search of the jobs for what one filter lets through.
#[derive(Debug)]
pub struct Sought {
    /// What was looked for: the filter, and where.
    of: (String, Scope, StateSet),
    query: JobQuery,
    pub states: StateSet,
    /// Jobs that were looked at.
    pub read: usize,
    pages: usize,
    pub is_busy: bool,
}

impl Sought {
    /// Whether there is more to look at.
    pub fn has_more(&self) -> bool {
        self.is_busy || self.query.page_token.is_some()
    }

    /// The queue that was looked at; `None`: all of them.
    pub fn queue(&self) -> Option<&str> {
        match &self.query.scope {
            JobScope::Queue(queue) => Some(queue),
            _ => None,
        }
    }
}

impl App {
    /// The search for what the list of jobs shows now.
    pub fn sought(&self) -> Option<&Sought> {
        self.sought.as_ref().filter(|sought| sought.of == self.searched_for())
    }

    fn searched_for(&self) -> (String, Scope, StateSet) {
        let jobs = &self.overview.jobs;
        (jobs.list.filter.clone(), jobs.scope.clone(), jobs.listed_states())
    }

    /// Looks for what the filter of the list of jobs means among the jobs that were not fetched, as far as the backend can
    /// tell them apart.
    pub(super) fn search(&mut self) {
        self.sought = None;
        if !matches!(self.place_below(), super::Place::Jobs) || !matches!(self.view(), super::View::Overview) {
            return;
        }
        let jobs = &self.overview.jobs;
        let (filter, states) = (jobs.filter(), jobs.listed_states());
        if filter.is_empty() || !self.has_more(states, &jobs.scope) {
            return;
        }
        let query = self.query_of(&filter, states);
        self.sought = Some(Sought { of: self.searched_for(), query, states, read: 0, pages: 0, is_busy: false });
        self.ask_sought();
    }

    fn query_of(&self, filter: &Filter, states: StateSet) -> JobQuery {
        // Fields are compared without regard to case; a queue's name has one.
        let named = filter.only(Field::Queue);
        let queue = named.and_then(|named| self.store.queues.keys().find(|name| name.eq_ignore_ascii_case(named)));
        let scope = match (queue, &self.overview.jobs.scope) {
            (Some(queue), _) | (None, Scope::Queue(queue)) => JobScope::Queue(queue.clone()),
            _ => JobScope::Everywhere,
        };
        // A backend knows a star at the end alone.
        let is_start = |name: &&str| name.find('*').is_none_or(|at| at + 1 == name.len());
        JobQuery {
            scope,
            statuses: filter.statuses().unwrap_or_else(|| states.statuses()),
            name: filter.only(Field::Name).filter(is_start).map(str::to_owned),
            page_token: None,
            limit: Some(PAGE),
        }
    }

    fn ask_sought(&mut self) {
        if let Some(sought) = &mut self.sought {
            sought.is_busy = true;
            let query = sought.query.clone();
            self.ask(Ask::Search(query));
        }
    }

    /// Reads on at the end of the list; whether the list is one that is searched.
    pub(super) fn search_on(&mut self) -> bool {
        let Some(sought) = self.sought() else { return false };
        if !sought.is_busy && sought.has_more() {
            self.ask_sought();
        }
        true
    }

    pub(super) fn take_found(&mut self, page: Result<Page<JobSummary>, BackendError>) {
        let Some(sought) = &mut self.sought else { return };
        sought.is_busy = false;
        match page {
            Ok(page) => {
                sought.read += page.items.len();
                sought.pages += 1;
                sought.query.page_token = page.next;
                let goes_on = sought.query.page_token.is_some() && !sought.pages.is_multiple_of(PAGES);
                self.store.read.insert(Kind::Jobs);
                self.store.put_page(page.items);
                if goes_on && self.sought().is_some() {
                    self.ask_sought();
                }
            }
            Err(error) => {
                self.sought = None;
                self.complain(format!("the search beyond what was fetched: {error}"));
            }
        }
    }
}
