//! By what queues and compute environments are ordered in the overview.

use super::Sort;
use crate::model::{Capacity, ComputeEnvironment, Health, JobQueue, JobStatus, StatusCounts, Switch};
use std::cmp::{Ordering, Reverse};

/// By what a pane of the overview is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Queues as they are served, environments by their names.
    #[default]
    Natural,
    Name,
    /// What is not on comes first.
    State,
    /// The most first, as in all that follow.
    Waiting,
    Running,
    Failed,
    Used,
    Maximum,
    Instances,
}

/// The order of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    pub by: By,
    pub reversed: bool,
}

impl By {
    pub const OF_QUEUES: [Self; 6] =
        [Self::Natural, Self::Name, Self::State, Self::Waiting, Self::Running, Self::Failed];
    pub const OF_ENVIRONMENTS: [Self; 5] = [Self::Natural, Self::State, Self::Used, Self::Maximum, Self::Instances];

    pub fn name(self) -> &'static str {
        match self {
            Self::Natural => "turn",
            Self::Name => "name",
            Self::State => "state",
            Self::Waiting => "wait",
            Self::Running => "run",
            Self::Failed => "fail",
            Self::Used => "used",
            Self::Maximum => "max",
            Self::Instances => "inst",
        }
    }

    fn queues(self, a: &JobQueue, b: &JobQueue) -> Ordering {
        let counted = |of: &dyn Fn(&StatusCounts) -> u64| {
            let count = |queue: &JobQueue| queue.job_counts.as_ref().map(of);
            count(b).cmp(&count(a))
        };
        let is_on = |queue: &JobQueue| (queue.status == Health::Valid, queue.state == Switch::Enabled, !queue.held);
        match self {
            Self::Name => a.job_queue_name.cmp(&b.job_queue_name),
            Self::State => is_on(a).cmp(&is_on(b)),
            Self::Waiting => counted(&StatusCounts::waiting),
            Self::Running => counted(&StatusCounts::placed),
            Self::Failed => counted(&|counts| counts.get(JobStatus::Failed)),
            _ => b.priority.cmp(&a.priority),
        }
    }

    fn environments(self, a: &ComputeEnvironment, b: &ComputeEnvironment) -> Ordering {
        let is_on = |found: &ComputeEnvironment| (found.status == Health::Valid, found.state == Switch::Enabled);
        let used = |found: &ComputeEnvironment| found.capacity.as_ref().map_or(-1.0, |capacity| capacity.vcpus_used);
        let most = |found: &ComputeEnvironment| found.compute_resources.as_ref().and_then(|asked| asked.maxv_cpus);
        let instances = |capacity: &Capacity| capacity.instances.len();
        let instances = |found: &ComputeEnvironment| Reverse(found.capacity.as_ref().map(instances));
        match self {
            Self::State => is_on(a).cmp(&is_on(b)),
            Self::Used => used(b).total_cmp(&used(a)),
            Self::Maximum => most(b).cmp(&most(a)),
            Self::Instances => instances(a).cmp(&instances(b)),
            _ => a.compute_environment_name.cmp(&b.compute_environment_name),
        }
    }
}

impl Order {
    /// By the next of these.
    pub fn turn(&mut self, each: &[By]) {
        let at = each.iter().position(|by| *by == self.by).unwrap_or(0);
        *self = Self { by: each[(at + 1) % each.len()], reversed: false };
    }

    /// Orders queues. What is alike stays as it was.
    pub fn of_queues(self, queues: &mut [&JobQueue]) {
        queues.sort_by(|a, b| self.turned(self.by.queues(a, b)));
    }

    /// Orders compute environments. What is alike stays as it was.
    pub fn of_environments(self, environments: &mut [&ComputeEnvironment]) {
        environments.sort_by(|a, b| self.turned(self.by.environments(a, b)));
    }

    fn turned(self, ordering: Ordering) -> Ordering {
        if self.reversed { ordering.reverse() } else { ordering }
    }

    /// How a list says it, where it is not as it was at first: `wait ↑`.
    pub fn words(self) -> Option<String> {
        (self != Self::default()).then(|| format!("{} {}", self.by.name(), Sort::arrow(self.reversed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ComputeResource, Instance};

    #[test]
    fn queues_are_ordered_by_each_of_their_columns() {
        let queue = |name: &str, priority, waiting, failed, state| JobQueue {
            job_queue_name: name.to_owned(),
            priority,
            state,
            status: Health::Valid,
            job_counts: Some(StatusCounts([(JobStatus::Runnable, waiting), (JobStatus::Failed, failed)].into())),
            ..JobQueue::default()
        };
        let all = [
            queue("high", 100, 3, 0, Switch::Enabled),
            queue("default", 10, 41, 7, Switch::Enabled),
            queue("archive", 1, 0, 9, Switch::Disabled),
        ];
        let mut order = Order::default();
        for expected in [
            "turn: high default archive",
            "name: archive default high",
            "state: archive high default",
            "wait: default high archive",
            "run: high default archive",
            "fail: archive default high",
        ] {
            let mut queues: Vec<&JobQueue> = all.iter().collect();
            order.of_queues(&mut queues);
            let names: Vec<&str> = queues.iter().map(|queue| queue.job_queue_name.as_str()).collect();
            assert_eq!(format!("{}: {}", order.by.name(), names.join(" ")), expected);
            order.turn(&By::OF_QUEUES);
        }
        assert_eq!(order, Order::default(), "it goes around");
        let mut queues: Vec<&JobQueue> = all.iter().collect();
        Order { by: By::Natural, reversed: true }.of_queues(&mut queues);
        assert_eq!(queues[0].job_queue_name, "archive");
    }

    #[test]
    fn environments_are_ordered_by_what_they_use_may_have_and_have() {
        let environment = |name: &str, used, most, instances| ComputeEnvironment {
            compute_environment_name: name.to_owned(),
            compute_resources: Some(ComputeResource { maxv_cpus: Some(most), ..ComputeResource::default() }),
            capacity: Some(Capacity {
                vcpus_used: used,
                instances: vec![Instance::default(); instances],
                ..Capacity::default()
            }),
            ..ComputeEnvironment::default()
        };
        let all = [environment("a", 0.0, 16, 1), environment("b", 6.5, 8, 2), environment("c", 2.0, 4, 3)];
        let sorted = |by| {
            let mut found: Vec<&ComputeEnvironment> = all.iter().collect();
            Order { by, reversed: false }.of_environments(&mut found);
            found.iter().map(|found| found.compute_environment_name.as_str()).collect::<String>()
        };
        assert_eq!([By::Natural, By::Used, By::Maximum, By::Instances].map(sorted), ["abc", "bca", "abc", "cba"]);
    }
}
