//! Scheduling policies and consumable resources as objects: what is refused, what is kept.

use super::world::{HOUR, World, job};
use crate::engine::command::{Action, Answer};
use crate::model::{
    ConsumableKind, ConsumableResourceProperties, ConsumableResourceRequirement, CreateConsumableResourceRequest,
    CreateJobQueueRequest, CreateSchedulingPolicyRequest, FairsharePolicy, JobStateTimeLimitAction, QuotaSharePolicy,
    ShareAttributes, SubmitJobRequest, UpdateConsumableResourceRequest, UpdateJobQueueRequest,
    UpdateSchedulingPolicyRequest,
};

const POLICY: &str = "arn:aws:batch:us-east-1:123456789012:scheduling-policy/fair";

fn share(identifier: &str, weight: f64) -> ShareAttributes {
    ShareAttributes { share_identifier: identifier.into(), weight_factor: Some(weight) }
}

fn fair(shares: &[ShareAttributes]) -> FairsharePolicy {
    FairsharePolicy { share_distribution: shares.to_vec(), ..Default::default() }
}

fn create(name: &str, fairshare: Option<FairsharePolicy>) -> Action {
    let request =
        CreateSchedulingPolicyRequest { name: name.into(), fairshare_policy: fairshare, ..Default::default() };
    Action::CreateSchedulingPolicy(request)
}

fn queue(name: &str, policy: Option<&str>) -> CreateJobQueueRequest {
    CreateJobQueueRequest {
        job_queue_name: name.into(),
        priority: 1,
        compute_environment_order: vec![crate::model::ComputeEnvironmentOrder {
            order: 1,
            compute_environment: "ce".into(),
        }],
        scheduling_policy_arn: policy.map(Into::into),
        ..Default::default()
    }
}

/// A world with the fair-share policy `fair` and the queue `shared` that has it.
fn fair_world() -> World {
    let mut world = World::small(8);
    world.ask(create("fair", Some(fair(&[share("a", 1.0), share("b*", 0.5)])))).expect("created");
    world.ask(Action::CreateJobQueue(queue("shared", Some(POLICY)))).expect("created");
    world
}

fn refused(world: &mut World, action: Action, words: &str) {
    let before = world.engine.clone();
    let asked = format!("{action:?}");
    let said = world.ask(action).expect_err("refused").to_string();
    assert!(said.contains(words), "{asked}\nsays: {said}\nnot: {words}");
    assert!(world.engine == before, "a refusal changes nothing");
}

#[test]
fn a_policy_is_refused_for_what_it_has_wrong() {
    let mut world = fair_world();
    let both = CreateSchedulingPolicyRequest {
        name: "p".into(),
        fairshare_policy: Some(FairsharePolicy::default()),
        quota_share_policy: Some(QuotaSharePolicy { idle_resource_assignment_strategy: "FIFO".into() }),
        ..Default::default()
    };
    let lifo = CreateSchedulingPolicyRequest {
        name: "p".into(),
        quota_share_policy: Some(QuotaSharePolicy { idle_resource_assignment_strategy: "LIFO".into() }),
        ..Default::default()
    };
    let decay = |seconds| Some(FairsharePolicy { share_decay_seconds: Some(seconds), ..Default::default() });
    let reserve = |percent| Some(FairsharePolicy { compute_reservation: Some(percent), ..Default::default() });
    let cases = [
        (create("fair", None), "Object already exists"),
        (create("a b", None), "name is `a b`; it takes"),
        (create("p", decay(-1)), "shareDecaySeconds is `-1`; it takes 0 to 604800"),
        (create("p", decay(604_801)), "shareDecaySeconds is `604801`"),
        (create("p", reserve(100)), "computeReservation is `100`; it takes 0 to 99"),
        (create("p", Some(fair(&[share("", 1.0)]))), "shareIdentifier is ``"),
        (create("p", Some(fair(&[share("a-b", 1.0)]))), "shareIdentifier is `a-b`"),
        (create("p", Some(fair(&[share("a", 0.000_05)]))), "weightFactor of `a` is `0.00005`"),
        (create("p", Some(fair(&[share("a", 1000.0)]))), "weightFactor of `a` is `1000`"),
        (create("p", Some(fair(&[share("a*", 1.0), share("ab", 1.0)]))), "`a*` and `ab` overlap"),
        (Action::CreateSchedulingPolicy(both), "both given"),
        (Action::CreateSchedulingPolicy(lifo), "idleResourceAssignmentStrategy is `LIFO`; it takes FIFO"),
        (Action::DeleteSchedulingPolicy { arn: "fair".into() }, "arn is `fair`; it takes the ARN"),
        (Action::DeleteSchedulingPolicy { arn: POLICY.replace("fair", "x") }, "not found"),
        (Action::DeleteSchedulingPolicy { arn: POLICY.replace("us-east-1", "eu-west-1") }, "not found"),
        (Action::DeleteSchedulingPolicy { arn: POLICY.into() }, "Cannot delete, found existing JobQueue relationship"),
        (
            Action::UpdateSchedulingPolicy(UpdateSchedulingPolicyRequest {
                arn: POLICY.into(),
                quota_share_policy: Some(QuotaSharePolicy { idle_resource_assignment_strategy: "FIFO".into() }),
                ..Default::default()
            }),
            "the kind of a policy cannot change",
        ),
    ];
    for (action, words) in cases {
        refused(&mut world, action, words);
    }
}

#[test]
fn a_queue_swaps_its_policy_but_never_gains_nor_loses_one() {
    let mut world = fair_world();
    world.ask(create("other", None)).expect("created");
    let to = |queue: &str, policy: &str| {
        Action::UpdateJobQueue(UpdateJobQueueRequest {
            job_queue: queue.into(),
            scheduling_policy_arn: Some(POLICY.replace("fair", policy)),
            ..Default::default()
        })
    };
    refused(&mut world, to("main", "fair"), "was created without a policy");
    refused(&mut world, to("shared", "nobody"), "not found");
    world.ask(to("shared", "other")).expect("swapped");
    world
        .ask(Action::UpdateJobQueue(UpdateJobQueueRequest { job_queue: "shared".into(), ..Default::default() }))
        .expect("kept");
    let shared = world.engine.job_queues().into_iter().find(|queue| queue.job_queue_name == "shared").expect("there");
    assert_eq!(shared.scheduling_policy_arn, Some(POLICY.replace("fair", "other")));
    world.ask(Action::DeleteSchedulingPolicy { arn: POLICY.into() }).expect("not in use any more");
}

#[test]
fn a_fair_queue_asks_whose_a_job_is_and_another_takes_no_share() {
    let mut world = fair_world();
    let to = |queue: &str, share: Option<&str>| SubmitJobRequest {
        job_queue: queue.into(),
        share_identifier: share.map(Into::into),
        ..job("j")
    };
    let submit = |request| Action::SubmitJob(Box::new(request));
    refused(&mut world, submit(to("shared", None)), "shareIdentifier is missing");
    refused(&mut world, submit(to("shared", Some("a b"))), "shareIdentifier is `a b`");
    refused(&mut world, submit(to("main", Some("a"))), "main has no fair-share policy");
    let id = world.submit(SubmitJobRequest { scheduling_priority_override: Some(7), ..to("shared", Some("whoever")) });
    let job = world.job(&id);
    assert_eq!((job.share_identifier.as_deref(), job.scheduling_priority), (Some("whoever"), Some(7)));
}

#[test]
fn time_limits_are_checked_and_kept() {
    let mut world = World::small(4);
    let limit = JobStateTimeLimitAction {
        reason: "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY".into(),
        state: "RUNNABLE".into(),
        max_time_seconds: 600,
        action: "CANCEL".into(),
    };
    let with = |limits: Vec<JobStateTimeLimitAction>| {
        Action::CreateJobQueue(CreateJobQueueRequest { job_state_time_limit_actions: limits, ..queue("q", None) })
    };
    let wrong = [
        (JobStateTimeLimitAction { reason: "UNDETERMINED".into(), ..limit.clone() }, "reason is `UNDETERMINED`"),
        (JobStateTimeLimitAction { state: String::new(), ..limit.clone() }, "state is ``; it takes RUNNABLE"),
        (JobStateTimeLimitAction { max_time_seconds: 599, ..limit.clone() }, "maxTimeSeconds is `599`"),
        (JobStateTimeLimitAction { max_time_seconds: 86_401, ..limit.clone() }, "maxTimeSeconds is `86401`"),
        (JobStateTimeLimitAction { action: "TERMINATE".into(), ..limit.clone() }, "action is `TERMINATE`"),
    ];
    for (limit, words) in wrong {
        refused(&mut world, with(vec![limit]), words);
    }
    refused(&mut world, with(vec![limit.clone(), limit.clone()]), "twice");
    world.ask(with(vec![limit.clone()])).expect("created");
    let kept = |world: &World| {
        let queue = world.engine.job_queues().into_iter().find(|queue| queue.job_queue_name == "q").expect("there");
        queue.job_state_time_limit_actions
    };
    assert_eq!(kept(&world), [limit]);
    let none = UpdateJobQueueRequest {
        job_queue: "q".into(),
        job_state_time_limit_actions: Some(vec![]),
        ..Default::default()
    };
    world.ask(Action::UpdateJobQueue(none)).expect("updated");
    assert_eq!(kept(&world), []);
}

fn pool(name: &str, total: Option<i64>, kind: Option<&str>) -> Action {
    Action::CreateConsumableResource(CreateConsumableResourceRequest {
        consumable_resource_name: name.into(),
        total_quantity: total,
        resource_type: kind.map(Into::into),
        ..Default::default()
    })
}

fn change(operation: &str, quantity: i64, token: Option<&str>) -> Action {
    Action::UpdateConsumableResource(UpdateConsumableResourceRequest {
        consumable_resource: "arn:aws:batch:us-east-1:123456789012:consumable-resource/seats".into(),
        operation: Some(operation.into()),
        quantity: Some(quantity),
        client_token: token.map(Into::into),
    })
}

#[test]
fn a_pool_is_set_grown_and_shrunk_once_for_each_token() {
    let mut world = World::small(4);
    refused(&mut world, pool("seats", Some(-1), None), "totalQuantity is `-1`; it takes 0 or more");
    refused(&mut world, pool("seats", None, Some("SOME")), "resourceType is `SOME`");
    world.ask(pool("seats", Some(5), Some("NON_REPLENISHABLE"))).expect("created");
    refused(&mut world, pool("seats", None, None), "Object already exists");
    let total = |answer| match answer {
        Ok(Answer::Consumable(response)) => response.total_quantity,
        other => panic!("{other:?}"),
    };
    for (operation, quantity, token, expected) in
        [("ADD", 3, Some("one"), 8), ("ADD", 3, Some("one"), 8), ("REMOVE", 8, None, 0), ("SET", 2, Some("two"), 2)]
    {
        assert_eq!(total(world.ask(change(operation, quantity, token))), expected, "{operation} {quantity}");
    }
    world.pass(8 * HOUR);
    assert_eq!(total(world.ask(change("ADD", 3, Some("one")))), 5, "a token is known for 8 hours");
    refused(&mut world, change("REMOVE", 6, None), "REMOVE would take the total of seats from 5 out of 0");
    refused(&mut world, change("ADD", i64::MAX, None), "ADD would take");
    refused(&mut world, change("DROP", 1, None), "operation is `DROP`; it takes SET, ADD or REMOVE");
    refused(&mut world, change("ADD", 1, Some("")), "clientToken is ``");
    let row = world.engine.consumable_resource("seats").expect("there");
    assert_eq!((row.total_quantity, row.in_use_quantity, row.resource_type), (5, 0, ConsumableKind::NonReplenishable));
    world.ask(Action::DeleteConsumableResource { name: "seats".into() }).expect("deleted");
    refused(
        &mut world,
        Action::DeleteConsumableResource { name: "seats".into() },
        "ConsumableResource seats not found",
    );
}

#[test]
fn a_job_takes_what_its_definition_says_with_the_submissions_own_in_its_place() {
    let mut world = World::small(4);
    for name in ["seats", "tokens"] {
        world.ask(pool(name, Some(9), None)).expect("created");
    }
    let list = |entries: &[(&str, i64)]| {
        let requirement = |(name, quantity): &(&str, i64)| ConsumableResourceRequirement {
            consumable_resource: (*name).to_owned(),
            quantity: *quantity,
        };
        Some(ConsumableResourceProperties { consumable_resource_list: entries.iter().map(requirement).collect() })
    };
    let mut licensed = super::world::definition("licensed", "1", "64");
    licensed.consumable_resource_properties = list(&[("seats", 2), ("tokens", 1)]);
    world.ask(Action::RegisterJobDefinition(Box::new(licensed))).expect("registered");
    let with = |overrides| SubmitJobRequest {
        job_definition: "licensed".into(),
        consumable_resource_properties_override: overrides,
        ..job("j")
    };
    let id = world.submit(with(list(&[("seats", 3)])));
    let taken = world.job(&id).consumable_resource_properties.expect("some");
    let taken: Vec<_> =
        taken.consumable_resource_list.iter().map(|one| (one.consumable_resource.as_str(), one.quantity)).collect();
    assert_eq!(
        taken,
        [
            ("arn:aws:batch:us-east-1:123456789012:consumable-resource/seats", 3),
            ("arn:aws:batch:us-east-1:123456789012:consumable-resource/tokens", 1)
        ]
    );
    let submit = |request| Action::SubmitJob(Box::new(request));
    refused(&mut world, submit(with(list(&[("nobody", 1)]))), "ConsumableResource nobody not found");
    refused(&mut world, submit(with(list(&[("seats", -1)]))), "quantity is `-1`");
    refused(&mut world, submit(with(list(&[("seats", 1), ("seats", 1)]))), "names seats twice");
}
