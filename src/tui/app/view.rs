//! What can be on the screen: the overview with its panes, one screen over another, and what lies on top of them.

use super::failures::FailuresView;
use super::form::Form;
use super::list::{JobList, ListState, Order, Step};
use super::palette::Palette;
use super::prompt::Prompt;
use super::{pulse, reports, tree, why};
use crate::model::JobId;
use crate::tui::action::Place;
use std::cell::Cell;

/// The pane of the overview that has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    Queues,
    Environments,
    #[default]
    Jobs,
    Log,
}

impl Pane {
    pub const EACH: [Self; 4] = [Self::Queues, Self::Environments, Self::Jobs, Self::Log];

    pub fn place(self) -> Place {
        match self {
            Self::Queues => Place::Queues,
            Self::Environments => Place::Environments,
            Self::Jobs => Place::Jobs,
            Self::Log => Place::Log,
        }
    }
}

/// The heights by which all others are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heights {
    /// Of the queues; and of the environments, where these stand beside them.
    pub upper: Option<u16>,
    pub jobs: Option<u16>,
}

/// The four panes.
#[derive(Debug, Default)]
pub struct Overview {
    pub pane: Pane,
    /// Queues or environments: the one that is shown where there is room for one alone.
    pub upper: Pane,
    pub zoomed: bool,
    /// How high panes are, where a person has said so.
    pub heights: Heights,
    pub queues: ListState,
    pub queue_order: Order,
    pub environments: ListState,
    pub environment_order: Order,
    pub jobs: JobList,
}

/// One screen. The last of [`App::views`](super::App::views) is shown; Back goes to the one before.
#[derive(Debug)]
pub enum View {
    Overview,
    /// The log on the whole screen: of this job, whatever becomes of the row that it was opened from.
    Log(Option<JobId>),
    Job {
        id: JobId,
        scroll: Scroll,
    },
    Array {
        parent: JobId,
        list: JobList,
    },
    Instances {
        environment: String,
        list: ListState,
    },
    Schedules(ListState),
    Definitions(ListState),
    Definition {
        label: String,
        scroll: Scroll,
    },
    Audit(ListState),
    /// What is watched for while nobody looks.
    Watches(ListState),
    /// Groups of jobs that failed alike.
    Failures(Box<FailuresView>),
    /// Jobs that were picked out, as a list of jobs.
    Group {
        title: String,
        list: JobList,
    },
    /// What ended and failed of late.
    Pulse(Box<pulse::PulseView>),
    /// What Batch has told `EventBridge`.
    Events(Box<reports::EventsView>),
    /// What was spent.
    Cost(Box<reports::CostView>),
    /// What runs have used against what they ask for.
    Usage(Box<reports::UsageView>),
    /// What a job depends on, and what depends on it.
    Tree(Box<tree::TreeView>),
    /// Why a job, a queue or an environment is as it is.
    Why(Box<why::Why>),
}

/// How far a text is scrolled; what fits is noted when it is drawn.
#[derive(Debug, Clone, Default)]
pub struct Scroll {
    pub top: usize,
    /// Lines in all, and lines that fit.
    pub seen: Cell<(usize, usize)>,
}

impl Scroll {
    pub(super) fn step(&mut self, step: Step) {
        let (count, fits) = self.seen.get();
        self.top = step.from(self.top, count.saturating_sub(fits) + 1, fits);
    }
}

/// What lies on top of a screen.
#[derive(Debug)]
pub enum Popup {
    Form(Box<Form>),
    Palette(Palette),
    /// The filter of the list below is typed.
    Filter(tui_input::Input),
    /// A line is typed for the log below.
    Prompt(Prompt),
    /// All keys that work at a place.
    Help {
        place: Place,
        scroll: Scroll,
    },
    Text {
        title: String,
        lines: Vec<String>,
        scroll: Scroll,
    },
}
