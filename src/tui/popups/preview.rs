//! What a form is about: what it will hit, what will come of it.

mod replace;
mod schedule;

use crate::config::theme::Role;
use crate::model::{
    InstanceId, JobId, JobStatus, JobSummary, STARTER_TYPE, StatusCounts, SubmitJobRequest, Switch, name_of,
    starter_vcpus,
};
use crate::triage::rerun::Plan;
use crate::tui::action::{Action, Place};
use crate::tui::app::act::StopCall;
use crate::tui::app::form::{Form, Purpose};
use crate::tui::app::list::since;
use crate::tui::app::subject::title_of;
use crate::tui::app::{App, Scroll};
use crate::tui::format::{age, count, cut, fit, relative, width, wrap};
use crate::tui::screens::job_sign;
use crate::tui::widgets::{Piece, piece};

type Lines = Vec<Vec<Piece<'static>>>;

/// Jobs that are named at once; the others are scrolled to.
const NAMED: usize = 8;

fn say(lines: &mut Lines, room: usize, text: &str, role: Role) {
    lines.extend(wrap(text, room).into_iter().map(|line| vec![piece(line, role)]));
}

/// The lines above the fields.
pub fn above(app: &App, form: &Form, room: usize) -> Lines {
    let mut lines = Lines::new();
    match &form.purpose {
        Purpose::Stop { jobs } => stop(app, &mut lines, room, jobs, &form.scroll),
        Purpose::JobPriority { id } => {
            if let Some(job) = app.job_row(id) {
                let why = crate::tui::screens::why(app, &job);
                say(&mut lines, room, &format!("{} for {} · {why}", job.status, age(app.now - since(&job))), Role::Dim);
            }
        }
        Purpose::QueuePriority { .. } => {
            say(&mut lines, room, "queues that share compute environments, as they are served:", Role::Dim);
            for queue in app.store.queues_in_order().into_iter().take(6) {
                say(
                    &mut lines,
                    room,
                    &format!("  {} {:>5}", fit(&queue.job_queue_name, 24), queue.priority),
                    Role::Text,
                );
            }
        }
        Purpose::HoldJobs { jobs, held } => hold_jobs(app, &mut lines, room, jobs, *held),
        Purpose::HoldQueue { queue, held } => hold_queue(app, &mut lines, room, queue, *held),
        Purpose::MoveJobs { jobs } => {
            named(app, &mut lines, room, jobs);
            let text = "ids, dependents and the record stay; a priority that was set does not go to another queue";
            say(&mut lines, room, text, Role::Dim);
        }
        Purpose::SwitchQueue { queue, to } => {
            let counts = app.store.queues.get(queue).and_then(|queue| queue.job_counts.clone()).unwrap_or_default();
            let text = switch_text(*to, "submitted to it", &counts);
            say(&mut lines, room, &text, Role::Text);
        }
        Purpose::SwitchEnvironment { environment, to } => switch_environment(app, &mut lines, room, environment, *to),
        Purpose::Maximum { environment } => {
            let resources = app.store.environments.get(environment).and_then(|found| found.compute_resources.as_ref());
            let now =
                resources.and_then(|resources| resources.maxv_cpus).map_or("-".to_owned(), |most| most.to_string());
            say(&mut lines, room, &format!("maxvCpus is {now} now; what runs goes on"), Role::Text);
        }
        Purpose::Interrupt { instance } => interrupt(app, &mut lines, room, instance),
        Purpose::DeleteSchedule { name, .. } => {
            say(&mut lines, room, &format!("{name} will not run again; the jobs that it submitted stay."), Role::Text);
        }
        Purpose::PauseSchedule { to: Switch::Disabled, .. } => {
            say(
                &mut lines,
                room,
                "it does not run until it is resumed; what it misses is not made up for.",
                Role::Text,
            );
        }
        Purpose::PauseSchedule { schedule, .. } => {
            let next = app.next_run(&crate::model::Schedule { state: Switch::Enabled, ..(**schedule).clone() });
            let text = next.map_or("it never runs again".to_owned(), |at| {
                format!("next run {} ({})", app.setting.own.clock.day(at), relative(at, app.now))
            });
            say(&mut lines, room, &text, Role::Text);
        }
        Purpose::RunSchedule { .. } => {
            say(
                &mut lines,
                room,
                "its job is submitted at once, whatever its state; its times stay as they are.",
                Role::Text,
            );
        }
        Purpose::Begin => begin(app, &mut lines, room),
        Purpose::Replace { plan } => replace::replace(app, &mut lines, room, form, plan),
        Purpose::Weight { policy, .. } => replace::weight(app, &mut lines, room, policy),
        Purpose::Order { queue } => replace::order(app, &mut lines, room, queue),
        Purpose::Rerun { plan, what } => rerun(&mut lines, room, plan, what),
        Purpose::Command(run) => {
            say(&mut lines, room, "it has the terminal until it ends; what it does is its own affair", Role::Dim);
            for (name, value) in run.variables.iter().filter(|(_, value)| !value.is_empty()) {
                say(&mut lines, room, &format!("{name}={value}"), Role::Dim);
            }
        }
        Purpose::Submit { .. } | Purpose::Schedule { .. } => {}
    }
    lines
}

fn hold_queue(app: &App, lines: &mut Lines, room: usize, queue: &str, held: bool) {
    let counts = app.store.queues.get(queue).and_then(|queue| queue.job_counts.clone()).unwrap_or_default();
    let (placed, waiting) = (counts.placed(), counts.waiting());
    let text = if held {
        format!("no job is started until it is released: {waiting} waiting; what runs goes on: {placed} running")
    } else {
        format!("jobs are started in their turn again: {waiting} waiting")
    };
    say(lines, room, &text, Role::Text);
}

fn switch_environment(app: &App, lines: &mut Lines, room: usize, environment: &str, to: Switch) {
    let queues: Vec<&str> = app
        .store
        .queues
        .values()
        .filter(|queue| {
            let mut order = queue.compute_environment_order.iter();
            order.any(|entry| name_of(&entry.compute_environment) == environment)
        })
        .map(|queue| queue.job_queue_name.as_str())
        .collect();
    let text = match to {
        Switch::Disabled => "no new job is placed here; what runs goes on",
        Switch::Enabled => "jobs are placed here again",
    };
    say(lines, room, text, Role::Text);
    if !queues.is_empty() {
        say(lines, room, &format!("queues that use it: {}", queues.join(", ")), Role::Dim);
    }
}

/// What is made on an empty machine.
fn begin(app: &App, lines: &mut Lines, room: usize) {
    say(lines, room, "This makes, for jobs that run as processes on this machine:", Role::Text);
    let most = starter_vcpus(app.setting.own.processors);
    for (what, how) in [
        ("compute environment `local`", format!("MANAGED, EC2, {STARTER_TYPE}, at most {most} vCPU")),
        ("queue `default`", "priority 10, on `local`".to_owned()),
        ("job definition `host`", "image host, command true, 1 vCPU, 512 MiB".to_owned()),
    ] {
        lines.push(vec![piece(format!("  {}", fit(what, 30)), Role::Text), piece(how, Role::Dim)]);
    }
    say(lines, room, "Then n submits a job. They can be changed or deleted at any time.", Role::Dim);
}

/// How jobs are run again, and what that is not.
fn rerun(lines: &mut Lines, room: usize, plan: &Plan, what: &str) {
    let arrays: Vec<_> = plan.submits.iter().filter(|submit| submit.array.is_some()).collect();
    let single = plan.submits.len() - arrays.len();
    if single > 0 {
        let text = match single {
            1 => "1 job is submitted as it was, with a new id".to_owned(),
            several => format!("{} jobs are submitted as they were, with new ids", count(several as u64)),
        };
        say(lines, room, &text, Role::Text);
    }
    for submit in arrays.iter().take(3) {
        let name = &submit.request.job_name;
        let text = match submit.count {
            1 => format!("1 child of {name}: a job of its own"),
            several => format!("{} children of {name}: a new array of as many", count(several as u64)),
        };
        say(lines, room, &text, Role::Text);
    }
    if arrays.len() > 3 {
        say(lines, room, &format!("and {} more arrays", arrays.len() - 3), Role::Text);
    }
    if arrays.is_empty() {
        say(lines, room, "what waited for them has failed with them: it is not part of this", Role::Dim);
    } else {
        let text = "a child cannot run again within its array. `sh` in front of the command gives each its old \
                    AWS_BATCH_JOB_ARRAY_INDEX: the image needs sh, and no entrypoint of its own";
        say(lines, room, text, Role::Dim);
        say(lines, room, "what waits for the old array does not wait for this", Role::Dim);
    }
    for left in &plan.left_out {
        let text = format!("▲ not {} of {what}: {}", count(left.count as u64), left.why);
        say(lines, room, &text, Role::Attention);
    }
}

/// Which jobs an instance takes with it.
fn interrupt(app: &App, lines: &mut Lines, room: usize, instance: &InstanceId) {
    let jobs = app.jobs_on(instance);
    let row = app.selected_instance().filter(|row| row.instance_id == *instance);
    // Not all jobs need be listed here.
    let count = row.map_or(0, |row| row.running_jobs as usize).max(jobs.len());
    let text = match count {
        0 => "no job is on it; it takes no new one, and ends at once".to_owned(),
        1 => "it takes no new job, and ends with the one that it has:".to_owned(),
        _ => format!("it takes no new job, and ends with the {count} that it has:"),
    };
    say(lines, room, &text, Role::Text);
    let wide = room.saturating_sub(34).clamp(8, 40);
    for job in jobs.iter().take(NAMED) {
        lines.push(job_line(app, job, wide));
    }
    let shown = jobs.len().min(NAMED);
    if count > shown {
        say(lines, room, &format!("and {} more", count - shown), Role::Dim);
    }
    if count > 0 {
        let text = format!(
            "attempts end with `Host EC2 (instance {instance}) terminated.`; what has some left is tried again"
        );
        say(lines, room, &text, Role::Dim);
    }
}

fn job_line(app: &App, job: &JobSummary, wide: usize) -> Vec<Piece<'static>> {
    let (sign, role) = job_sign(job.status);
    vec![
        piece(format!("{sign} "), role),
        piece(fit(&title_of(job), wide), Role::Text),
        piece(format!(" {:<9}", job.status.as_str()), role),
        piece(format!(" {:>6}", age(app.now - since(job))), Role::Dim),
    ]
}

/// The first of the jobs that still wait, and how many more there are.
fn named(app: &App, lines: &mut Lines, room: usize, jobs: &[JobId]) {
    let wide = room.saturating_sub(34).clamp(8, 40);
    let rows: Vec<_> = jobs.iter().filter_map(|id| app.job_row(id)).filter(|job| job.status.is_waiting()).collect();
    for job in rows.iter().take(NAMED) {
        lines.push(job_line(app, job, wide));
    }
    if rows.len() > NAMED {
        say(lines, room, &format!("and {} more", rows.len() - NAMED), Role::Dim);
    }
}

fn hold_jobs(app: &App, lines: &mut Lines, room: usize, jobs: &[JobId], held: bool) {
    named(app, lines, room, jobs);
    let text = if held {
        "passed over until released; what is behind goes on, and no instance is launched for what is held"
    } else {
        "back in turn, by priority and the time of submission"
    };
    say(lines, room, text, Role::Dim);
}

fn switch_text(to: Switch, what: &str, counts: &StatusCounts) -> String {
    match to {
        Switch::Disabled => format!(
            "no job can be {what}; {} that run go on, {} that wait are not started until it is enabled",
            counts.placed(),
            counts.waiting()
        ),
        Switch::Enabled => {
            format!("jobs can be {what} again; {} that wait are started in their turn", counts.waiting())
        }
    }
}

/// `196 cancel: 120 RUNNABLE, 76 PENDING` and the same of what is terminated.
fn summary(live: &[&JobSummary]) -> Vec<String> {
    [StopCall::Terminate, StopCall::Cancel]
        .into_iter()
        .filter_map(|call| {
            let jobs: Vec<_> = live.iter().filter(|job| StopCall::of(job) == call).collect();
            let states: Vec<String> = JobStatus::ALL
                .into_iter()
                .rev()
                .map(|status| (jobs.iter().filter(|job| job.status == status).count(), status))
                .filter(|(count, _)| *count > 0)
                .map(|(count, status)| format!("{count} {status}"))
                .collect();
            (!jobs.is_empty()).then(|| format!("{} {}: {}", jobs.len(), call.name(), states.join(", ")))
        })
        .collect()
}

fn stop(app: &App, lines: &mut Lines, room: usize, jobs: &[JobId], scroll: &Scroll) {
    let rows: Vec<_> = jobs.iter().filter_map(|id| app.job_row(id)).collect();
    let (live, ended): (Vec<_>, Vec<_>) = rows.iter().partition(|job| StopCall::of(job) != StopCall::None);
    if live.len() > 1 {
        for line in summary(&live) {
            say(lines, room, &line, Role::Text);
        }
    }
    scroll.seen.set((live.len(), NAMED));
    let top = scroll.top.min(live.len().saturating_sub(NAMED));
    let shown: Vec<_> = live.iter().skip(top).take(NAMED).map(|job| (*job, stop_words(job))).collect();
    // Names give way to what will be done, and not the other way around.
    let longest = shown.iter().map(|(_, words)| width(words)).max().unwrap_or(0);
    let wide = room.saturating_sub(21 + longest).clamp(8, 40);
    for (job, words) in shown {
        let what = piece(format!("  {}", cut(&words, room.saturating_sub(21 + wide))), Role::Text);
        lines.push(job_line(app, job, wide).into_iter().chain([what]).collect());
    }
    if live.len() > NAMED {
        let keys: Vec<String> = [Action::ScrollUp, Action::ScrollDown]
            .into_iter()
            .filter_map(|action| app.keymap.keys_at(Place::Form, action).into_iter().next())
            .collect();
        let range = format!("{}-{} of {}", top + 1, top + NAMED, live.len());
        lines.push(vec![piece(format!("{range}   "), Role::Dim), piece(keys.join(" "), Role::Key)]);
    }
    if !ended.is_empty() {
        say(lines, room, &format!("{} have ended by themselves: they are left alone", ended.len()), Role::Dim);
    }
    if let Some(hours) = lost(app, &live) {
        say(lines, room, &format!("lost: ~{hours:.1} vCPU hours of work that is done already"), Role::Text);
    }
    let mut dependents = app.dependents(jobs);
    dependents.dedup();
    if !dependents.is_empty() {
        let more = dependents.len().saturating_sub(6);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        dependents.truncate(6);
        say(lines, room, &format!("▲ would fail with them: {}{rest}", dependents.join(", ")), Role::Attention);
    }
}

/// `terminate (TERM, 30 s, KILL)`, and of an array what that means for its children.
fn stop_words(job: &JobSummary) -> String {
    let call = StopCall::of(job);
    match (children(job), call) {
        (Some(children), _) => format!("{}: {children}", call.name()),
        (None, StopCall::Terminate) => "terminate (TERM, 30 s, KILL)".to_owned(),
        (None, other) => other.name().to_owned(),
    }
}

/// `8 running, 1,868 waiting`, of the children of an array.
fn children(job: &JobSummary) -> Option<String> {
    let array = job.array_properties.as_ref().filter(|_| job.is_array_parent())?;
    let counts = array.status_summary.as_ref()?;
    Some(format!("{} running, {} waiting", count(counts.placed()), count(counts.waiting())))
}

/// The vCPU hours that running attempts have taken, as far as their sizes are known.
#[expect(clippy::cast_precision_loss, reason = "spans of time fit")]
fn lost(app: &App, live: &[&JobSummary]) -> Option<f64> {
    let of = |job: &JobSummary| {
        let vcpus = job.extra.as_ref().map(|extra| extra.vcpus).filter(|vcpus| *vcpus > 0.0)?;
        let since = job.started_at.filter(|_| job.status == JobStatus::Running)?;
        Some(vcpus * (app.now - since).max(0) as f64 / 3_600_000.0)
    };
    let children = live.iter().filter(|job| job.is_array_parent());
    let children =
        children.filter_map(|job| app.store.children.get(&job.job_id)).flat_map(|children| children.values());
    let hours: Vec<f64> = live.iter().copied().chain(children).filter_map(of).collect();
    // What rounds to nothing is not worth a line.
    let lost: f64 = hours.iter().sum();
    (lost >= 0.05).then_some(lost)
}

/// Where a job would fit, and about what it costs: a line each, whether known or not, so that nothing moves.
fn estimate(app: &App, form: &Form, base: &SubmitJobRequest, room: usize) -> Lines {
    let unknown = || ("what the definition asks for is not known".to_owned(), "-".to_owned());
    let (fits, costs) = app.estimate(form, base).unwrap_or_else(unknown);
    let line = |label: &str, text: &str| {
        let role = if text.contains(": never, ") { Role::Attention } else { Role::Dim };
        vec![
            piece(format!("  {label:<13}"), Role::Column),
            piece(cut(text, room.saturating_sub(15)).into_owned(), role),
        ]
    };
    vec![line("Fits", &fits), line("Costs", &costs)]
}

/// The lines below the fields.
pub fn below(app: &App, form: &Form, room: usize) -> Lines {
    match &form.purpose {
        Purpose::Submit { base } => estimate(app, form, base, room),
        _ => schedule::below(app, form, room),
    }
}
