//! Who is next in a queue, and what it uses (AWS Batch API reference, `GetJobQueueSnapshot`).

use super::Engine;
use super::command::Refusal;
use super::container::vcpus;
use super::index::{Facts, Rank};
use super::job::Key;
use super::state::Queue;
use crate::model::{
    CapacityUsage, FairshareUtilization, FrontOfQueue, FrontOfQueueJob, JobQueueSnapshot, Millis, QueueUtilization,
    ShareUtilization,
};

/// As many jobs as AWS shows.
const FRONT: usize = 100;
/// As many shares as AWS shows.
const TOP: usize = 20;

impl Engine {
    /// The order that dispatch follows as things stand. On a fair-share queue it shifts as use does. A held job is not
    /// in it; a held queue shows its order all the same.
    pub fn queue_snapshot(&self, name_or_arn: &str, now: Millis) -> Result<JobQueueSnapshot, Refusal> {
        let (name, queue) = self.find_queue(name_or_arn)?;
        let mut jobs = Vec::new();
        let mut line = self.whole_line(name, queue, now);
        while let Some(line) = &mut line
            && let Some(key) = line.head().filter(|_| jobs.len() < FRONT)
        {
            jobs.extend(self.at_front(queue, key));
            line.step(self.need(key).unwrap_or_default());
        }
        let index = self.index.queues.get(name);
        let utilization = QueueUtilization {
            total_capacity_usage: vec![usage(index.map_or(0, |index| index.placed_milli))],
            fairshare_utilization: self.shares_in_use(name, queue, now),
            last_updated_at: Some(now),
        };
        Ok(JobQueueSnapshot {
            front_of_queue: FrontOfQueue { jobs, last_updated_at: Some(now) },
            queue_utilization: Some(utilization),
        })
    }

    fn at_front(&self, queue: &Queue, key: Key) -> Option<FrontOfQueueJob> {
        let root = self.core.jobs.get(&key.number)?;
        let since = root.get(key.slot)?.since;
        let rank = Facts::of(root, key)?.rank?;
        let rank = if self.weights(queue).is_some() { Rank::FIRST } else { rank };
        let behind = queue.turns.partition_point(|turn| turn.rank <= rank);
        let moved = behind.checked_sub(1).map_or(since, |last| queue.turns[last].at);
        Some(FrontOfQueueJob {
            job_arn: self.core.settings.place.batch_arn("job", root.id(key.slot).as_str()),
            earliest_time_at_position: since.max(moved),
        })
    }

    fn shares_in_use(&self, name: &str, queue: &Queue, now: Millis) -> Option<FairshareUtilization> {
        let weights = self.weights(queue)?;
        let index = self.index.queues.get(name);
        let mut top: Vec<(&str, u64)> = index
            .into_iter()
            .flat_map(|index| &index.shares)
            .filter(|(_, share)| share.placed_milli > 0)
            .map(|(name, share)| (&**name, share.placed_milli))
            .collect();
        top.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
        let top = top.into_iter().take(TOP).map(|(share, milli)| ShareUtilization {
            share_identifier: share.to_owned(),
            capacity_usage: vec![usage(milli)],
        });
        let active = self.active_shares(name, queue, weights, now).len();
        Some(FairshareUtilization { active_share_count: active as u64, top_capacity_utilization: top.collect() })
    }
}

fn usage(milli: u64) -> CapacityUsage {
    CapacityUsage { capacity_unit: "VCPU".to_owned(), quantity: vcpus(milli) }
}
