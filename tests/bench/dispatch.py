#!/usr/bin/env python3
"""How fast no-op jobs are dispatched, against a bare loop on the same machine in the same run.

    tests/bench/dispatch.py [--program target/release/batchdeck] [--jobs 2000] [--rounds 3]

The bare loop spawns /bin/true two at a time, each with its output in a fresh file, and waits for it. The engine runs
an array of the same size with the command `true` as processes on this machine, and keeps each job's log. Rounds of both
take turns; the ratio is that of their medians. Prints one JSON object.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time


def bare(count, directory):
    """Jobs a second of the bare loop."""
    begin = time.perf_counter()
    running, started = 0, 0
    while started < count or running:
        while started < count and running < 2:
            path = os.path.join(directory, f"{started}.log")
            out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
            os.posix_spawn("/bin/true", ["true"], {}, file_actions=actions)
            os.close(out)
            running, started = running + 1, started + 1
        os.wait()
        running -= 1
    return count / (time.perf_counter() - begin)


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    def __init__(self, program):
        self.data = tempfile.mkdtemp(prefix="bdb.")
        self.socket = os.path.join(self.data, "engine.sock")
        log = open(os.path.join(self.data, "out"), "wb")
        arguments = [program, "--data-dir", self.data, "engine", "run"]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment["BATCHDECK_CONFIG"] = os.path.join(self.data, "config.toml")
        with open(environment["BATCHDECK_CONFIG"], "w") as config:
            config.write("")
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log, env=environment)
        while True:
            try:
                self.call("describejobqueues", {})
                break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(open(log.name).read())
                time.sleep(0.02)
        resources = {"type": "EC2", "minvCpus": 16, "maxvCpus": 16, "instanceTypes": ["c5.4xlarge"],
                     "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"], "instanceRole": "ecsInstanceRole"}
        self.call("createcomputeenvironment", {
            "computeEnvironmentName": "bench", "type": "MANAGED", "computeResources": resources,
            "tags": {"batchdeck:overcommit": "true"}})
        while self.call("describecomputeenvironments", {})["computeEnvironments"][0]["status"] != "VALID":
            time.sleep(0.05)
        self.call("createjobqueue", {"jobQueueName": "bench", "priority": 1,
                                     "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "bench"}]})
        while self.call("describejobqueues", {})["jobQueues"][0]["status"] != "VALID":
            time.sleep(0.05)
        sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        self.call("registerjobdefinition", {
            "jobDefinitionName": "noop", "type": "container",
            "containerProperties": {"image": "host", "command": ["/bin/true"], "resourceRequirements": sizes}})

    def call(self, operation, body):
        connection = Unix(self.socket)
        connection.request("POST", f"/v1/{operation}", json.dumps(body), {"x-batchdeck-by": "bench"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{operation}: {answer.status} {text.decode()}")
        return json.loads(text or b"{}")

    def run(self, count):
        """Jobs a second, from the submission to the end of the last."""
        begin = time.perf_counter()
        job = self.call("submitjob", {"jobName": "noop", "jobQueue": "bench", "jobDefinition": "noop",
                                      "arrayProperties": {"size": count}})["jobId"]
        while True:
            time.sleep(0.02)
            status = self.call("describejobs", {"jobs": [job]})["jobs"][0]["status"]
            if status in ("SUCCEEDED", "FAILED"):
                break
        took = time.perf_counter() - begin
        if status != "SUCCEEDED":
            raise SystemExit("the array failed")
        streams = sum(name.endswith(".log") for _, _, names in os.walk(os.path.join(self.data, "logs")) for name in names)
        if streams < count:
            raise SystemExit(f"{streams} log streams of {count}")
        return count / took

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        agents = os.path.join(self.data, "agents")
        for name in os.listdir(agents):
            if name.endswith(".pid"):
                try:
                    os.kill(int(open(os.path.join(agents, name)).read().split()[0]), signal.SIGTERM)
                except (OSError, ValueError):
                    pass
        shutil.rmtree(self.data, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Dispatch of no-op jobs against a bare loop.")
    parser.add_argument("--program", default="target/release/batchdeck")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    engine = Engine(os.path.abspath(given.program))
    loop, ours = [], []
    try:
        engine.run(200)
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory(prefix="bdb.") as directory:
                loop.append(bare(given.jobs, directory))
            ours.append(engine.run(given.jobs))
    finally:
        engine.end()
    ratio = statistics.median(ours) / statistics.median(loop)
    print(json.dumps({"bench": "dispatch", "jobs": given.jobs, "bareJobsPerSecond": [round(rate) for rate in loop],
                      "jobsPerSecond": [round(rate) for rate in ours], "ratio": round(ratio, 3), "wanted": 0.5}))


if __name__ == "__main__":
    main()
