//! What IAM has to allow for each call that is made, in one table: the policies that `doctor` prints, the permissions that it
//! tries, and what a refusal names. No call is made that is not in it, and nothing is in it that no call needs.
//!
//! Source: AWS service authorization reference, of each service.

/// Whose work needs a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Before there are credentials to ask with; it is asked of others than these.
    SigningIn,
    Looking,
    Acting,
    /// Making what costs money, and deleting what others use.
    Building,
}

use Need::{Acting, Building, Looking, SigningIn};

/// By action, which is the service as IAM calls it and the operation.
pub const PERMISSIONS: [(&str, Need); 48] = [
    ("autoscaling:DescribeAutoScalingGroups", Looking),
    ("autoscaling:DescribeScalingActivities", Looking),
    ("batch:CancelJob", Acting),
    ("batch:CreateComputeEnvironment", Building),
    ("batch:CreateJobQueue", Building),
    ("batch:DeleteComputeEnvironment", Building),
    ("batch:DeleteJobQueue", Building),
    ("batch:DescribeComputeEnvironments", Looking),
    ("batch:DescribeConsumableResource", Looking),
    ("batch:DescribeJobDefinitions", Looking),
    ("batch:DescribeJobQueues", Looking),
    ("batch:DescribeJobs", Looking),
    ("batch:DescribeSchedulingPolicies", Looking),
    ("batch:DescribeServiceJob", Looking),
    ("batch:GetJobQueueSnapshot", Looking),
    ("batch:ListJobs", Looking),
    ("batch:ListServiceJobs", Looking),
    ("batch:RegisterJobDefinition", Acting),
    ("batch:SubmitJob", Acting),
    ("batch:SubmitServiceJob", Acting),
    ("batch:TagResource", Acting),
    ("batch:TerminateJob", Acting),
    ("batch:TerminateServiceJob", Acting),
    ("batch:UpdateComputeEnvironment", Acting),
    ("batch:UpdateJobQueue", Acting),
    ("batch:UpdateSchedulingPolicy", Acting),
    ("batch:UpdateServiceJob", Acting),
    ("ec2:DescribeSpotPriceHistory", Looking),
    ("ecs:DescribeContainerInstances", Looking),
    ("ecs:ListContainerInstances", Looking),
    ("events:DescribeRule", Looking),
    ("events:ListEventBuses", Looking),
    ("events:ListRuleNamesByTarget", Looking),
    ("events:ListTargetsByRule", Looking),
    ("logs:DescribeLogStreams", Looking),
    ("logs:FilterLogEvents", Looking),
    ("logs:GetLogEvents", Looking),
    ("pricing:GetProducts", Looking),
    ("scheduler:CreateSchedule", Acting),
    ("scheduler:CreateScheduleGroup", Acting),
    ("scheduler:DeleteSchedule", Acting),
    ("scheduler:DeleteScheduleGroup", Acting),
    ("scheduler:GetSchedule", Looking),
    ("scheduler:ListScheduleGroups", Looking),
    ("scheduler:ListSchedules", Looking),
    ("scheduler:UpdateSchedule", Acting),
    ("sts:AssumeRole", SigningIn),
    ("sts:GetCallerIdentity", Looking),
];

/// What IAM has to allow for an operation, and whose work needs it. `None` for one that is never called.
pub fn of(operation: &str) -> Option<(&'static str, Need)> {
    let found =
        PERMISSIONS.iter().find(|(action, _)| action.split_once(':').is_some_and(|(_, name)| name == operation));
    found.copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The operations that the code of a file calls: what follows the caller in `call(`, `call_once(` and `probe!(`, as a text or
    /// as a constant of the file.
    fn called(code: &str) -> BTreeSet<String> {
        let text = |from: &str| from.split('"').nth(1).map(str::to_owned);
        let constant = |name: &str| {
            let declared = format!("const {name}: &str =");
            code.split_once(declared.as_str()).and_then(|(_, rest)| text(rest))
        };
        let mut operations = BTreeSet::new();
        for begin in [".call(", ".call_once("] {
            for (at, _) in code.match_indices(begin) {
                let Some((_, operation)) = code[at + begin.len()..].split_once(',') else { continue };
                let operation = operation.trim_start();
                if operation.starts_with('"') {
                    operations.extend(text(operation));
                } else {
                    let name: String =
                        operation.chars().take_while(|letter| letter.is_ascii_uppercase() || *letter == '_').collect();
                    operations.extend(constant(&name));
                }
            }
        }
        operations
    }

    fn read(directory: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).expect("lists") {
            let path = entry.expect("is there").path();
            if path.is_dir() {
                read(&path, into);
            } else {
                let code = std::fs::read_to_string(&path).expect("reads");
                into.extend(called(code.split("#[cfg(test)]\nmod tests {").next().expect("a beginning")));
            }
        }
    }

    #[test]
    fn each_call_has_its_permission_and_each_permission_its_call() {
        let mut operations = BTreeSet::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/backend/aws"), &mut operations);
        // Made with the keys that sign in, outside the budget.
        operations.insert("AssumeRole".to_owned());
        let known: BTreeSet<String> =
            PERMISSIONS.iter().map(|(action, _)| action.split_once(':').expect("a service").1.to_owned()).collect();
        assert_eq!(known.len(), PERMISSIONS.len(), "an operation of two services could not be told");
        assert_eq!(known, operations);
    }

    #[test]
    fn who_looks_calls_nothing_that_changes_anything() {
        let is_reading = |name: &str| ["Describe", "Filter", "Get", "List"].iter().any(|verb| name.starts_with(verb));
        for (action, need) in PERMISSIONS {
            let (_, name) = action.split_once(':').expect("a service");
            assert_eq!(is_reading(name), need == Looking, "{action}");
        }
        assert!(PERMISSIONS.is_sorted(), "in the order of the alphabet");
        assert_eq!(of("ListJobs"), Some(("batch:ListJobs", Looking)));
        assert_eq!(of("DropEverything"), None);
    }
}
