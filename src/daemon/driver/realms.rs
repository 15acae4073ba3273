//! The engines of all regions. Each knows of its own region alone; all share the machine.

use crate::engine::command::{Action, Refusal};
use crate::engine::machine::Machine;
use crate::engine::{Effect, Engine, Settings};
use crate::model::{AgentStatus, Instance, InstanceId, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;

/// At most so many regions are kept; AWS has fewer.
const MOST: usize = 64;

/// A region's name.
pub(in crate::daemon) type Region = Arc<str>;

/// An engine a region: the configured one's, and those of regions in which something was made.
#[derive(Debug)]
pub(in crate::daemon) struct Realms {
    home: Region,
    settings: Settings,
    engines: BTreeMap<Region, Engine>,
    /// The region whose log streams have their plain names on the disk.
    plain: Region,
}

impl Realms {
    /// The engine of the configured region, new.
    pub(in crate::daemon) fn new(settings: Settings) -> Self {
        let home: Region = settings.place.region.as_str().into();
        let engines = BTreeMap::from([(Arc::clone(&home), Engine::new(settings.clone()))]);
        Self { plain: Arc::clone(&home), home, settings, engines }
    }

    /// `region` was the journal's first one.
    pub(in crate::daemon) fn set_plain(&mut self, region: &str) {
        self.plain = region.into();
    }

    pub(in crate::daemon) fn home(&self) -> &Region {
        &self.home
    }

    /// The settings of a region's engine.
    pub(in crate::daemon) fn settings(&self, region: &str) -> Settings {
        of_region(&self.settings, region)
    }

    /// The region whose log streams lie in `logs` itself.
    pub(in crate::daemon) fn plain(&self) -> &Region {
        &self.plain
    }

    /// What agents have said of themselves, which no journal holds.
    pub(super) fn keep_limits(&mut self, before: &Self) {
        for (region, engine) in &before.engines {
            for (instance, limits) in engine.noted_limits() {
                self.engine(region).note_limits(instance, limits.clone());
            }
        }
    }

    pub(in crate::daemon) fn put(&mut self, region: &str, engine: Engine) {
        self.engines.insert(region.into(), engine);
    }

    pub(in crate::daemon) fn regions(&self) -> Vec<Region> {
        self.engines.keys().cloned().collect()
    }

    /// All regions, beginning with another one each turn.
    pub(super) fn in_turn(&self, turn: usize) -> Vec<Region> {
        let mut regions = self.regions();
        let first = turn % regions.len().max(1);
        regions.rotate_left(first);
        regions
    }

    /// Tells a region's engine what the others have promised of the machine.
    pub(super) fn tell_promises(&mut self, region: &Region) {
        if self.engines.len() == 1 {
            return;
        }
        let others = self.engines.iter().filter(|(other, _)| *other != region);
        let elsewhere = others.fold(Machine::default(), |sum, (_, engine)| sum.with(engine.promised()));
        self.engine(region).set_promised_elsewhere(elsewhere);
    }

    pub(in crate::daemon) fn iter(&self) -> impl Iterator<Item = (&Region, &Engine)> {
        self.engines.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Region, &mut Engine)> {
        self.engines.iter_mut()
    }

    /// The engine of a region, which is made where there is none yet.
    pub(in crate::daemon) fn engine(&mut self, region: &Region) -> &mut Engine {
        let settings = &self.settings;
        self.engines.entry(Arc::clone(region)).or_insert_with(|| Engine::new(of_region(settings, region)))
    }

    /// Looks at a region; one in which nothing was ever made is empty.
    pub(super) fn look<T>(&self, region: &str, look: impl FnOnce(&Engine) -> T) -> T {
        match self.engines.get(region) {
            Some(engine) => look(engine),
            None => look(&Engine::new(self.settings(region))),
        }
    }

    /// Whether there is room for one more region, where this is one.
    pub(super) fn admit(&self, region: &str) -> Result<(), Refusal> {
        if self.engines.contains_key(region) || self.engines.len() < MOST {
            return Ok(());
        }
        Err(Refusal::Client(format!(
            "the region is {region}; this engine keeps at most {MOST} regions, and has as many"
        )))
    }

    /// The region of an instance; the configured one for an instance that nobody knows.
    pub(super) fn region_of(&self, instance: &InstanceId) -> Region {
        let found = self.engines.iter().find(|(_, engine)| engine.has_instance(instance));
        Arc::clone(found.map_or(&self.home, |(region, _)| region))
    }

    /// The region that an action is for: that of the instance, where it speaks of one.
    pub(super) fn region_for(&self, asked: &Region, action: &Action) -> Region {
        match action {
            Action::InstanceRegistered { instance, .. } | Action::InstanceLost { instance, .. } => {
                self.region_of(instance)
            }
            _ => Arc::clone(asked),
        }
    }

    pub(in crate::daemon) fn instances(&self) -> Vec<Instance> {
        self.engines.values().flat_map(Engine::instances).collect()
    }

    /// What is known of all instances without a look at their agents.
    pub(in crate::daemon) fn agents(&self) -> Vec<AgentStatus> {
        let of = |engine: &Engine| {
            let status = |instance: Instance| {
                let (provisioning, overcommit) = engine.provisioning(&instance.compute_environment).unwrap_or_default();
                AgentStatus {
                    pid: instance.agent_pid,
                    running_jobs: instance.running_jobs,
                    provisioning: provisioning.to_owned(),
                    overcommit,
                    state: instance.state,
                    ready_at: instance.ready_at,
                    interrupted_at: instance.interrupted_at,
                    compute_environment: instance.compute_environment,
                    instance_id: instance.instance_id,
                    ..AgentStatus::default()
                }
            };
            engine.instances().into_iter().map(status).collect::<Vec<_>>()
        };
        self.engines.values().flat_map(of).collect()
    }

    pub(in crate::daemon) fn job_count(&self) -> u64 {
        self.engines.values().map(Engine::job_count).sum()
    }

    pub(super) fn next_wake(&self, now: Millis) -> Option<Millis> {
        self.engines.values().filter_map(|engine| engine.next_wake(now)).min()
    }

    /// Where a region's log streams lie below `logs`; `None` for those that lie there itself.
    pub(super) fn log_directory(&self, region: &str) -> Option<String> {
        log_directory(&self.plain, region)
    }

    /// An effect with what it names on the disk as it lies there.
    pub(super) fn on_disk(&self, region: &str, mut effect: Effect) -> Effect {
        if let (Some(directory), Effect::Start { start, .. }) = (self.log_directory(region), &mut effect) {
            for container in &mut start.containers {
                container.log_stream = format!("{directory}/{}", container.log_stream);
            }
        }
        effect
    }
}

/// Where a region's log streams lie below `logs`, where those of `plain` lie there itself.
pub(in crate::daemon) fn log_directory(plain: &str, region: &str) -> Option<String> {
    (region != plain).then(|| format!("@{region}"))
}

fn of_region(settings: &Settings, region: &str) -> Settings {
    let mut settings = settings.clone();
    region.clone_into(&mut settings.place.region);
    settings
}
