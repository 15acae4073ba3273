"""Queues, environments, definitions, policies, consumable resources and tags."""

from common import aws, aws_refuses, furnish, refused, until

ARN = "arn:aws:batch:us-east-1:123456789012:"


def no(call, *words):
    return refused(call, "ClientException", *words)


def run(batch):
    names(batch)
    windows(batch)
    furnish(batch)
    environments(batch)
    definitions(batch)
    policies(batch)
    consumables(batch)
    tags(batch)
    pages(batch)
    raw(batch)


def environment(batch, name, **more):
    resources = {"type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["c5.large"], "subnets": ["subnet-1"]}
    resources.update(more.pop("resources", {}))
    return batch.create_compute_environment(
        computeEnvironmentName=name, type="MANAGED", computeResources=resources, **more
    )


def one(batch, kind, name):
    operation, member = {
        "queue": (batch.describe_job_queues, "jobQueues"),
        "environment": (batch.describe_compute_environments, "computeEnvironments"),
    }[kind]
    found = operation(**{member: [name]})[member]
    return found[0] if found else None


def valid(batch, kind, name):
    return until(f"{name} VALID", lambda: one(batch, kind, name), lambda found: found and found["status"] == "VALID")


def gone(batch, kind, name):
    until(f"{name} gone", lambda: one(batch, kind, name), lambda found: found is None)


def names(batch):
    no(lambda: environment(batch, "a b"), "computeEnvironmentName is `a b`")
    no(lambda: environment(batch, "x" * 129), "computeEnvironmentName")
    no(lambda: environment(batch, "e", resources={"type": "LAMBDA"}), "computeResources.type is `LAMBDA`")
    no(lambda: environment(batch, "e", resources={"maxvCpus": 0}), "maxvCpus is `0`")
    no(lambda: environment(batch, "e", resources={"allocationStrategy": "BEST"}), "allocationStrategy is `BEST`")
    no(
        lambda: environment(batch, "e", resources={"scalingPolicy": {"minScaleDownDelayMinutes": 5}}),
        "minScaleDownDelayMinutes is `5`; it takes 0, or 20 to 10080",
    )
    no(lambda: environment(batch, "e", tags={"aws:x": "y"}), "aws:")


def windows(batch):
    """CREATING, UPDATING and DELETING are seen, and stand in the way."""
    answer = environment(batch, "brief")
    assert answer["computeEnvironmentArn"] == ARN + "compute-environment/brief", answer
    assert one(batch, "environment", "brief")["status"] == "CREATING"
    order = [{"order": 1, "computeEnvironment": "brief"}]
    no(lambda: batch.create_job_queue(jobQueueName="b", priority=1, computeEnvironmentOrder=order), "is CREATING")
    valid(batch, "environment", "brief")
    no(lambda: environment(batch, "brief"), "Object already exists")
    batch.create_job_queue(jobQueueName="b", priority=1, computeEnvironmentOrder=order)
    assert one(batch, "queue", "b")["status"] == "CREATING"
    no(lambda: batch.update_job_queue(jobQueue="b", priority=2), "resource is being modified")
    valid(batch, "queue", "b")
    no(lambda: batch.delete_compute_environment(computeEnvironment="brief"), "ENABLED")
    batch.update_compute_environment(computeEnvironment="brief", state="DISABLED")
    assert one(batch, "environment", "brief")["status"] == "UPDATING"
    no(lambda: batch.delete_compute_environment(computeEnvironment="brief"), "resource is being modified")
    valid(batch, "environment", "brief")
    no(
        lambda: batch.delete_compute_environment(computeEnvironment="brief"),
        "Cannot delete, found existing JobQueue relationship",
    )
    no(lambda: batch.delete_job_queue(jobQueue="b"), "ENABLED")
    batch.update_job_queue(jobQueue=ARN + "job-queue/b", state="DISABLED")
    valid(batch, "queue", "b")
    batch.delete_job_queue(jobQueue="b")
    assert one(batch, "queue", "b")["status"] == "DELETING"
    no(lambda: batch.update_job_queue(jobQueue="b", priority=2), "DELETING")
    gone(batch, "queue", "b")
    batch.delete_compute_environment(computeEnvironment=ARN + "compute-environment/brief")
    assert one(batch, "environment", "brief")["status"] == "DELETING"
    gone(batch, "environment", "brief")
    no(lambda: batch.delete_compute_environment(computeEnvironment="brief"), "not found")


def environments(batch):
    found = one(batch, "environment", "here")
    assert found["containerOrchestrationType"] == "ECS" and found["statusReason"] == "ComputeEnvironment Healthy", found
    assert found["ecsClusterArn"].startswith("arn:aws:ecs:us-east-1:123456789012:cluster/here_Batch_"), found
    for where in ("eu-west-1:123456789012", "us-east-1:999999999999"):
        foreign = f"arn:aws:batch:{where}:compute-environment/here"
        no(lambda: batch.update_compute_environment(computeEnvironment=foreign), "not found")
    no(
        lambda: batch.update_compute_environment(
            computeEnvironment="here", updatePolicy={"jobExecutionTimeoutMinutes": 361}
        ),
        "jobExecutionTimeoutMinutes is `361`; it takes 1 to 360",
    )
    no(
        lambda: batch.update_compute_environment(
            computeEnvironment="here", computeResources={"instanceTypes": ["m5.large"]}
        ),
        "BEST_FIT",
    )
    environment(batch, "kept", resources={"allocationStrategy": "BEST_FIT_PROGRESSIVE", "ec2KeyPair": "key"})
    valid(batch, "environment", "kept")
    batch.update_compute_environment(
        computeEnvironment="kept",
        computeResources={"maxvCpus": 8, "securityGroupIds": ["sg-7"], "scalingPolicy": {"minScaleDownDelayMinutes": 20}},
        updatePolicy={"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 5},
        serviceRole="role",
    )
    found = valid(batch, "environment", "kept")
    resources = found["computeResources"]
    assert (resources["maxvCpus"], resources["securityGroupIds"], resources["ec2KeyPair"]) == (8, ["sg-7"], "key"), found
    assert resources["scalingPolicy"] == {"minScaleDownDelayMinutes": 20}, found
    assert found["updatePolicy"] == {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 5}, found
    assert found["serviceRole"] == "role", found

    order = [{"order": 1, "computeEnvironment": "here"}]
    create = lambda **more: batch.create_job_queue(
        **{"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": order, **more}
    )
    no(lambda: create(jobQueueName="q q"), "jobQueueName is `q q`")
    no(lambda: create(computeEnvironmentOrder=[]), "computeEnvironmentOrder has 0 entries; it takes 1 to 3")
    no(lambda: create(jobQueueType="EKS"), "jobQueueType is `EKS`")
    no(lambda: create(priority=-1), "priority is `-1`")
    limit = {"reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "state": "RUNNABLE", "action": "CANCEL"}
    no(lambda: create(jobStateTimeLimitActions=[{**limit, "maxTimeSeconds": 599}]), "maxTimeSeconds is `599`")
    limits = [{**limit, "maxTimeSeconds": 600}]
    create(jobQueueName="limited", jobStateTimeLimitActions=limits, tags={"a": "b"})
    found = valid(batch, "queue", "limited")
    assert found["jobStateTimeLimitActions"] == limits and found["jobQueueType"] == "ECS", found
    assert found["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": ARN + "compute-environment/here"}]
    # In the order asked, unknown ones left out.
    found = batch.describe_job_queues(jobQueues=["main", "nobody", ARN + "job-queue/limited"])["jobQueues"]
    assert [queue["jobQueueName"] for queue in found] == ["main", "limited"], found
    no(lambda: batch.describe_job_queues(jobQueues=["q"] * 101), "jobQueues has 101 entries; it takes at most 100")
    no(lambda: batch.describe_compute_environments(computeEnvironments=["q"] * 101), "at most 100")
    [queue] = aws("batch", "describe-job-queues", "--job-queues", "limited")["jobQueues"]
    assert queue["tags"] == {"a": "b"}, queue
    assert "Object already exists" in aws_refuses(
        "batch", "create-job-queue", "--job-queue-name", "limited", "--priority", "1", "--compute-environment-order",
        "order=1,computeEnvironment=here",
    )  # fmt: skip


def definitions(batch):
    container = {
        "image": "busybox",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
        "ulimits": [{"hardLimit": 9, "name": "nofile", "softLimit": 8}],
        "linuxParameters": {"initProcessEnabled": True},
        "jobRoleArn": "arn:aws:iam::123456789012:role/job",
    }
    register = lambda **more: batch.register_job_definition(
        **{"jobDefinitionName": "full", "type": "container", "containerProperties": container, **more}
    )
    no(lambda: register(jobDefinitionName="a b"), "jobDefinitionName is `a b`")
    no(lambda: register(type="lambda"), "type is `lambda`")
    no(lambda: register(timeout={"attemptDurationSeconds": 59}), "attemptDurationSeconds is `59`")
    no(lambda: register(schedulingPriority=10000), "schedulingPriority is `10000`")
    no(lambda: register(retryStrategy={"attempts": 11}), "retryStrategy.attempts is `11`")
    no(lambda: register(containerProperties={**container, "image": "a b"}), "image is `a b`")
    for revision in (1, 2, 3):
        assert register(parameters={"n": str(revision)})["revision"] == revision
    found = batch.describe_job_definitions(jobDefinitions=["full:3", ARN + "job-definition/full:1"])["jobDefinitions"]
    assert [(one["revision"], one["parameters"]) for one in found] == [(3, {"n": "3"}), (1, {"n": "1"})], found
    assert found[0]["containerProperties"]["ulimits"] == container["ulimits"], found
    no(lambda: batch.describe_job_definitions(jobDefinitions=["full:1"], status="ACTIVE"), "it goes alone")
    batch.deregister_job_definition(jobDefinition="full:3")
    batch.deregister_job_definition(jobDefinition=ARN + "job-definition/full:1")
    active = batch.describe_job_definitions(jobDefinitionName="full", status="ACTIVE")["jobDefinitions"]
    assert [one["revision"] for one in active] == [2], active
    no(lambda: batch.deregister_job_definition(jobDefinition="full"), "NAME:REVISION")
    no(lambda: batch.deregister_job_definition(jobDefinition="full:9"), "does not exist")


def policies(batch):
    fair = {
        "shareDecaySeconds": 3600,
        "computeReservation": 10,
        "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.1}, {"shareIdentifier": "b*", "weightFactor": 2.5}],
    }
    arn = batch.create_scheduling_policy(name="fair", fairsharePolicy=fair, tags={"k": "v"})["arn"]
    assert arn == ARN + "scheduling-policy/fair", arn
    no(lambda: batch.create_scheduling_policy(name="fair", fairsharePolicy=fair), "Object already exists")
    overlap = {"shareDistribution": [{"shareIdentifier": "UserA*"}, {"shareIdentifier": "UserA1"}]}
    no(lambda: batch.create_scheduling_policy(name="p", fairsharePolicy=overlap), "`UserA*` and `UserA1` overlap")
    no(lambda: batch.update_scheduling_policy(arn=arn, fairsharePolicy={"computeReservation": 100}), "it takes 0 to 99")
    no(
        lambda: batch.update_scheduling_policy(arn=arn, quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"}),
        "cannot change",
    )
    [found] = batch.describe_scheduling_policies(arns=[arn, arn + "x", "fair"])["schedulingPolicies"]
    assert found == {"name": "fair", "arn": arn, "fairsharePolicy": fair, "tags": {"k": "v"}}, found
    no(lambda: batch.describe_scheduling_policies(arns=[arn] * 101), "at most 100")
    fair["shareDecaySeconds"] = 0
    batch.update_scheduling_policy(arn=arn, fairsharePolicy=fair)
    [found] = batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert found["fairsharePolicy"]["shareDecaySeconds"] == 0, found

    order = [{"order": 1, "computeEnvironment": "here"}]
    batch.create_job_queue(jobQueueName="shared", priority=5, computeEnvironmentOrder=order, schedulingPolicyArn=arn)
    assert valid(batch, "queue", "shared")["schedulingPolicyArn"] == arn
    no(lambda: batch.delete_scheduling_policy(arn=arn), "Cannot delete, found existing JobQueue relationship")
    no(lambda: batch.update_job_queue(jobQueue="main", schedulingPolicyArn=arn), "created without a policy")
    other = batch.create_scheduling_policy(name="other")["arn"]
    batch.update_job_queue(jobQueue="shared", schedulingPolicyArn=other)
    assert valid(batch, "queue", "shared")["schedulingPolicyArn"] == other
    assert {row["arn"] for row in batch.list_scheduling_policies()["schedulingPolicies"]} == {arn, other}
    no(lambda: batch.list_scheduling_policies(nextToken="zz"), "nextToken is `zz`")
    batch.delete_scheduling_policy(arn=arn)
    no(lambda: batch.delete_scheduling_policy(arn=arn), "not found")


def consumables(batch):
    create = lambda name, **more: batch.create_consumable_resource(consumableResourceName=name, **more)
    arn = create("seats", totalQuantity=5, resourceType="REPLENISHABLE", tags={"k": "v"})["consumableResourceArn"]
    assert arn == ARN + "consumable-resource/seats", arn
    no(lambda: create("seats"), "Object already exists")
    no(lambda: create("x", totalQuantity=-1), "totalQuantity is `-1`")
    no(lambda: create("x", resourceType="SOME"), "resourceType is `SOME`")
    update = lambda **more: batch.update_consumable_resource(consumableResource=arn, **more)["totalQuantity"]
    assert update(operation="ADD", quantity=2, clientToken="t") == 7
    assert update(operation="ADD", quantity=2, clientToken="t") == 7
    assert update(operation="REMOVE", quantity=4) == 3
    assert update(operation="SET", quantity=2) == 2
    no(lambda: update(operation="REMOVE", quantity=3), "REMOVE")
    no(lambda: update(operation="DROP", quantity=3), "operation is `DROP`; it takes SET, ADD or REMOVE")
    found = batch.describe_consumable_resource(consumableResource="seats")
    assert (found["totalQuantity"], found["inUseQuantity"], found["availableQuantity"]) == (2, 0, 2), found
    no(lambda: batch.describe_consumable_resource(consumableResource="nobody"), "not found")
    create("sea")
    create("tokens", totalQuantity=1, resourceType="NON_REPLENISHABLE")
    listed = lambda *values: [
        row["consumableResourceName"]
        for row in batch.list_consumable_resources(
            filters=[{"name": "CONSUMABLE_RESOURCE_NAME", "values": [value]} for value in values]
        )["consumableResources"]
    ]
    assert listed() == ["sea", "seats", "tokens"] and listed("SEA*") == ["sea", "seats"] and listed("sea") == ["sea"]
    no(lambda: batch.list_consumable_resources(filters=[{"name": "NAME", "values": ["x"]}]), "the name is `NAME`")
    batch.delete_consumable_resource(consumableResource="sea")
    no(lambda: batch.delete_consumable_resource(consumableResource="sea"), "not found")


def tags(batch):
    for resource in ("job-queue/main", "compute-environment/here", "job-definition/shell:1", "consumable-resource/seats"):
        arn = ARN + resource
        batch.tag_resource(resourceArn=arn, tags={"a b": "1", "c/d": "2"})
        batch.tag_resource(resourceArn=arn, tags={"a b": "3"})
        found = batch.list_tags_for_resource(resourceArn=arn)["tags"]
        assert (found["a b"], found["c/d"]) == ("3", "2"), found
        batch.untag_resource(resourceArn=arn, tagKeys=["a b", "c/d"])
        assert "a b" not in batch.list_tags_for_resource(resourceArn=arn)["tags"]
    arn = ARN + "job-queue/main"
    no(lambda: batch.tag_resource(resourceArn=ARN + "job-queue/nobody", tags={"a": "b"}), "not found")
    no(lambda: batch.tag_resource(resourceArn=arn, tags={f"k{n}": "" for n in range(51)}), "at most 50")
    no(lambda: batch.untag_resource(resourceArn=arn, tagKeys=["aws:x"]), "reserved")
    no(lambda: batch.list_tags_for_resource(resourceArn="main"), "resourceArn is `main`")
    aws("batch", "tag-resource", "--resource-arn", arn, "--tags", "by=cli")
    assert aws("batch", "list-tags-for-resource", "--resource-arn", arn)["tags"]["by"] == "cli"


def pages(batch):
    """Paginators see each thing once, whatever comes meanwhile."""
    for operation, member, key in (
        ("describe_job_queues", "jobQueues", "jobQueueName"),
        ("describe_compute_environments", "computeEnvironments", "computeEnvironmentName"),
        ("describe_job_definitions", "jobDefinitions", "jobDefinitionArn"),
        ("list_scheduling_policies", "schedulingPolicies", "arn"),
        ("list_consumable_resources", "consumableResources", "consumableResourceName"),
    ):
        whole = [row[key] for row in getattr(batch, operation)()[member]]
        pages = list(batch.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1}))
        assert [row[key] for page in pages for row in page[member]] == whole and len(pages) == len(whole), operation
        no(lambda: getattr(batch, operation)(nextToken="nothing"), "nextToken is `nothing`")
        no(lambda: getattr(batch, operation)(maxResults=0), "maxResults is `0`")


def raw(batch):
    """What boto3 itself would not send."""
    import botocore.session
    import json
    import urllib.request
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = botocore.session.get_session()

    def send(path, body, method="POST"):
        request = AWSRequest(method, batch.meta.endpoint_url + path, data=body, headers={"content-type": "application/json"})
        SigV4Auth(session.get_credentials(), "batch", "us-east-1").add_auth(request)
        prepared = request.prepare()
        call = urllib.request.Request(prepared.url, data=prepared.body, method=method, headers=dict(prepared.headers))
        try:
            with urllib.request.urlopen(call) as answer:
                return answer.status, answer.headers["x-amzn-errortype"], json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers["x-amzn-errortype"], json.loads(error.read())

    import urllib.error

    assert send("/v1/describejobqueues", b"")[0] == 200, "an empty body is taken"
    assert send("/v1/describejobqueues", b'{"jobQueues": ["main"], "wings": 2}')[0] == 200, "unknown members are ignored"
    status, code, body = send("/v1/createjobqueue", b'{"jobQueueName": "z"}')
    assert (status, code) == (400, "ClientException") and "priority is missing" in body["message"], body
    status, code, body = send("/v1/createjobqueue", b'{"jobQueueName": "z", "priority": "high"}')
    assert (status, code) == (400, "SerializationException") and body["message"].startswith("priority "), body
    status, code, body = send("/v1/submitjob", b"{")
    assert (status, code) == (400, "SerializationException") and "is not JSON" in body["message"], body
    arn = (ARN + "job-queue/main").replace(":", "%3A").replace("/", "%2F")
    assert send(f"/v1/tags/{arn}", b"", "GET")[2]["tags"]["by"] == "cli"
