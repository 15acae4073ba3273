"""Jobs: submit, describe, list by every rule, cancel, terminate."""

import time

from common import GONE, aws, refused, until, until_status

ARN = "arn:aws:batch:us-east-1:123456789012:"


def no(call, *words):
    return refused(call, "ClientException", *words)


def run(batch):
    submissions(batch)
    describe(batch)
    lists(batch)
    stops(batch)
    bulk(batch)
    consumers(batch)
    snapshot(batch)


def submissions(batch):
    submit = lambda **more: batch.submit_job(**{"jobName": "j", "jobQueue": "main", "jobDefinition": "shell", **more})
    for wrong, words in (
        ({"jobName": "-j"}, "jobName is `-j`"),
        ({"jobQueue": "nobody"}, "JobQueue nobody not found."),
        ({"jobQueue": ARN.replace("us-east-1", "eu-west-1") + "job-queue/main"}, "not found"),
        ({"jobDefinition": "nobody"}, "JobDefinition name nobody does not exist or is not in ACTIVE status"),
        ({"jobDefinition": "full:1"}, "is not in ACTIVE status"),
        ({"arrayProperties": {"size": 1}}, "arrayProperties.size is `1`; it takes 2 to 10000"),
        ({"dependsOn": [{"jobId": "nobody"}]}, "dependsOn names the job nobody"),
        ({"timeout": {"attemptDurationSeconds": 10}}, "timeout.attemptDurationSeconds is `10`; it takes 60 or more"),
        ({"retryStrategy": {"attempts": 0}}, "retryStrategy.attempts is `0`"),
        ({"shareIdentifier": "a"}, "has no fair-share policy"),
        ({"jobQueue": "shared"}, "shareIdentifier is missing"),
        ({"schedulingPriorityOverride": 10000}, "schedulingPriority"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": ""}]}}, "AWS_BATCH"),
        ({"tags": {"aws:x": ""}}, "aws:"),
    ):
        no(lambda: submit(**wrong), words)


def describe(batch):
    job = batch.submit_job(
        jobName="whole",
        jobQueue=ARN + "job-queue/main",
        jobDefinition=ARN + "job-definition/shell",
        parameters={"p": "1"},
        containerOverrides={"environment": [{"name": "A", "value": "1"}], "command": ["sh", "-c", "exit 3"]},
        retryStrategy={"attempts": 2},
        tags={"a": "b"},
    )
    found = until_status(batch, job["jobId"], "FAILED")
    assert found["jobQueue"] == ARN + "job-queue/main" and found["jobDefinition"] == ARN + "job-definition/shell:1", found
    assert found["container"]["environment"] == [{"name": "A", "value": "1"}], found
    assert found["container"]["exitCode"] == 3 and len(found["attempts"]) == 2, found
    for member in ("volumes", "mountPoints", "ulimits", "networkInterfaces", "resourceRequirements", "secrets"):
        assert isinstance(found["container"][member], list), (member, found)
    assert found["tags"] == {"a": "b"} and found["dependsOn"] == [], found
    assert found["createdAt"] <= found["startedAt"] <= found["stoppedAt"] <= time.time() * 1000 + 1000, found
    ids = [row["jobId"] for row in batch.describe_jobs(jobs=["nobody", job["jobId"], "x:1"])["jobs"]]
    assert ids == [job["jobId"]], ids
    assert batch.describe_jobs(jobs=[])["jobs"] == []
    no(lambda: batch.describe_jobs(jobs=["x"] * 101), "at most 100")
    batch.tag_resource(resourceArn=job["jobArn"], tags={"c": "d"})
    assert batch.list_tags_for_resource(resourceArn=job["jobArn"])["tags"] == {"a": "b", "c": "d"}


def lists(batch):
    blocked = {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "64"}]}}
    submit = lambda name, queue="limited", **more: batch.submit_job(
        jobName=name, jobQueue=queue, jobDefinition="shell", **more
    )["jobId"]
    jobs = [submit(f"List-{number}", **blocked) for number in range(5)]
    array = submit("list-array", arrayProperties={"size": 3}, **blocked)
    until_status(batch, array + ":0", "RUNNABLE")
    ids = lambda **more: [row["jobId"] for row in batch.list_jobs(**more)["jobSummaryList"]]
    queue = lambda **more: ids(jobQueue="limited", **more)
    by = lambda name, *values: [{"name": name, "values": list(values)}]
    assert queue() == [], "RUNNING is listed where no state is named"
    assert queue(jobStatus="RUNNABLE") == jobs[::-1], "newest first, and no children"
    assert queue(jobStatus="PENDING") == [array], "a parent waits for its children in PENDING"
    assert ids(jobQueue=ARN + "job-queue/limited", jobStatus="PENDING") == [array]
    assert ids(arrayJobId=array) == []
    assert sorted(ids(arrayJobId=array, jobStatus="RUNNABLE")) == [f"{array}:{index}" for index in range(3)]
    # A filter takes every state, but SHARE_IDENTIFIER.
    assert queue(filters=by("JOB_NAME", "LIST-*"), jobStatus="FAILED") == [array, *jobs[::-1]]
    assert queue(filters=by("JOB_NAME", "list-2")) == [jobs[2]]
    assert queue(filters=by("JOB_DEFINITION", "sh*")) == [array, *jobs[::-1]]
    assert queue(filters=by("JOB_DEFINITION", ARN + "job-definition/shell:1")) == [array, *jobs[::-1]]
    assert queue(filters=by("JOB_DEFINITION", "SHELL")) == []
    now = str(int(time.time() * 1000) + 60_000)
    assert queue(filters=by("BEFORE_CREATED_AT", now)) == [array, *jobs[::-1]]
    assert queue(filters=by("AFTER_CREATED_AT", now)) == []
    shared = submit("mine", "shared", shareIdentifier="b1", **blocked)
    until_status(batch, shared, "RUNNABLE")
    assert ids(jobQueue="shared", jobStatus="RUNNABLE", filters=by("SHARE_IDENTIFIER", "b1")) == [shared]
    assert ids(jobQueue="shared", jobStatus="FAILED", filters=by("SHARE_IDENTIFIER", "b1")) == []
    for wrong, words in (
        ({}, "has to be given"),
        ({"jobQueue": "main", "arrayJobId": array}, "only one"),
        ({"jobQueue": "nobody"}, "JobQueue nobody not found."),
        ({"jobQueue": "main", "jobStatus": "NOPE"}, "NOPE"),
        ({"jobQueue": "main", "filters": by("job_name", "x")}, "the name is `job_name`"),
        ({"jobQueue": "main", "filters": by("JOB_NAME", "x") * 2}, "only one can be given"),
        ({"jobQueue": "main", "nextToken": "zz"}, "nextToken is `zz`"),
        ({"jobQueue": "main", "maxResults": 0}, "maxResults is `0`"),
    ):
        no(lambda: batch.list_jobs(**wrong), words)

    # Jobs that arrive between two pages neither double nor hide another.
    page = batch.list_jobs(jobQueue="limited", jobStatus="RUNNABLE", maxResults=2)
    seen = [row["jobId"] for row in page["jobSummaryList"]]
    submit("late", **blocked)
    while page.get("nextToken"):
        page = batch.list_jobs(jobQueue="limited", jobStatus="RUNNABLE", maxResults=2, nextToken=page["nextToken"])
        seen += [row["jobId"] for row in page["jobSummaryList"]]
    assert seen == jobs[::-1], seen
    rows = aws("batch", "list-jobs", "--job-queue", "limited", "--job-status", "RUNNABLE", "--max-items", "3")
    assert len(rows["jobSummaryList"]) == 3 and "NextToken" in rows, rows
    [row] = batch.list_jobs(jobQueue="limited", jobStatus="PENDING")["jobSummaryList"]
    assert row["arrayProperties"]["size"] == 3 and row["arrayProperties"]["statusSummary"]["RUNNABLE"] == 3, row
    assert set(row["arrayProperties"]["statusSummary"]) == {
        "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED",
    }, row  # fmt: skip


def stops(batch):
    waits = {"containerOverrides": {"command": ["sleep", "600"]}}
    running = batch.submit_job(jobName="long", jobQueue="main", jobDefinition="shell", **waits)["jobId"]
    until_status(batch, running, "RUNNING")
    [row] = batch.list_jobs(jobQueue="main")["jobSummaryList"]
    assert row["capacityUsage"] == [{"capacityUnit": "VCPU", "quantity": 1.0}] and row["scheduledAt"], row
    batch.cancel_job(jobId=running, reason="no effect on what runs")
    waiting = batch.submit_job(jobName="never", jobQueue="main", jobDefinition="shell", dependsOn=[{"jobId": running}])
    no(lambda: batch.cancel_job(jobId=running, reason=""), "reason is ``; it takes 1 to 1024")
    no(lambda: batch.terminate_job(jobId=running, reason="x" * 1025), "reason")
    assert batch.describe_jobs(jobs=[running])["jobs"][0]["status"] == "RUNNING"
    aws("batch", "terminate-job", "--job-id", running, "--reason", "that will do")
    found = until_status(batch, running, "FAILED")
    assert (found["isTerminated"], found["statusReason"]) == (True, "that will do"), found
    found = until_status(batch, waiting["jobId"], "FAILED")
    assert found["statusReason"] == "Dependent Job failed", found
    batch.terminate_job(jobId=running, reason="a second time does nothing")


def bulk(batch):
    submit = lambda name, **more: batch.submit_job(jobName=name, jobQueue="main", jobDefinition="shell", **more)["jobId"]
    running = submit("long", containerOverrides={"command": ["sleep", "600"]})
    waiting = [submit(f"waits-{number}", dependsOn=[{"jobId": running}]) for number in range(3)]
    until_status(batch, running, "RUNNING")
    done = batch.cancel_jobs(jobs=[running, waiting[0], "nobody", GONE], reason="not wanted")
    assert done["successful"] == [running, waiting[0], GONE], done
    [error] = done["errors"]
    assert (error["job"], error["code"]) == ("nobody", "ValidationException") and "UUID" in error["message"], error
    found = {row["jobId"]: row for row in batch.describe_jobs(jobs=[running, waiting[0]])["jobs"]}
    assert found[running]["status"] == "RUNNING", found
    # One that is PENDING ends when what it depends on has ended.
    assert (found[waiting[0]]["status"], found[waiting[0]]["isCancelled"]) == ("PENDING", True), found
    done = batch.terminate_jobs(jobs=[waiting[1], running], reason="the end")
    assert done == {**done, "successful": [waiting[1], running], "errors": []}, done
    assert until_status(batch, running, "FAILED")["statusReason"] == "the end"
    assert until_status(batch, waiting[0], "FAILED")["statusReason"] == "not wanted"
    assert until_status(batch, waiting[2], "FAILED")["statusReason"] == "Dependent Job failed"
    for call in (batch.cancel_jobs, batch.terminate_jobs):
        no(lambda: call(jobs=[], reason="x"), "jobs has 0 entries; it takes 1 to 50")
        no(lambda: call(jobs=[running], reason=""), "reason is ``; it takes 1 to 1024")


def consumers(batch):
    needs = {"consumableResourceList": [{"consumableResource": "seats", "quantity": 1}]}
    submit = lambda name, quantity: batch.submit_job(
        jobName=name,
        jobQueue="main",
        jobDefinition="shell",
        consumableResourcePropertiesOverride={
            "consumableResourceList": [{"consumableResource": "seats", "quantity": quantity}]
        },
    )["jobId"]
    batch.register_job_definition(
        jobDefinitionName="licensed",
        type="container",
        containerProperties={
            "image": "host",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
        },
        consumableResourceProperties=needs,
    )
    jobs = [submit(f"seat-{number}", number) for number in (1, 2)]
    arn = ARN + "consumable-resource/seats"
    listed = lambda **more: batch.list_jobs_by_consumable_resource(consumableResource=arn, **more)
    rows = listed(filters=[{"name": "JOB_NAME", "values": ["SEAT-*"]}])["jobs"]
    assert [(row["jobName"], row["quantity"]) for row in rows] == [("seat-2", 2), ("seat-1", 1)], rows
    for job in jobs:
        until_status(batch, job, "SUCCEEDED")
    rows = listed(filters=[{"name": "JOB_STATUS", "values": ["FAILED"]}])["jobs"]
    assert rows == [], rows
    pages = batch.get_paginator("list_jobs_by_consumable_resource").paginate(
        consumableResource="seats", PaginationConfig={"PageSize": 1}
    )
    assert [len(page["jobs"]) for page in pages] == [1, 1]
    no(lambda: batch.list_jobs_by_consumable_resource(consumableResource="nobody"), "not found")
    found = batch.describe_jobs(jobs=jobs[:1])["jobs"][0]["consumableResourceProperties"]
    assert found == {"consumableResourceList": [{"consumableResource": arn, "quantity": 1}]}, found


def snapshot(batch):
    front = batch.get_job_queue_snapshot(jobQueue="limited")["frontOfQueue"]["jobs"]
    assert front and all(row["jobArn"].startswith(ARN + "job/") for row in front), front
    no(lambda: batch.get_job_queue_snapshot(jobQueue="nobody"), "not found")
