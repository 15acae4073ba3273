//! What comes from outside, however much of it: what it costs, what it may not move, what is said of it.

use super::View;
use super::list::JobList;
use super::store::Kind;
use super::subject::job_of;
use crate::backend::scripted::{Call, World};
use crate::backend::{BackendError, Page};
use crate::config::theme::Theme;
use crate::model::{
    ArrayProperties, Change, Cursor, JobDefinition, JobExtra, JobId, JobStatus, JobSummary, Millis, StatusCounts, What,
};
use crate::tui::action::{Action, Place};
use crate::tui::requests::{Answer, Ask, Message, RequestId};
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;
use std::mem;

const CHILDREN: u32 = 10_000;

fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(recorded_world(), (80, 24), Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn change(at: Millis, what: What) -> Message {
    Message::Change(Change { cursor: Cursor(9), at, what })
}

fn job(id: &str, name: &str, status: JobStatus) -> JobSummary {
    JobSummary { job_id: JobId::from(id), job_name: name.into(), status, ..Default::default() }
}

fn child(index: u32, status: JobStatus) -> JobSummary {
    job(&format!("big:{index}"), "big", status)
}

fn array() -> JobSummary {
    let mut counts = StatusCounts::default();
    counts.add(JobStatus::Running, u64::from(CHILDREN));
    let array = ArrayProperties { size: Some(CHILDREN), status_summary: Some(counts), ..Default::default() };
    JobSummary { array_properties: Some(array), ..job("big", "big", JobStatus::Pending) }
}

/// The array's own screen, with no child known yet.
fn array_stage() -> Stage {
    let mut stage = stage("left");
    let now = stage.app.now;
    stage.hear(change(now, What::Job(Box::new(array()))));
    stage.press("/ \"big\" Enter Enter left").expect("keys");
    stage
}

fn array_list(stage: &Stage) -> &JobList {
    let View::Array { list, .. } = stage.app.view() else { panic!("no array: {}", stage.text()) };
    list
}

#[test]
fn a_burst_of_changes_costs_one_look_at_the_list_however_many_they_are() {
    let mut stage = array_stage();
    let now = stage.app.now;
    let tell = |stage: &mut Stage, index: u32, status: JobStatus| {
        stage.app.receive(change(now, What::Job(Box::new(child(index, status)))), now);
        // The console asks when it is to wake after each slice of changes.
        stage.app.next_wake();
    };
    for index in 0..CHILDREN {
        tell(&mut stage, index, JobStatus::Running);
    }
    stage.rest();
    assert_eq!(array_list(&stage).rows(&stage.app.store).counts, [10_000, 0, 0, 0, 10_000]);
    let lists = |stage: &Stage| (array_list(stage).computed(), stage.app.overview.jobs.computed());
    let before = lists(&stage);
    for number in 0..5 * CHILDREN {
        let status = if number < 4 * CHILDREN { JobStatus::Starting } else { JobStatus::Succeeded };
        tell(&mut stage, number % CHILDREN, status);
    }
    assert_eq!(lists(&stage), before, "no change is worth a look by itself");
    // A key and the frame that answers it.
    stage.app.update(Action::Down, now);
    stage.app.tick(now);
    stage.draw();
    assert_eq!(lists(&stage), (before.0 + 1, before.1 + 1));
    assert_eq!(array_list(&stage).rows(&stage.app.store).counts, [0, 0, 0, 10_000, 10_000]);
}

#[test]
fn changes_of_children_that_nobody_looks_at_are_not_held() {
    let mut stage = stage("");
    let (now, before) = (stage.app.now, stage.app.store.shown_revision());
    stage.hear(change(now, What::Job(Box::new(child(0, JobStatus::Running)))));
    assert_eq!(stage.app.store.shown_revision(), before);
}

#[test]
fn the_console_says_when_it_is_behind_the_stream() {
    let mut stage = stage("");
    stage.pass(20_000);
    let (old, now) = (stage.app.now - 12_000, stage.app.now);
    stage.hear(change(old, What::Alive { consoles: 1 }));
    assert!(stage.text().contains("12s behind"), "{}", stage.text());
    assert!(!stage.text().contains("live"));
    assert!(stage.app.next_wake() <= now + 2_000, "it takes that back by itself");
    stage.pass(2_000);
    assert!(stage.text().contains("engine ok · live"), "{}", stage.text());
    stage.hear(change(old, What::Alive { consoles: 1 }));
    let now = stage.app.now;
    stage.hear(change(now, What::Alive { consoles: 1 }));
    assert!(stage.text().contains("engine ok · live"), "what is new is up to date: {}", stage.text());
}

#[test]
fn an_engine_that_is_gone_is_told_above_all_and_can_be_called_at_once() {
    for (keys, other) in [("", "no job is selected"), ("/ \"res\"", "/ res"), ("v", "then")] {
        let mut stage = stage(keys);
        let error =
            BackendError::Unreachable { endpoint: "engine.sock".into(), cause: "gone".into(), hint: "start it" };
        stage.pass(5_000);
        stage.hear(Message::WatchBroke { error, again_in: 2_000 });
        if keys.is_empty() {
            stage.app.complain("no job is selected");
        }
        let text = stage.text();
        let gone = "engine gone · data is 5s old · ctrl-r starts it again · reconnecting in 2s";
        assert!(text.lines().nth(22).is_some_and(|line| line.contains(gone)), "{text}");
        assert!(text.lines().take(22).skip(19).any(|line| line.contains(other)), "{text}");
    }
    let mut stage = stage("");
    let error = BackendError::Unreachable { endpoint: "engine.sock".into(), cause: "gone".into(), hint: "start it" };
    stage.hear(Message::WatchBroke { error, again_in: 2_000 });
    let now = stage.app.now;
    let asked: Vec<Ask> = stage.app.update(Action::Refresh, now).into_iter().map(|request| request.ask).collect();
    assert_eq!(asked, [Ask::Reconnect, Ask::Redraw], "what is known is not thrown away for what cannot be read");
}

/// Everything is read anew; the request for one part of it.
fn reread(stage: &mut Stage, ask: &Ask) -> RequestId {
    let now = stage.app.now;
    let requests = stage.app.update(Action::Refresh, now);
    requests.iter().find(|request| request.ask == *ask).expect("it is asked for").id
}

/// Job definitions are being read for the first time; what they are.
fn before_definitions(stage: &mut Stage) -> (RequestId, Vec<JobDefinition>) {
    let id = reread(stage, &Ask::Definitions);
    stage.app.store.read.remove(&Kind::Definitions);
    (id, mem::take(&mut stage.app.store.definitions).into_values().collect())
}

fn unreachable() -> BackendError {
    BackendError::Unreachable { endpoint: "engine.sock".into(), cause: "gone".into(), hint: "start it" }
}

#[test]
fn a_form_that_needs_what_is_still_being_read_opens_once_it_is_there() {
    for (keys, place) in [("n", "Submit a job"), ("S n", "New schedule")] {
        let mut stage = stage("");
        let now = stage.app.now;
        let (id, definitions) = before_definitions(&mut stage);
        stage.press(keys).expect("keys");
        assert!(stage.text().contains("are being read; the form opens"), "{}", stage.text());
        stage.app.receive(Message::Answer { id, answer: Answer::Definitions(Ok(definitions)) }, now);
        stage.app.tick(now);
        let text = stage.text();
        assert!(text.contains(place) && !text.contains("being read"), "{text}");
    }
}

#[test]
fn a_form_that_was_waited_for_does_not_open_over_what_was_done_since() {
    let mut stage = stage("");
    let now = stage.app.now;
    let (id, definitions) = before_definitions(&mut stage);
    stage.press("n j").expect("keys");
    stage.app.receive(Message::Answer { id, answer: Answer::Definitions(Ok(definitions)) }, now);
    assert_ne!(stage.app.place(), Place::Form);
}

#[test]
fn a_form_that_needs_what_cannot_be_read_says_why() {
    let mut stage = stage("");
    let now = stage.app.now;
    let (id, _) = before_definitions(&mut stage);
    stage.press("n").expect("keys");
    stage.app.receive(Message::Answer { id, answer: Answer::Definitions(Err(unreachable())) }, now);
    stage.app.tick(now);
    assert!(stage.text().contains("cannot be read: engine.sock cannot be reached"), "{}", stage.text());
}

#[test]
fn what_could_not_be_read_is_read_when_the_engine_is_back() {
    let mut stage = stage("");
    let now = stage.app.now;
    let id = reread(&mut stage, &Ask::Queues);
    stage.app.receive(Message::Answer { id, answer: Answer::Queues(Err(unreachable())) }, now);
    let requests = stage.app.receive(Message::WatchOpened, now);
    assert!(requests.iter().any(|request| request.ask == Ask::Queues));
}

#[test]
fn counts_of_children_that_are_being_read_are_a_part_and_say_so() {
    let mut stage = stage("left");
    let now = stage.app.now;
    stage.hear(change(now, What::Job(Box::new(array()))));
    stage.press("/ \"big\" Enter").expect("keys");
    // The log of an array is chosen among its children: they are asked for anew, and their pages are held back.
    let requests = stage.app.update(Action::Refresh, now);
    let asked = requests.iter().find(|request| matches!(request.ask, Ask::Children { .. }));
    let id = asked.expect("children are asked for").id;
    stage.app.store.children_read.clear();
    stage.press("Enter left").expect("keys");
    let answer = |next: Option<&str>, from: u32| {
        let items = (from..from + 1_000).map(|index| child(index, JobStatus::Succeeded)).collect();
        Answer::Children { parent: JobId::from("big"), page: Ok(Page { items, next: next.map(str::to_owned) }) }
    };
    let requests = stage.app.receive(Message::Answer { id, answer: answer(Some("1"), 0) }, now);
    stage.app.tick(now);
    let text = stage.text();
    assert!(text.contains("all 1,000+") && text.contains("of 1,000+"), "{text}");
    let id = requests.iter().find(|request| matches!(request.ask, Ask::Children { .. })).expect("the next page").id;
    stage.app.receive(Message::Answer { id, answer: answer(None, 1_000) }, now);
    stage.app.tick(now);
    let text = stage.text();
    assert!(text.contains("all 2,000") && !text.contains("2,000+"), "{text}");
}

#[test]
fn the_cursor_begins_at_the_first_line_whatever_was_read_first() {
    let mut stage = Stage::new(World { now: recorded_world().now, ..World::default() }, (80, 24), Theme::default());
    let now = stage.app.now;
    let requests = stage.app.update(Action::Refresh, now);
    let id_of = |wanted: usize| {
        let found = requests.iter().find(|request| matches!(request.ask, Ask::Jobs { set, .. } if set == wanted));
        found.expect("each set is asked for").id
    };
    let since = |state_since| Some(Box::new(JobExtra { state_since, ..Default::default() }));
    let running = |id: &str, at| JobSummary { extra: since(at), ..job(id, id, JobStatus::Running) };
    let waiting = JobSummary { extra: since(1), ..array() };
    let mut answer = |set: usize, items| {
        let page = Ok(Page { items, next: None });
        stage.app.receive(Message::Answer { id: id_of(set), answer: Answer::Jobs { set, page } }, now);
        stage.app.tick(now);
        stage.app.selected_job().map(|id| id.0)
    };
    assert_eq!(answer(1, vec![waiting]).as_deref(), Some("big"));
    assert_eq!(answer(0, vec![running("new", 9), running("old", 8)]).as_deref(), Some("new"));
    answer(2, Vec::new());
    answer(3, Vec::new());
    // From here on the cursor stays with its job.
    stage.hear(change(now, What::Job(Box::new(running("newer", 10)))));
    assert_eq!(stage.app.selected_job(), Some(JobId::from("new")));
}

#[test]
fn a_filter_and_mark_all_hit_what_literally_matches_alone() {
    let stage = stage("left / \"rsz\" Enter *");
    assert!(stage.app.overview.jobs.marked.is_empty(), "what matches loosely is not marked at once");
    assert!(stage.text().contains("none has it as it is written"), "{}", stage.text());
    let stage = self::stage("left / \"!'r\" Enter *");
    let marked = &stage.app.overview.jobs.marked;
    assert!(!marked.is_empty(), "states are no words: RUNNING has an r");
    for id in marked {
        assert!(!stage.app.store.jobs[id].job_name.contains('r'), "{id}");
    }
}

#[test]
fn jobs_are_stopped_in_the_order_of_the_list_and_those_it_does_not_list_are_counted() {
    let mut stage = stage("Space Space Space");
    assert!(stage.text().contains("3 marked"));
    let listed = stage.app.overview.jobs.rows(&stage.app.store).ids[..3].to_vec();
    stage.press("/ \"resize-4711\" Enter").expect("keys");
    assert!(stage.text().contains("3 marked"), "{}", stage.text());
    stage.press("x").expect("keys");
    assert!(stage.text().contains("Terminate 3 jobs · 2 of them are not in this list now"), "{}", stage.text());
    let mut stage = self::stage("Space Space Space x \"done with\" Enter Enter right Enter");
    let stopped: Vec<JobId> = stage
        .backend
        .calls()
        .into_iter()
        .map(|call| match call {
            Call::TerminateJob { id, .. } | Call::CancelJob { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(stopped, listed);
    stage.rest();
}

#[test]
fn a_log_on_the_whole_screen_stays_that_of_its_job_when_the_job_leaves_the_list() {
    let mut stage = stage(": \"jobs running\" Enter");
    let read = stage.app.selected_job().expect("a job runs");
    stage.press("l").expect("keys");
    assert_eq!(job_of(&stage.app.log.wanted), Some(&read), "{}", stage.text());
    let row = stage.app.store.job(&read).expect("known").clone();
    let now = stage.app.now;
    stage.hear(change(now, What::Job(Box::new(JobSummary { status: JobStatus::Succeeded, ..row }))));
    stage.rest();
    assert_eq!(job_of(&stage.app.log.wanted), Some(&read), "{}", stage.text());
    assert_eq!(stage.app.selected_job().as_ref(), Some(&read), "what is done from here is done to it");
    stage.press("Esc").expect("keys");
    assert!(stage.app.selected_job().is_some_and(|next| next != read), "{}", stage.text());
}
