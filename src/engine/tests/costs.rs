//! What jobs and environments cost: by the second, by the share in the instance, direct and idle apart.

use super::world::{DAY, HOUR, MINUTE, SECOND, START, World, environment, job, sized, tried};
use crate::engine::command::Action;
use crate::engine::{Engine, Settings};
use crate::model::{
    ArrayProperties, ComputeResource, CostBy, CostQuery, CostReport, InstanceId, JobId, Prices, SubmitJobRequest, Usd,
};
use serde_json::json;

fn by(world: &World, by: CostBy) -> CostReport {
    world.engine.costs(CostQuery { by, since: None }, world.now)
}

fn hours(millis: i64) -> f64 {
    f64::from(i32::try_from(millis).expect("small")) / 3_600_000.0
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

/// An environment of one type, so that its price is known.
fn of_type(world: &mut World, name: &str, kind: &str, instance_type: &str) {
    let mut request = environment(name, 8);
    let resources = request.compute_resources.get_or_insert_with(ComputeResource::default);
    resources.kind = kind.to_owned();
    resources.instance_types = if kind.starts_with("FARGATE") { vec![] } else { vec![instance_type.to_owned()] };
    if kind.starts_with("FARGATE") {
        resources.minv_cpus = None;
        resources.desiredv_cpus = None;
    }
    world.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
    world.queue(&format!("{name}-queue"), 1, &[name]);
}

fn on(queue: &str, request: SubmitJobRequest) -> SubmitJobRequest {
    SubmitJobRequest { job_queue: format!("{queue}-queue"), ..request }
}

/// Places a job at once, runs it for so long and ends it well.
fn run(world: &mut World, request: SubmitJobRequest, millis: i64) -> JobId {
    let id = world.submit(request);
    world.register_all();
    let attempt = world.live(&id);
    world.started(&attempt);
    // What runs takes a second until it ends.
    world.pass(millis - SECOND);
    world.run_started(&attempt, 0);
    id
}

#[test]
fn a_job_pays_for_its_share_of_the_instance_and_the_rest_is_idle() {
    let mut world = World::small(2);
    of_type(&mut world, "od", "EC2", "m5.large");
    let id = run(&mut world, on("od", sized("half", "1", "512")), HOUR);
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    // Nine parts a vCPU and one a GiB: 9.5 of the instance's 18 and what memory it offers.
    let instance = world.engine.instances().into_iter().find(|found| found.instance_type == "m5.large").expect("there");
    let memory = f64::from(u32::try_from(instance.memory_mib).expect("small")) / 1024.0;
    let share = 9.5 / (18.0 + memory);
    assert!(near(cost.hours, share), "{cost:?} {share}");
    assert!(near(cost.usd.to_f64(), 0.096 * share), "{cost:?}");

    let report = by(&world, CostBy::Environment);
    let row = report.rows.iter().find(|row| row.name == "od").expect("a row");
    assert!(near(row.hours + row.idle_hours, 1.0) && row.attempts == 1, "{row:?}");
    assert_eq!(row.direct + row.idle, Usd::from_micros(96_000));
    // It stays for the scale-down delay, and that is idle too.
    world.pass(MINUTE);
    assert!(world.engine.instances().is_empty());
    world.pass(10 * MINUTE);
    let report = by(&world, CostBy::Environment);
    let row = report.rows.iter().find(|row| row.name == "od").expect("a row");
    assert!(near(row.hours + row.idle_hours, hours(HOUR + MINUTE)), "{row:?}");
}

#[test]
fn an_instance_is_billed_for_a_minute_at_least() {
    let mut world = World::with(Settings { idle_seconds: 1, ..Settings::default() });
    world.definition("job", "1", "512");
    of_type(&mut world, "od", "EC2", "m5.large");
    run(&mut world, on("od", job("short")), 2 * SECOND);
    world.pass(2 * SECOND);
    assert!(world.engine.instances().is_empty());
    let report = by(&world, CostBy::Environment);
    assert!(near(report.total.hours + report.total.idle_hours, hours(MINUTE)), "{report:?}");
}

#[test]
fn fargate_is_paid_by_its_size_from_placement_to_end_and_has_no_idle() {
    let mut world = World::small(2);
    of_type(&mut world, "serverless", "FARGATE", "");
    let id = run(&mut world, on("serverless", sized("task", "1", "2048")), HOUR);
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    assert_eq!(cost.usd, Usd::from_micros(40_480 + 2 * 4_445));
    let short = run(&mut world, on("serverless", sized("short", "1", "2048")), 3 * SECOND);
    let cost = world.engine.job_cost(&short, world.now).expect("known");
    let minute = Usd::from_micros(40_480 + 2 * 4_445).times(1, 60);
    assert!((cost.usd - minute).nanos().abs() <= 1, "each part is rounded once: {cost:?}");
    let report = by(&world, CostBy::Environment);
    let row = report.rows.iter().find(|row| row.name == "serverless").expect("a row");
    assert_eq!((row.idle, row.attempts), (Usd::ZERO, 2));
}

#[test]
fn fargate_s_processor_and_disk_are_those_of_the_definition() {
    let mut world = World::small(2);
    of_type(&mut world, "serverless", "FARGATE", "");
    let mut arm = super::world::definition("arm", "1", "2048");
    let container = arm.container_properties.as_mut().expect("a container");
    container.runtime_platform = serde_json::from_value(json!({ "cpuArchitecture": "ARM64" })).expect("a platform");
    container.ephemeral_storage = serde_json::from_value(json!({ "sizeInGiB": 30 })).expect("a disk");
    world.ask(Action::RegisterJobDefinition(Box::new(arm))).expect("registered");
    let request = SubmitJobRequest { job_definition: "arm".into(), ..on("serverless", job("task")) };
    let id = run(&mut world, request, HOUR);
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    assert_eq!(cost.usd, Usd::from_micros(32_380 + 2 * 3_560 + 10 * 111));
    assert_eq!(cost.attempts[0].tariff.as_ref().map(ToString::to_string).as_deref(), Some("Fargate ARM64"));
}

#[test]
fn what_has_no_price_is_counted_in_hours_until_the_table_has_one() {
    let mut world = World::small(2);
    of_type(&mut world, "spot", "SPOT", "m5.large");
    let id = run(&mut world, on("spot", job("cheap")), HOUR);
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    assert_eq!((cost.usd, cost.attempts[0].usd), (Usd::ZERO, None));
    assert_eq!(cost.unpriced[0].tariff.to_string(), "m5.large Spot");
    assert!(near(cost.unpriced[0].hours, cost.hours));
    // A table of one's own prices what has been, too: quantities alone are kept.
    let prices: Prices = toml::from_str("as-of = '2026-11-01'\nspot.m5 = 0.02").expect("valid");
    world.engine.configure(Settings { prices, ..Settings::default() });
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    assert!(cost.unpriced.is_empty() && cost.usd > Usd::ZERO && cost.prices.contains("2026-11-01"), "{cost:?}");
}

#[test]
fn each_try_costs_and_an_array_is_the_sum_of_its_children() {
    let mut world = World::small(8);
    let id = world.submit(tried("flaky", 3));
    world.register_all();
    for _ in 0..2 {
        let attempt = world.live(&id);
        world.started(&attempt);
        world.pass(10 * MINUTE);
        world.run_started(&attempt, 1);
    }
    let attempt = world.live(&id);
    world.started(&attempt);
    world.pass(10 * MINUTE);
    let cost = world.engine.job_cost(&id, world.now).expect("known");
    assert_eq!((cost.tries, cost.attempts.len()), (3, 3));
    assert!(cost.attempts[2].to.is_none() && cost.usd_per_hour.is_some(), "{cost:?}");
    assert_eq!(cost.usd, cost.attempts.iter().filter_map(|attempt| attempt.usd).sum());

    let array = ArrayProperties { size: Some(3), ..ArrayProperties::default() };
    let parent = world.submit(SubmitJobRequest { array_properties: Some(array), ..job("many") });
    for index in 0..3 {
        world.register_all();
        let attempt = world.live(&parent.child(index));
        world.started(&attempt);
    }
    world.pass(HOUR);
    let children = (0..3).filter_map(|index| world.engine.job_cost(&parent.child(index), world.now));
    let sum: Usd = children.map(|cost| cost.usd).sum();
    let cost = world.engine.job_cost(&parent, world.now).expect("known");
    assert!(cost.attempts.is_empty() && cost.tries == 3);
    assert!((cost.usd - sum).nanos().abs() <= 3 && sum > Usd::ZERO, "{cost:?} {sum}");
}

#[test]
fn a_forgotten_job_stays_in_the_accounts_and_a_window_shows_its_own_time() {
    let mut world = World::small(2);
    let id = run(&mut world, job("old"), HOUR);
    let before = by(&world, CostBy::Queue).rows;
    world.pass(8 * DAY);
    assert!(world.engine.job_cost(&id, world.now).is_none(), "it is forgotten");
    assert_eq!(by(&world, CostBy::Queue).rows, before);
    run(&mut world, job("new"), MINUTE);
    let today = world.engine.costs(CostQuery { by: CostBy::Definition, since: Some(world.now - HOUR) }, world.now);
    assert_eq!(today.rows[0].attempts, 1);
    assert!(today.rows[0].direct < before[0].direct);
    assert_eq!(by(&world, CostBy::Definition).rows[0].attempts, 2);
}

#[test]
fn what_is_live_is_in_the_report_and_a_lost_instance_ends_what_it_costs() {
    let mut world = World::small(2);
    let id = world.submit(job("lost"));
    world.register_all();
    world.pass(30 * MINUTE);
    let live = by(&world, CostBy::Queue).rows[0].hours;
    assert!(live > 0.0);
    let capacity = world.engine.compute_environments()[0].capacity.clone().expect("known");
    assert!(capacity.usd_per_hour.is_some_and(|usd| usd > Usd::ZERO), "{capacity:?}");
    let instance: InstanceId = world.engine.instances()[0].instance_id.clone();
    world.lose(&instance);
    world.pass(5 * HOUR);
    assert!(near(by(&world, CostBy::Queue).rows[0].hours, live), "{id} ended with its instance");
    assert!(near(by(&world, CostBy::Environment).total.idle_hours + live, 0.5));
}

#[test]
fn a_journal_and_a_snapshot_give_the_accounts_again() {
    let mut world = World::small(4);
    (0..3).for_each(|number| {
        run(&mut world, job(&format!("j{number}")), HOUR);
    });
    world.assert_replays(&Settings::default());
    let snapshot = serde_json::to_string(&world.engine).expect("written");
    let again: Engine = serde_json::from_str(&snapshot).expect("read");
    let query = CostQuery::default();
    assert_eq!(again.costs(query, world.now), world.engine.costs(query, world.now));
    // A snapshot from before accounts were kept has none.
    let mut old = serde_json::to_value(&world.engine).expect("written");
    let members = old.as_object_mut().expect("an object");
    members.remove("ledger");
    members.remove("runs");
    let old: Engine = serde_json::from_value(old).expect("read");
    assert!(old.costs(query, START + DAY).rows.is_empty());
}

#[test]
fn runs_are_observed_with_what_they_used_and_why_they_failed() {
    use crate::engine::command::Outcome;
    use crate::model::Usage;
    let mut world = World::small(4);
    for (minutes, code, reason) in
        [(1, 0, None), (2, 0, None), (3, 137, Some("OutOfMemoryError: Container killed due to memory usage"))]
    {
        let id = world.submit(job("observed"));
        world.register_all();
        let attempt = world.live(&id);
        world.started(&attempt);
        let started_at = world.now;
        world.pass(minutes * MINUTE);
        let usage = Usage { peak_memory_mib: 99.5, cpu_seconds: 30.0, ..Usage::default() };
        world.exited(
            &attempt,
            Outcome {
                at: world.now,
                started_at: Some(started_at),
                code: Some(code),
                reason: reason.map(str::to_owned),
                usage: Some(usage),
                ..Outcome::default()
            },
        );
    }
    let runs = world.engine.observed_runs(Some("job"));
    assert_eq!(runs.len(), 1);
    let runs = &runs[0];
    assert_eq!((runs.succeeded, runs.failed, runs.out_of_memory, runs.measured), (2, 1, 1, 3));
    assert_eq!(runs.duration.map(|duration| duration.max), Some(120_000));
    assert_eq!(runs.peak_memory.map(|peak| peak.max), Some(100));
    assert_eq!(runs.cpu.map(|cpu| cpu.max), Some(50), "30 s of CPU time in a minute: {runs:?}");
    assert!(world.engine.observed_runs(Some("other")).is_empty());
    let wire = serde_json::to_value(runs).expect("written");
    assert_eq!(wire["peakMemory"]["max"], json!(100));
}

/// No instance is taken for longer than it is billed, whoever asks and for what time.
pub fn assert_within_bills(engine: &Engine, now: i64) {
    for since in [None, Some(now - HOUR), Some(now - 3 * DAY)] {
        for (name, amounts) in engine.amounts(CostBy::Environment, since, now).0 {
            for (tariff, amount) in amounts {
                assert!(
                    amount.direct.instance <= amount.billed.instance,
                    "{name} {tariff}: {amount:?} since {since:?}"
                );
            }
        }
    }
}
