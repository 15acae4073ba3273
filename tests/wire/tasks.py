"""A job of several containers as real processes, as boto3 sees it."""

import tempfile

from common import client, furnish, refused, until_status

batch, logs = client("batch"), client("logs")
furnish(batch)
scratch = tempfile.mkdtemp()


def container(name, script, **more):
    return {
        "name": name,
        "image": "host",
        "command": ["sh", "-c", script],
        "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}],
        **more,
    }


task = {
    "containers": [
        container(
            "main",
            f"cat {scratch}/made; echo $WORD; exit $CODE",
            essential=True,
            environment=[{"name": "CODE", "value": "0"}, {"name": "WORD", "value": "default"}],
            dependsOn=[
                {"containerName": "setup", "condition": "SUCCESS"},
                {"containerName": "side", "condition": "START"},
            ],
        ),
        container("setup", f"echo set up; echo made > {scratch}/made", essential=False),
        container("side", "echo side; exec sleep 1000", essential=False),
    ]
}
definition = batch.register_job_definition(
    jobDefinitionName="trio", type="container", ecsProperties={"taskProperties": [task]}
)
described = batch.describe_job_definitions(jobDefinitions=[definition["jobDefinitionArn"]])["jobDefinitions"][0]
assert [one["name"] for one in described["ecsProperties"]["taskProperties"][0]["containers"]] == ["main", "setup", "side"]
refused(
    lambda: batch.submit_job(
        jobName="a", jobQueue="main", jobDefinition="trio", containerOverrides={"command": ["true"]}
    ),
    "ClientException",
    "use ecsPropertiesOverride",
)

overrides = {"name": "main", "environment": [{"name": "CODE", "value": "3"}, {"name": "WORD", "value": "given"}]}
job = batch.submit_job(
    jobName="trio",
    jobQueue="main",
    jobDefinition="trio",
    ecsPropertiesOverride={"taskProperties": [{"containers": [overrides]}]},
)["jobId"]
ended = until_status(batch, job, "FAILED")
assert ended["statusReason"] == "Essential container in task exited", ended
assert "exitCode" not in ended["container"] and "image" not in ended["container"], ended["container"]
containers = {one["name"]: one for one in ended["ecsProperties"]["taskProperties"][0]["containers"]}
assert containers["main"]["exitCode"] == 3 and containers["setup"]["exitCode"] == 0, containers
assert containers["side"]["exitCode"] in (137, 143), containers["side"]
attempt = ended["attempts"][0]["taskProperties"][0]["containers"]
assert {one["name"]: one["exitCode"] for one in attempt} == {
    name: one["exitCode"] for name, one in containers.items()
}, attempt


def said(name):
    stream = containers[name]["logStreamName"]
    assert f"trio/{name}/" in stream, stream
    events = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)
    return [event["message"] for event in events["events"]]


assert said("main") == ["made", "given"], said("main")
assert said("setup") == ["set up"] and said("side") == ["side"]
