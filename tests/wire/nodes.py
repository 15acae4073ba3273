"""A multi-node parallel job of three real processes that talk to each other, as boto3 sees it."""

import socket
import sys

from common import client, furnish, refused, until, until_status

batch, logs = client("batch"), client("logs")
furnish(batch, vcpus=8)

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]

MAIN = f"""
import os, socket
assert "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS" not in os.environ
door = socket.create_server(("", {PORT}))
print("listening", flush=True)
heard = []
for _ in range(int(os.environ["AWS_BATCH_JOB_NUM_NODES"]) - 1):
    line, _ = door.accept()
    words = line.makefile()
    heard.append(words.readline().strip())
    line.sendall(b"welcome\\n")
    assert words.readline().strip() == "noted"
print("heard", *sorted(heard), flush=True)
"""
CHILD = f"""
import os, socket, time
main = os.environ["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"]
while True:
    try:
        line = socket.create_connection((main, {PORT}))
        break
    except OSError:
        time.sleep(0.05)
line.sendall(("node " + os.environ["AWS_BATCH_JOB_NODE_INDEX"] + "\\n").encode())
print(line.makefile().readline().strip(), flush=True)
line.sendall(b"noted\\n")
time.sleep(1000)
"""


def container(script):
    return {
        "image": "host",
        "command": [sys.executable, "-c", script],
        "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "64"}],
    }


definition = batch.register_job_definition(
    jobDefinitionName="talk",
    type="multinode",
    nodeProperties={
        "numNodes": 2,
        "mainNode": 0,
        "nodeRangeProperties": [
            {"targetNodes": "0:0", "container": container(MAIN)},
            {"targetNodes": "1:", "container": container(CHILD)},
        ],
    },
)
described = batch.describe_job_definitions(jobDefinitions=[definition["jobDefinitionArn"]])["jobDefinitions"][0]
assert described["type"] == "multinode" and described["nodeProperties"]["numNodes"] == 2, described

refused(
    lambda: batch.submit_job(jobName="a", jobQueue="main", jobDefinition="talk", arrayProperties={"size": 2}),
    "ClientException",
    "arrayProperties",
)
job = batch.submit_job(jobName="talk", jobQueue="main", jobDefinition="talk", nodeOverrides={"numNodes": 3})["jobId"]
whole = until_status(batch, job, "SUCCEEDED")
assert whole["nodeProperties"]["numNodes"] == 3, whole
assert whole["container"]["exitCode"] == 0, whole
assert len(whole["attempts"]) == 1, whole

nodes = [f"{job}#{index}" for index in range(3)]
describe = lambda: batch.describe_jobs(jobs=nodes)["jobs"]
ended = until("all nodes have ended", describe, lambda found: all("stoppedAt" in node for node in found))
assert [node["nodeDetails"] for node in ended] == [
    {"nodeIndex": index, "isMainNode": index == 0} for index in range(3)
], ended
# A node that is stopped has the state of the job that it was a part of.
assert [node["status"] for node in ended] == ["SUCCEEDED"] * 3, ended
assert ended[2]["statusReason"] == "Main node exited", ended
instances = {node["container"]["containerInstanceArn"] for node in ended}
assert len(instances) == 3, instances

listed = batch.list_jobs(multiNodeJobId=job, jobStatus="SUCCEEDED")["jobSummaryList"]
assert [row["jobId"] for row in listed] == nodes, listed
rows = batch.list_jobs(jobQueue="main", jobStatus="SUCCEEDED")["jobSummaryList"]
assert [(row["jobId"], row["nodeProperties"]["numNodes"]) for row in rows] == [(job, 3)], rows


def said(node):
    events = logs.get_log_events(
        logGroupName="/aws/batch/job", logStreamName=node["container"]["logStreamName"], startFromHead=True
    )
    return [event["message"] for event in events["events"]]


assert said(ended[0]) == ["listening", "heard node 1 node 2"], said(ended[0])
assert said(ended[1]) == said(ended[2]) == ["welcome"], said(ended[1])

# The whole is terminated, and with it each node.
job = batch.submit_job(jobName="hang", jobQueue="main", jobDefinition="talk", nodeOverrides={"numNodes": 2})["jobId"]
until("it has a state", lambda: batch.describe_jobs(jobs=[job])["jobs"][0]["status"], lambda status: status != "SUBMITTED")
batch.terminate_job(jobId=job, reason="enough")
whole = until_status(batch, job, "FAILED")
assert whole["statusReason"] in ("enough", "Essential container in task exited"), whole
