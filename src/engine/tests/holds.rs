//! What an operator may do with those who wait: hold, release, move.

use super::world::{World, job, sized};
use crate::engine::Settings;
use crate::engine::command::Action;
use crate::model::{ArrayProperties, JobDependency, JobId, JobStatus, MoveTo, SubmitJobRequest};

use JobStatus::{Pending, Runnable, Starting};

/// A world whose two vCPUs are taken.
fn busy() -> (World, JobId) {
    let mut world = World::small(2);
    let blocker = world.submit(sized("blocker", "2", "512"));
    world.register_all();
    (world, blocker)
}

fn held(world: &World, id: &JobId) -> bool {
    world.job(id).extra.expect("ours").held
}

fn front() -> MoveTo {
    MoveTo { front: true, ..MoveTo::default() }
}

fn to(queue: &str) -> MoveTo {
    MoveTo { job_queue: Some(queue.into()), ..MoveTo::default() }
}

fn refusal(world: &mut World, action: Action) -> String {
    let before = world.engine.clone();
    let said = world.ask(action).expect_err("refused").to_string();
    assert!(world.engine == before, "a refusal changes nothing");
    said
}

#[test]
fn a_held_job_is_passed_over_until_it_is_released_and_a_restart_forgets_nothing() {
    let (mut world, blocker) = busy();
    let [a, b] = ["a", "b"].map(|name| world.submit(sized(name, "2", "512")));
    world.ask(Action::HoldJob { job: a.clone() }).expect("it waits");
    assert!(held(&world, &a) && !held(&world, &b));
    world.run(&blocker, 0);
    assert_eq!((world.status(&a), world.status(&b)), (Runnable, Starting));
    world.assert_replays(&Settings::default());
    world.ask(Action::ReleaseJob { job: a.clone() }).expect("it is held");
    world.run(&b, 0);
    assert_eq!((world.status(&a), held(&world, &a)), (Starting, false));
    let said = refusal(&mut world, Action::HoldJob { job: a.clone() });
    assert_eq!(said, format!("Job {a} is STARTING; only waiting jobs can be held"));
}

#[test]
fn a_held_job_asks_for_no_instance_and_can_still_be_cancelled() {
    let mut world = World::small(8);
    let blocker = world.submit(job("first"));
    let waiting = world.submit(SubmitJobRequest {
        depends_on: vec![JobDependency { job_id: Some(blocker.clone()), kind: None }],
        ..sized("waiting", "4", "512")
    });
    world.ask(Action::HoldJob { job: waiting.clone() }).expect("it waits");
    world.register_all();
    world.run(&blocker, 0);
    assert_eq!(world.status(&waiting), Runnable, "its dependencies are met, and it is held");
    assert!(world.launching.is_empty(), "nothing is launched for it");
    world.ask(Action::CancelJob { job: waiting.clone(), reason: "not needed".into() }).expect("cancelled");
    assert_eq!((world.status(&waiting), held(&world, &waiting)), (JobStatus::Failed, false));
}

#[test]
fn holding_an_array_holds_the_children_that_wait() {
    let mut world = World::small(2);
    let array = ArrayProperties { size: Some(4), ..ArrayProperties::default() };
    let parent = world.submit(SubmitJobRequest { array_properties: Some(array), ..job("array") });
    world.register_all();
    world.ask(Action::HoldJob { job: parent.clone() }).expect("two of them wait");
    assert!(held(&world, &parent), "the parent says that some are");
    assert_eq!([0, 1, 2, 3].map(|index| held(&world, &parent.child(index))), [false, false, true, true]);
    world.ask(Action::ReleaseJob { job: parent.child(3) }).expect("one is let go");
    world.run(&parent.child(0), 0);
    assert_eq!([2, 3].map(|index| world.status(&parent.child(index))), [Runnable, Starting]);
    world.ask(Action::ReleaseJob { job: parent.clone() }).expect("the rest as well");
    assert!(!held(&world, &parent));
}

#[test]
fn a_held_queue_takes_jobs_and_places_none() {
    let mut world = World::small(4);
    world.queue("other", 1, &["ce"]);
    let running = world.submit(job("running"));
    world.register_all();
    world.ask(Action::HoldQueue { queue: "main".into() }).expect("held");
    let [waiting, other] = [job("waiting"), SubmitJobRequest { job_queue: "other".into(), ..job("other") }]
        .map(|request| world.submit(request));
    world.register_all();
    assert_eq!((world.status(&waiting), world.status(&other)), (Runnable, Starting));
    let queue = |world: &World| world.engine.job_queues().into_iter().find(|q| q.job_queue_name == "main");
    assert!(queue(&world).expect("there").held);
    world.run(&running, 0);
    assert_eq!(world.status(&waiting), Runnable);
    world.assert_replays(&Settings::default());
    world.ask(Action::ReleaseQueue { queue: "main".into() }).expect("released");
    assert_eq!(world.status(&waiting), Starting);
    assert!(!queue(&world).expect("there").held);
}

#[test]
fn the_job_that_was_put_at_the_front_last_goes_first_whatever_the_priorities() {
    let (mut world, blocker) = busy();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| world.submit(sized(name, "2", "512")));
    world.ask(Action::ReprioritiseJob { job: b.clone(), priority: 100 }).expect("it waits");
    world.ask(Action::MoveJob { job: c.clone(), to: front() }).expect("it waits");
    world.ask(Action::MoveJob { job: d.clone(), to: front() }).expect("it waits");
    let mut next = blocker;
    for expected in [&d, &c, &b, &a] {
        world.run(&next, 0);
        assert_eq!(world.status(expected), Starting);
        next = expected.clone();
    }
}

#[test]
fn a_job_moves_to_another_queue_with_its_id_its_dependents_and_its_place_in_the_record() {
    let (mut world, blocker) = busy();
    world.queue("other", 5, &["ce"]);
    let [first, moved] = ["first", "moved"].map(|name| world.submit(sized(name, "2", "512")));
    let dependent = world.submit(SubmitJobRequest {
        depends_on: vec![JobDependency { job_id: Some(moved.clone()), kind: None }],
        ..job("dependent")
    });
    let created = world.job(&moved).created_at;
    world.ask(Action::ReprioritiseJob { job: moved.clone(), priority: 9 }).expect("it waits");
    world.ask(Action::MoveJob { job: moved.clone(), to: to("other") }).expect("it waits");
    let job = world.job(&moved);
    let extra = job.extra.expect("ours");
    assert_eq!((extra.job_queue.as_str(), extra.priority, job.created_at), ("other", 0, created));
    assert!(job.job_queue.ends_with(":job-queue/other"));
    let counts = |world: &World, name: &str| {
        let queue = world.engine.job_queues().into_iter().find(|queue| queue.job_queue_name == name);
        queue.and_then(|queue| queue.job_counts).expect("counts").get(Runnable)
    };
    assert_eq!((counts(&world, "main"), counts(&world, "other")), (1, 1));
    world.run(&blocker, 0);
    assert_eq!((world.status(&moved), world.status(&first)), (Starting, Runnable), "its new queue goes first");
    assert_eq!(world.status(&dependent), Pending);
    world.run(&moved, 0);
    world.run(&first, 0);
    assert_eq!(world.status(&dependent), Starting, "who waits for it waits for it still");
    world.assert_replays(&Settings::default());
}

#[test]
fn a_move_that_cannot_be_says_why_and_what_to_do() {
    let (mut world, blocker) = busy();
    world.queue("off", 1, &["ce"]);
    world
        .ask(Action::UpdateJobQueue(crate::model::UpdateJobQueueRequest {
            job_queue: "off".into(),
            state: Some(crate::model::Switch::Disabled),
            ..Default::default()
        }))
        .expect("disabled");
    world.fair("fair", &[], 0, 0);
    let waiting = world.submit(sized("waiting", "2", "512"));
    let array = ArrayProperties { size: Some(2), ..ArrayProperties::default() };
    let parent = world.submit(SubmitJobRequest { array_properties: Some(array), ..sized("array", "2", "512") });
    let share = MoveTo { share_identifier: Some("a".into()), ..MoveTo::default() };
    let cases = [
        (&blocker, front(), "is STARTING; only waiting jobs can be moved"),
        (&waiting, MoveTo::default(), "neither jobQueue nor front"),
        (&waiting, share, "shareIdentifier is given without jobQueue"),
        (&waiting, to("main"), "is in main already"),
        (&waiting, to("nowhere"), "JobQueue nowhere not found."),
        (&waiting, to("off"), "JobQueue off is DISABLED"),
        (&waiting, to("fair"), "shareIdentifier is missing"),
        (&parent.child(1), to("fair"), "is a child of an array, which moves to another queue as a whole"),
    ];
    for (job, to, words) in cases {
        let said = refusal(&mut world, Action::MoveJob { job: job.clone(), to: to.clone() });
        assert!(said.contains(words), "{to:?} says: {said}");
    }
    let share = MoveTo { share_identifier: Some("a".into()), ..to("fair") };
    world.ask(Action::MoveJob { job: parent.clone(), to: share }).expect("an array moves as a whole");
    assert_eq!(world.job(&parent.child(1)).share_identifier.as_deref(), Some("a"));
    world.ask(Action::MoveJob { job: parent.clone(), to: to("main") }).expect("and back");
    assert_eq!(world.job(&parent).share_identifier, None, "a queue without shares has none");
    world.run(&blocker, 0);
    world.run(&waiting, 0);
    let said = refusal(
        &mut world,
        Action::MoveJob { job: parent.clone(), to: MoveTo { share_identifier: Some("a".into()), ..to("fair") } },
    );
    assert!(said.contains("1 children of") && said.contains("once they have ended"), "{said}");
}
