//! Views that are read anew while they are shown: what happened, what was spent, what runs have used.

use super::failures::Span;
use super::filter::{Field, Filter, Row, Value};
use super::list::ListState;
use super::{App, Scroll, View};
use crate::backend::BackendError;
use crate::model::{CostBy, CostQuery, CostReport, CostRow, Happened, Millis};
use crate::triage::fit::Fit;
use crate::tui::requests::{Ask, EVENTS_HELD, Heard};
use std::collections::VecDeque;

/// How fresh a view is.
#[derive(Debug, Default)]
pub struct Reading {
    pub is_asked: bool,
    asked_at: Millis,
    /// When what is shown was read; `None` until it has been.
    pub read_at: Option<Millis>,
    pub error: Option<String>,
}

impl Reading {
    fn begin(&mut self, now: Millis) {
        (self.is_asked, self.asked_at) = (true, now);
    }

    /// Takes note of an answer, and gives what was told.
    fn end<T>(&mut self, told: Result<T, BackendError>, now: Millis) -> Option<T> {
        self.is_asked = false;
        match told {
            Ok(told) => {
                (self.read_at, self.error) = (Some(now), None);
                Some(told)
            }
            Err(error) => {
                self.error = Some(error.to_string());
                None
            }
        }
    }
}

/// What Batch has told `EventBridge`, as far as it is held.
#[derive(Debug, Default)]
pub struct EventsView {
    pub list: ListState,
    pub reading: Reading,
    /// Newest first.
    pub told: VecDeque<Happened>,
    cursor: Option<u64>,
    /// There was more before.
    pub missed: bool,
}

/// What was spent.
#[derive(Debug)]
pub struct CostView {
    pub list: ListState,
    pub reading: Reading,
    pub by: CostBy,
    /// `None`: of all time.
    pub span: Option<Span>,
    pub told: Option<Box<CostReport>>,
}

/// What runs have used against what they ask for.
#[derive(Debug, Default)]
pub struct UsageView {
    pub list: ListState,
    pub reading: Reading,
    pub told: Vec<Fit>,
    /// Of what is said of the definition under the cursor.
    pub scroll: Scroll,
}

/// Events are asked for so often at most, and only after something was heard.
const EVENTS_REREAD: Millis = 1_000;
const REREAD: Millis = 10_000;

pub fn fit_key(fit: &Fit) -> String {
    format!("{}:{}", fit.runs.job_definition_name, fit.runs.revision)
}

impl App {
    pub(super) fn open_events(&mut self) {
        self.show(View::Events(Box::default()));
        self.ask_report();
    }

    pub(super) fn open_cost(&mut self) {
        let view = CostView {
            list: ListState::default(),
            reading: Reading::default(),
            by: CostBy::Queue,
            span: Some(Span::Day),
            told: None,
        };
        self.show(View::Cost(Box::new(view)));
        self.ask_report();
    }

    pub(super) fn open_usage(&mut self) {
        self.show(View::Usage(Box::default()));
        self.ask_report();
    }

    /// Reads the view that is shown anew.
    pub(super) fn ask_report(&mut self) {
        let now = self.now;
        let ask = match self.views.last_mut() {
            Some(View::Events(view)) => {
                view.reading.begin(now);
                Ask::Events { after: view.cursor }
            }
            Some(View::Cost(view)) => {
                view.reading.begin(now);
                Ask::Costs(CostQuery { by: view.by, since: view.span.map(|span| now - span.length()) })
            }
            Some(View::Usage(view)) => {
                view.reading.begin(now);
                Ask::Fits
            }
            _ => return,
        };
        self.ask(ask);
    }

    pub(super) fn settle_reports(&mut self) {
        if self.report_is_due_at().is_some_and(|due| due <= self.now) {
            self.ask_report();
        }
    }

    /// When the view that is shown is to be read anew. What could not be read is tried again when it is asked for.
    pub(super) fn report_is_due_at(&self) -> Option<Millis> {
        let due = |reading: &Reading, pause: Millis| {
            (!reading.is_asked && reading.error.is_none()).then_some(reading.asked_at + pause)
        };
        match self.view() {
            View::Events(view) => due(&view.reading, EVENTS_REREAD).filter(|_| self.heard_at > view.reading.asked_at),
            View::Cost(view) => due(&view.reading, REREAD),
            View::Usage(view) => due(&view.reading, REREAD),
            _ => None,
        }
    }

    pub(super) fn take_events(&mut self, told: Result<Heard, BackendError>) {
        let now = self.now;
        for view in &mut self.views {
            let View::Events(view) = view else { continue };
            let Some(heard) = view.reading.end(told, now) else { return };
            view.cursor = heard.cursor;
            view.missed |= heard.missed;
            for happened in heard.happened {
                // On AWS what happened may be seen after what came later.
                let place = view.told.iter().take_while(|later| later.at > happened.at).count();
                view.told.insert(place, happened);
            }
            view.missed |= view.told.len() > EVENTS_HELD;
            view.told.truncate(EVENTS_HELD);
            return;
        }
    }

    pub(super) fn take_costs(&mut self, told: Result<Box<CostReport>, BackendError>) {
        let now = self.now;
        for view in &mut self.views {
            let View::Cost(view) = view else { continue };
            if let Some(report) = view.reading.end(told, now) {
                view.told = Some(report);
            }
            return;
        }
    }

    pub(super) fn take_fits(&mut self, told: Result<Vec<Fit>, BackendError>) {
        let now = self.now;
        for view in &mut self.views {
            let View::Usage(view) = view else { continue };
            if let Some(fits) = view.reading.end(told, now) {
                view.told = fits;
            }
            return;
        }
    }

    /// The next thing to add up by.
    pub(super) fn turn_cost_by(&mut self) {
        let Some(View::Cost(view)) = self.views.last_mut() else { return };
        let at = CostBy::ALL.iter().position(|by| *by == view.by).unwrap_or(0);
        view.by = CostBy::ALL[(at + 1) % CostBy::ALL.len()];
        view.told = None;
        view.list = ListState::default();
        self.ask_report();
    }

    pub(super) fn turn_cost_span(&mut self, longer: bool) {
        let Some(View::Cost(view)) = self.views.last_mut() else { return };
        let span = match (view.span, longer) {
            (None | Some(Span::Week), true) => None,
            (None, false) => Some(Span::Week),
            // Costs are kept by the hour.
            (Some(Span::Hour), false) => Some(Span::Hour),
            (Some(span), _) => Some(span.turn(longer)),
        };
        if span != view.span {
            view.span = span;
            self.ask_report();
        }
    }

    /// The events that the filter lets through, newest first.
    pub fn events<'v>(&self, view: &'v EventsView) -> Vec<&'v Happened> {
        let filter = Filter::of(&view.list.filter, Field::EVENTS);
        let passes = |event: &&Happened| {
            let field = |field| match field {
                Field::Status => Value::Words(vec![event.what.as_str()]),
                Field::Queue => Value::of(Some(&event.queue)),
                Field::Definition => Value::Revision(&event.definition),
                Field::Name => Value::text(event.name.as_str()),
                Field::Id => Value::text(event.job.as_str()),
                Field::Reason => Value::of(Some(&event.reason)),
                Field::Since => Value::Span(self.now - event.at),
                _ => Value::Nothing,
            };
            let texts = [event.name.as_str(), &event.what, &event.queue, &event.definition, &event.reason];
            filter.passes(&Row { texts: &texts, field: &field })
        };
        view.told.iter().filter(passes).collect()
    }

    pub fn costs<'v>(&self, view: &'v CostView) -> Vec<&'v CostRow> {
        let filter = Filter::of(&view.list.filter, Field::COST);
        let rows = view.told.iter().flat_map(|report| &report.rows);
        rows.filter(|row| {
            let field = |field| match field {
                Field::Name => Value::text(row.name.as_str()),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &[&row.name], field: &field })
        })
        .collect()
    }

    pub fn fits<'v>(&self, view: &'v UsageView) -> Vec<&'v Fit> {
        let filter = Filter::of(&view.list.filter, Field::USAGE);
        let passes = |fit: &&Fit| {
            let label = fit_key(fit);
            let field = |field| match field {
                Field::Definition => Value::Revision(&label),
                _ => Value::Nothing,
            };
            filter.passes(&Row { texts: &[&label], field: &field })
        };
        view.told.iter().filter(passes).collect()
    }

    pub(super) fn selected_event<'v>(&self, view: &'v EventsView) -> Option<&'v Happened> {
        let events = self.events(view);
        let keys: Vec<String> = events.iter().map(|event| event.cursor.to_string()).collect();
        events.get(view.list.cursor.position(&keys)?).copied()
    }

    /// Opens what a sum is of.
    pub(super) fn open_cost_row(&mut self) {
        let View::Cost(view) = self.view() else { return };
        let (by, Some(name)) = (view.by, self.key_under_cursor()) else { return };
        match by {
            CostBy::Queue => self.open_queue(&name),
            CostBy::Environment => self.open_environment(name),
            CostBy::Share => match name.split_once('/') {
                Some((queue, share)) => {
                    let line = format!("jobs queue={queue} share={share}");
                    self.open_line(&line);
                }
                None => self.say("it is of no share"),
            },
            CostBy::Definition => self.open_line(&format!("definition {name}")),
        }
    }

    pub(super) fn open_usage_row(&mut self) {
        if let Some(label) = self.key_under_cursor() {
            self.open_line(&format!("definition {label}"));
        }
    }

    fn open_line(&mut self, line: &str) {
        if let Err(error) = self.run_line(line) {
            self.complain(error);
        }
    }
}
