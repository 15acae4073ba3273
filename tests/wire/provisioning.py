"""What is provisioned by hand, as AWS's tools see it: `make` sets a job up that runs until its file is there, `lost` finds
it after its instance was taken away, and `rest` makes environments of other kinds."""

import re
import sys

import boto3
from common import furnish, refused, until, until_status

batch = boto3.client("batch")


def make(file):
    furnish(batch)
    job = batch.submit_job(
        jobName="retried",
        jobQueue="main",
        jobDefinition="shell",
        containerOverrides={"command": ["sh", "-c", f"while [ ! -e {file} ]; do sleep 0.05; done"]},
        retryStrategy={
            "attempts": 3,
            "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}],
        },
    )["jobId"]
    until_status(batch, job, "RUNNING")


def lost(file):
    named = [{"name": "JOB_NAME", "values": ["retried"]}]
    job = batch.list_jobs(jobQueue="main", filters=named)["jobSummaryList"][0]["jobId"]
    ask = lambda: batch.describe_jobs(jobs=[job])["jobs"][0]
    detail = until("tried again", ask, lambda found: found["status"] == "RUNNING" and len(found["attempts"]) == 1)
    reason = detail["attempts"][0]["statusReason"]
    assert re.fullmatch(r"Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.", reason), reason
    lost_on = detail["attempts"][0]["container"]["containerInstanceArn"]
    assert detail["container"]["containerInstanceArn"] != lost_on, detail
    open(file, "w").close()
    until_status(batch, job, "SUCCEEDED")


def rest():
    batch.create_compute_environment(computeEnvironmentName="machine", type="UNMANAGED", unmanagedvCpus=2)
    describe = lambda: batch.describe_compute_environments(computeEnvironments=["machine"])["computeEnvironments"][0]
    arn = until("VALID", describe, lambda found: found["status"] == "VALID")["computeEnvironmentArn"]
    assert "computeResources" not in describe(), describe()
    batch.create_job_queue(
        jobQueueName="direct", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "machine"}]
    )
    queue = lambda: batch.describe_job_queues(jobQueues=["direct"])["jobQueues"][0]
    until("VALID", queue, lambda found: found["status"] == "VALID")
    job = batch.submit_job(jobName="direct", jobQueue="direct", jobDefinition="shell")["jobId"]
    until_status(batch, job, "SUCCEEDED")
    batch.tag_resource(resourceArn=arn, tags={"batchdeck:overcommit": "true"})
    assert describe()["tags"]["batchdeck:overcommit"] == "true"
    tag = lambda key, value: lambda: batch.tag_resource(resourceArn=arn, tags={key: value})
    refused(tag("batchdeck:overcommit", "yes"), "ClientException", "batchdeck:overcommit", "`yes`", "true or false")
    refused(tag("batchdeck:boot-seconds", "soon"), "ClientException", "batchdeck:boot-seconds", "0 to 86400")


{"make": make, "lost": lost, "rest": rest}[sys.argv[1]](*sys.argv[2:])
