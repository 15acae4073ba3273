"""All operations of AWS Batch: each is answered and refused at least once, in its own shapes."""

import surface_jobs
import surface_objects
import surface_services
from common import client
from shapes import Watch, check

batch = client("batch")
wrong = []
described = batch.meta.service_model.operation_model("DescribeJobs").output_shape
check({"jobs": [{"jobName": 1, "wings": 2, "createdAt": 1, "status": "ASLEEP"}]}, described, "DescribeJobs", wrong)
for words in ("jobName is 1", "wings is no member", "no milliseconds", "status is 'ASLEEP'", "jobId is missing"):
    assert any(words in fault for fault in wrong), f"the check is blind to {words}: {wrong}"
watch = Watch(batch)
for part in (surface_objects, surface_services, surface_jobs):
    part.run(batch)

operations = set(batch.meta.service_model.operation_names)
assert watch.answered == operations, f"never answered: {sorted(operations - watch.answered)}"
assert watch.refused == operations, f"never refused: {sorted(operations - watch.refused)}"
assert not watch.faults, "\n".join(watch.faults)
