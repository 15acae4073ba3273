//! Scheduling policies.

use super::{NotSent, list, some_list, sorted};
use crate::model::{FairsharePolicy, SchedulingPolicy, ShareAttributes, UpdateSchedulingPolicyRequest};
use aws_sdk_batch::operation::update_scheduling_policy::builders::UpdateSchedulingPolicyFluentBuilder;
use aws_sdk_batch::types;

/// What a quota share policy says is not read: nothing here changes it.
pub fn policy(given: types::SchedulingPolicyDetail) -> SchedulingPolicy {
    SchedulingPolicy {
        name: given.name.unwrap_or_default(),
        arn: given.arn.unwrap_or_default(),
        fairshare_policy: given.fairshare_policy.map(|fair| FairsharePolicy {
            share_decay_seconds: fair.share_decay_seconds,
            compute_reservation: fair.compute_reservation,
            share_distribution: list(fair.share_distribution, |share| ShareAttributes {
                share_identifier: share.share_identifier.unwrap_or_default(),
                weight_factor: share.weight_factor.map(exact),
            }),
        }),
        quota_share_policy: None,
        tags: sorted(given.tags),
    }
}

/// A factor as it is written: 0.1 comes as a float and is no 0.10000000149.
fn exact(factor: f32) -> f64 {
    factor.to_string().parse().unwrap_or_else(|_| f64::from(factor))
}

/// Fills an update in. A member that would not be sent is refused rather than dropped.
pub fn update(
    call: UpdateSchedulingPolicyFluentBuilder,
    wanted: UpdateSchedulingPolicyRequest,
) -> Result<UpdateSchedulingPolicyFluentBuilder, NotSent> {
    if wanted.quota_share_policy.is_some() {
        return Err(NotSent::member("quotaSharePolicy".to_owned()));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the API has a float, and four digits fit one")]
    let share = |share: ShareAttributes| {
        types::ShareAttributes::builder()
            .share_identifier(share.share_identifier)
            .set_weight_factor(share.weight_factor.map(|factor| factor as f32))
            .build()
    };
    let fair = wanted.fairshare_policy.map(|fair| {
        types::FairsharePolicy::builder()
            .set_share_decay_seconds(fair.share_decay_seconds)
            .set_compute_reservation(fair.compute_reservation)
            .set_share_distribution(some_list(fair.share_distribution, share))
            .build()
    });
    Ok(call.arn(wanted.arn).set_fairshare_policy(fair))
}
