//! Quota shares of queues of service jobs: create, update, delete (AWS Batch user guide, "Quota management").

use super::services::{changed, check_limits};
use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::service::{ServiceChange, Share, share_key};
use crate::engine::state::Queue;
use crate::model::validate::resource_name;
use crate::model::{
    CreateQuotaShareRequest, Health, Millis, QuotaSharePreemption, ResourceSharing, Switch, UpdateQuotaShareRequest,
};

/// AWS's limit for a queue.
const SHARES: usize = 20;
const SHARE_DELETED: &str = "Quota share was deleted";

impl Engine {
    pub(super) fn create_quota_share(&self, request: &CreateQuotaShareRequest, now: Millis) -> Result<Ruling, Refusal> {
        let name = &request.quota_share_name;
        resource_name("quotaShareName", name)?;
        let (queue_name, queue) = self.find_queue(&request.job_queue)?;
        if !self.has_quota_shares(queue) {
            return refuse(format!(
                "JobQueue {queue_name} has no scheduling policy with a quotaSharePolicy; quota shares need one"
            ));
        }
        self.check_settled("create a quota share", &format!("job-queue/{queue_name}"))?;
        let key = share_key(queue_name, name);
        if self.core.services.quota_shares.contains_key(&key) {
            return refuse(format!("Object already exists: the quota share {name} of {queue_name}"));
        }
        let count =
            self.core.services.quota_shares.keys().filter(|key| key.starts_with(&share_key(queue_name, ""))).count();
        if count >= SHARES {
            return refuse(format!("JobQueue {queue_name} has {count} quota shares; it takes at most {SHARES}"));
        }
        check_limits(&request.capacity_limits)?;
        check_sharing(&request.resource_sharing_configuration)?;
        check_preemption(&request.preemption_configuration)?;
        validate::tags(&request.tags)?;
        let request = Box::new(request.clone());
        let change = ServiceChange::QuotaShareCreated { queue: queue_name.to_owned(), request };
        let mut events = vec![changed(change, now)];
        events.extend(self.settling(format!("quota-share/{key}"), Health::Creating, Health::Valid, now));
        let arn = self.core.settings.place.batch_arn("quota-share", &key);
        Ok(Ruling::done("CreateQuotaShare", &key, "created", events)
            .answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_quota_share(&self, request: &UpdateQuotaShareRequest, now: Millis) -> Result<Ruling, Refusal> {
        let (key, share) = self.find_quota_share(&request.quota_share_arn)?;
        let resource = format!("quota-share/{key}");
        self.check_settled("update", &resource)?;
        request.capacity_limits.as_deref().map(check_limits).transpose()?;
        request.resource_sharing_configuration.as_ref().map(check_sharing).transpose()?;
        request.preemption_configuration.as_ref().map(check_preemption).transpose()?;
        let outcome = match request.state {
            Some(state) => format!("{} -> {}", share.state.as_str(), state.as_str()),
            None => "updated".to_owned(),
        };
        let change = ServiceChange::QuotaShareUpdated {
            key: key.to_owned(),
            state: request.state,
            limits: request.capacity_limits.clone(),
            sharing: request.resource_sharing_configuration.clone(),
            preemption: request.preemption_configuration.clone(),
        };
        let mut events = vec![changed(change, now)];
        events.extend(self.settling(resource, Health::Updating, Health::Valid, now));
        let name = key.rsplit('/').next().unwrap_or(key).to_owned();
        let arn = self.core.settings.place.batch_arn("quota-share", key);
        Ok(Ruling::done("UpdateQuotaShare", key, outcome, events).answering(Answer::Created { arn, name }))
    }

    /// Its jobs end with it.
    pub(super) fn delete_quota_share(&self, arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (key, share) = self.find_quota_share(arn)?;
        let resource = format!("quota-share/{key}");
        if share.status == Health::Deleting {
            return Ok(Ruling::done("DeleteQuotaShare", key, "is being deleted already", vec![]));
        }
        self.check_settled("delete", &resource)?;
        if share.state == Switch::Enabled {
            return refuse(format!("Cannot delete, {key} is ENABLED: set its state to DISABLED first"));
        }
        let (queue, name) = key.split_once('/').unwrap_or((key, ""));
        let ids = self.core.services.waiting(queue, Some(name));
        let outcome = format!("deleting; {} jobs are ended", ids.len());
        let ended = ServiceChange::JobsEnded { ids, reason: SHARE_DELETED.to_owned() };
        let begun = self.settling(resource, Health::Deleting, Health::Deleted, now);
        let gone = begun.unwrap_or_else(|| changed(ServiceChange::QuotaShareDeleted { key: key.to_owned() }, now));
        Ok(Ruling::done("DeleteQuotaShare", key, outcome, vec![changed(ended, now), gone]))
    }

    pub(in crate::engine) fn find_quota_share(&self, arn: &str) -> Result<(&str, &Share), Refusal> {
        if !arn.starts_with("arn:") {
            return refuse(format!("quotaShareArn is `{arn}`; it takes the ARN of a quota share"));
        }
        let key = self.core.settings.place.local_name("quota-share", arn);
        match key.and_then(|key| self.core.services.quota_shares.get_key_value(key)) {
            Some((key, share)) => Ok((key, share)),
            None => refuse(format!("QuotaShare {arn} not found.")),
        }
    }

    /// Whether a queue's policy is one of quota shares.
    pub(in crate::engine) fn has_quota_shares(&self, queue: &Queue) -> bool {
        let policy = queue.scheduling_policy.as_ref().and_then(|name| self.core.policies.get(name));
        policy.is_some_and(|policy| policy.quota_share.is_some())
    }
}

fn check_sharing(sharing: &ResourceSharing) -> Result<(), Refusal> {
    let strategy = sharing.strategy.as_str();
    if !["RESERVE", "LEND", "LEND_AND_BORROW"].contains(&strategy) {
        return refuse(format!(
            "resourceSharingConfiguration.strategy is `{strategy}`; it takes RESERVE, LEND or LEND_AND_BORROW"
        ));
    }
    match sharing.borrow_limit {
        Some(limit) if strategy != "LEND_AND_BORROW" => refuse(format!(
            "resourceSharingConfiguration.borrowLimit is `{limit}`; it goes with the strategy LEND_AND_BORROW alone"
        )),
        Some(limit) if limit < -1 => {
            refuse(format!("resourceSharingConfiguration.borrowLimit is `{limit}`; it takes -1 (no limit) or more"))
        }
        _ => Ok(()),
    }
}

fn check_preemption(preemption: &QuotaSharePreemption) -> Result<(), Refusal> {
    let given = preemption.in_share_preemption.as_str();
    if ["ENABLED", "DISABLED"].contains(&given) {
        return Ok(());
    }
    refuse(format!("preemptionConfiguration.inSharePreemption is `{given}`; it takes ENABLED or DISABLED"))
}
