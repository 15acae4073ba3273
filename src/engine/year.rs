//! A year of a fleet, or as many days as are told: the engine with a clock and agents that are simulated, to see how long
//! jobs wait and how well instances are used. The same plan gives the same figures.
//!
//! A fleet of instances of 16 vCPUs, a quarter of them On-Demand and the rest Spot, and four queues: `urgent` (jobs at any
//! hour, On-Demand alone), `nightly` (arrays at two o'clock), `research` (fair shares of four teams, by day), `bulk` (large
//! arrays, all week). The jobs are as long as it takes to keep the fleet busy to the part that is told.

mod arrivals;
mod waits;

use super::command::{Action, Command, Outcome};
use super::event::Event;
use super::load::Counting;
use super::{Engine, Settings};
use crate::model::{
    ArrayProperties, AttemptId, ComputeEnvironmentOrder, ComputeResource, ContainerOverrides, ContainerProperties,
    CreateComputeEnvironmentRequest, CreateJobQueueRequest, CreateSchedulingPolicyRequest, EvaluateOnExit,
    FairsharePolicy, InstanceId, JobId, JobStatus, Millis, RegisterJobDefinitionRequest, ResourceRequirement,
    RetryStrategy, ShareAttributes, SubmitJobRequest,
};
use arrivals::{Arrival, Arrivals, Dice, QUEUES, TEAMS};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use waits::Waits;

/// 2026-11-24T00:00:00Z, a Tuesday.
const START: Millis = 1_795_478_400_000;
const SECOND: Millis = 1_000;
const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/// What happens within so long is seen together.
const TICK: Millis = 15 * SECOND;
const HOST_VCPUS: u64 = 16;
/// What has not ended so long after the last submission never will.
const PATIENCE: Millis = 90 * DAY;
/// In a hundred jobs so many fail by themselves.
const FAIL_PERCENT: u64 = 2;

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Of 16 vCPUs each, at most.
    pub hosts: u64,
    pub jobs: u64,
    pub days: u64,
    pub seed: u64,
    /// How much of the fleet the jobs ask for, on average over the time.
    pub load_percent: u64,
    /// Of a thousand Spot instances so many are interrupted in an hour.
    pub interruptions_milli: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self { hosts: 10_000, jobs: 10_000_000, days: 365, seed: 1, load_percent: 60, interruptions_milli: 1 }
    }
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub queues: Vec<QueueFigures>,
    pub succeeded: u64,
    pub failed: u64,
    pub attempts: u64,
    /// Attempts that were lost with their instance.
    pub lost: u64,
    pub launched: u64,
    pub interrupted: u64,
    /// Instances at once, at most.
    pub peak: u64,
    /// vCPU-seconds of jobs, of instances, and of the whole fleet while jobs came.
    pub used: u64,
    pub provided: u64,
    pub possible: u64,
    /// From the first submission to the last end.
    pub took: Millis,
    /// How many events there were.
    pub events: u64,
}

/// How long the jobs of a queue waited from their submission to their first placement, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFigures {
    pub name: &'static str,
    pub jobs: u64,
    pub median: u64,
    pub p95: u64,
    pub p99: u64,
    pub most: u64,
}

/// What is known of a submission while it runs.
struct Known {
    queue: usize,
    submitted: Millis,
    vcpus: u64,
    seconds: u64,
}

/// What comes of itself.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Exit(AttemptId, i32),
    Registers(InstanceId),
    Lost(InstanceId),
}

struct Year {
    engine: Engine,
    now: Millis,
    ids: Counting,
    dice: Dice,
    /// By time, and of one time in the order in which it came up.
    due: BinaryHeap<Reverse<(Millis, u64, Due)>>,
    order: u64,
    known: BTreeMap<JobId, Known>,
    hosts: BTreeMap<InstanceId, u64>,
    waits: Vec<Waits>,
    busy: u64,
    there: u64,
    since: Millis,
    last_end: Millis,
    figures: Figures,
}

/// Simulates it to the end of the last job.
///
/// # Errors
/// What the engine refused, or what does not come to an end: either is a fault.
pub fn simulate(plan: &Plan) -> Result<Figures, String> {
    let mut year = Year::new(plan)?;
    let mut arrivals = Arrivals::new(plan, START);
    let end = START + Millis::try_from(plan.days).unwrap_or(Millis::MAX) * DAY;
    loop {
        let next = [arrivals.next_at(), year.next_due()].into_iter().flatten().min();
        let Some(next) = next.filter(|_| arrivals.next_at().is_some() || !year.is_over(plan)) else { break };
        if next > end + PATIENCE {
            return Err(format!("{} jobs have not ended", plan.jobs - year.ended()));
        }
        year.pass_to(next.max(year.now) / TICK * TICK + TICK);
        while let Some(arrival) = arrivals.until(year.now) {
            year.submit(&arrival)?;
        }
        year.come_due()?;
        year.advance();
    }
    year.engine.check().map_err(|violation| violation.to_string())?;
    Ok(year.finish())
}

impl Year {
    fn new(plan: &Plan) -> Result<Self, String> {
        let settings = Settings {
            retention_days: 1,
            idle_seconds: 300,
            boot_seconds: 90,
            spot_interruptions_milli: plan.interruptions_milli,
            ..Settings::default()
        };
        let figures = Figures {
            queues: Vec::new(),
            succeeded: 0,
            failed: 0,
            attempts: 0,
            lost: 0,
            launched: 0,
            interrupted: 0,
            peak: 0,
            used: 0,
            provided: 0,
            possible: plan.hosts * HOST_VCPUS * plan.days * 86_400,
            took: 0,
            events: 0,
        };
        let mut year = Self {
            engine: Engine::new(settings),
            now: START,
            ids: Counting::default(),
            dice: Dice(plan.seed),
            due: BinaryHeap::new(),
            order: 0,
            known: BTreeMap::new(),
            hosts: BTreeMap::new(),
            waits: QUEUES.iter().map(|_| Waits::default()).collect(),
            busy: 0,
            there: 0,
            since: START,
            last_end: START,
            figures,
        };
        year.set_up(plan)?;
        Ok(year)
    }

    fn set_up(&mut self, plan: &Plan) -> Result<(), String> {
        let on_demand = (plan.hosts / 4).max(1);
        for (name, kind, hosts) in [("on-demand", "EC2", on_demand), ("spot", "SPOT", plan.hosts - on_demand)] {
            self.ask(Action::CreateComputeEnvironment(CreateComputeEnvironmentRequest {
                compute_environment_name: name.to_owned(),
                kind: "MANAGED".to_owned(),
                compute_resources: Some(ComputeResource {
                    kind: kind.to_owned(),
                    maxv_cpus: i32::try_from(hosts * HOST_VCPUS).ok(),
                    instance_types: vec!["c6i.4xlarge".to_owned()],
                    ..ComputeResource::default()
                }),
                ..CreateComputeEnvironmentRequest::default()
            }))?;
        }
        let team = |(name, weight): &(&str, f64)| ShareAttributes {
            share_identifier: (*name).to_owned(),
            weight_factor: Some(*weight),
        };
        self.ask(Action::CreateSchedulingPolicy(CreateSchedulingPolicyRequest {
            name: "teams".to_owned(),
            fairshare_policy: Some(FairsharePolicy {
                share_decay_seconds: Some(3_600),
                compute_reservation: Some(0),
                share_distribution: TEAMS.iter().map(team).collect(),
            }),
            ..CreateSchedulingPolicyRequest::default()
        }))?;
        let policy = self.engine.core.settings.place.batch_arn("scheduling-policy", "teams");
        for queue in &QUEUES {
            let order = (1..)
                .zip(queue.environments)
                .map(|(order, name)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() });
            self.ask(Action::CreateJobQueue(CreateJobQueueRequest {
                job_queue_name: queue.name.to_owned(),
                priority: queue.priority,
                compute_environment_order: order.collect(),
                scheduling_policy_arn: queue.is_fair.then(|| policy.clone()),
                ..CreateJobQueueRequest::default()
            }))?;
        }
        // Lost hosts are tried again, failures of the job itself are not.
        let rule = |on_status: Option<&str>, on_reason: Option<&str>, action: &str| EvaluateOnExit {
            on_status_reason: on_status.map(str::to_owned),
            on_reason: on_reason.map(str::to_owned),
            action: action.to_owned(),
            ..EvaluateOnExit::default()
        };
        self.ask(Action::RegisterJobDefinition(Box::new(RegisterJobDefinitionRequest {
            job_definition_name: "work".to_owned(),
            kind: "container".to_owned(),
            container_properties: Some(ContainerProperties {
                image: "host".to_owned(),
                command: vec!["true".to_owned()],
                resource_requirements: requirements(1),
                ..ContainerProperties::default()
            }),
            retry_strategy: Some(RetryStrategy {
                attempts: Some(10),
                evaluate_on_exit: vec![rule(Some("Host EC2*"), None, "RETRY"), rule(None, Some("*"), "EXIT")],
            }),
            ..RegisterJobDefinitionRequest::default()
        })))
        .map(drop)
    }

    fn submit(&mut self, arrival: &Arrival) -> Result<(), String> {
        let queue = &QUEUES[arrival.queue];
        let overrides =
            ContainerOverrides { resource_requirements: requirements(arrival.vcpus), ..ContainerOverrides::default() };
        let size = u32::try_from(arrival.size).ok().filter(|size| *size > 1);
        let request = SubmitJobRequest {
            job_name: queue.name.to_owned(),
            job_queue: queue.name.to_owned(),
            job_definition: "work".to_owned(),
            array_properties: size.map(|size| ArrayProperties { size: Some(size), ..ArrayProperties::default() }),
            container_overrides: Some(overrides),
            share_identifier: queue.is_fair.then(|| TEAMS[arrival.team].0.to_owned()),
            ..SubmitJobRequest::default()
        };
        let answer = self.ask(Action::SubmitJob(Box::new(request)))?;
        let super::command::Answer::Submitted(submitted) = answer else {
            return Err(format!("a job was answered with {answer:?}"));
        };
        let known =
            Known { queue: arrival.queue, submitted: arrival.at, vcpus: arrival.vcpus, seconds: arrival.seconds };
        self.known.insert(submitted.job_id, known);
        Ok(())
    }

    fn next_due(&self) -> Option<Millis> {
        let due = self.due.peek().map(|Reverse((at, ..))| *at);
        [due, self.engine.next_wake(self.now)].into_iter().flatten().min()
    }

    fn ended(&self) -> u64 {
        self.figures.succeeded + self.figures.failed
    }

    fn is_over(&self, plan: &Plan) -> bool {
        self.ended() >= plan.jobs
    }

    fn pass_to(&mut self, to: Millis) {
        let seconds = u64::try_from((to - self.since) / SECOND).unwrap_or(0);
        self.figures.used += self.busy * seconds;
        self.figures.provided += self.there * seconds;
        self.since += Millis::try_from(seconds).unwrap_or(0) * SECOND;
        self.now = to;
    }

    fn plan(&mut self, at: Millis, due: Due) {
        self.order += 1;
        self.due.push(Reverse((at, self.order, due)));
    }

    fn come_due(&mut self) -> Result<(), String> {
        while self.due.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
            let Some(Reverse((at, _, due))) = self.due.pop() else { break };
            let action = match due {
                Due::Exit(attempt, code) => {
                    let exit = Outcome { at, started_at: Some(at), code: Some(code), ..Outcome::default() };
                    Action::AttemptExited { attempt, exit }
                }
                // It may have been taken away before it was there.
                Due::Registers(instance) if !self.hosts.contains_key(&instance) => continue,
                Due::Registers(instance) => Action::InstanceRegistered { instance, pid: 1 },
                Due::Lost(instance) => Action::InstanceLost { instance, cause: "it was interrupted".to_owned() },
            };
            self.ask(action)?;
        }
        Ok(())
    }

    fn ask(&mut self, action: Action) -> Result<super::command::Answer, String> {
        let command = Command { by: "year@fleet".to_owned(), reason: None, action };
        let decision = self.engine.decide(&command, self.now, &mut self.ids).map_err(|refusal| refusal.to_string())?;
        self.apply(&decision.events);
        Ok(decision.answer)
    }

    fn advance(&mut self) {
        loop {
            let events = self.engine.advance(self.now, &mut self.ids);
            if events.is_empty() {
                return;
            }
            self.apply(&events);
        }
    }

    fn apply(&mut self, events: &[Event]) {
        for event in events {
            self.engine.apply(event);
            self.figures.events += 1;
            self.follow(event);
        }
    }

    /// What agents do of it, and what it comes to.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::InstanceLaunched { instance, vcpus_milli, .. } => {
                let vcpus = vcpus_milli / 1_000;
                self.hosts.insert(instance.clone(), vcpus);
                self.there += vcpus;
                self.figures.launched += 1;
                self.figures.peak = self.figures.peak.max(self.hosts.len() as u64);
                self.plan(self.now + 30 * SECOND, Due::Registers(instance.clone()));
            }
            Event::InstanceInterrupted { .. } => self.figures.interrupted += 1,
            Event::InstanceReclaimed { instance, .. } => self.plan(self.now + SECOND, Due::Lost(instance.clone())),
            Event::InstanceEnded { instance, .. } | Event::InstanceLost { instance, .. } => {
                self.there -= self.hosts.remove(instance).unwrap_or(0);
            }
            Event::AttemptPlaced { job, number, .. } => self.placed(job, *number),
            Event::AttemptEnded { job, code, .. } => {
                self.busy -= self.known.get(&root_of(job)).map_or(0, |known| known.vcpus);
                self.figures.lost += u64::from(code.is_none());
                self.note_end(job);
            }
            Event::JobEnded { job, .. } => self.note_end(job),
            Event::JobsForgotten { jobs, .. } => {
                for job in jobs {
                    self.known.remove(job);
                }
            }
            _ => {}
        }
    }

    fn placed(&mut self, job: &JobId, number: u32) {
        let Some(known) = self.known.get(&root_of(job)) else { return };
        if number == 1 {
            let waited = u64::try_from((self.now - known.submitted) / SECOND).unwrap_or(0);
            self.waits[known.queue].note(waited);
        }
        self.busy += known.vcpus;
        self.figures.attempts += 1;
        // Half as long to half as long again.
        let seconds = known.seconds / 2 + self.dice.below(known.seconds.max(1));
        let code = i32::from(self.dice.below(100) < FAIL_PERCENT);
        let at = self.now + Millis::try_from(seconds.max(1)).unwrap_or(0) * SECOND;
        self.plan(at, Due::Exit(AttemptId { job: job.clone(), number }, code));
    }

    /// Parents of arrays are no jobs of their own.
    fn note_end(&mut self, job: &JobId) {
        let Some(row) = self.engine.job_summary(job).filter(|row| !row.is_array_parent()) else { return };
        match row.status {
            JobStatus::Succeeded => self.figures.succeeded += 1,
            JobStatus::Failed => self.figures.failed += 1,
            _ => return,
        }
        self.last_end = self.now;
    }

    fn finish(mut self) -> Figures {
        let waits = QUEUES.iter().zip(&self.waits);
        self.figures.queues = waits
            .map(|(queue, waits)| QueueFigures {
                name: queue.name,
                jobs: waits.count(),
                median: waits.quantile(500),
                p95: waits.quantile(950),
                p99: waits.quantile(990),
                most: waits.most(),
            })
            .collect();
        self.figures.took = self.last_end - START;
        self.figures
    }
}

/// The id of the array that a child is of; of another job its own.
fn root_of(job: &JobId) -> JobId {
    let text = job.as_str();
    text.split_once(':').map_or_else(|| job.clone(), |(root, _)| JobId::from(root))
}

/// Two GiB less what the host keeps for itself, for each vCPU.
fn requirements(vcpus: u64) -> Vec<ResourceRequirement> {
    let requirement = |kind: &str, value: u64| ResourceRequirement { kind: kind.to_owned(), value: value.to_string() };
    vec![requirement("VCPU", vcpus), requirement("MEMORY", vcpus * 1_536)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Plan = Plan { hosts: 40, jobs: 3_000, days: 3, seed: 7, load_percent: 60, interruptions_milli: 20 };

    #[test]
    fn a_fleet_is_simulated_to_its_end_and_the_same_plan_gives_the_same_figures() {
        let figures = simulate(&SMALL).expect("it comes to an end");
        assert_eq!(figures.succeeded + figures.failed, SMALL.jobs);
        assert_eq!(figures.queues.iter().map(|queue| queue.jobs).sum::<u64>(), SMALL.jobs, "each was placed once");
        assert_eq!(figures.attempts, SMALL.jobs + figures.lost, "tried again is what was lost with its host");
        assert!(figures.interrupted > 0 && figures.lost > 0, "{figures:?}");
        assert!(figures.peak <= SMALL.hosts, "{figures:?}");
        assert!(figures.used <= figures.provided, "{figures:?}");
        assert!(figures.queues.iter().all(|q| q.median <= q.p95 && q.p95 <= q.p99 && q.p99 <= q.most), "{figures:?}");
        assert_eq!(simulate(&SMALL).expect("again"), figures);
        let other = simulate(&Plan { seed: 8, ..SMALL }).expect("it comes to an end");
        assert_ne!(other, figures, "another seed tells another story");
    }

    #[test]
    fn who_has_priority_waits_less_where_there_is_too_little() {
        let figures = simulate(&Plan { load_percent: 95, interruptions_milli: 0, ..SMALL }).expect("it ends");
        let of = |name: &str| figures.queues.iter().find(|queue| queue.name == name).expect("a queue");
        assert!(of("urgent").p95 < of("bulk").p95, "{:?}", figures.queues);
        assert_eq!((figures.interrupted, figures.lost), (0, 0));
    }
}
