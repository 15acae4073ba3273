#!/usr/bin/env bash
# Terraform's AWS provider against the local engine: creates, finds nothing to change, changes, finds nothing to change,
# runs a job, destroys. It needs `terraform`, the provider hashicorp/aws (from its registry, or a mirror that the Terraform
# config names), and a build of batchdeck: BATCHDECK=path, or what is in target/. It takes three minutes, most of which
# Terraform waits by itself.
set -euo pipefail
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
program="${BATCHDECK:-$top/target/debug/batchdeck}"
place=$(mktemp -d)
export BATCHDECK_DATA_DIR="$place/data" BATCHDECK_CONFIG="$place/config.toml"
trap '"$program" engine stop >/dev/null 2>&1 || true; rm -rf "$place"' EXIT

cp main.tf "$place/"
"$program" engine start --http 127.0.0.1:0
eval "$("$program" engine env)"
cd "$place"
terraform init -input=false -no-color >/dev/null

# What Terraform then reads has to be what it has written: exit code 2 is a difference.
step() {
  terraform apply -input=false -auto-approve -no-color -var "step=$1" | grep complete
  terraform plan -input=false -detailed-exitcode -no-color -var "step=$1" >/dev/null
}

step 1
step 2
job=$("$program" submit --wait --queue tf-queue --definition tf-job)
"$program" logs "$job" | grep -x '.*step 2'
terraform destroy -input=false -auto-approve -no-color | grep complete
test -z "$("$program" queues 2>/dev/null | tail -n +2)"
echo "terraform: created, changed and destroyed, and read back as written"
