//! The loop alone: what it hears and what it asks for, without agents or clients.

use crate::agent::message::{Exit, PROTOCOL, ToEngine};
use crate::daemon::clock::Clock;
use crate::daemon::driver::{self, Driver, Parts, Realms};
use crate::daemon::feed::Feed;
use crate::daemon::journal::{Contents, Journal};
use crate::engine::command::Action;
use crate::engine::machine::Machine;
use crate::engine::{Effect, Engine, Settings};
use crate::model::{AttemptId, InstanceId};
use futures::poll;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::mpsc::{self, Receiver};
use tempfile::TempDir;

/// A loop, and what it asks to be carried out.
struct Loop {
    driver: Driver,
    effects: Receiver<Effect>,
    _root: TempDir,
}

impl Loop {
    /// With the queue `main` on an environment of one instance, and the definition `shell`.
    async fn furnished() -> Self {
        Self::furnished_in(Settings::default(), &["us-east-1"]).await
    }

    /// The same in each of these regions.
    async fn furnished_in(settings: Settings, regions: &[&str]) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let journal = Journal::open(&root.path().join("journal.db"), "us-east-1").expect("opens");
        Self::furnished_with(root, journal, settings, regions).await
    }

    async fn furnished_with(root: TempDir, journal: Journal, settings: Settings, regions: &[&str]) -> Self {
        let (carried_out, effects) = mpsc::channel();
        let (driver, _ending) = driver::start(Parts {
            realms: Realms::new(settings),
            journal,
            seed: 0,
            clock: Clock::not_before(0),
            feed: Feed::new(0),
            occurrences: crate::daemon::occurrences::Occurrences::new(0, []),
            carry_out: Box::new(move |effects| {
                drop(effects.into_iter().try_for_each(|effect| carried_out.send(effect)));
            }),
            last_line: Box::new(|_| None),
            forget_logs: Box::new(|_| ()),
        })
        .expect("starts");
        let environment = json!({
            "computeEnvironmentName": "here", "type": "MANAGED",
            "computeResources": { "type": "EC2", "minvCpus": 0, "maxvCpus": 2, "instanceTypes": ["c5.large"] },
        });
        let queue = json!({
            "jobQueueName": "main", "priority": 1,
            "computeEnvironmentOrder": [{ "order": 1, "computeEnvironment": "here" }],
        });
        let definition = json!({
            "jobDefinitionName": "shell", "type": "container",
            "containerProperties": {
                "image": "host", "command": ["true"],
                "resourceRequirements": [{ "type": "VCPU", "value": "1" }, { "type": "MEMORY", "value": "64" }],
            },
        });
        let actions = [
            Action::Resume,
            Action::CreateComputeEnvironment(of(environment)),
            Action::CreateJobQueue(of(queue)),
            Action::RegisterJobDefinition(Box::new(of(definition))),
        ];
        for region in regions {
            for action in &actions {
                driver.of(region).act(action.clone()).await.expect("accepted");
            }
        }
        Self { driver, effects, _root: root }
    }

    async fn submit(&self, name: &str) {
        self.submit_in("us-east-1", name).await;
    }

    async fn submit_in(&self, region: &str, name: &str) {
        let request = json!({ "jobName": name, "jobQueue": "main", "jobDefinition": "shell" });
        self.driver.of(region).act(Action::SubmitJob(Box::new(of(request)))).await.expect("accepted");
    }

    fn hello(&self, instance: &InstanceId) {
        let hello = ToEngine::Hello {
            protocol: PROTOCOL,
            instance: instance.clone(),
            pid: 7,
            limits: String::new(),
            held: Vec::new(),
        };
        self.driver.said(instance.clone(), hello);
    }

    /// All effects so far. A read may be answered before what was said in the same moment, and a second one only once
    /// that was carried out.
    async fn carried_out(&self) -> Vec<Effect> {
        for _ in 0..2 {
            self.driver.read(|_| ()).await.expect("runs");
        }
        self.effects.try_iter().collect()
    }
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("fits")
}

fn launched(effects: &[Effect]) -> Option<InstanceId> {
    effects.iter().find_map(|effect| match effect {
        Effect::LaunchInstance { instance } => Some(instance.clone()),
        _ => None,
    })
}

fn started(effects: &[Effect]) -> Option<AttemptId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Start { start, .. } => Some(start.attempt.clone()),
        _ => None,
    })
}

#[tokio::test]
async fn what_an_agent_begins_right_after_its_hello_is_not_taken_for_lost() {
    let world = Loop::furnished().await;
    world.submit("job").await;
    let instance = launched(&world.carried_out().await).expect("an instance for the job");
    world.hello(&instance);
    let attempt = started(&world.carried_out().await).expect("the job is placed");

    // It has connected anew; its hello waits behind a slow read, the start reaches it meanwhile, and it says so.
    let (go, held) = mpsc::channel::<()>();
    let reader = world.driver.clone();
    let reading = tokio::spawn(async move { reader.read(move |_| held.recv()).await });
    tokio::task::yield_now().await;
    world.hello(&instance);
    world.driver.said(instance, ToEngine::Started { attempt: attempt.clone(), at: 1, address: None });
    go.send(()).expect("listens");
    reading.await.expect("ends").expect("read").expect("went on");
    let effects = world.carried_out().await;
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Stop { .. })), "{attempt}: {effects:?}");
}

#[tokio::test]
async fn a_reader_does_not_wait_for_the_disk_on_behalf_of_what_came_in_with_it() {
    let world = Loop::furnished().await;
    // The loop is busy while both come in, the submit first.
    let (go, held) = mpsc::channel::<()>();
    let mut reading = pin!(world.driver.read(move |_| held.recv()));
    let mut submitting = pin!(world.submit("job"));
    let mut counting = pin!(world.driver.read(Engine::job_count));
    assert!(
        poll!(&mut reading).is_pending() && poll!(&mut submitting).is_pending() && poll!(&mut counting).is_pending()
    );
    go.send(()).expect("listens");
    reading.await.expect("read").expect("went on");
    assert_eq!(counting.await, Ok(0), "it saw what was not acknowledged yet");
    submitting.await;
    assert_eq!(world.driver.read(Engine::job_count).await, Ok(1));
}

#[tokio::test]
async fn regions_share_the_machine_and_wait_for_each_other() {
    let machine = Machine { vcpus_milli: 1000, memory_mib: 4096, gpus: 0 };
    let settings = Settings { machine: Some(machine), ..Settings::default() };
    let world = Loop::furnished_in(settings, &["us-east-1", "eu-west-1"]).await;
    world.submit_in("eu-west-1", "first").await;
    let first = launched(&world.carried_out().await).expect("an instance for the first job");
    world.hello(&first);
    let attempt = started(&world.carried_out().await).expect("the first job is placed");

    world.submit("second").await;
    assert_eq!(launched(&world.carried_out().await), None, "the machine's one processor is promised elsewhere");
    let exit = Exit { at: 1, code: Some(0), ..Exit::default() };
    world.driver.said(first, ToEngine::Exited { attempt, exit });
    let second = launched(&world.carried_out().await).expect("the other region has let go of it");
    world.hello(&second);
    assert!(started(&world.carried_out().await).is_some());
}

#[tokio::test]
async fn a_journal_that_could_not_be_opened_for_want_of_room_is_opened_once_there_is_some() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("journal.db");
    let journal = Journal::without_room(&path, &Contents::default());
    let run = Loop::furnished_with(root, journal, Settings::default(), &["us-east-1"]).await;
    assert_eq!(run.driver.why_still(), None);
    run.submit("a").await;
    run.driver.stop();
    let contents = Journal::read(&path, "us-east-1", &mut |_| Ok(())).expect("reads");
    assert!(contents.events >= 4, "{contents:?}");
}
