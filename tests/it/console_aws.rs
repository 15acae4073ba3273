//! The console on AWS as a person uses it: the real program in a pseudo-terminal. The same tests run on a moto server and
//! on the engine's own TCP door, and what they ask is the same.

use crate::aws::gate::Gate;
use crate::aws::{Surroundings, World, furnish, job, world};
use crate::support::{House, Key, Terminal};
use crate::wire::Wire;
use batchdeck::backend::aws::{AwsBackend, AwsSettings, Keys};
use batchdeck::backend::{Backend, JobQuery, Why};
use batchdeck::model::{
    ContainerOverrides, JobId, JobStatus, SubmitJobRequest, Switch, UpdateComputeEnvironmentRequest,
};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const REGION: &str = "eu-west-1";

/// A house whose standard AWS variables name `endpoint`, and nothing else of AWS.
pub fn house_at(endpoint: &str) -> House {
    house_with(endpoint, "test", "test")
}

fn house_with(endpoint: &str, key_id: &str, secret: &str) -> House {
    House::new()
        .with_variable("AWS_ENDPOINT_URL_BATCH", endpoint)
        .with_variable("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
        .with_variable("AWS_ACCESS_KEY_ID", key_id)
        .with_variable("AWS_SECRET_ACCESS_KEY", secret)
        .with_variable("AWS_DEFAULT_REGION", REGION)
        .with_variable("AWS_CONFIG_FILE", "/nonexistent/config")
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .with_variable("AWS_EC2_METADATA_DISABLED", "true")
}

/// What stands behind the console.
enum Scene {
    Moto(World),
    /// The engine in a region that is not its configured one.
    Engine {
        wire: Box<Wire>,
        backend: Box<AwsBackend>,
    },
}

impl Scene {
    async fn moto() -> Option<Self> {
        world().await.map(Self::Moto)
    }

    async fn engine() -> Option<Self> {
        let wire = Wire::start()?;
        let keys = Keys {
            access_key_id: wire.variable("AWS_ACCESS_KEY_ID").to_owned(),
            secret_access_key: wire.variable("AWS_SECRET_ACCESS_KEY").to_owned(),
            session_token: None,
        };
        let settings = AwsSettings {
            region: Some(REGION.into()),
            endpoint: Some(wire.variable("AWS_ENDPOINT_URL_BATCH").to_owned()),
            keys: Some(keys),
            calls_per_second: 200.0,
            by: "ann@host".into(),
            ..AwsSettings::default()
        };
        let backend = AwsBackend::connect(settings).await.expect("connects");
        let surroundings = Surroundings {
            role: "arn:aws:iam::123456789012:role/batch".into(),
            subnet: "subnet-0123456789abcdef0".into(),
            group: "sg-0123456789abcdef0".into(),
            tags: [("batchdeck:executor".to_owned(), "process".to_owned())].into(),
        };
        furnish(&backend, surroundings).await;
        Some(Self::Engine { wire: Box::new(wire), backend: Box::new(backend) })
    }

    fn backend(&self) -> &AwsBackend {
        match self {
            Self::Moto(world) => &world.backend,
            Self::Engine { backend, .. } => backend,
        }
    }

    fn endpoint(&self) -> String {
        match self {
            Self::Moto(world) => world.moto.endpoint(),
            Self::Engine { wire, .. } => wire.variable("AWS_ENDPOINT_URL_BATCH").to_owned(),
        }
    }

    /// A house from which the scene is seen, at this endpoint.
    fn house_at(&self, endpoint: &str) -> House {
        match self {
            Self::Moto(_) => house_at(endpoint),
            Self::Engine { wire, .. } => {
                house_with(endpoint, wire.variable("AWS_ACCESS_KEY_ID"), wire.variable("AWS_SECRET_ACCESS_KEY"))
            }
        }
    }

    fn house(&self) -> House {
        self.house_at(&self.endpoint())
    }

    async fn submit(&self, request: SubmitJobRequest) -> JobId {
        self.backend().submit_job(request).await.expect("submits").job_id
    }

    async fn until_status(&self, id: &JobId, status: JobStatus) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let detail = self.backend().describe_jobs(std::slice::from_ref(id)).await.expect("describes").remove(0);
            if detail.status == status {
                return detail.status_reason;
            }
            assert!(Instant::now() < deadline, "{id} is {} and never {status}", detail.status);
        }
    }

    /// A job that has succeeded, and these lines in its log.
    async fn done(&self, name: &str, lines: &[&str]) -> JobId {
        match self {
            Self::Moto(_) if lines.is_empty() => self.submit(job(name)).await,
            Self::Moto(world) => {
                world.create_log_group().await;
                let id = self.submit(job(name)).await;
                let stream = world.describe(&id).await.extra.and_then(|extra| extra.log_stream_name);
                let stream = stream.expect("a stream");
                world.create_log(&stream).await;
                for line in lines {
                    world.write_log(&stream, line).await;
                }
                id
            }
            Self::Engine { .. } => {
                let script = lines.iter().map(|line| format!("echo '{line}'; ")).collect::<String>() + "true";
                let id = self.submit(running(name, script)).await;
                self.until_status(&id, JobStatus::Succeeded).await;
                id
            }
        }
    }

    /// One more line in the log of a job that is over.
    async fn write_log(&self, id: &JobId, line: &str) {
        let detail = self.backend().describe_jobs(std::slice::from_ref(id)).await.expect("describes").remove(0);
        let stream = detail.extra.and_then(|extra| extra.log_stream_name).expect("a stream");
        match self {
            Self::Moto(world) => world.write_log(&stream, line).await,
            Self::Engine { wire, .. } => {
                let file = wire.house.data().join(format!("logs/@{REGION}/{stream}.log"));
                let mut file = OpenOptions::new().append(true).open(file).expect("the stream's file");
                writeln!(file, "{} {line}", chrono::Utc::now().timestamp_millis()).expect("written");
            }
        }
    }

    /// A job that waits, and would for ever: on moto for another that never comes, on the engine for room.
    async fn waiting(&self, name: &str) -> JobId {
        match self {
            Self::Moto(world) => world.submit_waiting(name).await,
            Self::Engine { backend, .. } => {
                let request = UpdateComputeEnvironmentRequest {
                    compute_environment: "small".into(),
                    state: Some(Switch::Disabled),
                    ..Default::default()
                };
                backend.update_compute_environment(request, Why::default()).await.expect("switches");
                let id = self.submit(job(name)).await;
                self.until_status(&id, JobStatus::Runnable).await;
                id
            }
        }
    }
}

fn running(name: &str, script: String) -> SubmitJobRequest {
    let command = vec!["sh".to_owned(), "-c".to_owned(), script];
    SubmitJobRequest { container_overrides: Some(ContainerOverrides { command, ..Default::default() }), ..job(name) }
}

/// Makes a test of each of these, on moto and on the engine.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_moto {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(scene) = super::Scene::moto().await {
                    super::$test(scene).await;
                }
            })*
        }
        mod on_the_engine {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(scene) = super::Scene::engine().await {
                    super::$test(scene).await;
                }
            })*
        }
    };
}

on_both!(
    the_walk_on_aws_from_a_waiting_job_to_the_record_of_what_was_done,
    an_endpoint_that_dies_is_told_with_the_age_of_what_is_shown_and_comes_back_by_itself,
    a_read_only_context_shows_all_and_changes_nothing,
);

fn open(house: &House, columns: u16, rows: u16) -> Terminal {
    let terminal = house.open(&["--context", "aws"], columns, rows);
    terminal.wait_for("aws ok · polled");
    terminal
}

async fn the_walk_on_aws_from_a_waiting_job_to_the_record_of_what_was_done(scene: Scene) {
    let done = scene.done("done-1", &["noted by done-1"]).await;
    let waits = scene.waiting("waits-1").await;
    let house = scene.house();
    let mut console = open(&house, 80, 24);

    // What AWS does not tell is a dash, and nothing speaks of an engine.
    console.wait_for("-/16");
    console.wait_for("main");
    assert!(!console.screen().contains("engine"), "{}", console.screen());

    // A waiting job cannot be moved; what one can do instead is said.
    console.type_text("3s");
    console.wait_for("waits-1");
    console.type_text("p");
    console.wait_for("aws cannot move a waiting job: change the priority of its queue");

    // It is cancelled for a reason, which AWS keeps.
    console.type_text("x");
    console.wait_for("Cancel waits-1");
    console.wait_for("batchdeck --context aws cancel");
    console.type_text("wrong bucket");
    console.press(Key::Tab);
    console.press(Key::Tab);
    console.press(Key::Enter);
    assert_eq!(scene.until_status(&waits, JobStatus::Failed).await.as_deref(), Some("wrong bucket"));
    console.wait_for("[waiting 0]");

    // Jobs by state, all of one, its log.
    console.type_text("s");
    console.wait_for("[failed 1]");
    console.wait_for("wrong bucket");
    console.type_text("s");
    console.wait_for("[succeeded 1]");
    console.wait_for("noted by done-1");
    scene.write_log(&done, "and one more line").await;
    console.press(Key::Enter);
    console.wait_for("▸ job done-1");
    console.wait_for(done.as_str());
    console.wait_for("and one more line");
    console.type_text("q");

    // The queue is moved.
    console.wait_for("overview");
    console.type_text("1p");
    console.wait_for("Priority of the queue main");
    console.press(Key::Ctrl('u'));
    console.type_text("44");
    console.press(Key::AltEnter);
    console.wait(" the queue's new priority", |screen| screen.contains(" 44 ● on"));
    assert_eq!(scene.backend().job_queues().await.expect("lists")[0].priority, 44);

    // A job from the form.
    console.type_text("n");
    console.wait_for("Submit a job");
    console.press(Key::Tab);
    console.press(Key::Tab);
    console.type_text("from-the-form");
    console.wait_for("batchdeck --context aws submit --queue main");
    console.press(Key::AltEnter);
    console.wait_gone("Submit a job");
    console.wait_for("✔ submitted from-the-form");
    let named = JobQuery { name: Some("from-the-form".into()), ..JobQuery::default() };
    assert_eq!(scene.backend().jobs(named).await.expect("lists").items.len(), 1);

    // Schedules come later; what was done is on record.
    console.type_text("S");
    console.wait_for("schedules on aws come later; until then use `aws scheduler`");
    console.type_text("A");
    for action in ["SubmitJob", "UpdateJobQueue", "CancelJob"] {
        console.wait_for(action);
    }
    console.type_text("qq");
    assert_eq!(console.wait_end().exit_code(), 0);
    assert!(console.is_restored());
}

async fn an_endpoint_that_dies_is_told_with_the_age_of_what_is_shown_and_comes_back_by_itself(scene: Scene) {
    scene.done("done-1", &[]).await;
    let mut gate = Gate::to(&scene.endpoint());
    gate.shut();
    let house = scene.house_at(&gate.endpoint());

    // Nothing was ever known: nothing is said to be.
    let mut console = house.open(&["--context", "aws"], 200, 60);
    console.wait_for("aws cannot be reached");
    console.wait_for("Connection refused");
    assert!(!console.screen().contains("what was known"), "{}", console.screen());
    gate.open();
    console.wait_for("aws ok · polled");
    console.wait_for("main");

    console.type_text("D");
    console.wait_for("busybox");
    console.type_text("q");
    console.wait_for("overview");

    gate.shut();
    console.wait_for("aws gone · data is");
    console.wait_for("main");
    console.type_text("n");
    console.wait_for("Submit a job");
    console.press(Key::AltEnter);
    console.wait_for("cannot be reached: Connection refused.");
    assert!(!console.screen().contains("engine"), "{}", console.screen());
    console.press(Key::Esc);

    gate.open();
    console.wait_for("aws ok · polled");
    scene.done("after", &[]).await;
    console.type_text("3sss");
    console.wait_for("after");
    console.wait_gone("cannot be read");
}

async fn a_read_only_context_shows_all_and_changes_nothing(scene: Scene) {
    let house = scene.house();
    let mut console = house.open(&["--context", "aws", "--read-only"], 80, 24);
    console.wait_for("aws [read-only]");
    console.wait_for("main");
    for (keys, action) in [("n", "submit"), ("1p", "reprioritise"), ("2e", "switch")] {
        console.type_text(keys);
        console.wait_for(&format!("`{action}` is refused: the context `aws` is read-only"));
        assert!(!console.screen().contains("Same by hand"), "{}", console.screen());
    }
    let house = scene.house().with_variable("AWS_DEFAULT_REGION", "us-east-1");
    let mut console = house.open(&["--context", "aws"], 80, 24);
    console.wait_for("no compute environment, queue or job is in this account and region");
    console.type_text("i");
    console.wait_for("`begin` is for a local engine");
}
