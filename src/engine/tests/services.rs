//! Service environments, service jobs, quota shares, tags, and changes that are seen for a moment.

use super::world::{DAY, SECOND, World, job};
use crate::engine::Settings;
use crate::engine::command::{Action, Answer, Refusal};
use crate::model::{
    ArrayProperties, CapacityLimit, ComputeEnvironmentOrder, CreateJobQueueRequest, CreateQuotaShareRequest,
    CreateSchedulingPolicyRequest, CreateServiceEnvironmentRequest, Health, JobId, QuotaSharePolicy,
    QuotaSharePreemption, ResourceSharing, ServiceEnvironmentOrder, ServiceJobStatus, SubmitJobRequest,
    SubmitServiceJobRequest, Switch, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest, UpdateQuotaShareRequest,
    UpdateServiceEnvironmentRequest,
};
use std::collections::BTreeMap;

fn arn(rest: &str) -> String {
    format!("arn:aws:batch:us-east-1:123456789012:{rest}")
}

fn limits(unit: &str, count: i32) -> Vec<CapacityLimit> {
    vec![CapacityLimit { max_capacity: Some(count), capacity_unit: Some(unit.into()) }]
}

fn service_environment(name: &str) -> Action {
    Action::CreateServiceEnvironment(CreateServiceEnvironmentRequest {
        service_environment_name: name.into(),
        service_environment_type: "SAGEMAKER_TRAINING".into(),
        capacity_limits: limits("NUM_INSTANCES", 4),
        ..Default::default()
    })
}

fn service_queue(name: &str, policy: Option<&str>) -> CreateJobQueueRequest {
    CreateJobQueueRequest {
        job_queue_name: name.into(),
        priority: 1,
        service_environment_order: vec![ServiceEnvironmentOrder { order: 1, service_environment: "train".into() }],
        job_queue_type: Some("SAGEMAKER_TRAINING".into()),
        scheduling_policy_arn: policy.map(|name| arn(&format!("scheduling-policy/{name}"))),
        ..Default::default()
    }
}

fn training(queue: &str) -> SubmitServiceJobRequest {
    SubmitServiceJobRequest {
        job_name: "t".into(),
        job_queue: queue.into(),
        service_request_payload: "{}".into(),
        service_job_type: "SAGEMAKER_TRAINING".into(),
        ..Default::default()
    }
}

fn submit(request: SubmitServiceJobRequest) -> Action {
    Action::SubmitServiceJob(Box::new(request))
}

fn share(name: &str, queue: &str) -> CreateQuotaShareRequest {
    CreateQuotaShareRequest {
        quota_share_name: name.into(),
        job_queue: queue.into(),
        capacity_limits: limits("ml.m5.large", 2),
        resource_sharing_configuration: ResourceSharing { strategy: "RESERVE".into(), borrow_limit: None },
        preemption_configuration: QuotaSharePreemption { in_share_preemption: "DISABLED".into() },
        ..Default::default()
    }
}

/// The service environment `train`, the queues `plain` and, with quota shares, `quotas`.
fn world() -> World {
    let mut world = World::small(4);
    world.ask(service_environment("train")).expect("created");
    world.ask(Action::CreateJobQueue(service_queue("plain", None))).expect("created");
    let policy = CreateSchedulingPolicyRequest {
        name: "quota".into(),
        quota_share_policy: Some(QuotaSharePolicy { idle_resource_assignment_strategy: "FIFO".into() }),
        ..Default::default()
    };
    world.ask(Action::CreateSchedulingPolicy(policy)).expect("created");
    world.ask(Action::CreateJobQueue(service_queue("quotas", Some("quota")))).expect("created");
    world
}

fn refused(world: &mut World, action: Action, words: &str) {
    let before = world.engine.clone();
    let asked = format!("{action:?}");
    let said = world.ask(action).expect_err("refused").to_string();
    assert!(said.contains(words), "{asked}\nsays: {said}\nnot: {words}");
    assert!(world.engine == before, "a refusal changes nothing");
}

fn submitted(answer: Result<Answer, Refusal>) -> JobId {
    match answer {
        Ok(Answer::Submitted(response)) => response.job_id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_with_a_service_object_is_said() {
    let mut world = world();
    let container = Action::SubmitJob(Box::new(SubmitJobRequest { job_queue: "plain".into(), ..job("j") }));
    let fifo = Some(arn("scheduling-policy/quota"));
    let compute = vec![ComputeEnvironmentOrder { order: 1, compute_environment: "ce".into() }];
    let both = CreateJobQueueRequest { compute_environment_order: compute.clone(), ..service_queue("q", None) };
    let quota = CreateJobQueueRequest {
        job_queue_name: "q".into(),
        compute_environment_order: compute.clone(),
        scheduling_policy_arn: fifo,
        ..Default::default()
    };
    let eks = CreateJobQueueRequest {
        job_queue_name: "q".into(),
        compute_environment_order: compute,
        job_queue_type: Some("EKS".into()),
        ..Default::default()
    };
    let environment = |change: fn(&mut CreateServiceEnvironmentRequest)| {
        let Action::CreateServiceEnvironment(mut request) = service_environment("x") else { unreachable!() };
        change(&mut request);
        Action::CreateServiceEnvironment(request)
    };
    let with = |change: fn(&mut SubmitServiceJobRequest)| {
        let mut request = training("plain");
        change(&mut request);
        submit(request)
    };
    let quota_share = |change: fn(&mut CreateQuotaShareRequest)| {
        let mut request = share("s", "quotas");
        change(&mut request);
        Action::CreateQuotaShare(Box::new(request))
    };
    let cases = vec![
        (container, "JobQueue plain is for service jobs"),
        (Action::CreateJobQueue(both), "are both given"),
        (Action::CreateJobQueue(quota), "which is for queues of service jobs"),
        (Action::CreateJobQueue(eks), "jobQueueType is `EKS`; with these environments it takes ECS"),
        (service_environment("train"), "Object already exists"),
        (environment(|r| r.service_environment_type = "OTHER".into()), "serviceEnvironmentType is `OTHER`"),
        (environment(|r| r.capacity_limits.clear()), "capacityLimits is missing"),
        (environment(|r| r.capacity_limits[0].capacity_unit = Some("GPU".into())), "capacityUnit is `GPU`"),
        (environment(|r| r.capacity_limits[0].max_capacity = Some(-1)), "maxCapacity is `-1`"),
        (Action::DeleteServiceEnvironment { name: "train".into() }, "Cannot delete, train is ENABLED"),
        (submit(training("main")), "JobQueue main is for container jobs"),
        (with(|r| r.service_job_type = String::new()), "serviceJobType is ``; it takes SAGEMAKER_TRAINING"),
        (with(|r| r.service_request_payload = "{".into()), "serviceRequestPayload is not JSON"),
        (with(|r| r.service_request_payload = "[]".into()), "is no JSON object"),
        (with(|r| r.service_request_payload = " ".repeat(11_000)), "it takes at most 10240"),
        (with(|r| r.scheduling_priority = Some(10_000)), "schedulingPriority is `10000`"),
        (with(|r| r.share_identifier = Some("a".into())), "has no fair-share policy"),
        (with(|r| r.quota_share_name = Some("s".into())), "has no scheduling policy of quota shares"),
        (submit(training("quotas")), "quotaShareName is missing"),
        (
            submit(SubmitServiceJobRequest { quota_share_name: Some("s".into()), ..training("quotas") }),
            "QuotaShare s not found in the queue quotas",
        ),
        (Action::CreateQuotaShare(Box::new(share("s", "plain"))), "has no scheduling policy with a quotaSharePolicy"),
        (quota_share(|r| r.resource_sharing_configuration.strategy = "KEEP".into()), "strategy is `KEEP`"),
        (quota_share(|r| r.resource_sharing_configuration.borrow_limit = Some(5)), "goes with the strategy"),
        (quota_share(|r| r.preemption_configuration.in_share_preemption.clear()), "inSharePreemption is ``"),
        (Action::DeleteQuotaShare { arn: arn("quota-share/quotas/s") }, "not found"),
        (Action::TerminateServiceJob { job: "x".into(), reason: "r".into() }, "Service job x not found"),
        (Action::UpdateServiceJob { job: "x".into(), priority: -1 }, "schedulingPriority is `-1`"),
    ];
    for (action, words) in cases {
        refused(&mut world, action, words);
    }
}

#[test]
fn a_service_job_waits_with_a_reason_until_it_is_ended_and_is_forgotten_in_time() {
    let mut world = world();
    let request = SubmitServiceJobRequest { client_token: Some("once".into()), ..training("plain") };
    let id = submitted(world.ask(submit(request.clone())));
    refused(&mut world, submit(request), "clientToken is `once`, which the service job");
    let now = world.engine.service_job(&id).expect("there");
    assert_eq!((now.status, now.job_queue), (ServiceJobStatus::Runnable, arn("job-queue/plain")));
    assert!(now.status_reason.is_some_and(|reason| reason.starts_with("ACTION_REQUIRED - SAGEMAKER_TRAINING")));
    world.ask(Action::UpdateServiceJob { job: id.clone(), priority: 9 }).expect("updated");
    assert_eq!(world.engine.service_job(&id).expect("there").scheduling_priority, Some(9));
    world.pass(SECOND);
    world.ask(Action::TerminateServiceJob { job: id.clone(), reason: "enough".into() }).expect("ended");
    let over = world.engine.service_job(&id).expect("there");
    assert_eq!((over.status, over.is_terminated, over.stopped_at), (ServiceJobStatus::Failed, true, Some(world.now)));
    assert_eq!(over.status_reason.as_deref(), Some("enough"));
    refused(&mut world, Action::UpdateServiceJob { job: id.clone(), priority: 1 }, "has FAILED");
    world.ask(Action::TerminateServiceJob { job: id.clone(), reason: "again".into() }).expect("no effect");
    assert_eq!(world.engine.service_job(&id).expect("there").status_reason.as_deref(), Some("enough"));
    world.pass(8 * DAY);
    assert_eq!(world.engine.service_job(&id), None);
    world.assert_replays(&Settings::default());
}

#[test]
fn a_quota_share_takes_its_jobs_with_it() {
    let mut world = world();
    world.ask(Action::CreateQuotaShare(Box::new(share("s", "quotas")))).expect("created");
    refused(&mut world, Action::CreateQuotaShare(Box::new(share("s", "quotas"))), "Object already exists");
    let of_share = SubmitServiceJobRequest { quota_share_name: Some("s".into()), ..training("quotas") };
    let id = submitted(world.ask(submit(of_share.clone())));
    let share_arn = arn("quota-share/quotas/s");
    refused(&mut world, Action::DeleteQuotaShare { arn: share_arn.clone() }, "Cannot delete, quotas/s is ENABLED");
    let off = UpdateQuotaShareRequest {
        quota_share_arn: share_arn.clone(),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    world.ask(Action::UpdateQuotaShare(Box::new(off))).expect("updated");
    refused(&mut world, submit(of_share), "QuotaShare s is DISABLED");
    world.ask(Action::DeleteQuotaShare { arn: share_arn.clone() }).expect("deleted");
    assert_eq!(world.engine.service_job(&id).expect("there").status, ServiceJobStatus::Failed);
    assert!(world.engine.quota_share(&share_arn).is_err());
    world.assert_replays(&Settings::default());
}

#[test]
fn a_queue_of_service_jobs_ends_them_when_it_goes_and_frees_its_environment() {
    let mut world = world();
    let id = submitted(world.ask(submit(training("plain"))));
    let off = |name: &str| {
        let state = Some(Switch::Disabled);
        Action::UpdateJobQueue(UpdateJobQueueRequest { job_queue: name.into(), state, ..Default::default() })
    };
    let disable = UpdateServiceEnvironmentRequest {
        service_environment: arn("service-environment/train"),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    world.ask(Action::UpdateServiceEnvironment(disable)).expect("updated");
    let delete = Action::DeleteServiceEnvironment { name: "train".into() };
    refused(&mut world, delete.clone(), "Cannot delete, found existing JobQueue relationship");
    for queue in ["plain", "quotas"] {
        world.ask(off(queue)).expect("disabled");
        world.ask(Action::DeleteJobQueue { name: queue.into() }).expect("deleted");
    }
    assert_eq!(world.engine.service_job(&id).expect("there").status, ServiceJobStatus::Failed);
    world.ask(delete).expect("free now");
    assert_eq!(world.engine.service_environments(), []);
}

#[test]
fn tags_are_merged_and_taken_from_everything_that_carries_them() {
    let mut world = world();
    world.ask(Action::CreateQuotaShare(Box::new(share("s", "quotas")))).expect("created");
    let plain = world.submit(job("j"));
    let service = submitted(world.ask(submit(training("plain"))));
    let things = [
        "job-queue/main".to_owned(),
        "compute-environment/ce".to_owned(),
        "job-definition/job:1".to_owned(),
        format!("job/{plain}"),
        "scheduling-policy/quota".to_owned(),
        "service-environment/train".to_owned(),
        format!("service-job/{service}"),
        "quota-share/quotas/s".to_owned(),
    ];
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    for thing in things {
        let arn = arn(&thing);
        let tag = |pairs| Action::TagResource { arn: arn.clone(), tags: tags(pairs) };
        world.ask(tag(&[("team", "a"), ("stage", "dev")])).expect("tagged");
        world.ask(tag(&[("team", "b")])).expect("tagged");
        assert_eq!(world.engine.tags(&arn), Ok(tags(&[("stage", "dev"), ("team", "b")])), "{thing}");
        world
            .ask(Action::UntagResource { arn: arn.clone(), keys: vec!["stage".into(), "none".into()] })
            .expect("untagged");
        assert_eq!(world.engine.tags(&arn), Ok(tags(&[("team", "b")])), "{thing}");
    }
    world.assert_replays(&Settings::default());
}

#[test]
fn tags_that_cannot_be_are_refused() {
    let mut world = world();
    let array = Some(ArrayProperties { size: Some(2), ..Default::default() });
    let parent = world.submit(SubmitJobRequest { array_properties: array, ..job("a") });
    let queue = || arn("job-queue/main");
    let one = |key: &str| BTreeMap::from([(key.to_owned(), String::new())]);
    let many = |from: usize, count: usize| (from..from + count).map(|n| (format!("k{n}"), String::new())).collect();
    world.ask(Action::TagResource { arn: queue(), tags: many(0, 30) }).expect("tagged");
    let cases = [
        (Action::TagResource { arn: queue(), tags: BTreeMap::new() }, "tags is missing"),
        (Action::TagResource { arn: queue(), tags: one("AWS:x") }, "starts with `aws:`"),
        (Action::TagResource { arn: queue(), tags: one(&"k".repeat(129)) }, "is too long"),
        (Action::TagResource { arn: queue(), tags: many(25, 30) }, "would have 55 tags; a resource takes at most 50"),
        (Action::TagResource { arn: "main".into(), tags: one("k") }, "resourceArn is `main`; it takes an ARN"),
        (Action::TagResource { arn: arn("job-queue/nobody"), tags: one("k") }, "not found"),
        (Action::TagResource { arn: queue().replace("us-east-1", "eu-west-1"), tags: one("k") }, "not found"),
        (
            Action::TagResource { arn: arn(&format!("job/{parent}:0")), tags: one("k") },
            "children of a job carry no tags",
        ),
        (Action::UntagResource { arn: queue(), keys: vec![] }, "tagKeys has 0 keys"),
        (Action::UntagResource { arn: queue(), keys: vec!["aws:x".into()] }, "are reserved"),
    ];
    for (action, words) in cases {
        refused(&mut world, action, words);
    }
}

/// A world in which changes take a second.
fn slow() -> (World, Settings) {
    let settings = Settings { settle_millis: 1000, ..Settings::default() };
    (World::with(settings.clone()), settings)
}

fn health(world: &World) -> (Health, Option<Health>) {
    let environment = world.engine.compute_environments().first().map(|found| found.status);
    (environment.unwrap_or(Health::Deleted), world.engine.job_queues().first().map(|queue| queue.status))
}

#[test]
fn changes_are_seen_before_they_are_over_and_stand_in_the_way_until_then() {
    let (mut world, settings) = slow();
    world.environment("ce", 4);
    let queue = Action::CreateJobQueue(CreateJobQueueRequest {
        job_queue_name: "q".into(),
        priority: 1,
        compute_environment_order: vec![ComputeEnvironmentOrder { order: 1, compute_environment: "ce".into() }],
        ..Default::default()
    });
    let enable = |state| {
        Action::UpdateJobQueue(UpdateJobQueueRequest {
            job_queue: "q".into(),
            state: Some(state),
            ..Default::default()
        })
    };
    assert_eq!(health(&world), (Health::Creating, None));
    refused(&mut world, queue.clone(), "Cannot attach, resource is being modified: ce is CREATING");
    assert_eq!(world.engine.next_wake(world.now), Some(world.now + SECOND));
    world.pass(SECOND);
    assert_eq!(health(&world), (Health::Valid, None));
    world.ask(queue).expect("created");
    assert_eq!(health(&world), (Health::Valid, Some(Health::Creating)));
    refused(&mut world, enable(Switch::Disabled), "Cannot update, resource is being modified: q is CREATING");
    world.pass(SECOND);

    let delete = Action::DeleteJobQueue { name: "q".into() };
    world.ask(enable(Switch::Disabled)).expect("updated");
    assert_eq!(health(&world), (Health::Valid, Some(Health::Updating)));
    refused(&mut world, delete.clone(), "Cannot delete, resource is being modified: q is UPDATING");
    world.pass(SECOND);
    world.ask(delete).expect("deleted");
    assert_eq!(health(&world), (Health::Valid, Some(Health::Deleting)));
    refused(&mut world, enable(Switch::Enabled), "q is DELETING");
    world.pass(SECOND);
    assert_eq!(health(&world), (Health::Valid, None));

    let off = UpdateComputeEnvironmentRequest {
        compute_environment: "ce".into(),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    world.ask(Action::UpdateComputeEnvironment(off)).expect("updated");
    assert_eq!(health(&world), (Health::Updating, None));
    world.pass(SECOND);
    world.ask(Action::DeleteComputeEnvironment { name: "ce".into() }).expect("deleted");
    assert_eq!(health(&world), (Health::Deleting, None));
    world.pass(SECOND);
    assert_eq!(health(&world), (Health::Deleted, None));
    world.assert_replays(&settings);
}

#[test]
fn service_objects_come_and_go_by_the_same_steps() {
    let (mut world, settings) = slow();
    world.ask(service_environment("train")).expect("created");
    let status = |world: &World| world.engine.service_environments().first().map(|found| found.status);
    assert_eq!(status(&world), Some(Health::Creating));
    world.pass(SECOND);
    let off = UpdateServiceEnvironmentRequest {
        service_environment: "train".into(),
        state: Some(Switch::Disabled),
        ..Default::default()
    };
    world.ask(Action::UpdateServiceEnvironment(off)).expect("updated");
    assert_eq!(status(&world), Some(Health::Updating));
    world.pass(SECOND);
    world.ask(Action::DeleteServiceEnvironment { name: "train".into() }).expect("deleted");
    assert_eq!(status(&world), Some(Health::Deleting));
    world.pass(SECOND);
    assert_eq!(status(&world), None);
    world.assert_replays(&settings);
}
