//! The nodes of a multi-node job are placed together or not at all, each on an instance of its own, all in one
//! environment (AWS Batch user guide, "Multi-node parallel jobs").

use super::{Room, Space, Where};
use crate::engine::event::{Event, Need, NodePlace};
use crate::engine::job::Key;
use crate::engine::work::Node;
use crate::engine::{Engine, Ids};
use crate::model::{InstanceId, Millis};

/// What one node asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWant<'a> {
    pub need: Need,
    /// The only type of instance that it takes.
    pub instance_type: Option<&'a str>,
}

/// What nodes ask for together.
pub fn all(wants: &[NodeWant<'_>]) -> Need {
    wants.iter().fold(Need::default(), |sum, NodeWant { need, .. }| Need {
        vcpus_milli: sum.vcpus_milli + need.vcpus_milli,
        memory_mib: sum.memory_mib + need.memory_mib,
        gpus: sum.gpus + need.gpus,
    })
}

impl Engine {
    /// What the nodes of a multi-node job ask for, by index; `None` for other jobs.
    pub(in crate::engine) fn node_wants(&self, key: Key) -> Option<Vec<NodeWant<'_>>> {
        let root = self.core.jobs.get(&key.number).filter(|root| root.nodes.is_some() && key.slot == 0)?;
        let definition = self.core.definition(&root.spec.definition, root.spec.revision)?;
        let overridden = root.spec.overridden();
        let wants = root.runners().map(|slot| {
            let Node { index, count } = root.node(slot)?;
            let need = self.work(root, slot)?.need().ok()?;
            let own = overridden.nodes.and_then(|nodes| nodes.of_node(index, count));
            let of_override = || {
                let types = own.map(|own| own.instance_types.as_slice()).unwrap_or_default();
                let container = own.and_then(|own| own.container_overrides.as_ref()?.instance_type.as_deref());
                types.first().map(String::as_str).or(container)
            };
            let of_definition = || {
                let range = definition.node_properties.as_ref()?.of_node(index, count)?;
                let container = range.container.as_ref().and_then(|container| container.instance_type.as_deref());
                range.instance_types.first().map(String::as_str).or(container)
            };
            Some(NodeWant { need, instance_type: of_override().or_else(of_definition) })
        });
        wants.collect()
    }

    /// Places the nodes where there is room for all of them.
    pub(super) fn place_nodes<'a>(
        &'a self,
        room: &mut Room<'a>,
        order: impl Iterator<Item = &'a str>,
        (key, wants): (Key, &[NodeWant<'_>]),
        now: Millis,
        ids: &mut dyn Ids,
    ) -> Option<Event> {
        let places = room.take_nodes(order, wants)?;
        let job = self.core.jobs.get(&key.number)?;
        let nodes = places.into_iter().map(|place| match place {
            Where::Instance(instance) => Some(NodePlace { instance, task_id: ids.uuid() }),
            Where::Planned(_) => None,
        });
        let nodes = nodes.collect::<Option<Vec<_>>>()?;
        Some(Event::NodesPlaced { at: now, job: job.id(0), number: job.tries(0) + 1, nodes })
    }
}

impl<'a> Room<'a> {
    /// Takes an empty instance for each node, whole, in the first environment that has one for all of them.
    pub fn take_nodes(
        &mut self,
        environments: impl Iterator<Item = &'a str>,
        wants: &[NodeWant<'_>],
    ) -> Option<Vec<Where>> {
        for name in environments {
            let takes = |environment: &&crate::engine::state::Environment| {
                environment.takes_jobs() && environment.takes_nodes()
            };
            let Some(environment) = self.engine.core.environments.get(name).filter(takes) else { continue };
            let counts = !environment.overcommits();
            let whole = all(wants);
            if counts && !self.budget.holds(whole) {
                continue;
            }
            let before = self.drawn.get(name).cloned();
            let found = self.seat(name, wants);
            if found.iter().all(Option::is_some) {
                if counts {
                    self.budget.take(whole);
                }
                return Some(found.into_iter().flatten().collect());
            }
            match before {
                Some(drawn) => self.drawn.insert(name, drawn),
                None => self.drawn.remove(name),
            };
        }
        None
    }

    /// The nodes of these that find no empty instance in an environment.
    pub fn unseated<'w, 'n>(&mut self, name: &'a str, wants: &'w [NodeWant<'n>]) -> Vec<&'w NodeWant<'n>> {
        let before = self.drawn.get(name).cloned();
        let found = self.seat(name, wants);
        match before {
            Some(drawn) => self.drawn.insert(name, drawn),
            None => self.drawn.remove(name),
        };
        wants.iter().zip(found).filter(|(_, found)| found.is_none()).map(|(want, _)| want).collect()
    }

    /// An instance for each node as far as there are any: the choosiest and largest choose first, and each takes the
    /// smallest that holds it.
    fn seat(&mut self, name: &'a str, wants: &[NodeWant<'_>]) -> Vec<Option<Where>> {
        let mut order: Vec<usize> = (0..wants.len()).collect();
        let size = |index: &usize| {
            let want = &wants[*index];
            (want.instance_type.is_some(), want.need.vcpus_milli, want.need.memory_mib)
        };
        order.sort_by(|a, b| size(b).cmp(&size(a)).then(a.cmp(b)));
        let mut found = vec![None; wants.len()];
        for index in order {
            if let Some(space) = self.empty_instance(name, &wants[index]) {
                found[index] = Some(space.at.clone());
                let whole = Need { vcpus_milli: space.milli, memory_mib: space.mib, gpus: space.gpus };
                self.draw(name, space, whole);
            }
        }
        found
    }

    fn empty_instance(&self, name: &str, want: &NodeWant<'_>) -> Option<Space> {
        let drawn = self.drawn.get(name);
        let fleet = self.engine.index.hosts.fleet(name);
        let pending = fleet.filter(|_| self.pending).into_iter().flat_map(|fleet| &fleet.pending);
        let there = fleet.into_iter().flat_map(|fleet| &fleet.active).chain(pending);
        let untouched = there.filter(|free| drawn.is_none_or(|drawn| !drawn.instances.contains(&free.instance)));
        let is_of_type = |id: &InstanceId| {
            let host = self.engine.core.instances.get(id);
            want.instance_type.is_none_or(|wanted| host.is_some_and(|host| host.instance_type == wanted))
        };
        let there = untouched.filter(|free| free.empty && is_of_type(&free.instance)).map(Space::of);
        let planned = drawn.into_iter().flat_map(|drawn| &drawn.spaces).filter(|space| space.empty).cloned();
        there.chain(planned).filter(|space| space.fits(want.need, true)).min()
    }
}
