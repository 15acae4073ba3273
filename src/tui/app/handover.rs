//! The bundle for whoever takes over: what the console itself knows of it.

use super::{App, Place, View};
use crate::backend::scripted::{Can, Recorded, World};
use crate::model::{JobStatus, JobSummary, Subject};
use crate::tui::handover::{Handover, To};
use crate::tui::requests::Ask;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Jobs that a recording holds at most: those that have not ended first, then the newest.
const JOBS: usize = 2_000;

impl App {
    /// Writes it to a file, ` !` after the name over one that is there, or to the clipboard; without a name one is made up.
    pub(super) fn write_handover(&mut self, rest: Option<&str>) {
        let to = match rest {
            Some("clipboard") => To::Clipboard,
            Some(rest) => {
                let (name, over) = rest.strip_suffix(" !").map_or((rest, false), |name| (name.trim_end(), true));
                To::File { path: PathBuf::from(name), over }
            }
            None => {
                let name = format!("batchdeck-handover-{}.md", self.setting.own.clock.compact(self.now));
                To::File { path: PathBuf::from(name), over: false }
            }
        };
        let mut actions: Vec<_> = self.store.audit.iter().filter(|entry| entry.at >= self.opened_at).cloned().collect();
        actions.sort_by_key(|entry| entry.at);
        let handover = Handover {
            to,
            at: self.now,
            clock: self.setting.own.clock,
            context: self.setting.context.clone(),
            place: self.breadcrumbs().join(" ▸ "),
            trail: self.trail().into_iter().map(|stop| stop.line).collect(),
            screen: String::new(),
            subject: self.subject_here(),
            job: self.selected_job(),
            actions,
            opened_at: self.opened_at,
            watches: self.watches(&super::list::ListState::default()).into_iter().cloned().collect(),
            world: Box::new(self.recording()),
        };
        self.ask(Ask::Handover(Box::new(handover)));
    }

    pub(super) fn take_bundle(&mut self, to: To, text: String) {
        match to {
            To::File { path, over } => {
                self.ask(Ask::Save { path, over, text: Some(text) });
            }
            To::Clipboard => self.copy("the handover", text),
        }
    }

    /// What is selected, to be asked why it is as it is.
    pub(super) fn subject_here(&self) -> Option<Subject> {
        match (self.place_below(), self.view()) {
            (_, View::Why(why)) => Some(why.subject.clone()),
            (Place::Queues, _) => self.selected_queue().map(|queue| Subject::Queue(queue.job_queue_name.clone())),
            (Place::Environments | Place::Instances, _) => {
                self.selected_environment().map(|found| Subject::Environment(found.compute_environment_name.clone()))
            }
            (Place::Watches, _) => self.selected_watch().map(|watch| watch.subject.clone()),
            _ => self.selected_job().map(Subject::Job),
        }
    }

    /// All that is known here, as far as a recording holds it.
    fn recording(&self) -> World {
        let store = &self.store;
        let children = store.children.values().flat_map(|all| all.values());
        let mut jobs: Vec<&JobSummary> = store.jobs.values().chain(children).collect();
        jobs.sort_by_key(|job| (job.status.is_final(), job.status == JobStatus::Succeeded, Reverse(job.created_at)));
        let left_out = jobs.len().saturating_sub(JOBS);
        jobs.truncate(JOBS);
        let can = self.setting.can;
        World {
            now: self.now,
            recorded: Some(Recorded {
                at: self.now,
                context: self.setting.context.clone(),
                backend: can.name.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                left_out,
                not_read: BTreeMap::new(),
            }),
            can: Can {
                reprioritise_job: can.reprioritise_job,
                hold: can.hold,
                instances: can.instances,
                schedules: can.schedules,
                audit: can.audit,
                costs: can.costs,
                // It is read at once.
                pushes_changes: true,
            },
            queues: store.queues.values().cloned().collect(),
            environments: store.environments.values().cloned().collect(),
            definitions: store.definitions.values().cloned().collect(),
            jobs: jobs.into_iter().cloned().collect(),
            details: store.details().cloned().collect(),
            schedules: store.schedules.values().cloned().collect(),
            runs: store.runs.values().flatten().cloned().collect(),
            audit: store.audit.iter().cloned().collect(),
            watches: store.watches.values().cloned().collect(),
            scaling: store.scaling.values().flatten().cloned().collect(),
            ..World::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::backend::scripted::{Part, ScriptedBackend};
    use crate::config::theme::Theme;
    use crate::model::{UsageOverTime, UsageSample};
    use crate::tui::handover::bundle;
    use crate::tui::screens::{recorded_world, reported_world};
    use crate::tui::stage::Stage;
    use futures::FutureExt;
    use std::path::Path;

    /// What the console hands over after these keys.
    fn handed(world: World, keys: &str, to: To) -> String {
        let mut stage = Stage::new(world, (80, 24), Theme::default());
        stage.press(keys).expect("keys");
        stage.app.write_handover(Some("clipboard"));
        let asked = stage.app.tick(stage.app.now).into_iter().find_map(|request| match request.ask {
            Ask::Handover(handover) => Some(*handover),
            _ => None,
        });
        let handover = Handover { screen: stage.text(), to, ..asked.expect("asked") };
        bundle(stage.backend.as_ref(), handover).now_or_never().expect("at once").1
    }

    fn secretive() -> World {
        let mut world = recorded_world();
        let job = world.jobs.iter().find(|job| job.job_name == "resize-4711").expect("recorded").clone();
        let stream = job.extra.as_ref().and_then(|extra| extra.log_stream_name.clone()).expect("a stream");
        let last = world.logs.get_mut(&stream).and_then(|lines| lines.last_mut()).expect("a line");
        last.message = "``` API_TOKEN=hunter2 \u{1b}]0;x\u{7}".to_owned();
        world
    }

    #[test]
    fn a_bundle_tells_what_is_shown_why_and_what_was_done_and_no_secret() {
        let text = handed(secretive(), "j", To::Clipboard);
        for part in [
            "# Handover: ",
            "## What was shown",
            "resize-4711",
            "## Why",
            "Ruled out: ",
            "## End of the log",
            "API_TOKEN=••••••",
            "````text",
            "## Actions since ",
            "## Open questions",
            "holds no recording",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_recording_is_the_same_world_read_only_and_says_of_when_it_is() {
        let house = tempfile::tempdir().expect("a directory");
        let path = house.path().join("handover.md");
        let whole = handed(secretive(), "j", To::File { path: path.clone(), over: false });
        assert!(whole.contains("`batchdeck replay handover.md`") && !whole.contains("hunter2"));
        std::fs::write(&path, whole).expect("written");
        let world = World::load(Path::new(&path)).expect("holds a recording");
        assert_eq!(world.jobs.len(), recorded_world().jobs.iter().filter(|job| job.job_id.part().is_none()).count());
        let backend = ScriptedBackend::new(world);
        assert!(backend.recorded_at().is_some());
        let mut stage = Stage::with(backend, (80, 24), Theme::default(), false);
        stage.press("j").expect("keys");
        insta::assert_snapshot!("replay@80x24", stage.text());
        stage.press("x").expect("keys");
        assert!(stage.text().contains("it is a recording"), "{}", stage.text());
    }

    #[test]
    fn what_other_views_show_is_handed_over_with_it_and_replayed() {
        let house = tempfile::tempdir().expect("a directory");
        let path = house.path().join("handover.md");
        let mut world = reported_world();
        let job = world.jobs.iter().find(|job| job.job_name == "resize-4711").expect("recorded").job_id.clone();
        let sample = UsageSample { at: world.now, cpu: 0.5, memory_mib: 212.0 };
        let told = UsageOverTime { samples: vec![sample; 3], source: "a test".into(), ..UsageOverTime::default() };
        world.usage.insert(job.clone(), told.clone());
        let whole = handed(world.clone(), "j", To::File { path: path.clone(), over: false });
        std::fs::write(&path, whole).expect("written");
        let replayed = World::load(&path).expect("holds a recording");
        assert!(!world.events.is_empty() && replayed.events == world.events);
        assert!(!world.observed_runs.is_empty() && replayed.observed_runs == world.observed_runs);
        let rows = |world: &World| world.cost_reports.iter().map(|costs| costs.report.rows.len()).collect::<Vec<_>>();
        assert_eq!(rows(&replayed), vec![world.costs.rows.len(); 24], "four ways to add up, six spans");
        assert!(replayed.throughput.as_ref().is_some_and(|told| !told.minutes.is_empty()));
        assert_eq!(replayed.usage.get(&job), Some(&told));
        let mut stage = Stage::with(ScriptedBackend::new(replayed), (100, 24), Theme::default(), false);
        for (keys, shown) in [("v n", "FAILED"), ("v m", "all environments"), ("v u", "Lambda")] {
            stage.press(keys).expect("keys");
            assert!(stage.text().contains(shown), "{keys}:\n{}", stage.text());
        }
    }

    #[test]
    fn what_could_not_be_read_is_missing_with_its_reason_and_not_as_nothing() {
        let house = tempfile::tempdir().expect("a directory");
        let path = house.path().join("handover.md");
        let mut world = reported_world();
        let why = |part| (part, "it is of no use".to_owned());
        let not_read = [Part::Costs, Part::Events, Part::Runs].map(why).into();
        world.recorded = Some(Recorded { backend: "aws".into(), not_read, ..Recorded::default() });
        let whole = handed(world, "j", To::File { path: path.clone(), over: false });
        assert!(whole.contains("Not in it: what was spent: what was spent was not read"), "{whole}");
        std::fs::write(&path, whole).expect("written");
        let replayed = World::load(&path).expect("holds a recording");
        let mut stage = Stage::with(ScriptedBackend::new(replayed), (100, 24), Theme::default(), false);
        for keys in ["v n", "v m", "v u"] {
            stage.press(keys).expect("keys");
            let screen = stage.text().replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(screen.contains("was not read") && screen.contains("it is of no use"), "{keys}:\n{screen}");
        }
    }
}
