"""Requests that must not be served: unsigned, forged, stale, changed on the way, too large, or never finished."""

import datetime
import http.client
import json
import os
import socket
import time
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from common import client, furnish, refused

BASE = os.environ["AWS_ENDPOINT_URL_BATCH"]
ADDRESS = urllib.parse.urlsplit(BASE).netloc
REGION = os.environ["AWS_REGION"]
KEY = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
LIST = "/v1/describejobqueues"

batch = client("batch")
furnish(batch)


def signed(path=LIST, body=b"{}", method="POST", key=KEY, service="batch", region=REGION, headers=(), at=None, query=None):
    """A signed request's path and headers; `query` presigns it for so many seconds."""
    request = AWSRequest(method, BASE + path, data=body, headers={"Content-Type": "application/json", **dict(headers)})
    if query:
        del request.headers["Content-Type"]
    signer = (
        botocore.auth.SigV4QueryAuth(key, service, region, expires=query)
        if query
        else botocore.auth.SigV4Auth(key, service, region)
    )
    now = botocore.auth.get_current_datetime
    if at is not None:
        botocore.auth.get_current_datetime = lambda: now() + datetime.timedelta(seconds=at)
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = now
    path = request.url[len(BASE) :] if query else path
    return path, dict(request.headers)


def send(path, headers, body=b"{}", method="POST"):
    """The status, the code in the header and the message of the answer."""
    connection = http.client.HTTPConnection(ADDRESS, timeout=30)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.getheader("x-amzn-requestid"), "every answer has an id"
    body = json.loads(text) if text.startswith("{") else {"message": text}
    message = body.get("message") or body.get("Message") or ""
    connection.close()
    return answer.status, answer.getheader("x-amzn-errortype"), message


def is_refused(what, answer, code, *words, status=403):
    assert (answer[0], answer[1]) == (status, code), f"{what}: {answer}"
    for word in words:
        assert word in answer[2], f"{what}: {word!r} is not in {answer[2]}"


assert send(*signed())[0] == 200


def raw(text, wait=True):
    """What the engine says to these bytes."""
    connection = socket.create_connection(ADDRESS.split(":"), timeout=60)
    try:
        connection.sendall(text)
        return connection.recv(4096) if wait else connection
    except ConnectionError:
        return b""
    finally:
        if wait:
            connection.close()


def head(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# A body that never ends is waited for while all that follows is tried.
path, headers = signed(body=b"{}        ")
slow = raw(head("POST", path, [*{**headers, "Host": ADDRESS}.items(), ("Content-Length", "10")]) + b"{", wait=False)

# Nobody comes in without a signature, by no path and no method.
for method, path in [
    ("POST", LIST), ("GET", "/batchdeck/v1/queues"), ("GET", "/batchdeck/v1/watch"), ("POST", "/batchdeck/v1/stop"),
    ("GET", "/schedules"), ("GET", "/nowhere"), ("OPTIONS", LIST), ("DELETE", "/schedules/x"),
]:  # fmt: skip
    answer = send(path, {}, method=method)
    is_refused(f"{method} {path}", answer, "MissingAuthenticationTokenException", "Missing Authentication Token")
for words in ["Bearer x", "Basic eDp4", "AWS4-HMAC-SHA256"]:
    is_refused(words, send(LIST, {"Authorization": words}), "IncompleteSignatureException")

# Another's key, and a secret that is guessed.
stranger = Credentials("AKIAIOSFODNN7EXAMPLE", KEY.secret_key)
is_refused("a stranger", send(*signed(key=stranger)), "UnrecognizedClientException", "security token")
guess = Credentials(KEY.access_key, "x" * 40)
is_refused("a guess", send(*signed(key=guess)), "InvalidSignatureException", "does not match", "The Canonical String")

# What was signed, and something in it is changed.
path, headers = signed()
is_refused("another body", send(path, headers, b'{"a":1}'), "InvalidSignatureException", "does not match")
is_refused("another path", send("/v1/deletejobqueue", headers), "InvalidSignatureException", "does not match")
is_refused("another method", send(path, headers, method="PUT"), "InvalidSignatureException", "does not match")
is_refused("a query", send(path + "?x=1", headers), "InvalidSignatureException", "does not match")
is_refused("another host", send(path, {**headers, "Host": "example.com"}), "InvalidSignatureException")
is_refused("a header besides", send(path, {**headers, "x-batchdeck-by": "root"}), "InvalidSignatureException", "SignedHeader")
is_refused("dots", send(*((lambda p, h: ("/x/.." + p, h))(path, headers))), "UnknownOperationException", status=404)
unsigned_payload = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
is_refused("an unsigned body", send(*unsigned_payload), "InvalidSignatureException")
assert len(batch.describe_job_queues()["jobQueues"]) == 1, "nothing has come of it"

# The wrong time: the message tells both times.
is_refused("stale", send(*signed(at=-600)), "InvalidSignatureException", "Signature expired", "5 min")
is_refused("from the future", send(*signed(at=600)), "InvalidSignatureException", "Signature not yet current", "5 min")
assert send(*signed(at=-240))[0] == 200

# The wrong service and region.
is_refused("another service", send(*signed(service="logs")), "InvalidSignatureException", "correct service: 'batch'")
is_refused("no region", send(*signed(region="moon-1")), "InvalidSignatureException", "valid region, not 'moon-1'")
logs = {"X-Amz-Target": "Logs_20140328.GetLogEvents"}
is_refused("logs as batch", send(*signed("/", headers=logs)), "InvalidSignatureException", "correct service: 'logs'")
is_refused("an unknown target", send(*signed("/", headers={"X-Amz-Target": "Other.Do"})), "UnknownOperationException", status=404)

# A presigned URL, for as long as it says.
status = "/batchdeck/v1/status"
path, headers = signed(status, body=b"", method="GET", query=60)
assert send(path, headers, b"", "GET")[0] == 200
is_refused("a longer life", send(path.replace("Expires=60", "Expires=6000"), headers, b"", "GET"), "InvalidSignatureException")
is_refused("over", send(*signed(status, b"", "GET", query=60, at=-120), b"", "GET"), "InvalidSignatureException", "good until")

# Too much of anything.
large = b'{"x":"' + b"a" * (1 << 20) + b'"}'
is_refused("a large body", send(*signed(body=large), large), "ClientException", "larger than 1048576 bytes", status=413)

# It hears no more than it takes: what is sent beyond that may cost the answer.
answer = raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n")
assert not answer or b" 431 " in answer, answer
assert b" 431 " in raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(100)) + b"\r\n")

# Other ways to write the same path reach nothing, signed as they are.
for other in [
    "//v1/describejobqueues", "/v1//describejobqueues", "/v1/./describejobqueues", "/v1/x/../describejobqueues",
    "/v1/%2e/describejobqueues", "/v1/x/%2e%2e/describejobqueues", "/v1%2fdescribejobqueues", "/V1/describejobqueues",
    "/v1/describejobqueues/", "/v1/describejobqueues%00", "/v1/describejobqueues;x=1", "/%2e%2e/v1/describejobqueues",
    "/batchdeck/../v1/describejobqueues", "/v1/describejobqueues%3f",
]:  # fmt: skip
    path, headers = signed(other)
    answer = send(path, headers)
    assert answer[0] in (400, 403, 404), f"{other}: {answer}"

# Headers that come twice, a second signature, a body in chunks, two lengths of one body.
path, headers = signed("/", headers={"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, service="logs")
whole = [*{**headers, "Host": ADDRESS}.items(), ("Connection", "close")]
assert b" 200 " in raw(head("POST", path, [*whole, ("Content-Length", "2")]) + b"{}")
for twice in [("X-Amz-Target", "Logs_20140328.DeleteLogGroup"), ("X-Amz-Date", "20200101T000000Z"), ("Host", "example.com")]:
    for both in ([twice, *whole], [*whole, twice]):
        answer = raw(head("POST", path, [*both, ("Content-Length", "2")]) + b"{}")
        assert b" 403 " in answer or b" 400 " in answer, (twice, answer)
other = signed(key=guess)[1]["Authorization"]
assert b" 403 " in raw(head("POST", path, [("Authorization", other), *whole, ("Content-Length", "2")]) + b"{}")
chunks = [*whole, ("Transfer-Encoding", "chunked")]
assert b" 200 " in raw(head("POST", path, chunks) + b"2\r\n{}\r\n0\r\n\r\n")
answer = raw(head("POST", path, chunks) + b"2\r\n[]\r\n0\r\n\r\n")
assert b" 403 " in answer, answer
answer = raw(head("POST", path, [*chunks, ("Content-Length", "2")]) + b"0\r\n\r\nGET /batchdeck/v1/queues HTTP/1.1\r\nHost: x\r\n\r\n")
assert b" 200 " not in answer, answer

# A page in a browser on this machine, by this address or by a name of its own that leads here: it has no key, and is told
# nothing that lets it read an answer.
for method, more in [
    ("POST", [("Content-Type", "text/plain")]),
    ("GET", []),
    ("OPTIONS", [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]),
]:  # fmt: skip
    for host in [ADDRESS, "evil.example"]:
        page = [("Host", host), ("Origin", "http://evil.example"), ("Connection", "close"), *more, ("Content-Length", "0")]
        answer = raw(head(method, LIST, page))
        assert b" 403 " in answer and b"access-control" not in answer.lower(), answer

answer = slow.recv(4096)
assert b" 408 " in answer and b"did not come within 20 s" in answer, answer
slow.close()

# Those who hold connections open without a word keep nobody out that has the key.
held = [raw(b"POST / HT", wait=False) for _ in range(300)]
for _ in range(20):
    assert send(*signed())[0] == 200
assert client("batch").describe_job_queues()["jobQueues"]
began = time.monotonic()
held[-1].recv(1000)
assert time.monotonic() - began < 40, "a head that never ends is given up"
for connection in held:
    connection.close()
