//! Consumable resources (licences, tokens), in AWS Batch's shapes.

use super::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether what a job takes comes back when it ends (`resourceType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsumableKind {
    #[default]
    Replenishable,
    NonReplenishable,
}

impl ConsumableKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replenishable => "REPLENISHABLE",
            Self::NonReplenishable => "NON_REPLENISHABLE",
        }
    }
}

/// `DescribeConsumableResourceResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsumableResource {
    pub consumable_resource_name: String,
    pub consumable_resource_arn: String,
    pub total_quantity: u64,
    pub in_use_quantity: u64,
    pub available_quantity: u64,
    pub resource_type: ConsumableKind,
    pub created_at: Millis,
    pub tags: BTreeMap<String, String>,
}

/// `CreateConsumableResourceRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateConsumableResourceRequest {
    pub consumable_resource_name: String,
    /// 0 or more; 0 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_quantity: Option<i64>,
    /// REPLENISHABLE where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// `UpdateConsumableResourceRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateConsumableResourceRequest {
    /// Name or ARN.
    pub consumable_resource: String,
    /// SET, ADD or REMOVE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// A request with the token of one of the last 8 hours changes nothing again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
}

/// `UpdateConsumableResourceResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateConsumableResourceResponse {
    pub consumable_resource_name: String,
    pub consumable_resource_arn: String,
    pub total_quantity: u64,
}

/// `ConsumableResourceProperties`: what a job takes while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsumableResourceProperties {
    pub consumable_resource_list: Vec<ConsumableResourceRequirement>,
}

/// `ConsumableResourceRequirement`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsumableResourceRequirement {
    /// Name or ARN in requests, the ARN in answers on jobs.
    pub consumable_resource: String,
    pub quantity: i64,
}
