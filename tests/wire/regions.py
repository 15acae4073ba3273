"""Regions do not see each other, ARNs carry them, and a restart keeps each as it was."""

import json
import os
import sys

from common import aws, client, furnish, refused, until, until_status

REGIONS = {"us-east-1": "aws", "eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}
batch = {region: client("batch", region_name=region) for region in REGIONS}
logs = {region: client("logs", region_name=region) for region in REGIONS}
note = os.path.join(os.environ["BATCHDECK_DATA_DIR"], "..", "jobs.json")


def events(region, stream):
    return logs[region].get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)["events"]


def before():
    for region in REGIONS:
        assert batch[region].describe_job_queues()["jobQueues"] == [], region
        assert batch[region].describe_jobs(jobs=["x"])["jobs"] == [], region
        furnish(batch[region])
    jobs = {}
    for region, partition in REGIONS.items():
        [queue] = batch[region].describe_job_queues()["jobQueues"]
        assert queue["jobQueueArn"] == f"arn:{partition}:batch:{region}:123456789012:job-queue/main", queue
        answer = batch[region].submit_job(jobName=region, jobQueue=queue["jobQueueArn"], jobDefinition="shell")
        assert answer["jobArn"].startswith(f"arn:{partition}:batch:{region}:123456789012:job/"), answer
        jobs[region] = answer["jobId"]
    with open(note, "w") as file:
        json.dump(jobs, file)
    check(jobs)
    # What was only looked at is not there, and a region whose name is none is not served.
    assert client("batch", region_name="sa-east-1").describe_job_queues()["jobQueues"] == []
    refused(client("batch", region_name="moon-1").describe_job_queues, "InvalidSignatureException", "moon-1")
    who = client("sts", region_name="cn-north-1").get_caller_identity()
    assert who["Arn"].startswith("arn:aws-cn:iam::123456789012:"), who
    elsewhere = aws("batch", "list-jobs", "--region", "eu-west-1", "--job-queue", "main", "--job-status", "SUCCEEDED")
    assert [row["jobName"] for row in elsewhere["jobSummaryList"]] == ["eu-west-1"], elsewhere


def check(jobs):
    for region, job in jobs.items():
        detail = until_status(batch[region], job, "SUCCEEDED")
        stream = detail["container"]["logStreamName"]
        found = until("its log", lambda: events(region, stream), len)
        assert [event["message"] for event in found] == [f"hello from {job}"], found
        for other in REGIONS:
            if other != region:
                assert batch[other].describe_jobs(jobs=[job])["jobs"] == [], (other, region)
                refused(lambda: events(other, stream), "ResourceNotFoundException")
                refused(lambda: events(other, f"@{region}/{stream}"), "ResourceNotFoundException")


def after():
    with open(note) as file:
        jobs = json.load(file)
    check(jobs)
    for region, job in jobs.items():
        names = {row["jobName"] for row in batch[region].list_jobs(jobQueue="main", jobStatus="SUCCEEDED")["jobSummaryList"]}
        assert names == {region}, names
        again = batch[region].submit_job(jobName=region, jobQueue="main", jobDefinition="shell")["jobId"]
        until_status(batch[region], again, "SUCCEEDED")


{"before": before, "after": after}[sys.argv[1]]()
