//! How a waiting job comes sooner where the service cannot move it: what there really is is offered, each with what it
//! changes besides. Replacing it (cancelled and submitted again) is one of these; the others change queues, shares and
//! compute environments.

use super::App;
use super::act::{Problems, STAYS, number};
use super::command::{Command, Item};
use super::form::{Field, Form, Key, Purpose};
use super::list::queue_of;
use crate::backend::{BackendError, Why};
use crate::model::{
    ComputeEnvironmentOrder, JobId, JobQueue, JobSummary, Lineage, SchedulingPolicy, ShareAttributes, Switch,
    UpdateJobQueueRequest, UpdateSchedulingPolicyRequest, name_of, validate,
};
use crate::triage::replace::{Changes, Plan, plan};
use crate::tui::requests::{Act, Ask, Outline, Replace, Step};

/// One of the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sooner {
    Replace(JobId),
    QueuePriority(String),
    Weight { arn: String, share: String },
    Order(String),
    Maximum(String),
}

/// What a form of replacing says of those that depend on the job.
const GO_ALONG: &str = "are replaced with it";
const LEFT: &str = "fail with it";

/// What a share weighs of which a policy says nothing.
const NO_FACTOR: f64 = 1.0;

impl App {
    /// Offers what there is for a job that waits.
    pub(super) fn offer_ways(&mut self, job: &JobSummary) {
        let whole = job.job_id.part().map_or_else(|| job.job_id.clone(), |(whole, _)| whole);
        let mut items = Vec::new();
        let mut add = |name: String, doc: String, way: Sooner| {
            items.push(Item { name, doc, command: Command::Sooner(way) });
        };
        let what = if whole == job.job_id { "it" } else { "its array" };
        add(format!("replace {what}"), "cancel, submit again: a new id".to_owned(), Sooner::Replace(whole));
        if let Some(queue) = queue_of(job).and_then(|name| self.store.queues.get(name)) {
            let name = &queue.job_queue_name;
            add(
                format!("priority of {name}"),
                format!("{} now; for all in it", queue.priority),
                Sooner::QueuePriority(name.clone()),
            );
            if let (Some(arn), Some(share)) = (&queue.scheduling_policy_arn, &job.share_identifier) {
                add(
                    format!("weight of {share}"),
                    format!("in {}, for all its queues", name_of(arn)),
                    Sooner::Weight { arn: arn.clone(), share: share.clone() },
                );
            }
            let environments = environments_of(queue);
            if environments.len() > 1 {
                add(
                    format!("order of environments of {name}"),
                    format!("{} now", environments.join(", ")),
                    Sooner::Order(name.clone()),
                );
            }
            for environment in environments {
                let found = self.store.environments.get(environment);
                let most = found.and_then(|found| found.compute_resources.as_ref()?.maxv_cpus);
                let Some(most) = most else { continue };
                add(
                    format!("maximum of {environment}"),
                    format!("{most} vCPUs now; it costs"),
                    Sooner::Maximum(environment.to_owned()),
                );
            }
        }
        self.offer("AWS cannot move a waiting job. What there is", items);
    }

    pub(super) fn take_way(&mut self, way: Sooner) {
        match way {
            Sooner::Replace(job) => {
                let name = self.job_row(&job).map_or_else(|| job.short(), |row| row.job_name);
                self.say(format!("reading {name} and what depends on it …"));
                let at = self.now;
                self.ask(Ask::ForReplace { job, at });
            }
            Sooner::QueuePriority(queue) => self.ask_queue_priority(&queue),
            Sooner::Weight { arn, share } => {
                self.say(format!("reading the policy {} …", name_of(&arn)));
                self.ask(Ask::Policy { arn, share });
            }
            Sooner::Order(queue) => self.ask_order(&queue),
            Sooner::Maximum(environment) => {
                let found = self.store.environments.get(&environment);
                let most = found.and_then(|found| found.compute_resources.as_ref()?.maxv_cpus).unwrap_or_default();
                self.ask_maximum(environment, most);
            }
        }
    }

    /// Opens the form that replaces a job: what was needed has come.
    pub(super) fn take_for_replace(&mut self, job: &JobId, read: Result<Lineage, BackendError>) {
        let name = self.job_row(job).map_or_else(|| job.short(), |row| row.job_name);
        let read = match read {
            Ok(read) => read,
            Err(error) => return self.complain(format!("{name} cannot be replaced: {error}")),
        };
        let definition = |label: &str| self.store.definitions.values().find(|definition| definition.label() == label);
        let plan = match plan(&read, definition) {
            Ok(plan) => plan,
            Err(why) => return self.complain(format!("{name} cannot be replaced: {why}")),
        };
        self.notice = None;
        let Some(first) = plan.jobs.first().map(|job| job.request.clone()) else { return };
        let mut queues = vec![STAYS.to_owned()];
        let others = self.store.queues_in_order().into_iter().map(|queue| queue.job_queue_name.clone());
        queues.extend(others.filter(|queue| *queue != first.job_queue));
        let priority = first.scheduling_priority_override.map(|priority| priority.to_string()).unwrap_or_default();
        let share = first.share_identifier.clone().unwrap_or_default();
        let mut fields = vec![
            Field::choice(Key::Queue, "Queue", queues, STAYS),
            Field::text(Key::Share, "Share", &share, "none; in a queue with a scheduling policy"),
            Field::text(Key::Priority, "Priority", &priority, "0 to 9999; the larger one goes first in its share"),
        ];
        if plan.jobs.len() > 1 {
            let ways = [GO_ALONG, LEFT].map(str::to_owned).to_vec();
            fields.push(Field::choice(Key::Dependents, "Dependents", ways, GO_ALONG));
        }
        fields.push(Field::text(Key::Reason, "Reason", "", "why; it is recorded and stays with the old job"));
        self.open_form(Form {
            title: format!("Replace {}", first.job_name),
            fields,
            keep: "Keep it",
            go: "Replace".to_owned(),
            careful: true,
            ..Form::of(Purpose::Replace { plan: Box::new(plan) })
        });
    }

    /// Whether those that depend on the job are replaced with it.
    pub fn takes_dependents(form: &Form) -> bool {
        form.value(Key::Dependents) == GO_ALONG
    }

    /// The queue in which the job of such a form will be.
    pub fn queue_after<'f>(form: &'f Form, plan: &'f Plan) -> &'f str {
        let first = plan.jobs.first().map_or("", |job| job.request.job_queue.as_str());
        Some(form.value(Key::Queue)).filter(|queue| *queue != STAYS).unwrap_or(first)
    }

    pub(super) fn replace_calls(&self, form: &Form, plan: &Plan) -> Result<Act, Problems> {
        let mut problems = Problems::new();
        let Some(first) = plan.jobs.first().map(|job| &job.request) else { return Err(problems) };
        let queue = Self::queue_after(form, plan);
        let found = self.store.queues.get(queue);
        let has_policy = found.is_some_and(|found| found.scheduling_policy_arn.is_some());
        if found.is_some_and(|found| found.state == Switch::Disabled) {
            problems.push((Key::Queue, format!("{queue} is DISABLED: it takes no jobs")));
        }
        let share = form.value(Key::Share);
        let is_new_queue = queue != first.job_queue;
        let is_new_share = share != first.share_identifier.as_deref().unwrap_or_default();
        if found.is_some() && has_policy == share.is_empty() {
            let takes = if has_policy { "has shares: say which" } else { "has no scheduling policy: leave this empty" };
            problems.push((Key::Share, format!("{queue} {takes}")));
        }
        let priority = number(form, Key::Priority, validate::scheduling_priority).unwrap_or_else(|more| {
            problems.extend(more);
            None
        });
        let is_new_priority = priority.is_some() && priority != first.scheduling_priority_override;
        if is_new_priority && found.is_some() && !has_policy {
            let text = format!("{queue} has no scheduling policy: AWS takes its jobs in the order in which they came");
            problems.push((Key::Priority, text));
        }
        let reason = form.value(Key::Reason);
        // At first nothing is changed yet, and that is no mistake.
        if !(is_new_queue || is_new_share || is_new_priority || reason.is_empty()) {
            problems.push((Key::Queue, "nothing would change: choose another queue, share or priority".to_owned()));
        }
        if let Err(wrong) = validate::reason(reason) {
            let text = if reason.is_empty() { "say why: it is recorded".to_owned() } else { wrong.to_string() };
            problems.push((Key::Reason, text));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let changes = Changes {
            queue: is_new_queue.then(|| queue.to_owned()),
            share: is_new_share.then(|| share.to_owned()),
            priority: priority.filter(|_| is_new_priority),
        };
        let jobs = plan.replacements(&changes, Self::takes_dependents(form));
        let what = match jobs.len() {
            1 => first.job_name.clone(),
            several => format!("{} and {} that depend on it", first.job_name, several - 1),
        };
        let step = Step::Replace(Box::new(Replace { jobs, changes, reason: reason.to_owned() }));
        Ok(Act {
            title: format!("replace {what}"),
            done: Outline::Words(format!("replaced {what}")),
            steps: vec![step],
            in_order: true,
        })
    }

    /// Opens the form for what a share weighs.
    pub(super) fn take_policy(&mut self, share: &str, found: Result<SchedulingPolicy, BackendError>) {
        let policy = match found {
            Ok(policy) => policy,
            Err(error) => return self.complain(format!("the scheduling policy cannot be read: {error}")),
        };
        if policy.fairshare_policy.is_none() {
            return self.complain(format!("{} is no fair-share policy: its shares weigh nothing", policy.name));
        }
        self.notice = None;
        let now = weight_of(&policy, share).to_string();
        self.open_form(Form {
            title: format!("Weight of the share {share} in {}", policy.name),
            fields: vec![
                Field::text(Key::Weight, "Weight", &now, "0.0001 to 999.9999; the smaller, the more it gets")
                    .selected(),
                Field::text(Key::Reason, "Reason", "", "why; it is recorded"),
            ],
            go: "Set".into(),
            ..Form::of(Purpose::Weight { policy: Box::new(policy), share: share.to_owned() })
        });
    }

    pub(super) fn weight_calls(form: &Form, policy: &SchedulingPolicy, share: &str) -> Result<Act, Problems> {
        let typed = form.value(Key::Weight);
        let weight = typed.parse::<f64>().ok().filter(|weight| (0.0001..=999.9999).contains(weight));
        let Some(weight) = weight else {
            return Err(vec![(Key::Weight, format!("`{typed}` is no weight: takes 0.0001 to 999.9999"))]);
        };
        let mut fair = policy.fairshare_policy.clone().unwrap_or_default();
        match fair.share_distribution.iter_mut().find(|one| one.share_identifier == share) {
            Some(one) => one.weight_factor = Some(weight),
            None => fair
                .share_distribution
                .push(ShareAttributes { share_identifier: share.to_owned(), weight_factor: Some(weight) }),
        }
        let request = UpdateSchedulingPolicyRequest {
            arn: policy.arn.clone(),
            fairshare_policy: Some(fair),
            ..UpdateSchedulingPolicyRequest::default()
        };
        let (name, step) = (&policy.name, Step::UpdatePolicy(request, why_of(form)));
        Ok(Act {
            title: format!("weight {weight} of {share} in {name}"),
            done: Outline::Words(format!("weight of {share} in {name} is now {weight}")),
            steps: vec![step],
            in_order: true,
        })
    }

    fn ask_order(&mut self, queue: &str) {
        let Some(found) = self.store.queues.get(queue) else { return self.say("the queue is gone") };
        let order = environments_of(found).join(" ");
        self.open_form(Form {
            title: format!("Order of the environments of {queue}"),
            fields: vec![
                Field::text(Key::Order, "Order", &order, "names, the one that is tried first at the front"),
                Field::text(Key::Reason, "Reason", "", "why; it is recorded"),
            ],
            go: "Set".into(),
            ..Form::of(Purpose::Order { queue: queue.to_owned() })
        });
    }

    /// The same environments in another order: which of them there are is not a matter of turns.
    pub(super) fn order_calls(&self, form: &Form, queue: &str) -> Result<Act, Problems> {
        let typed: Vec<&str> = form.value(Key::Order).split([' ', ',']).filter(|name| !name.is_empty()).collect();
        let known = self.store.queues.get(queue).map(environments_of).unwrap_or_default();
        let sorted = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            names
        };
        if sorted(&typed) != sorted(&known) {
            return Err(vec![(Key::Order, format!("takes each of {} once", known.join(", ")))]);
        }
        if typed == known {
            return Err(vec![(Key::Order, "it is this order now".to_owned())]);
        }
        let order = (1..)
            .zip(&typed)
            .map(|(order, name)| ComputeEnvironmentOrder { order, compute_environment: (*name).to_owned() });
        let request = UpdateJobQueueRequest {
            job_queue: queue.to_owned(),
            compute_environment_order: Some(order.collect()),
            ..UpdateJobQueueRequest::default()
        };
        Ok(Act {
            title: format!("order of the environments of {queue}"),
            done: Outline::Words(format!("{queue} tries {} in this order now", typed.join(", "))),
            steps: vec![Step::UpdateQueue(request, why_of(form))],
            in_order: true,
        })
    }
}

fn why_of(form: &Form) -> Why {
    let reason = form.value(Key::Reason);
    Why { reason: (!reason.is_empty()).then(|| reason.to_owned()) }
}

/// Names of a queue's environments, in the order in which they are tried.
fn environments_of(queue: &JobQueue) -> Vec<&str> {
    queue.compute_environment_order.iter().map(|entry| name_of(&entry.compute_environment)).collect()
}

/// What a share weighs: what stands for it itself, or for all that begin so.
pub fn weight_of(policy: &SchedulingPolicy, share: &str) -> f64 {
    let shares = policy.fairshare_policy.iter().flat_map(|fair| &fair.share_distribution);
    let mut found: Vec<&ShareAttributes> = shares
        .filter(|one| {
            let name = one.share_identifier.as_str();
            name == share || name.strip_suffix('*').is_some_and(|start| share.starts_with(start))
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.share_identifier == share));
    found.first().and_then(|one| one.weight_factor).unwrap_or(NO_FACTOR)
}
