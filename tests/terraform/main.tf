terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

# What run.sh changes the second time.
variable "step" {
  type    = number
  default = 1
}

resource "aws_batch_compute_environment" "local" {
  compute_environment_name = "tf-env"
  type                     = "MANAGED"
  service_role             = "arn:aws:iam::123456789012:role/batch"
  compute_resources {
    type               = "EC2"
    min_vcpus          = 0
    max_vcpus          = 4 * var.step
    instance_type      = ["optimal"]
    subnets            = ["subnet-0a1b2c3d"]
    security_group_ids = ["sg-0a1b2c3d"]
    instance_role      = "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole"
  }
  tags = { "batchdeck:executor" = "process" }
}

resource "aws_batch_job_queue" "main" {
  name     = "tf-queue"
  state    = "ENABLED"
  priority = 5 + var.step
  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.local.arn
  }
}

resource "aws_batch_scheduling_policy" "fair" {
  name = "tf-fair"
  fair_share_policy {
    compute_reservation = 1
    share_decay_seconds = 3600
    share_distribution {
      share_identifier = "A1*"
      weight_factor    = 0.1 * var.step
    }
  }
}

resource "aws_batch_job_definition" "job" {
  name = "tf-job"
  type = "container"
  container_properties = jsonencode({
    image   = "host"
    command = ["echo", "step ${var.step}"]
    resourceRequirements = [
      { type = "VCPU", value = "1" },
      { type = "MEMORY", value = "128" }
    ]
  })
}

resource "aws_scheduler_schedule" "nightly" {
  name                = "tf-nightly"
  schedule_expression = "cron(${10 * var.step} 2 ? * MON-FRI *)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
    role_arn = "arn:aws:iam::123456789012:role/scheduler"
    input    = jsonencode({ JobName = "nightly", JobQueue = aws_batch_job_queue.main.arn, JobDefinition = aws_batch_job_definition.job.arn })
  }
}
