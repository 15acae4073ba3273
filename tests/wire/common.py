"""What the scripts here share. The engine is in the environment, as `batchdeck engine env` prints it."""

import json
import subprocess
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PATIENCE = 60
# The id of a job that is not there.
GONE = "00000000-0000-4000-8000-000000000000"


def client(service, **more):
    """A client that does not hide a fault by asking again."""
    config = Config(retries={"total_max_attempts": 1}).merge(more.pop("config", Config()))
    return boto3.client(service, config=config, **more)


def aws(*arguments):
    """The answer of the `aws` command line."""
    done = subprocess.run(["aws", *arguments, "--output", "json"], capture_output=True, text=True)
    assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else {}


def aws_refuses(*arguments):
    """What the `aws` command line says where it is refused."""
    done = subprocess.run(["aws", *arguments], capture_output=True, text=True)
    assert done.returncode != 0, f"aws {' '.join(arguments)}: {done.stdout}"
    return done.stderr


def refused(call, code, *words):
    """Expects a call to be refused with this code, and these words in the message."""
    try:
        answer = call()
    except ClientError as error:
        found, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        assert found == code, f"{code} was expected: {error}"
        for word in words:
            assert word in message, f"{word!r} is not in: {message}"
        return error.response
    raise AssertionError(f"{code} was expected, and the answer is {answer}")


def until(what, ask, good):
    """Asks again and again until the answer is good."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = ask()
        if good(answer):
            return answer
        assert time.monotonic() < deadline, f"never: {what}; the last answer is {answer}"
        time.sleep(0.05)


def furnish(batch, environment="here", queue="main", vcpus=4):
    """A queue on an environment whose jobs are processes of this machine, and the definition `shell`."""
    batch.create_compute_environment(
        computeEnvironmentName=environment,
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": vcpus,
            "instanceTypes": ["c5.large"],
            "subnets": ["subnet-0123456789abcdef0"],
            "securityGroupIds": ["sg-0123456789abcdef0"],
            "instanceRole": "ecsInstanceRole",
        },
        tags={"batchdeck:executor": "process"},
    )
    describe = lambda: batch.describe_compute_environments(computeEnvironments=[environment])["computeEnvironments"][0]
    until("VALID", describe, lambda found: found["status"] == "VALID")
    batch.create_job_queue(
        jobQueueName=queue,
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    describe = lambda: batch.describe_job_queues(jobQueues=[queue])["jobQueues"][0]
    until("VALID", describe, lambda found: found["status"] == "VALID")
    batch.register_job_definition(
        jobDefinitionName="shell",
        type="container",
        containerProperties={
            "image": "host",
            "command": ["sh", "-c", "echo hello from $AWS_BATCH_JOB_ID"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
        },
    )


def until_status(batch, job, status):
    """The job's detail once it is in this state."""
    describe = lambda: batch.describe_jobs(jobs=[job])["jobs"][0]
    return until(f"{job} {status}", describe, lambda found: found["status"] == status)
