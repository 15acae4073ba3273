//! Scheduling policies: create, update, delete (AWS Batch user guide, "Fair-share scheduling policies").

use super::{Ruling, refuse, validate};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::state::Policy;
use crate::model::validate::{resource_name, share_identifier};
use crate::model::{
    CreateSchedulingPolicyRequest, FairsharePolicy, Millis, QuotaSharePolicy, UpdateSchedulingPolicyRequest,
};

const LONGEST_DECAY: i32 = 604_800;
const SHARES: usize = 500;

impl Engine {
    pub(super) fn create_policy(
        &self,
        request: &CreateSchedulingPolicyRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let name = &request.name;
        resource_name("name", name)?;
        if self.core.policies.contains_key(name) {
            return refuse(format!("Object already exists: the scheduling policy {name}"));
        }
        validate::tags(&request.tags)?;
        let (fairshare, quota_share) = (request.fairshare_policy.clone(), request.quota_share_policy.clone());
        check(fairshare.as_ref(), quota_share.as_ref())?;
        let fairshare = if quota_share.is_none() { Some(fairshare.unwrap_or_default()) } else { None };
        let outcome = if fairshare.is_some() { "created, fair share" } else { "created, quota shares" };
        let policy = Policy { fairshare, quota_share, tags: request.tags.clone() };
        let created = Event::PolicyCreated { at: now, name: name.clone(), policy };
        let arn = self.core.settings.place.batch_arn("scheduling-policy", name);
        Ok(Ruling::done("CreateSchedulingPolicy", name, outcome, vec![created])
            .answering(Answer::Created { arn, name: name.clone() }))
    }

    pub(super) fn update_policy(
        &self,
        request: &UpdateSchedulingPolicyRequest,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let (name, policy) = self.find_policy("arn", &request.arn)?;
        let (fairshare, quota_share) = (request.fairshare_policy.clone(), request.quota_share_policy.clone());
        check(fairshare.as_ref(), quota_share.as_ref())?;
        let kind_stays = if policy.fairshare.is_some() { quota_share.is_none() } else { fairshare.is_none() };
        if !kind_stays {
            let (has, given) = if policy.fairshare.is_some() {
                ("fairsharePolicy", "quotaSharePolicy")
            } else {
                ("quotaSharePolicy", "fairsharePolicy")
            };
            return refuse(format!(
                "{given} is given, but the scheduling policy {name} has a {has}; the kind of a policy cannot change: \
                 create another"
            ));
        }
        let updated = Event::PolicyUpdated { at: now, name: name.to_owned(), fairshare, quota_share };
        Ok(Ruling::done("UpdateSchedulingPolicy", name, "updated", vec![updated]))
    }

    pub(super) fn delete_policy(&self, arn: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (name, _) = self.find_policy("arn", arn)?;
        let mut queues = self.core.queues.iter();
        if let Some((queue, _)) = queues.find(|(_, queue)| queue.scheduling_policy.as_deref() == Some(name)) {
            return refuse(format!(
                "Cannot delete, found existing JobQueue relationship: the queue {queue} uses {name}; give it another \
                 policy or delete it first"
            ));
        }
        let deleted = Event::PolicyDeleted { at: now, name: name.to_owned() };
        Ok(Ruling::done("DeleteSchedulingPolicy", name, "deleted", vec![deleted]))
    }

    /// A policy by its ARN, as AWS takes nothing else; `field` is the request's member.
    pub(super) fn find_policy(&self, field: &str, arn: &str) -> Result<(&str, &Policy), Refusal> {
        if !arn.starts_with("arn:") {
            return refuse(format!("{field} is `{arn}`; it takes the ARN of a scheduling policy"));
        }
        let name = self.core.settings.place.local_name("scheduling-policy", arn);
        match name.and_then(|name| self.core.policies.get_key_value(name)) {
            Some((name, policy)) => Ok((name, policy)),
            None => refuse(format!("SchedulingPolicy {arn} not found.")),
        }
    }
}

fn check(fairshare: Option<&FairsharePolicy>, quota_share: Option<&QuotaSharePolicy>) -> Result<(), Refusal> {
    match (fairshare, quota_share) {
        (Some(_), Some(_)) => refuse("fairsharePolicy and quotaSharePolicy are both given; a policy takes one of them"),
        (Some(policy), None) => check_fairshare(policy),
        (None, Some(QuotaSharePolicy { idle_resource_assignment_strategy: strategy })) if strategy != "FIFO" => {
            refuse(format!("quotaSharePolicy.idleResourceAssignmentStrategy is `{strategy}`; it takes FIFO"))
        }
        (None, _) => Ok(()),
    }
}

fn check_fairshare(policy: &FairsharePolicy) -> Result<(), Refusal> {
    if let Some(decay) = policy.share_decay_seconds
        && !(0..=LONGEST_DECAY).contains(&decay)
    {
        return refuse(format!("fairsharePolicy.shareDecaySeconds is `{decay}`; it takes 0 to {LONGEST_DECAY}"));
    }
    if let Some(reservation) = policy.compute_reservation
        && !(0..=99).contains(&reservation)
    {
        return refuse(format!("fairsharePolicy.computeReservation is `{reservation}`; it takes 0 to 99"));
    }
    let shares = &policy.share_distribution;
    if shares.len() > SHARES {
        let count = shares.len();
        return refuse(format!("fairsharePolicy.shareDistribution has {count} entries; it takes at most {SHARES}"));
    }
    for (index, share) in shares.iter().enumerate() {
        let identifier = &share.share_identifier;
        share_identifier("shareDistribution.shareIdentifier", identifier)?;
        if let Some(weight) = share.weight_factor
            && !(0.0001..=999.9999).contains(&weight)
        {
            return refuse(format!(
                "shareDistribution.weightFactor of `{identifier}` is `{weight}`; it takes 0.0001 to 999.9999"
            ));
        }
        if let Some(other) = shares[..index].iter().find(|other| overlap(&other.share_identifier, identifier)) {
            return refuse(format!(
                "shareDistribution: the share identifiers `{}` and `{identifier}` overlap; a job must fit one alone",
                other.share_identifier
            ));
        }
    }
    Ok(())
}

/// Whether there is a share that both mean.
fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (None, None) => one == other,
        (Some(start), None) => other.starts_with(start),
        (None, Some(start)) => one.starts_with(start),
        (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
    }
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn identifiers_overlap_where_one_job_could_fit_both() {
        let cases = [
            ("UserA", "UserA", true),
            ("UserA", "UserB", false),
            ("UserA*", "UserA1", true),
            ("UserA*", "UserA", true),
            ("UserA*", "User*", true),
            ("UserA*", "UserB*", false),
            ("UserA", "UserA1", false),
        ];
        for (one, other, expected) in cases {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
