//! The least that an IAM policy has to allow for what one means to do, from the table of all calls that are made.

use crate::backend::aws::permissions::{Need, PERMISSIONS};
use crate::cli::Policy;
use crate::model::{DEFAULT_LOG_GROUP, JobDefinition, TRAINING_LOG_GROUP};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a policy names of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// `aws`, `aws-cn` and so on.
    pub partition: &'static str,
    /// Where jobs write.
    pub log_groups: BTreeSet<String>,
    /// That schedules submit with, by name or ARN.
    pub scheduler_role: Option<String>,
}

impl Default for Grounds {
    fn default() -> Self {
        Self { partition: "aws", log_groups: BTreeSet::new(), scheduler_role: None }
    }
}

impl Grounds {
    /// Adds the groups that the containers of definitions write into; that of AWS Batch where one names none.
    pub fn note(&mut self, definitions: &[JobDefinition], default_group: &str) {
        self.log_groups.insert(default_group.to_owned());
        for configuration in definitions.iter().flat_map(JobDefinition::log_configurations) {
            self.log_groups.extend(configuration.group().map(str::to_owned));
        }
    }
}

/// What is allowed on logs alone, and by their names.
const OF_LOGS: [&str; 2] = ["logs:FilterLogEvents", "logs:GetLogEvents"];
/// The same, where the names of streams are told by nothing else.
const TO_FIND_LOGS: &str = "logs:DescribeLogStreams";

/// The document, as IAM takes it.
pub fn document(policy: Policy, grounds: &Grounds) -> Value {
    let actions = |need: Need| -> Vec<&str> {
        let is_of_logs = |action: &str| OF_LOGS.contains(&action) || action == TO_FIND_LOGS;
        let of_need = PERMISSIONS.iter().filter(|(action, of)| *of == need && !is_of_logs(action));
        of_need.map(|(action, _)| *action).collect()
    };
    let arn = |rest: &str| format!("arn:{}:{rest}", grounds.partition);
    let group = |name: &str| arn(&format!("logs:*:*:log-group:{name}:*"));
    let mut log_groups: Vec<String> = grounds.log_groups.iter().map(|name| group(name)).collect();
    if log_groups.is_empty() {
        log_groups.push(group(DEFAULT_LOG_GROUP));
    }
    let mut statements = vec![
        json!({ "Sid": "See", "Effect": "Allow", "Resource": "*", "Action": actions(Need::Looking) }),
        json!({ "Sid": "ReadLogs", "Effect": "Allow", "Resource": log_groups, "Action": OF_LOGS }),
        json!({
            "Sid": "ReadLogsOfTrainings", "Effect": "Allow", "Action": [OF_LOGS[0], OF_LOGS[1], TO_FIND_LOGS],
            "Resource": group(TRAINING_LOG_GROUP),
        }),
        json!({
            "Sid": "ReadWhatJobsUsed", "Effect": "Allow", "Action": ["logs:FilterLogEvents"],
            "Resource": arn("logs:*:*:log-group:/aws/ecs/containerinsights/*"),
        }),
    ];
    let may_act = matches!(policy, Policy::Operate | Policy::Build);
    if may_act {
        let role = match grounds.scheduler_role.as_deref().unwrap_or("scheduler-batch") {
            whole if whole.starts_with("arn:") => whole.to_owned(),
            name => arn(&format!("iam::*:role/{name}")),
        };
        statements.push(json!({ "Sid": "Act", "Effect": "Allow", "Resource": "*", "Action": actions(Need::Acting) }));
        statements.push(json!({
            "Sid": "HandTheRoleToScheduler", "Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
            "Condition": { "StringEquals": { "iam:PassedToService": "scheduler.amazonaws.com" } },
        }));
    }
    if policy == Policy::Build {
        statements
            .push(json!({ "Sid": "Build", "Effect": "Allow", "Resource": "*", "Action": actions(Need::Building) }));
        // Those that AWS's own policy AWSBatchFullAccess hands on.
        let roles = ["role/AWSBatchServiceRole", "role/service-role/AWSBatchServiceRole", "role/ecsInstanceRole"];
        let roles: Vec<_> = roles.iter().map(|role| arn(&format!("iam::*:{role}"))).collect();
        statements
            .push(json!({ "Sid": "HandRolesToBatch", "Effect": "Allow", "Action": "iam:PassRole", "Resource": roles }));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerProperties, LogConfiguration};

    fn actions(document: &Value) -> BTreeSet<String> {
        let statements = document["Statement"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let of = |each: &Value| match each["Action"].as_array() {
            Some(all) => all.iter().map(text).collect::<Vec<_>>(),
            None => vec![text(&each["Action"])],
        };
        statements.iter().flat_map(of).collect()
    }

    fn resources(document: &Value, sid: &str) -> Value {
        let statements = document["Statement"].as_array().expect("a list");
        statements.iter().find(|each| each["Sid"] == sid).unwrap_or_else(|| panic!("no {sid}"))["Resource"].clone()
    }

    #[test]
    fn each_policy_allows_the_calls_of_those_it_is_for_and_no_others() {
        let needs = |most: Need| -> BTreeSet<String> {
            let called = PERMISSIONS.iter().filter(|(_, need)| *need != Need::SigningIn && *need <= most);
            called.map(|(action, _)| (*action).to_owned()).collect()
        };
        let passes = BTreeSet::from(["iam:PassRole".to_owned()]);
        let grounds = Grounds::default();
        assert_eq!(actions(&document(Policy::Read, &grounds)), needs(Need::Looking));
        let operate = actions(&document(Policy::Operate, &grounds));
        assert_eq!(operate, &needs(Need::Acting) | &passes);
        assert!(!operate.iter().any(|it| it.starts_with("batch:Create") || it.starts_with("batch:Delete")));
        assert_eq!(actions(&document(Policy::Build, &grounds)), &needs(Need::Building) | &passes);
    }

    #[test]
    fn logs_are_read_where_jobs_write_and_nowhere_else() {
        let with_group = |name: &str, driver: &str| JobDefinition {
            container_properties: Some(ContainerProperties {
                log_configuration: Some(LogConfiguration {
                    log_driver: driver.to_owned(),
                    options: [("awslogs-group".to_owned(), name.to_owned())].into(),
                    ..LogConfiguration::default()
                }),
                ..ContainerProperties::default()
            }),
            ..JobDefinition::default()
        };
        let mut grounds = Grounds { partition: "aws-cn", ..Grounds::default() };
        grounds.note(
            &[with_group("/team/etl", "awslogs"), with_group("elsewhere", "splunk"), JobDefinition::default()],
            "/corp/batch",
        );
        grounds.scheduler_role = Some("night".to_owned());
        let told = document(Policy::Operate, &grounds);
        let group = |name: &str| format!("arn:aws-cn:logs:*:*:log-group:{name}:*");
        assert_eq!(resources(&told, "ReadLogs"), json!([group("/corp/batch"), group("/team/etl")]));
        assert_eq!(resources(&told, "HandTheRoleToScheduler"), "arn:aws-cn:iam::*:role/night");
        let unknown = document(Policy::Read, &Grounds::default());
        assert_eq!(resources(&unknown, "ReadLogs"), json!(["arn:aws:logs:*:*:log-group:/aws/batch/job:*"]));
    }
}
