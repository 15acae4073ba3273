"""Service environments, service jobs and quota shares: SageMaker's side, which is kept and not run."""

from common import GONE, refused, until

ARN = "arn:aws:batch:us-east-1:123456789012:"
TYPE = "SAGEMAKER_TRAINING"


def no(call, *words):
    return refused(call, "ClientException", *words)


def run(batch):
    environments(batch)
    jobs(batch)
    quota_shares(batch)
    ends(batch)


def valid_queue(batch, name):
    describe = lambda: batch.describe_job_queues(jobQueues=[name])["jobQueues"][0]
    return until(f"{name} VALID", describe, lambda found: found["status"] == "VALID")


def environments(batch):
    limits = [{"maxCapacity": 4, "capacityUnit": "NUM_INSTANCES"}]
    create = lambda **more: batch.create_service_environment(
        **{
            "serviceEnvironmentName": "train", "serviceEnvironmentType": TYPE, "capacityLimits": limits, **more,
        }  # fmt: skip
    )
    arn = create(tags={"k": "v"})["serviceEnvironmentArn"]
    assert arn == ARN + "service-environment/train", arn
    describe = lambda: batch.describe_service_environments(serviceEnvironments=["train"])["serviceEnvironments"][0]
    assert describe()["status"] == "CREATING", describe()
    until("VALID", describe, lambda found: found["status"] == "VALID")
    no(create, "Object already exists")
    no(lambda: create(serviceEnvironmentName="x", capacityLimits=[]), "capacityLimits is missing")
    no(lambda: batch.describe_service_environments(nextToken="zz"), "nextToken is `zz`")
    batch.update_service_environment(serviceEnvironment=arn, capacityLimits=[{"maxCapacity": 9, "capacityUnit": "NUM_INSTANCES"}])
    found = until("VALID", describe, lambda found: found["status"] == "VALID")
    assert found["capacityLimits"][0]["maxCapacity"] == 9 and found["tags"] == {"k": "v"}, found
    no(lambda: batch.update_service_environment(serviceEnvironment="nobody", state="DISABLED"), "not found")
    no(lambda: batch.delete_service_environment(serviceEnvironment="train"), "ENABLED")
    order = [{"order": 1, "serviceEnvironment": "train"}]
    batch.create_job_queue(jobQueueName="training", priority=1, serviceEnvironmentOrder=order, jobQueueType=TYPE)
    found = valid_queue(batch, "training")
    assert found["jobQueueType"] == TYPE and found["computeEnvironmentOrder"] == [], found
    assert found["serviceEnvironmentOrder"] == [{"order": 1, "serviceEnvironment": arn}], found
    policy = batch.create_scheduling_policy(name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})
    batch.create_job_queue(
        jobQueueName="quotas", priority=1, serviceEnvironmentOrder=order, schedulingPolicyArn=policy["arn"]
    )
    valid_queue(batch, "quotas")


def jobs(batch):
    submit = lambda **more: batch.submit_service_job(
        **{
            "jobName": "t", "jobQueue": "training", "serviceRequestPayload": "{}", "serviceJobType": TYPE, **more,
        }  # fmt: skip
    )
    no(lambda: submit(jobQueue="main"), "is for container jobs")
    no(lambda: submit(serviceRequestPayload="{"), "serviceRequestPayload is not JSON")
    no(lambda: batch.submit_job(jobName="j", jobQueue="training", jobDefinition="shell"), "is for service jobs")
    first = submit(schedulingPriority=3, tags={"a": "b"}, clientToken="once", retryStrategy={"attempts": 2})
    assert first["jobArn"] == ARN + "service-job/" + first["jobId"], first
    no(lambda: submit(clientToken="once"), "clientToken")
    found = batch.describe_service_job(jobId=first["jobId"])
    assert found["status"] == "RUNNABLE" and "not run by this engine" in found["statusReason"], found
    assert found["jobQueue"] == ARN + "job-queue/training" and found["retryStrategy"]["attempts"] == 2, found
    batch.update_service_job(jobId=first["jobId"], schedulingPriority=8)
    assert batch.describe_service_job(jobId=first["jobId"])["schedulingPriority"] == 8
    no(lambda: batch.update_service_job(jobId=first["jobId"], schedulingPriority=10000), "schedulingPriority")
    no(lambda: batch.describe_service_job(jobId="nobody"), "not found")
    more = [submit(jobName=f"more-{number}")["jobId"] for number in range(3)]
    listed = lambda **more: [
        row["jobId"] for row in batch.list_service_jobs(jobQueue="training", **more)["jobSummaryList"]
    ]
    assert listed() == [], "RUNNING is listed where no state is named"
    assert listed(jobStatus="RUNNABLE") == [*reversed(more), first["jobId"]]
    assert listed(filters=[{"name": "JOB_NAME", "values": ["MORE-*"]}], jobStatus="FAILED") == [*reversed(more)]
    pages = batch.get_paginator("list_service_jobs").paginate(
        jobQueue="training", jobStatus="RUNNABLE", PaginationConfig={"PageSize": 3}
    )
    assert [len(page["jobSummaryList"]) for page in pages] == [3, 1]
    no(lambda: listed(jobStatus="NOPE"), "jobStatus is `NOPE`")
    batch.terminate_service_job(jobId=first["jobId"], reason="enough")
    found = batch.describe_service_job(jobId=first["jobId"])
    assert (found["status"], found["statusReason"], found["isTerminated"]) == ("FAILED", "enough", True), found
    no(lambda: batch.terminate_service_job(jobId="nobody", reason="x"), "not found")
    done = batch.terminate_service_jobs(jobs=[*more, GONE, "nobody"], reason="all of them")
    assert done["successful"] == [*more, GONE], done
    [error] = done["errors"]
    assert (error["job"], error["code"]) == ("nobody", "ValidationException"), error
    assert listed(jobStatus="RUNNABLE") == []
    no(lambda: batch.terminate_service_jobs(jobs=more * 17, reason="x"), "jobs has 51 entries; it takes 1 to 50")


def quota_shares(batch):
    create = lambda **more: batch.create_quota_share(
        **{
            "quotaShareName": "team", "jobQueue": "quotas",
            "capacityLimits": [{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}],
            "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": 50},
            "preemptionConfiguration": {"inSharePreemption": "ENABLED"}, **more,
        }  # fmt: skip
    )
    no(lambda: create(jobQueue="training"), "quotaSharePolicy")
    no(lambda: create(resourceSharingConfiguration={"strategy": "KEEP"}), "strategy is `KEEP`")
    arn = create(tags={"a": "b"})["quotaShareArn"]
    describe = lambda: batch.describe_quota_share(quotaShareArn=arn)
    assert describe()["status"] == "CREATING", describe()
    found = until("VALID", describe, lambda found: found["status"] == "VALID")
    assert found["resourceSharingConfiguration"] == {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}, found
    assert found["tags"] == {"a": "b"}, found
    job = batch.submit_service_job(
        jobName="t", jobQueue="quotas", serviceRequestPayload="{}", serviceJobType=TYPE, quotaShareName="team"
    )["jobId"]
    filters = [{"name": "QUOTA_SHARE_NAME", "values": ["team"]}]
    rows = batch.list_service_jobs(jobQueue="quotas", jobStatus="RUNNABLE", filters=filters)["jobSummaryList"]
    assert [row["jobId"] for row in rows] == [job], rows
    [row] = batch.list_quota_shares(jobQueue="quotas")["quotaShares"]
    assert row["quotaShareArn"] == arn and "tags" not in row, row
    no(lambda: batch.list_quota_shares(jobQueue="nobody"), "not found")
    no(lambda: batch.describe_quota_share(quotaShareArn=arn + "x"), "not found")
    no(lambda: batch.update_quota_share(quotaShareArn=arn, capacityLimits=[]), "capacityLimits")
    no(lambda: batch.delete_quota_share(quotaShareArn=arn), "ENABLED")
    batch.update_quota_share(quotaShareArn=arn, state="DISABLED")
    until("VALID", describe, lambda found: found["status"] == "VALID")
    batch.delete_quota_share(quotaShareArn=arn)
    until("gone", lambda: batch.list_quota_shares(jobQueue="quotas")["quotaShares"], lambda rows: rows == [])
    assert batch.describe_service_job(jobId=job)["status"] == "FAILED"


def ends(batch):
    for queue in ("training", "quotas"):
        batch.update_job_queue(jobQueue=queue, state="DISABLED")
    batch.update_service_environment(serviceEnvironment="train", state="DISABLED")
    describe = lambda: batch.describe_service_environments(serviceEnvironments=["train"])["serviceEnvironments"]
    until("VALID", lambda: describe()[0], lambda found: found["status"] == "VALID")
    no(lambda: batch.delete_service_environment(serviceEnvironment="train"), "found existing JobQueue relationship")
    for queue in ("training", "quotas"):
        valid_queue(batch, queue)
        batch.delete_job_queue(jobQueue=queue)
        until("gone", lambda: batch.describe_job_queues(jobQueues=[queue])["jobQueues"], lambda rows: rows == [])
    batch.delete_service_environment(serviceEnvironment="train")
    until("gone", describe, lambda rows: rows == [])
