//! What a form for a job names and so cannot open without: a queue and an active job definition.

use super::App;
use super::store::Kind;
use crate::model::{Schedule, SubmitJobRequest};
use crate::tui::action::Action;

/// A form that opens as soon as queues and job definitions are read; whatever else is done before that, it does not.
#[derive(Debug)]
pub(super) enum ToCome {
    Submit { base: Box<SubmitJobRequest>, title: String },
    Schedule { editing: Option<Box<Schedule>> },
}

impl App {
    fn lacking(&self) -> Vec<Kind> {
        let is_lacking = |kind: &Kind| match kind {
            Kind::Queues => self.store.queues.is_empty(),
            _ => self.store.active_definitions().is_empty(),
        };
        [Kind::Queues, Kind::Definitions].into_iter().filter(is_lacking).collect()
    }

    /// Whether a form for `what` may open now. Where it may not, that is said, or it opens once all is read.
    pub(super) fn has_ground(&mut self, what: &str, to_come: impl FnOnce() -> ToCome) -> bool {
        let lacking = self.lacking();
        if lacking.is_empty() {
            return true;
        }
        if let Some(why) = lacking.iter().find_map(|kind| self.store.unread.get(kind)).cloned() {
            self.reread_definitions();
            self.complain(format!("queues and job definitions cannot be read: {why}"));
        } else if lacking.iter().any(|kind| !self.store.read.contains(kind)) {
            self.say("queues and job definitions are being read; the form opens when they are there");
            self.to_come = Some(to_come());
        } else {
            self.reread_definitions();
            self.complain(if self.is_offered(Action::Begin) {
                "there is no queue yet: press i to make the first compute environment, queue and definition".to_owned()
            } else {
                format!("{what} needs a queue and an active job definition; make them first")
            });
        }
        false
    }

    /// Opens what could not open before, once nothing is being read any more.
    pub(super) fn open_what_was_to_come(&mut self) {
        let is_settled = |kind: &Kind| self.store.read.contains(kind) || self.store.unread.contains_key(kind);
        if self.to_come.is_none() || !self.lacking().iter().all(is_settled) {
            return;
        }
        self.notice = None;
        match self.to_come.take() {
            Some(ToCome::Submit { base, title }) => {
                // What was chosen before anything was known was nothing.
                if base.job_queue.is_empty() && base.job_definition.is_empty() {
                    self.ask_submit();
                } else {
                    self.open_submit(*base, title);
                }
            }
            Some(ToCome::Schedule { editing }) => self.ask_schedule(editing),
            None => {}
        }
    }
}
