//! The view of the pulse: read anew while it is shown.

use super::{App, Scroll, View};
use crate::model::Millis;
use crate::triage::pulse::Pulse;
use crate::tui::requests::Ask;

/// What the view shows.
#[derive(Debug, Default)]
pub struct PulseView {
    /// `None` until it has been read once; the last one stands until the next has come.
    pub told: Option<Box<Pulse>>,
    pub is_asked: bool,
    asked_at: Millis,
    pub scroll: Scroll,
}

/// It is read anew so often where that costs nothing, and where each call counts.
const REREAD: Millis = 5_000;
const REREAD_ON_AWS: Millis = 60_000;

impl App {
    pub(super) fn open_pulse(&mut self) {
        self.show(View::Pulse(Box::default()));
        self.ask_pulse();
    }

    pub(super) fn ask_pulse(&mut self) {
        let now = self.now;
        let Some(View::Pulse(view)) = self.views.last_mut() else { return };
        (view.is_asked, view.asked_at) = (true, now);
        self.ask(Ask::Pulse { at: now });
    }

    pub(super) fn settle_pulse(&mut self) {
        if self.pulse_is_due_at().is_some_and(|due| due <= self.now) {
            self.ask_pulse();
        }
    }

    /// When the pulse that is shown is to be read anew.
    pub(super) fn pulse_is_due_at(&self) -> Option<Millis> {
        let View::Pulse(view) = self.view() else { return None };
        let pause = if self.setting.can.pushes_changes { REREAD } else { REREAD_ON_AWS };
        (!view.is_asked).then_some(view.asked_at + pause)
    }

    pub(super) fn take_pulse(&mut self, told: Box<Pulse>) {
        for view in &mut self.views {
            if let View::Pulse(view) = view {
                (view.told, view.is_asked) = (Some(told), false);
                return;
            }
        }
    }
}
