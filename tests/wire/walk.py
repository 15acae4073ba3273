"""A job from nothing to its log, with boto3 and with the `aws` command line."""

import uuid

from common import aws, aws_refuses, client, furnish, refused, until, until_status

batch, logs, sts, scheduler = (client(name) for name in ("batch", "logs", "sts", "scheduler"))

who = sts.get_caller_identity()
assert who["Account"] == "123456789012", who
assert who["Arn"].startswith("arn:aws:iam::123456789012:user/"), who
assert aws("sts", "get-caller-identity")["Arn"] == who["Arn"]
refused(lambda: sts.get_session_token(), "InvalidAction", "GetCallerIdentity")

furnish(batch)
[queue] = aws("batch", "describe-job-queues")["jobQueues"]
assert queue["jobQueueArn"] == "arn:aws:batch:us-east-1:123456789012:job-queue/main", queue

answer = batch.submit_job(jobName="one", jobQueue="main", jobDefinition="shell")
uuid.UUID(answer["ResponseMetadata"]["RequestId"])
detail = until_status(batch, answer["jobId"], "SUCCEEDED")
stream = detail["container"]["logStreamName"]
events = until(
    "its log",
    lambda: logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)["events"],
    len,
)
assert [event["message"] for event in events] == [f"hello from {answer['jobId']}"], events

array = aws(
    "batch", "submit-job", "--job-name", "many", "--job-queue", "main", "--job-definition", "shell",
    "--array-properties", "size=3", "--container-overrides", '{"command": ["true"]}',
)  # fmt: skip
until_status(batch, array["jobId"], "SUCCEEDED")
children = aws("batch", "list-jobs", "--array-job-id", array["jobId"], "--job-status", "SUCCEEDED")["jobSummaryList"]
assert sorted(child["jobId"] for child in children) == [f"{array['jobId']}:{index}" for index in range(3)], children

for number in range(5):
    batch.submit_job(jobName=f"page-{number}", jobQueue="main", jobDefinition="shell")
pages = batch.get_paginator("list_jobs").paginate(
    jobQueue="main", filters=[{"name": "JOB_NAME", "values": ["page-*"]}], PaginationConfig={"PageSize": 2}
)
names = [row["jobName"] for page in pages for row in page["jobSummaryList"]]
assert sorted(names) == [f"page-{number}" for number in range(5)], names

refused(lambda: batch.submit_job(jobName="x", jobQueue="nowhere", jobDefinition="shell"), "ClientException", "nowhere")
refused(lambda: scheduler.get_schedule(Name="none"), "ResourceNotFoundException", "none")
assert "UnknownOperationException" in aws_refuses("ecs", "list-clusters", "--endpoint-url", batch.meta.endpoint_url)
assert "InvalidAction" in aws_refuses("iam", "list-users", "--endpoint-url", batch.meta.endpoint_url)
