//! Anything may happen in any order: random commands, agents that start, end, repeat and die, clocks that jump,
//! disks that are full, engines that are killed within an append and right after it. The invariants hold after each step, and
//! the journal and a snapshot give the same state.

use super::world::{
    DAY, Dies, HOUR, Held, MINUTE, SECOND, World, consumes, definition, environment, job, sized, tried,
};
use crate::engine::Settings;
use crate::engine::command::{Action, Outcome};
use crate::engine::machine::Machine;
use crate::model::{
    ArrayProperties, AttemptId, ConsumableKind, CreateComputeEnvironmentRequest, DependencyKind, EvaluateOnExit,
    InstanceId, JobDependency, JobId, JobStatus, NodeOverrides, OVERCOMMIT_TAG, SubmitJobRequest,
};

/// Numbers from a seed (SplitMix64): the same seed tells the same story.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("small")
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { Some(&items[self.below(items.len())]) }
    }
}

struct Story {
    world: World,
    dice: Dice,
    jobs: Vec<JobId>,
    /// The environment `two` is SPOT and takes infrastructure updates.
    is_spot: bool,
    /// Times that were lived through twice are not billed twice, and what was taken may seem more than what is billed.
    clock_was_set_back: bool,
}

const QUEUES: [&str; 5] = ["main", "high", "both", "fair", "other"];
const FAIR: [&str; 2] = ["fair", "other"];
const SHARES: [&str; 4] = ["a", "b1", "b2", "c"];
const ENVIRONMENTS: [&str; 2] = ["ce", "two"];

/// The machine has less than the environments together; instances boot, and on Spot are taken away; changes of queues
/// and environments are seen for a while.
fn settings() -> Settings {
    Settings {
        settle_millis: 700,
        boot_seconds: 5,
        spot_interruptions_milli: 2000,
        machine: Some(Machine { vcpus_milli: 6000, memory_mib: 4096, gpus: 1 }),
        ..Settings::default()
    }
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut world = World::with(Settings { settle_millis: 0, ..settings() });
        world.environment("ce", 8);
        world.queue("main", 1, &["ce"]);
        world.definition("job", "1", "512");
        let mut two = environment("two", 6);
        if seed.is_multiple_of(2) {
            two.tags.insert(OVERCOMMIT_TAG.into(), "true".into());
        }
        let is_spot = seed.is_multiple_of(3);
        if let (true, Some(resources)) = (is_spot, &mut two.compute_resources) {
            resources.kind = "SPOT".into();
            resources.allocation_strategy = Some("SPOT_PRICE_CAPACITY_OPTIMIZED".into());
            resources.instance_types.push("g5g.xlarge".into());
        }
        world.ask(Action::CreateComputeEnvironment(two)).expect("an environment");
        world.queue("high", 10, &["two", "ce"]);
        if seed.is_multiple_of(5) {
            let request = CreateComputeEnvironmentRequest {
                compute_environment_name: "here".into(),
                kind: "UNMANAGED".into(),
                ..Default::default()
            };
            world.ask(Action::CreateComputeEnvironment(request)).expect("an environment");
            world.queue("both", 1, &["ce", "here", "two"]);
        } else {
            world.queue("both", 1, &["ce", "two"]);
        }
        world.fair("fair", &[("a", 1.0), ("b*", 0.25)], 30, 300);
        world.fair("other", &[], 0, 0);
        world.consumable("licence", 3, ConsumableKind::Replenishable);
        world.consumable("token", 40, ConsumableKind::NonReplenishable);
        let mut retried = definition("retried", "0.5", "256");
        retried.retry_strategy = tried("", 4).retry_strategy;
        world.ask(Action::RegisterJobDefinition(Box::new(retried))).expect("registered");
        let mut nodes = super::nodes::definition(2, 1, vec![super::nodes::range("0:", "1")]);
        nodes.retry_strategy = tried("", 3).retry_strategy;
        world.ask(Action::RegisterJobDefinition(Box::new(nodes))).expect("registered");
        world.ask(Action::RegisterJobDefinition(Box::new(super::tasks::two_containers()))).expect("registered");
        world.engine.configure(settings());
        Self { world, dice: Dice(seed), jobs: Vec::new(), clock_was_set_back: false, is_spot }
    }

    fn step(&mut self) {
        if !self.clock_was_set_back && self.world.journal.len().is_multiple_of(16) {
            super::costs::assert_within_bills(&self.world.engine, self.world.now);
        }
        if self.world.is_full && self.dice.below(6) == 0 {
            self.make_room();
        }
        match self.dice.below(100) {
            0..25 => self.submit(),
            25..40 => self.register(),
            40..55 => self.start(),
            55..72 => self.exit(),
            72..76 => self.stop(),
            76..79 => self.reprioritise(),
            79 => self.lose(),
            80 => self.interrupt(),
            81 => self.hold_back(),
            82..85 => self.repeat(),
            85..88 => self.hello(),
            88..90 => self.operate(),
            96..98 => self.keep(),
            90 => self.schedule(),
            91 => self.watch(),
            92 => self.restart(),
            93 => self.set_clock_back(),
            94 => self.world.is_full = true,
            95 => self.die(),
            _ => {
                let passed = [1, SECOND, 20 * SECOND, 61 * SECOND, 10 * MINUTE, HOUR, 2 * DAY];
                let time = *self.dice.pick(&passed).expect("some");
                self.world.pass(time);
            }
        }
    }

    fn request(&mut self) -> SubmitJobRequest {
        let name = format!("j{}", self.jobs.len());
        let mut request = match self.dice.below(12) {
            5 => SubmitJobRequest { job_definition: "pair".into(), ..job(&name) },
            6 => {
                let count = u32::try_from(2 + self.dice.below(2)).expect("small");
                let node_overrides = Some(NodeOverrides { num_nodes: Some(count), ..NodeOverrides::default() });
                SubmitJobRequest { job_definition: "mpi".into(), node_overrides, ..job(&name) }
            }
            0 => sized(&name, "2", "1024"),
            1 => sized(&name, "0.25", "64"),
            7 => super::fleet::with_gpus(&name, "1"),
            2 => SubmitJobRequest { job_definition: "retried".into(), ..job(&name) },
            3 => tried(&name, 3),
            _ => job(&name),
        };
        if self.dice.below(40) == 0 {
            request = sized(&name, "64", "100");
        }
        request.job_queue = (*self.dice.pick(&QUEUES).expect("some")).to_owned();
        if FAIR.contains(&request.job_queue.as_str()) {
            request.share_identifier = Some((*self.dice.pick(&SHARES).expect("some")).to_owned());
            request.scheduling_priority_override = self.dice.pick(&[None, Some(1), Some(7)]).copied().flatten();
        }
        if self.dice.below(8) == 0 {
            let takes = *self.dice.pick(&[("licence", 1), ("licence", 2), ("token", 1)]).expect("some");
            request.consumable_resource_properties_override = Some(consumes(&[takes]));
        }
        if self.dice.below(6) == 0
            && let Some(strategy) = &mut request.retry_strategy
        {
            let exit = EvaluateOnExit { on_exit_code: Some("1*".into()), action: "EXIT".into(), ..Default::default() };
            strategy.evaluate_on_exit.push(exit);
        }
        request
    }

    fn submit(&mut self) {
        let mut request = self.request();
        if request.node_overrides.is_none() && self.dice.below(3) == 0 {
            let size = u32::try_from(2 + self.dice.below(4)).expect("small");
            request.array_properties = Some(ArrayProperties { size: Some(size), ..Default::default() });
            if self.dice.below(3) == 0 {
                let sequential = JobDependency { job_id: None, kind: Some(DependencyKind::Sequential) };
                request.depends_on.push(sequential);
            }
        }
        for _ in 0..self.dice.below(3) {
            let Some(target) = self.dice.pick(&self.jobs).cloned() else { break };
            let size = self.world.engine.job_summary(&target).and_then(|row| row.array_properties).and_then(|a| a.size);
            let (target, kind) = match (self.dice.below(4), size) {
                (0 | 1, Some(size)) if request.array_properties.is_some() => {
                    request.array_properties = Some(ArrayProperties { size: Some(size), ..Default::default() });
                    (target, Some(DependencyKind::NToN))
                }
                (2, Some(_)) => (target.child(1), None),
                _ => (target, None),
            };
            request.depends_on.push(JobDependency { job_id: Some(target), kind });
        }
        let asked = self.world.ask(Action::SubmitJob(Box::new(request)));
        if let Ok(crate::engine::command::Answer::Submitted(response)) = asked {
            self.jobs.push(response.job_id);
        }
    }

    fn register(&mut self) {
        let launching: Vec<InstanceId> = self.world.launching.iter().cloned().collect();
        if let Some(instance) = self.dice.pick(&launching).cloned() {
            self.world.register(&instance);
        }
    }

    fn held(&self, which: fn(&Held) -> bool) -> Vec<AttemptId> {
        let held = self.world.agents.values().flat_map(|agent| &agent.held);
        held.filter(|(_, held)| which(held)).map(|(attempt, _)| attempt.clone()).collect()
    }

    fn start(&mut self) {
        let starting = self.held(|held| matches!(held, Held::Starting));
        if let Some(attempt) = self.dice.pick(&starting).cloned() {
            self.world.started(&attempt);
        }
    }

    fn exit(&mut self) {
        let running = self.held(|held| !matches!(held, Held::Exited(_)));
        let Some(attempt) = self.dice.pick(&running).cloned() else {
            self.world.deliver();
            return;
        };
        let code = *self.dice.pick(&[Some(0), Some(0), Some(0), Some(1), Some(137), None]).expect("some");
        let exit = Outcome {
            at: self.world.now,
            started_at: code.map(|_| self.world.now - SECOND),
            code,
            timed_out: code == Some(137) && self.dice.below(2) == 0,
            ..Outcome::default()
        };
        if self.dice.below(4) == 0 {
            // The report is on its way when something else happens.
            let holder = self.world.holder(&attempt);
            let agent = self.world.agents.get_mut(&holder).expect("an agent");
            agent.held.insert(attempt, Held::Exited(exit));
        } else {
            self.world.exited(&attempt, exit);
        }
    }

    fn any_job(&mut self) -> Option<JobId> {
        let id = self.dice.pick(&self.jobs).cloned()?;
        Some(if self.dice.below(4) == 0 { id.child(u32::try_from(self.dice.below(3)).expect("small")) } else { id })
    }

    fn stop(&mut self) {
        let Some(job) = self.any_job() else { return };
        let reason = "a whim".to_owned();
        let action = match self.dice.below(2) {
            0 => Action::CancelJob { job, reason },
            _ => Action::TerminateJob { job, reason },
        };
        // A job may be forgotten by now.
        let _ = self.world.ask(action);
    }

    fn reprioritise(&mut self) {
        let Some(job) = self.any_job() else { return };
        let priority = i32::try_from(self.dice.below(100)).expect("small");
        let _ = self.world.ask(Action::ReprioritiseJob { job, priority });
    }

    /// What an operator holds back is let go, and what was used up is filled up.
    fn let_go(&mut self) {
        for queue in QUEUES {
            self.world.ask(Action::ReleaseQueue { queue: queue.to_owned() }).expect("released");
        }
        for job in self.jobs.clone() {
            let _ = self.world.ask(Action::ReleaseJob { job });
        }
        self.world.fill("token", 1000);
    }

    fn lose(&mut self) {
        let known: Vec<InstanceId> = self.world.engine.instances().into_iter().map(|found| found.instance_id).collect();
        if let Some(instance) = self.dice.pick(&known).cloned() {
            self.world.lose(&instance);
        }
    }

    /// An instance is taken away, and the ends of others are seen.
    fn interrupt(&mut self) {
        self.world.bury();
        let known: Vec<InstanceId> = self.world.engine.instances().into_iter().map(|found| found.instance_id).collect();
        if let Some(instance) = self.dice.pick(&known).cloned() {
            let now = self.dice.below(2) == 0;
            // It may be on its way already, or be this machine.
            let _ = self.world.ask(Action::InterruptInstance { instance, now });
        }
    }

    /// An old report comes again.
    fn repeat(&mut self) {
        let old: Vec<AttemptId> = self.world.starts.keys().cloned().collect();
        let Some(attempt) = self.dice.pick(&old).cloned() else { return };
        // The end of an agent that holds it may not have been seen yet.
        if self.world.engine.live_attempt(&attempt).is_some() {
            return;
        }
        let before = self.world.engine.clone();
        self.world.report(&attempt, Outcome { at: self.world.now, code: Some(0), ..Outcome::default() });
        assert!(before == self.world.engine, "a report of {attempt}, which is over, changes nothing");
    }

    fn hello(&mut self) {
        let agents: Vec<InstanceId> = self.world.agents.keys().cloned().collect();
        if let Some(instance) = self.dice.pick(&agents).cloned() {
            self.world.hello(&instance);
        }
    }

    fn set_clock_back(&mut self) {
        if self.world.is_full {
            // It is seen when there is room.
            return;
        }
        let from = self.world.now;
        let back = *self.dice.pick(&[2 * MINUTE, HOUR, 2 * DAY]).expect("some");
        self.world.now -= back;
        self.clock_was_set_back = true;
        self.world.ask(Action::ClockSetBack { from }).expect("noted");
    }

    /// What could not be written was refused or is held by the agents, which say all of it again.
    fn make_room(&mut self) {
        self.world.is_full = false;
        let engine = self.world.replayed(&settings());
        assert!(engine == self.world.engine, "something is left of what could not be written");
        self.world.ask(Action::Resume).expect("resumed");
        let agents: Vec<InstanceId> = self.world.agents.keys().cloned().collect();
        for instance in agents {
            self.world.hello(&instance);
        }
        let running =
            self.world.agents.values().flat_map(|agent| &agent.held).filter_map(|(attempt, held)| match held {
                Held::Running(at) => Some((attempt.clone(), *at)),
                Held::Starting | Held::Exited(_) => None,
            });
        for (attempt, at) in running.collect::<Vec<_>>() {
            // Most were written before.
            let _ = self.world.ask(Action::AttemptStarted { attempt, at, address: None });
        }
        self.world.deliver();
    }

    /// The engine's process is killed while it appends what something brings about, or before anyone has heard of it.
    fn die(&mut self) {
        if self.world.is_full {
            return;
        }
        self.world.dies = self.dice.pick(&[Dies::Within, Dies::After]).copied();
        match self.dice.below(8) {
            0 => self.submit(),
            1 => self.register(),
            2 => self.start(),
            3 => self.exit(),
            4 => self.stop(),
            5 => self.lose(),
            6 => self.interrupt(),
            _ => self.world.pass(10 * MINUTE),
        }
        // What it did may have changed nothing.
        if self.world.dies.take().is_none() {
            self.restart();
        }
    }

    /// The engine's process is killed and comes back later from its journal, once there is room for it.
    fn restart(&mut self) {
        self.world.is_full = false;
        let engine = self.world.replayed(&settings());
        assert!(engine == self.world.engine, "the journal gives the state");
        self.world.engine = engine;
        self.world.now += HOUR;
        self.world.ask(Action::Resume).expect("resumed");
        // What it was to launch and has not.
        let known = self.world.engine.instances().into_iter().map(|found| found.instance_id);
        let World { agents, launching, killed, .. } = &self.world;
        let is_there = |id: &InstanceId| agents.contains_key(id) || launching.contains(id) || killed.contains(id);
        for instance in known.filter(|id| !is_there(id)).collect::<Vec<_>>() {
            self.world.lose(&instance);
        }
        let agents: Vec<InstanceId> = self.world.agents.keys().cloned().collect();
        for instance in agents {
            self.world.hello(&instance);
        }
    }

    /// Lets everything that can end come to its end.
    fn finish(&mut self) {
        if self.world.is_full {
            self.make_room();
        }
        self.let_go();
        for _ in 0..2000 {
            self.world.bury();
            self.world.register_all();
            for attempt in self.held(|held| matches!(held, Held::Starting)) {
                self.world.started(&attempt);
            }
            for attempt in self.held(|held| matches!(held, Held::Running(_))) {
                self.world.run_started(&attempt, 0);
            }
            self.world.deliver();
            let at_rest = |story: &Self| {
                let World { launching, killed, .. } = &story.world;
                story.held(|_| true).is_empty() && launching.is_empty() && killed.is_empty()
            };
            if at_rest(self) {
                // What is idle ends and makes room for what needs another instance.
                self.world.pass(2 * MINUTE);
                if at_rest(self) {
                    self.assert_nothing_waits_in_vain();
                    return;
                }
            }
        }
        panic!("it does not come to an end");
    }

    /// Where nothing runs, the head of a queue says why it waits, and nobody waits for nobody.
    fn assert_nothing_waits_in_vain(&self) {
        let environments = self.world.engine.compute_environments();
        // What the minimum keeps may leave no room for a larger instance.
        if environments.iter().any(|found| found.capacity.as_ref().is_some_and(|capacity| capacity.vcpus > 0.0)) {
            return;
        }
        let runnable = self.world.all_in(JobStatus::Runnable);
        let pending = self.world.all_in(JobStatus::Pending);
        let explained = runnable.iter().filter(|id| !self.world.reason(id).is_empty()).count();
        assert!(runnable.is_empty() || explained > 0, "{runnable:?} wait and nobody says why");
        assert!(pending.is_empty() || !runnable.is_empty(), "{pending:?} wait for nobody");
    }
}

mod operator;
mod seeds;
