//! The console's state, pure: keys and messages change it, requests come out of it, frames are drawn from it. It does no
//! I/O, reads no clock and waits for nothing; the time is told to it.

pub mod act;
pub mod acting;
mod answers;
mod ask;
mod begin;
mod by_hand;
pub mod capacity;
mod changing;
mod choices;
pub mod code;
mod columns;
pub mod command;
mod context;
mod custom;
mod estimate;
mod export;
pub mod failures;
pub mod filter;
pub mod form;
mod ground;
mod handover;
mod json_form;
pub mod list;
pub mod log;
mod merge;
pub mod mouse;
mod opening;
mod own_watches;
pub mod palette;
mod places;
mod pointing;
pub mod prompt;
pub mod pulse;
mod replace;
pub mod reports;
mod revisions;
pub mod rows;
pub mod schedule;
pub mod search;
pub mod setting;
pub mod store;
pub mod subject;
mod submit;
mod template;
mod thing;
mod topic;
pub mod tree;
mod update;
mod verify;
mod view;
mod wake;
mod walking;
pub mod watches;
pub mod why;

use super::action::{Action, Need, Place};
use super::keymap::{Keymap, Resolution, typed};
use super::requests::{Ask, Request, RequestId, Sight};
use super::spots::Spot;
use super::theme::Styles;
use crate::backend::Meter;
use crate::config::kept::Kept;
use crate::config::theme::Theme;
use crate::model::{JobId, JobStatus, Millis, Subject, UsageOverTime};
pub use setting::{Own, Setting};
pub use view::{Heights, Overview, Pane, Popup, Scroll, View};

use answers::{Lag, Pages};
use crokey::KeyCombination;
use failures::Wanted;
use log::LogPane;
use places::Ways;
use prompt::History;
use search::Sought;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::mem;
use store::{Kind, Store};
use topic::Topic;

/// A word to the person at the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub is_bad: bool,
    until: Millis,
}

/// Letters that are taken at once into a field of a form, and into a line of its own: a log that was pasted by mistake is
/// none, and a filter of its length would be looked for in every row.
const FIELD_TAKES: usize = 32_000;
const LINE_TAKES: usize = 2_000;

/// How long a notice stands.
const NOTICE: Millis = 8_000;
const BAD_NOTICE: Millis = 30_000;

/// A text as one line: what parts its lines is a blank.
fn one_line(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\n' | '\r' | '\t' => Some(' '),
        letter => (!letter.is_control()).then_some(letter),
    };
    text.trim_end_matches(['\n', '\r']).replace("\r\n", "\n").chars().filter_map(letter).collect()
}

/// The console.
#[derive(Debug)]
pub struct App {
    pub setting: Setting,
    pub keymap: Keymap,
    pub theme: Theme,
    pub styles: Styles,
    pub store: Store,
    pub views: Vec<View>,
    pub overview: Overview,
    /// In a screen with a log beside it: the log has the keys.
    pub aside: bool,
    pub popups: Vec<Popup>,
    pub log: LogPane,
    history: History,
    pub notice: Option<Notice>,
    /// What may follow the keys of a sequence that has begun.
    pub may_follow: Vec<(String, String)>,
    pub size: (u16, u16),
    pub now: Millis,
    /// When this context was turned to.
    opened_at: Millis,
    /// The console is to end.
    pub is_over: bool,
    begun: Vec<KeyCombination>,
    pub heard_at: Millis,
    lag: Lag,
    pages: Pages,
    /// The queue whose pages those are, where they are of one.
    pages_of: Option<String>,
    last_id: RequestId,
    latest: HashMap<Topic, RequestId>,
    /// In which state each job was when its details were asked for.
    described: HashMap<JobId, (JobStatus, u32)>,
    children_asked: HashSet<JobId>,
    /// What was asked of a job before its details were known.
    intention: Option<(JobId, Intention)>,
    /// What opens once it can.
    to_come: Option<ground::ToCome>,
    /// Jobs that are run again once their details have come.
    rerun: Option<Wanted>,
    sought: Option<Sought>,
    /// What is kept over restarts.
    pub kept: Kept,
    ways: Ways,
    out: Vec<Request>,
    /// What stands where on the screen that was drawn last.
    pub spots: RefCell<Vec<Spot>>,
    acting: acting::Acting,
    /// What the calls of a backend that polls cost.
    pub meter: Option<Meter>,
    pub code: code::Code,
    /// Jobs whose end was accepted and has not been seen yet.
    ending: Vec<verify::Ending>,
    /// What was changed and has not come to its end.
    changing: Vec<changing::Changing>,
    watching: watches::Watching,
    /// The editor of a schedule that one of its past runs was opened from.
    set_aside: Option<schedule::SetAside>,
    /// Of which job what it used was asked for last, in which state and when.
    usage_asked: Option<(JobId, JobStatus, Millis)>,
    /// What the job whose screen is shown has used over time, or why that is not known.
    pub usage: Option<(JobId, Result<UsageOverTime, String>)>,
    /// How the capacity of the environment whose screen is shown went.
    pub capacity: capacity::Capacity,
    /// What is polled first.
    looked_at: Sight,
    /// The contexts that were left: what still comes from them is not of this one.
    left: Vec<context::Left>,
}

/// What is done with a job as soon as its details have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intention {
    Resubmit(why::Resize),
    Stop,
    Release,
    Move,
    TurnAttempt {
        forward: bool,
    },
    ChooseLog,
    Describe,
    Shell,
    /// One of the person's own commands, by its place among them.
    Command(usize),
}

impl App {
    pub fn new(setting: Setting, keymap: Keymap, theme: Theme, size: (u16, u16), now: Millis) -> Self {
        Self {
            styles: Styles::new(&theme, setting.own.depth),
            setting,
            keymap,
            theme,
            store: Store::default(),
            views: vec![View::Overview],
            overview: Overview::default(),
            aside: false,
            popups: Vec::new(),
            log: LogPane::default(),
            history: History::default(),
            notice: None,
            may_follow: Vec::new(),
            size,
            now,
            opened_at: now,
            is_over: false,
            begun: Vec::new(),
            heard_at: now,
            lag: Lag::default(),
            pages: Pages::default(),
            pages_of: None,
            last_id: 0,
            latest: HashMap::new(),
            described: HashMap::new(),
            children_asked: HashSet::new(),
            intention: None,
            to_come: None,
            rerun: None,
            sought: None,
            kept: Kept::default(),
            ways: Ways::default(),
            out: Vec::new(),
            spots: RefCell::default(),
            acting: acting::Acting::default(),
            meter: None,
            code: code::Code::default(),
            ending: Vec::new(),
            changing: Vec::new(),
            watching: watches::Watching::default(),
            set_aside: None,
            usage_asked: None,
            usage: None,
            capacity: capacity::Capacity::default(),
            looked_at: Sight::default(),
            left: Vec::new(),
        }
    }

    /// The screen that is shown.
    pub fn view(&self) -> &View {
        self.views.last().unwrap_or(&View::Overview)
    }

    /// Where the keys go.
    pub fn place(&self) -> Place {
        match self.popups.last() {
            Some(Popup::Form(_)) => Place::Form,
            Some(Popup::Palette(_)) => Place::Palette,
            Some(Popup::Filter(_) | Popup::Prompt(_)) => Place::Filter,
            Some(Popup::Help { .. } | Popup::Text { .. }) => Place::Text,
            None => self.place_below(),
        }
    }

    /// Where the keys would go without anything on top of the screen.
    pub fn place_below(&self) -> Place {
        match self.view() {
            View::Overview => self.overview.pane.place(),
            View::Log(_) => Place::LogScreen,
            View::Job { .. } | View::Array { .. } | View::Group { .. } if self.aside => Place::Log,
            View::Job { .. } => Place::Job,
            View::Array { .. } => Place::Array,
            View::Instances { .. } => Place::Instances,
            View::Schedules(_) => Place::Schedules,
            View::Definitions(_) => Place::Definitions,
            View::Definition { .. } => Place::Definition,
            View::Audit(_) => Place::Audit,
            View::Watches(_) => Place::Watches,
            View::Failures(_) => Place::Failures,
            View::Group { .. } => Place::Jobs,
            View::Tree(_) => Place::Tree,
            View::Pulse(_) => Place::Pulse,
            View::Events(_) => Place::Events,
            View::Cost(_) => Place::Cost,
            View::Usage(_) => Place::Usage,
            View::Why(_) => Place::Why,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, chord: KeyCombination, now: Millis) -> Vec<Request> {
        self.now = now;
        let place = self.place();
        let begun = mem::take(&mut self.begun);
        self.may_follow.clear();
        match self.keymap.resolve(place, &begun, chord) {
            Resolution::Action(action) => return self.update(action, now),
            Resolution::Line(line) => return self.take_line(&line, now),
            Resolution::Pending(may_follow) => {
                self.begun = begun;
                self.begun.push(chord);
                self.may_follow = may_follow;
            }
            Resolution::Unbound => {
                if place.takes_text()
                    && let Some(letter) = typed(chord)
                {
                    return self.insert(&letter.to_string(), now);
                }
            }
        }
        mem::take(&mut self.out)
    }

    /// Types text into the field that has the keys; a paste ends up here as well.
    pub fn insert(&mut self, text: &str, now: Millis) -> Vec<Request> {
        self.now = now;
        let most = if matches!(self.popups.last(), Some(Popup::Form(_))) { FIELD_TAKES } else { LINE_TAKES };
        let line = one_line(text);
        let typed: String = line.chars().take(most).collect();
        match self.popups.last_mut() {
            Some(Popup::Form(form)) => form.insert(&typed),
            Some(Popup::Palette(palette)) => palette.insert(&typed),
            Some(Popup::Filter(input)) => form::put(input, &typed),
            Some(Popup::Prompt(prompt)) => prompt.insert(&typed),
            _ => {}
        }
        if typed.len() < line.len() && !self.popups.is_empty() {
            self.complain(format!(
                "of the {} letters that were pasted the first {most} were taken",
                line.chars().count()
            ));
        }
        if matches!(self.popups.last(), Some(Popup::Palette(_))) {
            self.match_palette();
        }
        self.after_typing();
        self.settle();
        mem::take(&mut self.out)
    }

    /// Carries out a line of the palette that a key stands for.
    pub fn take_line(&mut self, line: &str, now: Millis) -> Vec<Request> {
        self.now = now;
        let (before, trail) = (self.whereabouts(), self.trail());
        if let Err(error) = self.run_line(line) {
            self.complain(format!("`{line}`: {error}"));
        }
        if self.whereabouts() != before {
            self.leave(trail, Action::Palette);
        }
        self.settle();
        mem::take(&mut self.out)
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
    }

    fn ask(&mut self, ask: Ask) -> RequestId {
        self.last_id += 1;
        if let Some(topic) = Topic::of(&ask) {
            self.latest.insert(topic, self.last_id);
        }
        self.out.push(Request { id: self.last_id, ask });
        self.last_id
    }

    /// Says something for a while.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_bad: false, until: self.now + NOTICE });
    }

    /// Says what went wrong for a longer while.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_bad: true, until: self.now + BAD_NOTICE });
    }

    /// Whether an engine of one's own stands behind this.
    pub fn is_local(&self) -> bool {
        self.setting.can.name == "local"
    }

    /// Why an action cannot be had here, if it cannot.
    pub fn refusal(&self, action: Action) -> Option<String> {
        let can = self.setting.can;
        let read_only = || self.read_only(action);
        let schedules = || (!can.schedules).then(|| format!("there are no schedules on {}", can.name));
        match action.info().need {
            Need::Nothing => None,
            Need::Write => read_only(),
            Need::WriteLocal => (!self.is_local())
                .then(|| format!("`{}` is for a local engine; this is {}", action.info().name, can.name))
                .or_else(read_only),
            Need::Schedules => schedules(),
            Need::WriteSchedules => schedules().or_else(read_only),
            Need::Audit => {
                (!can.audit).then(|| format!("there is no record of actions on {}; look in AWS CloudTrail", can.name))
            }
        }
    }

    /// The job that an action would mean: the one under the cursor, or whose screen this is.
    pub fn selected_job(&self) -> Option<JobId> {
        for view in self.views.iter().rev() {
            return match view {
                View::Log(None) => continue,
                View::Log(Some(id)) | View::Job { id, .. } => Some(id.clone()),
                View::Overview => self.overview.jobs.selected(&self.store).map(|job| job.job_id.clone()),
                View::Why(why) => match &why.subject {
                    Subject::Job(id) => Some(id.clone()),
                    _ => None,
                },
                View::Tree(view) => Some(view.selected().map_or_else(|| view.job.clone(), |row| row.id.clone())),
                View::Failures(_) => self.selected_group().and_then(|group| group.jobs.first().cloned()),
                View::Watches(_) => match &self.selected_watch()?.subject {
                    Subject::Job(id) => Some(id.clone()),
                    _ => None,
                },
                View::Events(view) => self.selected_event(view).map(|event| event.job.clone()),
                View::Group { list, .. } => list.selected(&self.store).map(|job| job.job_id.clone()),
                View::Array { parent, list } => {
                    Some(list.selected(&self.store).map_or_else(|| parent.clone(), |job| job.job_id.clone()))
                }
                _ => None,
            };
        }
        None
    }

    /// Takes another theme.
    pub fn set_theme(&mut self, theme: Theme) {
        self.styles = Styles::new(&theme, self.setting.own.depth);
        self.theme = theme;
    }
}

#[cfg(test)]
mod act_tests;
#[cfg(test)]
mod failures_tests;
#[cfg(test)]
mod heard_tests;
#[cfg(test)]
mod logs_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod watches_tests;
#[cfg(test)]
mod way_tests;
#[cfg(test)]
mod why_tests;
