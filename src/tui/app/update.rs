//! What each action does to the state.

use super::form::{Pressed, edit_request};
use super::list::{ListState, Scope, Step};
use super::log::SPANS;
use super::prompt::Purpose;
use super::store::Liveness;
use super::{App, Pane, Popup, Scroll, View};
use crate::model::{Millis, Way};
use crate::tui::action::{Action, Place};
use crate::tui::requests::{Ask, HandTo, Program, Request};
use std::mem;
use tui_input::Input;

impl App {
    /// Carries out an action; what must be done outside of the state is returned.
    pub fn update(&mut self, action: Action, now: Millis) -> Vec<Request> {
        self.now = now;
        self.may_follow.clear();
        self.begun.clear();
        self.to_come = None;
        let (before, trail) = (self.whereabouts(), self.trail());
        self.dispatch(action);
        if self.whereabouts() != before {
            self.leave(trail, action);
        }
        self.settle();
        mem::take(&mut self.out)
    }

    pub(super) fn dispatch(&mut self, action: Action) {
        if !action.info().scope.covers(self.place()) {
            return;
        }
        match self.popups.last_mut() {
            Some(Popup::Form(form)) => match form.press(action) {
                Pressed::Nothing => self.after_typing(),
                Pressed::Leave => {
                    self.popups.pop();
                }
                Pressed::Send => self.send_form(),
                Pressed::SaveTemplate => self.ask_template(),
                Pressed::Follow(id) => self.follow_past_run(id),
                Pressed::Choose => self.offer_choices(),
                Pressed::EditJson => self.edit_json(),
            },
            Some(Popup::Palette(_)) => self.press_palette(action),
            Some(Popup::Filter(input)) => match action {
                Action::Cancel => {
                    self.popups.pop();
                    self.set_filter("");
                }
                Action::Accept => self.accept_filter(),
                Action::Complete => self.complete_filter(),
                // The arrows move in the list that is being filtered.
                Action::NextMatch => self.step(Step::Lines(1)),
                Action::PreviousMatch => self.step(Step::Lines(-1)),
                edit => {
                    if let Some(request) = edit_request(edit) {
                        input.handle(request);
                        self.after_typing();
                    }
                }
            },
            Some(Popup::Prompt(_)) => self.press_prompt(action),
            Some(Popup::Help { scroll, .. } | Popup::Text { scroll, .. }) => match (step_of(action), action) {
                (Some(step), _) => scroll.step(step),
                (None, Action::Back | Action::BackOrQuit | Action::Help | Action::Open) => {
                    self.popups.pop();
                }
                (None, Action::TryAgain) if self.has_refused() => {
                    self.popups.pop();
                    self.act_on_screen(action);
                }
                // Any other key is meant for the screen below.
                (None, _) => {
                    self.popups.clear();
                    if action.info().scope.covers(self.place()) {
                        self.act_on_screen(action);
                    }
                }
            },
            None => self.act_on_screen(action),
        }
    }

    fn act_on_screen(&mut self, action: Action) {
        if let Some(refusal) = self.refusal(action) {
            return self.complain(refusal);
        }
        if let Some(step) = step_of(action) {
            return self.step(step);
        }
        match action {
            Action::Open => self.open(),
            Action::Why => self.ask_why(),
            Action::Logs => self.toggle_log(),
            Action::Watch | Action::EditWatch => self.ask_watch(),
            Action::AckWatch | Action::AckAll | Action::SilenceWatch | Action::RemoveWatch => self.act_on_watch(action),
            Action::Stop => self.ask_stop(),
            Action::Reprioritise => self.ask_priority(),
            Action::Hold => self.ask_hold(),
            Action::Move => self.ask_move(),
            Action::Interrupt => self.ask_interrupt(),
            Action::Maximum => self.ask_maximum_here(),
            Action::Switch => self.ask_switch(),
            Action::Submit => self.ask_submit(),
            // Of several, or of a group, it is the same.
            Action::Resubmit if self.place_below() == Place::Failures || self.targets().len() > 1 => self.ask_rerun(),
            Action::Resubmit => self.ask_resubmit(),
            Action::Rerun => self.ask_rerun(),
            Action::Tree => self.ask_tree(),
            Action::RootBlocker => self.go_to_root_blocker(),
            Action::LongerSpan | Action::ShorterSpan if self.place_below() == Place::Cost => {
                self.turn_cost_span(action == Action::LongerSpan);
            }
            Action::CostBy => self.turn_cost_by(),
            Action::LongerSpan => self.turn_span(true),
            Action::ShorterSpan => self.turn_span(false),
            Action::Begin => self.ask_begin(),
            Action::NewSchedule => self.ask_schedule(None),
            Action::PauseSchedule => self.ask_pause(),
            Action::RunSchedule => self.ask_run(),
            Action::DeleteSchedule => self.ask_delete_schedule(),
            Action::Mark => self.mark(),
            Action::MarkAll => self.mark_all(),
            Action::NextStates => self.turn_states(1),
            Action::PreviousStates => self.turn_states(super::list::StateSet::EACH.len() - 1),
            Action::AllQueues => self.toggle_scope(),
            Action::Sort => self.sort_by_the_next(),
            Action::Columns => self.offer_columns(),
            Action::ReverseSort => self.reverse_sort(),
            Action::Follow => self.log.toggle_follow(),
            Action::Wrap => self.log.looks.wrap = !self.log.looks.wrap,
            Action::Times => self.log.turn_times(),
            Action::Unfold => self.log.toggle_unfold(),
            Action::Printed => self.log.toggle_printed(),
            Action::NextError => self.log.walk_errors(Way::Forward),
            Action::PreviousError => self.log.walk_errors(Way::Back),
            Action::AllTimes => self.log.look_back(None, self.now),
            Action::LastMinute => self.log.look_back(Some(SPANS[0]), self.now),
            Action::Last5Minutes => self.log.look_back(Some(SPANS[1]), self.now),
            Action::Last15Minutes => self.log.look_back(Some(SPANS[2]), self.now),
            Action::Last30Minutes => self.log.look_back(Some(SPANS[3]), self.now),
            Action::LastHour => self.log.look_back(Some(SPANS[4]), self.now),
            Action::Last6Hours => self.log.look_back(Some(SPANS[5]), self.now),
            Action::PreviousAttempt => self.turn_attempt(false),
            Action::ChooseLog => self.choose_log(),
            Action::NextAttempt => self.turn_attempt(true),
            Action::MarkLine => self.log.toggle_mark(),
            Action::NextMark => self.log.walk_marks(),
            Action::Histogram => self.log.histogram.is_shown = !self.log.histogram.is_shown,
            Action::SaveLog => self.prompt(Purpose::Save),
            Action::Pipe => self.prompt(Purpose::Pipe),
            Action::Page if self.place_below().is_log() => self.hand_log(HandTo::Program(Program::Pager)),
            Action::Edit if self.place_below().is_log() => self.hand_log(HandTo::Program(Program::Editor)),
            Action::Merge => self.toggle_merge(),
            Action::Search => self.prompt(Purpose::Search),
            Action::Keep => self.prompt(Purpose::Keep),
            Action::Filter if self.place_below().is_log() => self.prompt(Purpose::Keep),
            Action::NextHit => self.log.walk_hits(Way::Forward),
            Action::PreviousHit => self.log.walk_hits(Way::Back),
            Action::Filter => match self.filter() {
                Some(filter) => {
                    let input = Input::new(filter.to_owned());
                    self.popups.push(Popup::Filter(input));
                }
                None => self.say("there is no list to filter here"),
            },
            Action::Palette => self.open_palette(),
            Action::Help => {
                let place = self.place_below();
                self.popups.push(Popup::Help { place, scroll: Scroll::default() });
            }
            // The first Esc clears what went wrong.
            Action::Back if self.notice.take().is_some_and(|notice| notice.is_bad) => {}
            Action::Back => {
                self.go_back();
            }
            Action::BackOrQuit => self.go_back_or_quit(),
            Action::Quit => self.quit(),
            Action::TakeBack => self.take_back(),
            Action::TryAgain => self.try_again(),
            Action::Mouse => self.toggle_mouse(),
            Action::Shell => self.ask_shell(),
            Action::Template => self.offer_templates(),
            Action::Compare => self.offer_revisions(),
            Action::NextPane => self.turn_pane(1),
            Action::PreviousPane => self.turn_pane(3),
            Action::PaneQueues => self.show_overview(Pane::Queues),
            Action::PaneEnvironments => self.show_overview(Pane::Environments),
            Action::PaneJobs => self.show_overview(Pane::Jobs),
            Action::PaneLog => self.show_overview(Pane::Log),
            Action::Zoom => self.overview.zoomed = !self.overview.zoomed,
            Action::Grow => self.resize_pane(true),
            Action::Shrink => self.resize_pane(false),
            Action::ViewOverview => {
                self.views.truncate(1);
                self.aside = false;
            }
            Action::ViewSchedules => {
                if !self.setting.can.pushes_changes {
                    // They are polled more rarely than jobs.
                    self.ask(Ask::LookAgain);
                }
                self.show(View::Schedules(ListState::default()));
            }
            Action::ViewDefinitions => {
                self.reread_definitions();
                self.show(View::Definitions(ListState::default()));
            }
            Action::ViewFailures => self.open_failures(),
            Action::ViewPulse => self.open_pulse(),
            Action::ViewEvents => self.open_events(),
            Action::ViewCost => self.open_cost(),
            Action::ViewUsage => self.open_usage(),
            Action::ViewAudit => {
                self.ask(Ask::Audit);
                self.show(View::Audit(ListState::default()));
            }
            Action::ViewWatches => self.open_watches(),
            Action::NextTheme => self.next_theme(),
            Action::Context => self.choose_context(),
            Action::Write => self.lift_read_only(),
            Action::ReadOnly => self.set_read_only(),
            Action::Mfa => self.ask_for_code(),
            Action::Before => self.go_before(),
            Action::Backward => self.go_backward(),
            Action::Forward => self.go_forward(),
            Action::Bookmark => self.toggle_bookmark(),
            Action::Bookmarks => self.offer_bookmarks(),
            Action::Copy => self.copy_here(),
            Action::CopyOther => self.offer_copies(),
            Action::Describe => self.describe_here(),
            Action::Page => self.hand_over(Program::Pager),
            Action::Edit => self.hand_over(Program::Editor),
            Action::OpenPage => self.open_page(),
            Action::Export => self.ask_export(),
            Action::Handover => self.write_handover(None),
            // What must be told of what: the rest of the line is asked for.
            Action::ForgetTemplate => self.open_palette_at("forget-template "),
            told if told.info().takes.is_needed() => self.open_palette_at(&format!("{} ", told.info().name)),
            Action::Refresh => {
                if matches!(self.store.live, Liveness::Gone { .. }) {
                    // Nothing can be read now; what is known stays until the stream is open again.
                    self.ask(Ask::Reconnect);
                } else {
                    self.reread();
                }
                self.ask_why_again();
                self.ask_failures();
                self.ask_tree_again();
                self.ask_pulse();
                self.ask_report();
                self.ask(Ask::Redraw);
            }
            // Motions were taken above; the keys of fields do not come here.
            _ => {}
        }
    }

    /// Shows one of the main screens on top of the overview.
    pub(super) fn show(&mut self, view: View) {
        self.views.truncate(1);
        self.push(view);
    }

    /// Goes back one step: clears a filter, unzooms, leaves a screen. Whether there was one.
    pub(super) fn go_back(&mut self) -> bool {
        if self.place_below().is_log() && self.leave_search() {
            return true;
        }
        if self.filter().is_some_and(|filter| !filter.is_empty()) {
            self.set_filter("");
            return true;
        }
        if let Some(jobs) = self.job_list_mut()
            && !jobs.marked.is_empty()
        {
            jobs.marked.clear();
            return true;
        }
        if self.views.len() > 1 {
            self.views.pop();
            self.aside = false;
            self.return_to_editor();
            return true;
        }
        if self.overview.zoomed {
            self.overview.zoomed = false;
            return true;
        }
        if self.overview.jobs.scope != Scope::Everywhere {
            self.overview.jobs.scope = Scope::Everywhere;
            return true;
        }
        false
    }

    /// Ends what was last begun in a log: a look beyond what is held, a search, a filter. Whether there was one.
    fn leave_search(&mut self) -> bool {
        if self.log.stop_seeking() || self.log.end_search() {
            return true;
        }
        let has_filter = self.log.keep.is_some();
        self.log.filter(None);
        has_filter
    }

    fn next_theme(&mut self) {
        let names = &self.setting.own.themes;
        let at = names.iter().position(|name| *name == self.theme.name);
        let next = at.map_or(0, |at| (at + 1) % names.len().max(1));
        if let Some(name) = names.get(next).cloned() {
            self.ask(Ask::Theme(name));
        }
    }
}

/// The motion that an action is.
fn step_of(action: Action) -> Option<Step> {
    Some(match action {
        Action::Down => Step::Lines(1),
        Action::Up => Step::Lines(-1),
        Action::PageDown => Step::Halves(2),
        Action::PageUp => Step::Halves(-2),
        Action::HalfDown => Step::Halves(1),
        Action::HalfUp => Step::Halves(-1),
        Action::Top => Step::First,
        Action::Bottom => Step::Last,
        _ => return None,
    })
}
