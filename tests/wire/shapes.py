"""Every answer against the operation's own model: no member that the shape lacks, each of its type, required ones there."""

import json

# Marked as required in the model, and absent in practice before a job runs.
ABSENT = {("JobDetail", "startedAt"), ("DescribeServiceJobResponse", "startedAt")}
TIMES = ("At", "earliestTimeAtPosition")
# 2020 in milliseconds: nothing here is older, and seconds are far below.
EARLIEST = 1_577_836_800_000

KINDS = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
}


class Watch:
    """What a client has been answered, by operation."""

    def __init__(self, client):
        self.answered, self.refused, self.faults = set(), set(), []
        client.meta.events.register("before-parse.batch.*", self._look)

    def _look(self, operation_model, response_dict, **_):
        name, status, body = operation_model.name, response_dict["status_code"], response_dict["body"]
        if status == 200:
            self.answered.add(name)
            check(json.loads(body), operation_model.output_shape, name, self.faults)
            return
        self.refused.add(name)
        code = response_dict["headers"].get("x-amzn-errortype")
        if status != 400 or not code or set(json.loads(body)) != {"message"}:
            self.faults.append(f"{name} is refused with {status} {code}: {body}")


def check(value, shape, path, faults):
    """Says where a value is not of its shape."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            faults.append(f"{path} is {value!r}, not an object")
            return
        for name, inner in value.items():
            if name not in shape.members:
                faults.append(f"{path}.{name} is no member of {shape.name}")
            elif inner is None:
                if name != "nextToken":
                    faults.append(f"{path}.{name} is null")
            else:
                check(inner, shape.members[name], f"{path}.{name}", faults)
        for name in shape.required_members:
            if name not in value and (shape.name, name) not in ABSENT:
                faults.append(f"{path}.{name} is missing in {shape.name}")
    elif kind == "list":
        if not isinstance(value, list):
            faults.append(f"{path} is {value!r}, not a list")
            return
        for index, inner in enumerate(value):
            check(inner, shape.member, f"{path}[{index}]", faults)
    elif kind == "map":
        if not isinstance(value, dict):
            faults.append(f"{path} is {value!r}, not a map")
            return
        for name, inner in value.items():
            check(inner, shape.value, f"{path}[{name!r}]", faults)
    elif not isinstance(value, KINDS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        faults.append(f"{path} is {value!r}, not of {kind}")
    elif kind == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        faults.append(f"{path} is {value!r}, not one of {shape.enum}")
    elif kind == "long" and path.endswith(TIMES) and value < EARLIEST:
        faults.append(f"{path} is {value}, which are no milliseconds of this time")
