//! The console over a bad way to AWS: the engine's own API, and moto, each behind a gate with faults. In each of them a key is
//! answered at once, nothing is lost or done twice, and the status line says what is so, and when it is over.

use crate::aws::gate::{Fault, Gate};
use crate::aws::moto::Moto;
use crate::aws::{furnish, submit_waiting};
use crate::console_aws::house_at;
use crate::doors::on_aws_at;
use crate::support::{House, Key, Terminal};
use crate::wire::Wire;
use std::time::{Duration, Instant};

/// A key is answered within a frame of a 30th of a second; what more is granted is the test machine's.
const AT_ONCE: Duration = Duration::from_millis(250);

struct Case {
    name: &'static str,
    fault: fn() -> Fault,
    /// What the status line says while every call meets it.
    status: &'static str,
    /// Of a submission that meets it once: what is said, and how many jobs there are.
    said: &'static str,
    jobs: usize,
    /// The service has decided: the person does it again once the fault is gone.
    is_decided: bool,
}

/// What stands behind the gate, with a job `long` that goes on.
struct Service {
    gate: Gate,
    /// From where the console comes, through the gate.
    house: House,
    /// From where one looks at what has come of it, past the gate.
    beside: House,
    context: &'static str,
    long: String,
    queue: &'static str,
    /// A word of the one definition.
    image: &'static str,
    /// The keys that list `long`.
    list: &'static str,
    /// How it is stopped: the form's title and the call.
    stop: (&'static str, &'static str),
    /// The engine ends with it.
    _wire: Option<Wire>,
}

impl Service {
    fn of_engine() -> Option<Self> {
        let wire = Wire::start()?;
        wire.house.ok(&["init"]);
        let long = wire.house.submit(&["--name", "long", "--", "sleep", "600"]);
        wire.house.until_status(&long, "RUNNING");
        let gate = Gate::to(wire.variable("AWS_ENDPOINT_URL_BATCH"));
        Some(Self {
            house: on_aws_at(&wire, &gate.endpoint()),
            beside: on_aws_at(&wire, wire.variable("AWS_ENDPOINT_URL_BATCH")),
            gate,
            context: "aws",
            long,
            queue: "default",
            image: "host",
            list: "3",
            stop: ("Terminate long", "terminatejob"),
            _wire: Some(wire),
        })
    }

    /// A region of moto is an account of its own: there `long` waits, as without Docker nothing runs.
    async fn of_moto(moto: &Moto, region: &str) -> Self {
        let backend = furnish(moto, region, None).await;
        let long = submit_waiting(moto, &backend, "long").await.0;
        let gate = Gate::to(&moto.endpoint());
        let house = |endpoint: &str| house_at(endpoint).with_variable("AWS_DEFAULT_REGION", region);
        Self {
            house: house(&gate.endpoint()),
            beside: house(&moto.endpoint()),
            gate,
            context: "aws",
            long,
            queue: "main",
            image: "busybox",
            list: "3s",
            stop: ("Cancel long", "canceljob"),
            _wire: None,
        }
    }

    fn verb(&self, arguments: &[&str]) -> serde_json::Value {
        self.beside.json(&[&["--context", self.context], arguments].concat())
    }
}

fn refusal(status: u16, code: &'static str, message: &'static str, headers: &str) -> Fault {
    Fault::Refusal { status, code, message, headers: headers.to_owned() }
}

fn cases() -> Vec<Case> {
    let case = |name, fault, status, said, jobs| Case { name, fault, status, said, jobs, is_decided: false };
    vec![
        case("429", || refusal(429, "TooManyRequestsException", "slower", ""), "▲ throttled", "✔ submitted by-hand", 1),
        case(
            "429 with Retry-After",
            || refusal(429, "TooManyRequestsException", "slower", "retry-after: 4\r\n"),
            "none for 3s",
            "✔ submitted by-hand",
            1,
        ),
        case(
            "500",
            || refusal(500, "ServerException", "oh", ""),
            "▲ aws gone · data is",
            "what came of SubmitJob is not known (oh (ServerException)): no `by-hand` is in `default` yet",
            0,
        ),
        case(
            "hung",
            || Fault::Hung,
            "aws ▲ no answer for",
            "what came of SubmitJob is not known (no answer to SubmitJob in time): no `by-hand` is in `default` yet",
            0,
        ),
        case(
            "done and never answered",
            || Fault::Unheard,
            "aws ▲ no answer for",
            "in `default` was submitted since and may be it; look before you submit it again",
            1,
        ),
        case("reset", || Fault::Reset, "▲ aws gone · data is", "no `by-hand` is in `default` yet", 0),
        case(
            "done and reset",
            || Fault::ResetAfter,
            "▲ aws gone · data is",
            "in `default` was submitted since and may be it",
            1,
        ),
        case(
            "done and cut short",
            || Fault::Truncated,
            "▲ aws gone · data is",
            "in `default` was submitted since and may be it",
            1,
        ),
        Case {
            is_decided: true,
            ..case(
                "an expired token",
                || refusal(403, "ExpiredTokenException", "The security token included in the request is expired", ""),
                "▲ aws gone · data is",
                "AWS credentials: The security token included in the request is expired (ExpiredTokenException)",
                0,
            )
        },
        case(
            "a wrong clock",
            || {
                let hence = chrono::Utc::now() + chrono::Duration::hours(1);
                let date = hence.format("date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string();
                refusal(403, "InvalidSignatureException", "Signature expired: it is earlier than that", &date)
            },
            "▲ aws gone · data is",
            "✔ submitted by-hand",
            1,
        ),
        case("10 s late", || Fault::Late(Duration::from_secs(10)), "aws ▲ no answer for", "✔ submitted by-hand", 1),
    ]
}

#[test]
fn over_every_bad_way_keys_are_answered_nothing_is_done_twice_and_the_status_is_true() {
    side_by_side(cases().into_iter().map(|case| (case, Service::of_engine as fn() -> Option<Service>)));
}

const REGIONS: [&str; 11] = [
    "ap-south-1",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

#[tokio::test(flavor = "multi_thread")]
async fn over_every_bad_way_to_moto_it_is_the_same() {
    let Some(moto) = Moto::start() else { return };
    let cases = cases();
    assert_eq!(cases.len(), REGIONS.len(), "each has a region");
    let mut all = Vec::new();
    for (case, region) in cases.into_iter().zip(REGIONS) {
        let service = Service::of_moto(&moto, region).await;
        all.push((case, move || Some(service)));
    }
    tokio::task::spawn_blocking(|| side_by_side(all.into_iter())).await.expect("all go well");
}

fn side_by_side<F>(all: impl Iterator<Item = (Case, F)>)
where
    F: FnOnce() -> Option<Service> + Send + 'static,
{
    let threads: Vec<_> = all
        .map(|(case, service)| {
            let name = case.name;
            let thread = std::thread::Builder::new().name(name.to_owned());
            let walk = move || {
                if let Some(service) = service() {
                    walk(&case, &service);
                }
            };
            (name, thread.spawn(walk).expect("a thread"))
        })
        .collect();
    let failed: Vec<&str> =
        threads.into_iter().filter_map(|(name, thread)| thread.join().is_err().then_some(name)).collect();
    assert!(failed.is_empty(), "what went wrong stands above, in: {failed:?}");
}

fn walk(case: &Case, service: &Service) {
    let gate = &service.gate;
    let mut console = service.house.open(&["--context", service.context, "--write"], 160, 40);
    console.wait_for("aws ok · polled");
    console.type_text(service.list);
    console.wait_for("long");
    console.type_text("D");
    console.wait_for(service.image);
    console.type_text("q");
    console.wait_for("long");

    // Every call meets it.
    gate.meet("", usize::MAX, (case.fault)());
    sees(&console, case, case.status);
    answers_at_once(&mut console, case);
    console.wait_for("long");
    gate.mend();
    sees(&console, case, "aws ok · polled");

    submit(service, &mut console, case);
    let count = || service.verb(&["jobs", "--name", "by-hand"]).as_array().map_or(0, Vec::len);
    assert_eq!((count(), gate.done("submitjob")), (case.jobs, case.jobs), "{}", case.name);
    if case.is_decided {
        // Nothing was done: the person does it again.
        let again =
            Case { said: "✔ submitted by-hand", is_decided: false, fault: || Fault::Late(Duration::ZERO), ..*case };
        submit(service, &mut console, &again);
        assert_eq!(count(), 1, "{}", case.name);
    }

    stop(service, &mut console, case);
    let job = ["--context", service.context, "job", &service.long];
    let ended = service.beside.until("it has ended", &job, |job| job["status"] == "FAILED");
    assert_eq!(ended["statusReason"], "enough", "{}", case.name);
    sees(&console, case, "aws ok · polled");
    console.press(Key::Ctrl('c'));
    assert_eq!(console.wait_end().exit_code(), 0, "{}", case.name);
    assert!(console.is_restored());
}

fn submit(service: &Service, console: &mut Terminal, case: &Case) {
    let gate = &service.gate;
    console.type_text("3n");
    sees(console, case, "Submit a job");
    console.keys("tab tab");
    console.type_text("by-hand");
    sees(console, case, "--name by-hand");
    gate.meet("submitjob", if case.is_decided { usize::MAX } else { 1 }, (case.fault)());
    console.press(Key::AltEnter);
    console.wait_gone("Submit a job");
    answers_at_once(console, case);
    sees(console, case, &case.said.replace("`default`", &format!("`{}`", service.queue)));
    gate.mend();
    // What is said stands until it is put away.
    console.press(Key::Esc);
    sees(console, case, "aws ok · polled");
}

/// It takes effect through the fault; where the service has decided, once the fault is gone.
fn stop(service: &Service, console: &mut Terminal, case: &Case) {
    let (gate, (title, call)) = (&service.gate, service.stop);
    let tries = if case.is_decided { 2 } else { 1 };
    for turn in 1..=tries {
        console.type_text("3x");
        sees(console, case, title);
        console.type_text("enough");
        console.keys("tab tab tab");
        match (turn, case.is_decided) {
            (1, true) => gate.meet(call, usize::MAX, (case.fault)()),
            (1, false) => gate.meet(call, 1, (case.fault)()),
            _ => {}
        }
        console.press(Key::Enter);
        console.wait_gone("Keep it");
        if turn < tries {
            sees(console, case, case.said);
            gate.mend();
            console.press(Key::Esc);
        }
    }
}

/// Waits for words that may stand on two lines.
fn sees(console: &Terminal, case: &Case, words: &str) {
    let flat = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
    console.wait(&format!("`{words}`, with {}", case.name), |screen| flat(screen).contains(words));
}

/// The quickest of five: the machine has other things to do as well.
fn answers_at_once(console: &mut Terminal, case: &Case) {
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        console.type_text(":");
        sees(console, case, "Command");
        times.push(begun.elapsed());
        console.press(Key::Esc);
        console.wait_gone("Command");
    }
    let quickest = times.iter().min().expect("five times");
    assert!(*quickest < AT_ONCE, "{}: a key was answered after {times:?}", case.name);
}
