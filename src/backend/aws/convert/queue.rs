//! Job queues.

use super::{health, list, some_list, sorted, switch};
use crate::model::{
    CapacityUsage, ComputeEnvironmentOrder, ConsumableKind, ConsumableResource, FairshareUtilization, FrontOfQueue,
    FrontOfQueueJob, JobQueue, JobQueueSnapshot, JobStateTimeLimitAction, QueueUtilization, ServiceEnvironmentOrder,
    ShareUtilization,
};
use aws_sdk_batch::operation::describe_consumable_resource::DescribeConsumableResourceOutput;
use aws_sdk_batch::operation::get_job_queue_snapshot::GetJobQueueSnapshotOutput;
use aws_sdk_batch::types;

pub fn queue(given: types::JobQueueDetail) -> JobQueue {
    let mut order = list(given.compute_environment_order, |entry| ComputeEnvironmentOrder {
        order: entry.order.unwrap_or_default(),
        compute_environment: entry.compute_environment.unwrap_or_default(),
    });
    order.sort_by_key(|entry| entry.order);
    JobQueue {
        job_queue_name: given.job_queue_name.unwrap_or_default(),
        job_queue_arn: given.job_queue_arn.unwrap_or_default(),
        state: switch(given.state.as_ref().map(types::JqState::as_str)),
        status: health(given.status.as_ref().map(types::JqStatus::as_str)),
        status_reason: given.status_reason,
        priority: given.priority.unwrap_or_default(),
        compute_environment_order: order,
        service_environment_order: list(given.service_environment_order, |entry| ServiceEnvironmentOrder {
            order: entry.order.unwrap_or_default(),
            service_environment: entry.service_environment.unwrap_or_default(),
        }),
        job_queue_type: given.job_queue_type.map(|kind| kind.as_str().to_owned()),
        scheduling_policy_arn: given.scheduling_policy_arn,
        job_state_time_limit_actions: list(given.job_state_time_limit_actions, |limit| JobStateTimeLimitAction {
            reason: limit.reason.unwrap_or_default(),
            state: limit.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            max_time_seconds: limit.max_time_seconds.unwrap_or_default(),
            action: limit.action.map(|action| action.as_str().to_owned()).unwrap_or_default(),
        }),
        tags: sorted(given.tags),
        job_counts: None,
        job_counts_partial: false,
        held: false,
        blocked: None,
    }
}

pub fn consumable(given: DescribeConsumableResourceOutput) -> ConsumableResource {
    let amount = |given: Option<i64>| given.and_then(|amount| u64::try_from(amount).ok()).unwrap_or_default();
    let kind = match given.resource_type.as_deref() {
        Some("NON_REPLENISHABLE") => ConsumableKind::NonReplenishable,
        _ => ConsumableKind::Replenishable,
    };
    ConsumableResource {
        consumable_resource_name: given.consumable_resource_name.unwrap_or_default(),
        consumable_resource_arn: given.consumable_resource_arn.unwrap_or_default(),
        total_quantity: amount(given.total_quantity),
        in_use_quantity: amount(given.in_use_quantity),
        available_quantity: amount(given.available_quantity),
        resource_type: kind,
        created_at: given.created_at.unwrap_or_default(),
        tags: sorted(given.tags),
    }
}

/// What a queue's jobs are sent to, for create and update.
pub fn order(entries: Vec<ComputeEnvironmentOrder>) -> Option<Vec<types::ComputeEnvironmentOrder>> {
    some_list(entries, |entry| {
        types::ComputeEnvironmentOrder::builder()
            .order(entry.order)
            .compute_environment(entry.compute_environment)
            .build()
    })
}

pub fn snapshot(given: GetJobQueueSnapshotOutput) -> JobQueueSnapshot {
    let front = given.front_of_queue.map_or_else(FrontOfQueue::default, |front| FrontOfQueue {
        jobs: list(front.jobs, |job| FrontOfQueueJob {
            job_arn: job.job_arn.unwrap_or_default(),
            earliest_time_at_position: job.earliest_time_at_position.unwrap_or_default(),
        }),
        last_updated_at: front.last_updated_at,
    });
    let usage = |unit: Option<String>, quantity: Option<f64>| CapacityUsage {
        capacity_unit: unit.unwrap_or_default(),
        quantity: quantity.unwrap_or_default(),
    };
    let utilization = given.queue_utilization.map(|used| QueueUtilization {
        total_capacity_usage: list(used.total_capacity_usage, |total| usage(total.capacity_unit, total.quantity)),
        fairshare_utilization: used.fairshare_utilization.map(|shares| FairshareUtilization {
            active_share_count: shares.active_share_count.unwrap_or_default().unsigned_abs(),
            top_capacity_utilization: list(shares.top_capacity_utilization, |share| ShareUtilization {
                share_identifier: share.share_identifier.unwrap_or_default(),
                capacity_usage: list(share.capacity_usage, |one| usage(one.capacity_unit, one.quantity)),
            }),
        }),
        last_updated_at: used.last_updated_at,
    });
    JobQueueSnapshot { front_of_queue: front, queue_utilization: utilization }
}
