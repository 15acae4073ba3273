# Fails twice and succeeds at its third attempt.
set -eu
echo "attempt $AWS_BATCH_JOB_ATTEMPT: asking the upstream service"
sleep 2
if [ "$AWS_BATCH_JOB_ATTEMPT" -lt 3 ]; then
  echo "ERROR the upstream service is not ready" >&2
  exit 75
fi
echo "the upstream service has answered"
