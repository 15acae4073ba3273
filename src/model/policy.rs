//! Scheduling policies, in AWS Batch's shapes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `FairsharePolicy`. What is `None` has its default: no decay, no reservation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FairsharePolicy {
    /// 0 to 604800.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_decay_seconds: Option<i32>,
    /// 0 to 99: of the maximum, kept for shares that are not active yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_reservation: Option<i32>,
    pub share_distribution: Vec<ShareAttributes>,
}

/// `ShareAttributes`: what one share, or all that begin like `prefix*`, weighs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ShareAttributes {
    pub share_identifier: String,
    /// 0.0001 to 999.9999; the smaller, the more it gets. 1 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_factor: Option<f64>,
}

/// `QuotaSharePolicy`, of queues of service jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaSharePolicy {
    /// FIFO.
    pub idle_resource_assignment_strategy: String,
}

/// `SchedulingPolicyDetail`: one of the two policies is there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SchedulingPolicy {
    pub name: String,
    pub arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairshare_policy: Option<FairsharePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share_policy: Option<QuotaSharePolicy>,
    pub tags: BTreeMap<String, String>,
}

/// `CreateSchedulingPolicyRequest`: at most one of the two policies; with neither, a fair-share policy of defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateSchedulingPolicyRequest {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairshare_policy: Option<FairsharePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share_policy: Option<QuotaSharePolicy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateSchedulingPolicyRequest`: the policy that is given takes the place of the one of now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateSchedulingPolicyRequest {
    pub arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairshare_policy: Option<FairsharePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_share_policy: Option<QuotaSharePolicy>,
}
