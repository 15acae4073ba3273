"""Jobs write where their definitions' `logConfiguration` says, as boto3 sees it."""

import os
import subprocess

from botocore.exceptions import ClientError
from common import client, furnish, until_status

batch, logs = client("batch"), client("logs")
furnish(batch)
GROUP = "/team/nightly"


def container(script, driver, **options):
    options = {f"awslogs-{name.replace('_', '-')}": value for name, value in options.items()}
    return {
        "image": "host",
        "command": ["sh", "-c", script],
        "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}],
        "logConfiguration": {"logDriver": driver, "options": options},
    }


def register(name, properties):
    batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=properties)


def submit(name, **more):
    return batch.submit_job(jobName=name, jobQueue="main", jobDefinition=name, **more)["jobId"]


def lines(group, stream):
    events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in events]


# A group and a prefix of its own; each attempt has its own stream.
register("own", container("echo try $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]", "awslogs", group=GROUP, stream_prefix="a/b"))
assert GROUP in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]], "named by a definition"
job = submit("own", retryStrategy={"attempts": 2})
ended = until_status(batch, job, "SUCCEEDED")
streams = [attempt["container"]["logStreamName"] for attempt in ended["attempts"]]
for number, (stream, attempt) in enumerate(zip(streams, ended["attempts"]), 1):
    task = attempt["container"]["taskArn"].rsplit("/", 1)[1]
    assert stream == f"a/b/default/{task}", (stream, task)
    assert lines(GROUP, stream) == [f"try {number}"], lines(GROUP, stream)
assert ended["container"]["logStreamName"] == streams[-1], ended["container"]
described = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="a/b/")["logStreams"]
assert sorted(stream["logStreamName"] for stream in described) == sorted(streams), described
found = logs.filter_log_events(logGroupName=GROUP, filterPattern="try")["events"]
assert sorted(event["message"] for event in found) == ["try 1", "try 2"], found
try:
    lines("/aws/batch/job", streams[0])
    raise AssertionError("it is in the default group too")
except ClientError as error:
    assert error.response["Error"]["Code"] == "ResourceNotFoundException", error

# `batchdeck logs` finds it, of each attempt, and while it is written.
batchdeck = os.environ["BATCHDECK"]


def said(*arguments):
    done = subprocess.run([batchdeck, "logs", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


assert said(job) == "try 2\n" and said(job, "--attempt", "1") == "try 1\n"
gate = os.path.join(os.getcwd(), "gate")
register("slow", container(f"echo begun; until [ -e {gate} ]; do sleep 0.05; done; echo over", "awslogs", group=GROUP))
slow = submit("slow")
until_status(batch, slow, "RUNNING")
with subprocess.Popen([batchdeck, "logs", "-f", slow], stdout=subprocess.PIPE, text=True) as following:
    assert following.stdout.readline() == "begun\n"
    open(gate, "w").close()
    assert following.stdout.readline() == "over\n"
    assert following.stdout.read() == "" and following.wait(60) == 0

# What another driver would get is kept, and the configuration is shown as it was given.
register("elsewhere", container("echo kept", "splunk", group=GROUP))
other = submit("elsewhere")
ended = until_status(batch, other, "SUCCEEDED")
assert ended["container"]["logConfiguration"]["logDriver"] == "splunk", ended["container"]
assert lines("/aws/batch/job", ended["container"]["logStreamName"]) == ["kept"]
done = subprocess.run([batchdeck, "logs", other], capture_output=True, text=True, timeout=60)
assert done.stdout == "kept\n" and "its log driver is splunk" in done.stderr, done

# A group that is deleted takes its streams with it, and one that is retained keeps them.
logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
assert [group["retentionInDays"] for group in logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]] == [1]
logs.delete_log_group(logGroupName=GROUP)
assert logs.describe_log_streams(logGroupName=GROUP)["logStreams"] == [], "the group is named by a definition still"
