"""EventBridge Scheduler as boto3 and the `aws` command line see it: groups, schedules, what is refused, and a fire."""

import datetime
import json

from common import aws, client, furnish, refused, until, until_status

scheduler, batch = client("scheduler"), client("batch")
furnish(batch)
ARN = "arn:aws:scheduler:us-east-1:123456789012:"
SUBMIT = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
OFF = {"Mode": "OFF"}


def target(name, **more):
    job = {"JobName": name, "JobQueue": "main", "JobDefinition": "shell", **more}
    return {"Arn": SUBMIT, "RoleArn": "arn:aws:iam::123456789012:role/scheduler-batch", "Input": json.dumps(job)}


def create(name, expression="rate(1 hour)", **more):
    request = {"FlexibleTimeWindow": OFF, "Target": target(name), **more}
    return scheduler.create_schedule(Name=name, ScheduleExpression=expression, **request)


# Groups.
assert scheduler.create_schedule_group(Name="team", Tags=[{"Key": "a", "Value": "b"}])["ScheduleGroupArn"] == (
    ARN + "schedule-group/team"
)
refused(lambda: scheduler.create_schedule_group(Name="team"), "ConflictException", "team")
refused(lambda: scheduler.get_schedule_group(Name="none"), "ResourceNotFoundException", "none")
refused(lambda: scheduler.create_schedule_group(Name="a b"), "ValidationException", "a b")
pages = scheduler.get_paginator("list_schedule_groups").paginate(PaginationConfig={"PageSize": 1})
assert [group["Name"] for page in pages for group in page["ScheduleGroups"]] == ["default", "team"]
group = scheduler.get_schedule_group(Name="team")
assert group["State"] == "ACTIVE" and group["CreationDate"].tzinfo, group
scheduler.tag_resource(ResourceArn=group["Arn"], Tags=[{"Key": "c", "Value": "d"}])
scheduler.untag_resource(ResourceArn=group["Arn"], TagKeys=["a"])
assert scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"] == [{"Key": "c", "Value": "d"}]

# Schedules: defaults, full replacement, pages, filters.
assert create("hourly")["ScheduleArn"] == ARN + "schedule/default/hourly"
refused(lambda: create("hourly"), "ConflictException", "hourly")
found = scheduler.get_schedule(Name="hourly")
expected = {
    "GroupName": "default", "State": "ENABLED", "ScheduleExpressionTimezone": "UTC", "ActionAfterCompletion": "NONE",
    "FlexibleTimeWindow": OFF,
}  # fmt: skip
assert {key: found[key] for key in expected} == expected, found
assert found["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}, found
scheduler.update_schedule(
    Name="hourly", ScheduleExpression="cron(30 2 ? * 6L 2030-2040)", ScheduleExpressionTimezone="Europe/Zurich",
    FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}, State="DISABLED", Target=target("hourly"),
    Description="once a month",
)  # fmt: skip
found = scheduler.get_schedule(Name="hourly")
assert (found["State"], found["Description"]) == ("DISABLED", "once a month"), found
scheduler.update_schedule(
    Name="hourly", ScheduleExpression="rate(2 hours)", FlexibleTimeWindow=OFF, Target=target("hourly")
)
found = scheduler.get_schedule(Name="hourly")
assert found["State"] == "ENABLED" and "Description" not in found, "what an update leaves out is the default again"
for number in range(3):
    create(f"late-{number}", GroupName="team", State="DISABLED")
pages = scheduler.get_paginator("list_schedules").paginate(GroupName="team", PaginationConfig={"PageSize": 2})
assert [row["Name"] for page in pages for row in page["Schedules"]] == [f"late-{number}" for number in range(3)]
rows = aws("scheduler", "list-schedules", "--name-prefix", "late-1")["Schedules"]
assert [row["Name"] for row in rows] == ["late-1"] and rows[0]["Target"]["Arn"] == SUBMIT, rows
assert [row["Name"] for row in scheduler.list_schedules(State="ENABLED")["Schedules"]] == ["hourly"]

# What is refused, with the field in the words.
for name, expression, more, words in (
    ("x", "nonsense", {}, "ScheduleExpression"),
    ("x", "cron(0 0 * * * *)", {}, "?"),
    ("x", "rate(0 minutes)", {}, "ScheduleExpression"),
    ("x", "at(2001-01-01T00:00:00)", {}, "ScheduleExpression"),
    ("x", "rate(1 hour)", {"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus"),
    ("x", "rate(1 hour)", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
    ("x", "rate(1 hour)", {"State": "ASLEEP"}, "ASLEEP"),
    ("x", "rate(1 hour)", {"Target": {**target("x"), "Arn": "arn:aws:batch:us-east-1:123456789012:job-queue/main"}}, "Target"),
    ("x", "rate(1 hour)", {"Target": {**target("x"), "Input": "{"}}, "Input"),
    ("a b", "rate(1 hour)", {}, "a b"),
):
    refused(lambda: create(name, expression, **more), "ValidationException", words)
refused(lambda: create("x", GroupName="none"), "ResourceNotFoundException", "none")
refused(lambda: scheduler.get_schedule(Name="late-0"), "ResourceNotFoundException", "late-0")

# One that is due submits its job, with the words of its context, and is gone after its last time.
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
due = target("due", Parameters={"when": "<aws.scheduler.scheduled-time>"})
create("once", f"at({soon:%Y-%m-%dT%H:%M:%S})", Target=due, ActionAfterCompletion="DELETE")
submitted = lambda: batch.list_jobs(jobQueue="main", filters=[{"name": "JOB_NAME", "values": ["due"]}])["jobSummaryList"]
[row] = until("it fires", submitted, len)
job = until_status(batch, row["jobId"], "SUCCEEDED")
assert job["parameters"]["when"] == f"{soon:%Y-%m-%dT%H:%M:%SZ}", job["parameters"]
until("it is gone", lambda: scheduler.list_schedules(NamePrefix="once")["Schedules"], lambda rows: not rows)

# A group takes its schedules with it.
scheduler.delete_schedule(Name="hourly")
refused(lambda: scheduler.delete_schedule(Name="hourly"), "ResourceNotFoundException", "hourly")
scheduler.delete_schedule_group(Name="team")
until("all are gone", lambda: scheduler.list_schedules()["Schedules"], lambda rows: not rows)
refused(lambda: scheduler.delete_schedule_group(Name="default"), "ValidationException", "default")
