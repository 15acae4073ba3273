//! What each action does to the state.

use super::filter::{Completion, Filter, FilterError, complete};
use super::form::{Pressed, edit_request};
use super::list::{Scope, Step};
use super::log::SPANS;
use super::prompt::Purpose;
use super::store::Liveness;
use super::{App, ListState, Pane, Popup, Scroll, View};
use crate::model::{ComputeEnvironment, Instance, Millis, Way};
use crate::tui::action::{Action, Place};
use crate::tui::format::{span, vcpus};
use crate::tui::requests::{Ask, HandTo, Program, Request};
use std::mem;
use tui_input::Input;

impl App {
    /// Carries out an action; what must be done outside of the state is returned.
    pub fn update(&mut self, action: Action, now: Millis) -> Vec<Request> {
        self.now = now;
        self.may_follow.clear();
        self.begun.clear();
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

    /// Filters as one types. While what is typed cannot be read, the list stays as it was.
    pub(super) fn after_typing(&mut self) {
        if let Some(Popup::Filter(input)) = self.popups.last()
            && self.filter_error().is_none()
        {
            let filter = input.value().to_owned();
            self.set_filter(&filter);
        }
    }

    fn set_filter(&mut self, filter: &str) {
        if let Some(list) = self.list_mut() {
            filter.clone_into(&mut list.filter);
        }
        if filter.trim().is_empty() {
            self.sought = None;
        }
    }

    /// The filter that is in force where the keys go.
    pub fn filter(&self) -> Option<&str> {
        self.list().map(|list| list.filter.as_str())
    }

    /// What is wrong in the filter that is being typed.
    pub fn filter_error(&self) -> Option<FilterError> {
        let Some(Popup::Filter(input)) = self.popups.last() else { return None };
        Filter::parse(input.value(), self.fields_at(self.place_below())).err()
    }

    /// How the filter that is being typed may go on.
    pub fn filter_completions(&self) -> Vec<Completion> {
        let Some(Popup::Filter(input)) = self.popups.last() else { return Vec::new() };
        let is_at_end = input.cursor() == input.value().chars().count();
        let fields = self.fields_at(self.place_below());
        if is_at_end { complete(input.value(), fields, &|field| self.known_values(field)) } else { Vec::new() }
    }

    /// Takes the filter as it is typed. One that cannot be read stays to be mended: the prompt says what is wrong.
    fn accept_filter(&mut self) {
        if self.filter_error().is_none() {
            self.popups.pop();
            self.search();
        }
    }

    fn complete_filter(&mut self) {
        let Some(Completion { text, .. }) = self.filter_completions().into_iter().next() else { return };
        if let Some(Popup::Filter(input)) = self.popups.last_mut() {
            *input = Input::new(text);
        }
        self.after_typing();
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
            Action::Stop => self.ask_stop(),
            Action::Reprioritise => self.ask_priority(),
            Action::Hold => self.ask_hold(),
            Action::Move => self.ask_move(),
            Action::Interrupt => self.ask_interrupt(),
            Action::Switch => self.ask_switch(),
            Action::Submit => self.ask_submit(),
            Action::Resubmit if self.place_below() == Place::Failures => self.ask_rerun(),
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
            Action::Sort => {
                if let Some(jobs) = self.job_list_mut() {
                    jobs.sort = Some(jobs.order().next(jobs.listed_states()));
                    jobs.reversed = false;
                }
            }
            Action::ReverseSort => {
                if let Some(jobs) = self.job_list_mut() {
                    jobs.reversed = !jobs.reversed;
                }
            }
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
            Action::Histogram => self.log.histogram = !self.log.histogram,
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
            Action::ViewDefinitions => self.show(View::Definitions(ListState::default())),
            Action::ViewFailures => self.open_failures(),
            Action::ViewPulse => self.open_pulse(),
            Action::ViewEvents => self.open_events(),
            Action::ViewCost => self.open_cost(),
            Action::ViewUsage => self.open_usage(),
            Action::ViewAudit => {
                self.ask(Ask::Audit);
                self.show(View::Audit(ListState::default()));
            }
            Action::NextTheme => self.next_theme(),
            Action::Context => self.choose_context(),
            Action::Write => self.lift_read_only(),
            Action::ReadOnly => self.set_read_only(),
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

    fn open(&mut self) {
        match self.place_below() {
            Place::Queues => {
                if let Some(queue) = self.selected_queue().map(|queue| queue.job_queue_name.clone()) {
                    self.open_queue(&queue);
                }
            }
            Place::Environments => {
                if let Some(found) = self.selected_environment() {
                    let name = found.compute_environment_name.clone();
                    self.open_environment(name);
                }
            }
            Place::Jobs | Place::Array => {
                let id = self.job_list().and_then(|jobs| jobs.selected(&self.store)).map(|job| job.job_id.clone());
                if let Some(id) = id {
                    self.open_job(id);
                }
            }
            Place::Job | Place::Log | Place::LogScreen => self.toggle_log(),
            Place::Schedules => {
                if let Some(refusal) = self.refusal(Action::NewSchedule) {
                    self.complain(refusal);
                } else if let Some(schedule) = self.changeable_schedule() {
                    self.ask(Ask::Runs { group: schedule.group_name.clone(), name: schedule.name.clone() });
                    self.ask_schedule(Some(Box::new(schedule)));
                }
            }
            Place::Definitions => {
                if let Some(label) = self.key_under_cursor() {
                    self.push(View::Definition { label, scroll: Scroll::default() });
                }
            }
            Place::Audit => self.open_audit(),
            Place::Failures => self.open_group(),
            Place::Cost => self.open_cost_row(),
            Place::Usage => self.open_usage_row(),
            Place::Events | Place::Tree => {
                if let Some(id) = self.selected_job() {
                    self.open_job(id);
                }
            }
            Place::Instances => self.open_instance(),
            Place::Why => self.take_step(),
            _ => {}
        }
    }

    fn open_audit(&mut self) {
        let Some(entry) = self.selected_audit() else { return };
        let lines = vec![
            format!("when     {}", self.setting.own.clock.date_time(entry.at)),
            format!("who      {}", entry.who),
            format!("did      {}", entry.action),
            format!("to       {}", entry.target),
            format!("reason   {}", entry.reason.as_deref().unwrap_or("-")),
            format!("outcome  {}", entry.outcome),
        ];
        self.popups.push(Popup::Text { title: entry.action.clone(), lines, scroll: Scroll::default() });
    }

    fn open_instance(&mut self) {
        let Some(instance) = self.selected_instance() else { return };
        let environment = &instance.compute_environment;
        let found = self.store.environments.get(environment);
        let over = if found.is_some_and(ComputeEnvironment::overcommits) {
            ", jobs may be promised more than the machine has"
        } else {
            ""
        };
        let model = format!("{}{over}", found.map_or("-", ComputeEnvironment::provisioning));
        let mut lines = vec![
            format!("environment  {environment}"),
            format!("model        {model}"),
            format!("type         {}", instance.instance_type),
            format!("state        {}{}", instance.state.as_str(), self.countdown(instance)),
            format!("launched     {}", self.setting.own.clock.date_time(instance.launched_at)),
            format!("vCPU         {} of {}", vcpus(instance.vcpus_used), vcpus(instance.vcpus)),
            format!("memory       {} of {} MiB", instance.memory_mib_used, instance.memory_mib),
            format!("agent        {}", instance.agent_pid.map_or("-".to_owned(), |pid| format!("pid {pid}"))),
            format!("limits       {}", instance.limits.as_deref().map_or("-", limits_in_words)),
            String::new(),
        ];
        let jobs = self.jobs_on(&instance.instance_id);
        lines.extend(jobs.iter().map(|job| format!("● {}  {}", job.job_name, job.job_id.short())));
        self.popups.push(Popup::Text { title: instance.instance_id.0.clone(), lines, scroll: Scroll::default() });
    }

    /// How long an instance boots still, or when it is taken away.
    fn countdown(&self, instance: &Instance) -> String {
        let clock = self.setting.own.clock;
        let in_time = |at: &Millis| *at > self.now && *at < Millis::MAX;
        if let Some(at) = instance.interrupted_at.filter(in_time) {
            return format!(", is taken away at {} (in {})", clock.date_time(at), span(at - self.now));
        }
        let ready = instance.ready_at.filter(in_time);
        ready
            .map(|at| format!(", boots until {} ({} left)", clock.date_time(at), span(at - self.now)))
            .unwrap_or_default()
    }

    fn toggle_log(&mut self) {
        if matches!(self.view(), View::Log(_)) {
            self.views.pop();
        } else if self.selected_job().is_some() {
            self.show_log();
        } else {
            self.say("no job is selected");
        }
    }

    /// The log of the selected job on the whole screen.
    pub(super) fn show_log(&mut self) {
        if !matches!(self.view(), View::Log(_)) {
            self.push(View::Log(self.selected_job()));
        }
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

    fn turn_pane(&mut self, steps: usize) {
        match self.view() {
            View::Overview => {
                let at = Pane::EACH.iter().position(|pane| *pane == self.overview.pane).unwrap_or(0);
                self.focus(Pane::EACH[(at + steps) % Pane::EACH.len()]);
            }
            View::Job { .. } | View::Array { .. } | View::Group { .. } => self.aside = !self.aside,
            _ => {}
        }
    }

    fn turn_states(&mut self, steps: usize) {
        if self.job_list().is_some_and(|jobs| jobs.filter().statuses().is_some()) {
            return self.say("the filter says which states are listed; Esc clears it");
        }
        if let Some(jobs) = self.job_list_mut() {
            jobs.states = jobs.states.turn(steps);
            jobs.marked.clear();
            jobs.list.cursor.enter_other_list();
        }
    }

    fn toggle_scope(&mut self) {
        if !matches!(self.view(), View::Overview) {
            return self.say("this list is of chosen jobs");
        }
        let queue = self.selected_queue().map(|queue| queue.job_queue_name.clone());
        let jobs = &mut self.overview.jobs;
        jobs.scope = match (&jobs.scope, queue) {
            (Scope::Everywhere, Some(queue)) => Scope::Queue(queue),
            _ => Scope::Everywhere,
        };
        jobs.marked.clear();
    }

    fn mark(&mut self) {
        let id = self.job_list().and_then(|jobs| jobs.selected(&self.store)).map(|job| job.job_id.clone());
        if let (Some(id), Some(jobs)) = (id, self.job_list_mut())
            && !jobs.marked.remove(&id)
        {
            jobs.marked.insert(id);
        }
        self.step(Step::Lines(1));
    }

    /// Marks what is listed. What a filter lets through loosely is not marked without a look at it.
    fn mark_all(&mut self) {
        let Some(rows) = self.job_list().map(|jobs| jobs.rows(&self.store)) else { return };
        let close = &rows.ids[..rows.close];
        let loose = rows.ids.len() - close.len();
        let Some(jobs) = self.job_list_mut() else { return };
        if !rows.ids.is_empty() && close.is_empty() {
            return self.say("none has it as it is written: mark with Space, or write more of it");
        }
        let all = close.iter().all(|id| jobs.marked.contains(id));
        jobs.marked = if all { std::collections::BTreeSet::new() } else { close.iter().cloned().collect() };
        if loose > 0 && !all {
            self.say(format!("marked what has it as it is written; {loose} that match loosely are not marked"));
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match self.place_below() {
            Place::Log | Place::LogScreen => self.log.step(step),
            Place::Why => {
                if let Some(View::Why(why)) = self.views.last_mut() {
                    why.walk(step);
                }
            }
            Place::Tree => {
                if let Some(View::Tree(view)) = self.views.last_mut() {
                    view.walk(step);
                }
            }
            Place::Jobs | Place::Array => {
                let Some(rows) = self.job_list().map(|jobs| jobs.rows(&self.store)) else { return };
                let Some(jobs) = self.job_list_mut() else { return };
                jobs.list.cursor.step(&rows.ids, step);
                let at_end = jobs.list.cursor.position(&rows.ids).is_none_or(|at| at + 1 >= rows.ids.len());
                let states = jobs.listed_states();
                if at_end && matches!(jobs.scope, Scope::Everywhere | Scope::Queue(_)) && !self.search_on() {
                    self.ask_more(states);
                }
            }
            place => {
                let keys = self.keys_at(place);
                if let Some(list) = self.list_mut() {
                    return list.cursor.step(&keys, step);
                }
                match self.views.last_mut() {
                    Some(View::Job { scroll, .. } | View::Definition { scroll, .. }) => scroll.step(step),
                    Some(View::Pulse(view)) => view.scroll.step(step),
                    _ => {}
                }
            }
        }
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

/// What keeps jobs within what they ask for.
fn limits_in_words(limits: &str) -> &str {
    match limits {
        "cgroup v2" => "memory and CPU shares by cgroup v2",
        "cgroup v1" => "memory and CPU shares by cgroup v1",
        "watched" => "none of the kernel; a job that takes more memory is found by looking and ended",
        other => other,
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
