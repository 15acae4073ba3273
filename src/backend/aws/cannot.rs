//! What AWS has no call for, each with what an operator can do instead there.

use super::NAME;
use crate::backend::BackendError;

pub const REPRIORITISE_JOB: BackendError = BackendError::Unsupported {
    action: "reprioritising a waiting job",
    backend: NAME,
    instead: "replace it (`batchdeck replace ID --priority PRIORITY`), which gives it another id, or raise the \
              priority of its queue (`batchdeck reprioritise --queue NAME PRIORITY`)",
};

pub const HOLD_JOB: BackendError = BackendError::Unsupported {
    action: "holding a waiting job",
    backend: NAME,
    instead: "cancel it (`batchdeck cancel ID`) and submit it again later; jobs that depend on it fail with it",
};

pub const HOLD_QUEUE: BackendError = BackendError::Unsupported {
    action: "holding a queue",
    backend: NAME,
    instead: "disable its compute environments (`batchdeck envs disable NAME`), which holds all queues that \
              use them; disabling the queue only keeps new jobs out",
};

pub const RELEASE: BackendError = BackendError::Unsupported {
    action: "releasing what is held",
    backend: NAME,
    instead: "nothing can be held there; enable what is disabled (`batchdeck queues enable NAME`, `batchdeck envs \
              enable NAME`)",
};

pub const MOVE_JOB: BackendError = BackendError::Unsupported {
    action: "moving a waiting job",
    backend: NAME,
    instead: "replace it (`batchdeck replace ID --queue NAME`): it gets another id, and jobs that depend on it fail \
              unless they are replaced with it",
};

pub const INTERRUPT_INSTANCE: BackendError = BackendError::Unsupported {
    action: "interrupting an instance",
    backend: NAME,
    instead: "end it in EC2 (`aws ec2 terminate-instances`), or let AWS FIS send it a Spot interruption \
              (`aws:ec2:send-spot-instance-interruptions`)",
};

pub const CHANGE_RULE: BackendError = BackendError::Unsupported {
    action: "changing a rule of EventBridge",
    backend: NAME,
    instead: "rules are only read here; `aws events enable-rule`, `disable-rule` and `put-rule` change them",
};

pub const READ_AUDIT: BackendError = BackendError::Unsupported {
    action: "reading who did what",
    backend: NAME,
    instead: "set an audit file for this context, or ask CloudTrail",
};

pub const ADD_UP_COSTS: BackendError = BackendError::Unsupported {
    action: "adding up costs",
    backend: NAME,
    instead: "split cost allocation data of AWS Billing has them, about a day later",
};

pub const OBSERVE_RUNS: BackendError = BackendError::Unsupported {
    action: "telling what runs have used",
    backend: NAME,
    instead: "CloudWatch Container Insights of the environment's ECS cluster has it",
};

pub const ENGINE_STATUS: BackendError = BackendError::Unsupported {
    action: "asking for the engine's state",
    backend: NAME,
    instead: "AWS runs no engine of yours; use a context of the local engine",
};
