"""CloudWatch Logs as boto3 and the `aws` command line see it: groups, streams, events, filter patterns, a live tail."""

import itertools
import time

from botocore.config import Config
from common import aws, client, refused, until

logs = client("logs")
GROUP = "/team/logs"
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:" + GROUP
now = int(time.time() * 1000)

# Groups and streams.
logs.create_log_group(logGroupName=GROUP)
refused(lambda: logs.create_log_group(logGroupName=GROUP), "ResourceAlreadyExistsException", GROUP)
refused(lambda: logs.create_log_group(logGroupName="a b"), "InvalidParameterException", "a b")
for name in ("a/1", "a/2", "b/1"):
    logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
refused(lambda: logs.create_log_stream(logGroupName=GROUP, logStreamName="a/1"), "ResourceAlreadyExistsException", "stream")
refused(lambda: logs.create_log_stream(logGroupName=GROUP, logStreamName="a:1"), "InvalidParameterException", "a:1")
refused(lambda: logs.create_log_stream(logGroupName="/none", logStreamName="a"), "ResourceNotFoundException", "/none")
names = lambda **more: [
    row["logStreamName"]
    for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=GROUP, **more)
    for row in page["logStreams"]
]
assert names(PaginationConfig={"PageSize": 2}) == ["a/1", "a/2", "b/1"]
assert names(logStreamNamePrefix="a/", descending=True) == ["a/2", "a/1"]
logs.put_retention_policy(logGroupName=GROUP, retentionInDays=14)
refused(lambda: logs.put_retention_policy(logGroupName=GROUP, retentionInDays=2), "InvalidParameterException", "2")
[group] = aws("logs", "describe-log-groups", "--log-group-name-prefix", "/team")["logGroups"]
assert (group["logGroupName"], group["retentionInDays"]) == (GROUP, 14), group
logs.delete_retention_policy(logGroupName=GROUP)
assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]


def put(stream, *messages, at=now):
    events = [{"timestamp": at + number, "message": message} for number, message in enumerate(messages)]
    return logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


# Events: pages forward and backward, between two times, and what is refused or passed over.
put("a/1", *(f"line {number}" for number in range(10)))
read = lambda **more: logs.get_log_events(logGroupName=GROUP, logStreamName="a/1", **more)
text = lambda page: [event["message"] for event in page["events"]]
first = read(startFromHead=True, limit=4)
assert text(first) == [f"line {number}" for number in range(4)], first
second = read(startFromHead=True, limit=4, nextToken=first["nextForwardToken"])
assert text(second) == [f"line {number}" for number in range(4, 8)], second
assert text(read(limit=4, nextToken=second["nextBackwardToken"])) == text(first)
assert text(read(limit=3)) == ["line 7", "line 8", "line 9"], "the end, where no head is asked for"
end = read(startFromHead=True, nextToken=second["nextForwardToken"])["nextForwardToken"]
again = read(startFromHead=True, nextToken=end)
assert (text(again), again["nextForwardToken"]) == ([], end), "the same token says that nothing is there yet"
put("a/1", "more", at=now + 50)
assert text(read(startFromHead=True, nextToken=end)) == ["more"]
assert text(read(startTime=now + 2, endTime=now + 4, startFromHead=True)) == ["line 2", "line 3"]
refused(lambda: read(nextToken="zz"), "InvalidParameterException", "zz")
refused(lambda: put("a/1", "two", at=now - 1) and put("none", "x"), "ResourceNotFoundException", "none")
old = put("a/2", "of last month", at=now - 30 * 86_400_000)
assert old["rejectedLogEventsInfo"], old

# Filter patterns.
put("b/1", "ERROR disk full", "WARN disk slow", '{"level":"error","ms":812}', '{"level":"info","ms":9}', "200 GET /index")
found = lambda pattern, **more: [
    event["message"]
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, filterPattern=pattern, **more)
    for event in page["events"]
]
for pattern, expected in (
    ("disk", ["ERROR disk full", "WARN disk slow"]),
    ("disk -WARN", ["ERROR disk full"]),
    ("?ERROR ?GET", ["ERROR disk full", "200 GET /index"]),
    ('"disk slow"', ["WARN disk slow"]),
    ('{ $.level = "error" }', ['{"level":"error","ms":812}']),
    ("{ $.ms < 100 }", ['{"level":"info","ms":9}']),
    ("[status=2*, method, path]", ["200 GET /index"]),
    ("%[0-9]{3} GET%", ["200 GET /index"]),
):
    assert found(pattern) == expected, (pattern, found(pattern))
assert len(found("line", PaginationConfig={"PageSize": 3})) == 10
assert found("line", logStreamNamePrefix="b/") == [] and len(found("line", logStreamNames=["a/1"])) == 10
both = {"logStreamNames": ["a/1"], "logStreamNamePrefix": "a"}
refused(lambda: found("x", **both), "InvalidParameterException")
refused(lambda: found("{ $.ms < }"), "InvalidParameterException", "Invalid filter pattern")
rows = aws("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "ERROR")["events"]
assert [row["message"] for row in rows] == ["ERROR disk full"] and rows[0]["logStreamName"] == "b/1", rows

# A live tail hears what comes after it began, and only what it asked for.
tail = client("logs", config=Config(inject_host_prefix=False, read_timeout=60))
answer = tail.start_live_tail(logGroupIdentifiers=[ARN], logStreamNames=["b/1"], logEventFilterPattern="ERROR")
stream = iter(answer["responseStream"])
begun = next(stream)["sessionStart"]
assert begun["logGroupIdentifiers"] == [ARN] and begun["logEventFilterPattern"] == "ERROR", begun
put("b/1", "INFO not this", "ERROR this one", at=int(time.time() * 1000))
put("a/1", "ERROR of another stream", at=int(time.time() * 1000))
updates = (update["sessionUpdate"]["sessionResults"] for update in itertools.islice(stream, 60))
heard = next(results for results in updates if results)
assert [event["message"] for event in heard] == ["ERROR this one"], heard
assert heard[0]["logStreamName"] == "b/1", heard
answer["responseStream"].close()
refused(lambda: tail.start_live_tail(logGroupIdentifiers=["none"]), "ResourceNotFoundException", "none")

logs.delete_log_stream(logGroupName=GROUP, logStreamName="b/1")
assert names() == ["a/1", "a/2"]
logs.delete_log_group(logGroupName=GROUP)
refused(names, "ResourceNotFoundException", GROUP)
