//! What replacing a job would come to, and what the other ways to have it sooner change besides.

use super::{Lines, NAMED, say};
use crate::config::theme::Role;
use crate::model::{SchedulingPolicy, name_of};
use crate::triage::replace::Plan;
use crate::tui::app::App;
use crate::tui::app::form::Form;
use crate::tui::app::list::since;
use crate::tui::format::{age, count};

/// The ids that change, who fails or goes along, and where the new job will stand.
pub fn replace(app: &App, lines: &mut Lines, room: usize, form: &Form, plan: &Plan) {
    let Some(first) = plan.jobs.first() else { return };
    let queue = App::queue_after(form, plan);
    if let Some(job) = app.job_row(&first.old) {
        let text = format!("{} for {} in {}", job.status, age(app.now - since(&job)), first.request.job_queue);
        say(lines, room, &text, Role::Dim);
    }
    let text = format!(
        "{} ends; a new job with a new id takes its place, and counts as submitted now: who waits in {queue} already is \
         before it unless its share or priority says otherwise",
        first.old.short()
    );
    say(lines, room, &text, Role::Text);
    let names: Vec<&str> = plan.dependents().collect();
    if !names.is_empty() {
        let more = names.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
        let first_names = names[..names.len() - more].join(", ");
        if App::takes_dependents(form) {
            let text = format!("wait for it, and are submitted again behind it, with new ids: {first_names}{rest}");
            say(lines, room, &text, Role::Text);
        } else {
            say(lines, room, &format!("▲ would fail with it: {first_names}{rest}"), Role::Attention);
        }
    }
    for (name, why) in plan.left_out.iter().take(NAMED) {
        say(lines, room, &format!("▲ fails with it, and cannot be submitted again: {name}, {why}"), Role::Attention);
    }
    for unread in &plan.unread {
        say(lines, room, &format!("▲ not read: {unread}"), Role::Attention);
    }
    say(lines, room, "should it start before it is cancelled, it is left alone and nothing is submitted", Role::Dim);
}

/// What the shares of a policy weigh, and which queues have it.
pub fn weight(app: &App, lines: &mut Lines, room: usize, policy: &SchedulingPolicy) {
    let queues = app.store.queues.values().filter(|queue| queue.scheduling_policy_arn.as_ref() == Some(&policy.arn));
    let names: Vec<&str> = queues.map(|queue| queue.job_queue_name.as_str()).collect();
    let text = format!("all of the share's jobs get more or less, in: {}", names.join(", "));
    say(lines, room, &text, Role::Text);
    let shares = policy.fairshare_policy.iter().flat_map(|fair| &fair.share_distribution);
    let weights: Vec<String> =
        shares.map(|share| format!("{} {}", share.share_identifier, share.weight_factor.unwrap_or(1.0))).collect();
    let text = if weights.is_empty() { "every share weighs 1 now".to_owned() } else { weights.join(", ") };
    say(lines, room, &format!("now: {text}; half the weight is twice the part"), Role::Dim);
}

/// Which environments a queue tries, and how full each is.
pub fn order(app: &App, lines: &mut Lines, room: usize, queue: &str) {
    say(lines, room, "the first that has room takes a job; what runs stays where it is. Now:", Role::Dim);
    let order = app.store.queues.get(queue).map(|queue| queue.compute_environment_order.clone()).unwrap_or_default();
    for entry in order {
        let name = name_of(&entry.compute_environment);
        let found = app.store.environments.get(name);
        let kind = found.map_or("", |found| found.provisioning());
        let state = found.map_or("", |found| found.state.as_str());
        say(lines, room, &format!("  {} {name}  {kind} {state}", entry.order), Role::Text);
    }
}
