//! Classic rules of `EventBridge` that submit jobs. They are found by the queues that they aim at, and only read.

use super::budget::Caller;
use super::convert;
use super::service::Service;
use crate::backend::BackendError;
use crate::model::{DEFAULT_EVENT_BUS, Schedule};
use futures::future::try_join_all;
use std::collections::BTreeSet;

/// Names in a page of the rules of one target.
const AT_ONCE: i32 = 100;
/// Pages that are read of them.
const PAGES: usize = 10;

impl Service {
    /// All rules of the default bus that aim at one of these queues, by name.
    pub async fn rules(&self, caller: Caller, queues: &[String]) -> Result<Vec<Schedule>, BackendError> {
        let names = try_join_all(queues.iter().map(|queue| self.rule_names(caller, queue))).await?;
        self.read_rules(caller, &names.into_iter().flatten().collect()).await
    }

    /// The names of the rules that aim at a queue.
    pub async fn rule_names(&self, caller: Caller, queue_arn: &str) -> Result<Vec<String>, BackendError> {
        let Some(events) = &self.events else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let call = events.list_rule_names_by_target().target_arn(queue_arn).limit(AT_ONCE).set_next_token(token);
            let answer = self.call(caller, "ListRuleNamesByTarget", || call.clone().send()).await?;
            names.extend(answer.rule_names.unwrap_or_default());
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(names)
    }

    pub async fn read_rules(&self, caller: Caller, names: &BTreeSet<String>) -> Result<Vec<Schedule>, BackendError> {
        let read = try_join_all(names.iter().map(|name| self.rule(caller, name))).await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// A rule, once for each queue that it aims at; nothing of one that is gone.
    async fn rule(&self, caller: Caller, name: &str) -> Result<Vec<Schedule>, BackendError> {
        let Some(events) = &self.events else { return Ok(Vec::new()) };
        let describe = events.describe_rule().name(name).event_bus_name(DEFAULT_EVENT_BUS);
        let targets = events.list_targets_by_rule().rule(name).event_bus_name(DEFAULT_EVENT_BUS);
        let read = futures::try_join!(
            self.call(caller, "DescribeRule", || describe.clone().send()),
            self.call(caller, "ListTargetsByRule", || targets.clone().send()),
        );
        match read {
            Ok((rule, targets)) => Ok(convert::rule::schedules(&rule, targets.targets.unwrap_or_default())),
            Err(BackendError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The rule that a schedule's group and name stand for.
    pub async fn rule_named(&self, caller: Caller, group: &str, name: &str) -> Result<Schedule, BackendError> {
        let rule = name.split(':').next().unwrap_or_default();
        let read = self.rule(caller, rule).await?;
        let found = read.into_iter().find(|one| one.group_name == group && one.name == name);
        found.ok_or_else(|| BackendError::NotFound { what: format!("rule {rule}") })
    }
}
