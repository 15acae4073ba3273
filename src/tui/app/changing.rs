//! Whether what was changed of a queue or an environment has come into effect: AWS accepts at once and takes minutes. It
//! is followed by what is polled anyway, to its end, and the end is said; so is one that does not come.

use super::App;
use crate::model::{
    ComputeEnvironment, Health, JobQueue, Millis, Switch, UpdateComputeEnvironmentRequest, UpdateJobQueueRequest,
    name_of, text::printable,
};
use crate::tui::format::{age, vcpus};
use crate::tui::requests::Changed;

/// From here on it takes longer than it should.
const LATE: Millis = 5 * 60_000;
const GIVEN_UP: Millis = 30 * 60_000;

/// A change on its way.
#[derive(Debug)]
pub(super) struct Changing {
    what: Changed,
    since: Millis,
    told_late: bool,
}

/// How far a change has come.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    /// What it has come to.
    Done(String),
    /// Why it came to nothing.
    Wrong(String),
    /// What it waits for.
    Goes(String),
    Gone,
}

impl Changing {
    fn name(&self) -> &str {
        match &self.what {
            Changed::Queue(request) => name_of(&request.job_queue),
            Changed::Environment(request) => name_of(&request.compute_environment),
        }
    }
}

/// Of a status, what it means for a change: `None` where the thing is as it is to be.
fn course_of(status: Health, reason: Option<&str>) -> Option<Course> {
    let reason = reason.map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
    match status {
        Health::Valid => None,
        Health::Invalid => Some(Course::Wrong(format!("INVALID{reason}"))),
        Health::Deleted => Some(Course::Gone),
        Health::Creating | Health::Updating | Health::Deleting => {
            Some(Course::Goes(format!("{}{reason}", status.as_str())))
        }
    }
}

fn of_queue(request: &UpdateJobQueueRequest, queue: &JobQueue) -> Course {
    if let Some(course) = course_of(queue.status, queue.status_reason.as_deref()) {
        return course;
    }
    let is_switched = request.state.is_none_or(|state| state == queue.state);
    let is_ranked = request.priority.is_none_or(|priority| priority == queue.priority);
    if !is_switched || !is_ranked {
        return Course::Goes(format!("{}, priority {}", queue.state.as_str(), queue.priority));
    }
    let priority = request.priority.map(|priority| format!(", priority {priority}")).unwrap_or_default();
    Course::Done(format!("{} and VALID{priority}", queue.state.as_str()))
}

fn of_environment(request: &UpdateComputeEnvironmentRequest, environment: &ComputeEnvironment) -> Course {
    if let Some(course) = course_of(environment.status, environment.status_reason.as_deref()) {
        return course;
    }
    let (wanted, has) = (request.compute_resources.clone().unwrap_or_default(), environment.compute_resources.clone());
    let has = has.unwrap_or_default();
    let limit = |wanted: Option<i32>, has: Option<i32>| wanted.is_none_or(|wanted| has == Some(wanted));
    // The scheduler itself moves what is desired: it may have passed what was asked for.
    let reaches = |wanted: Option<i32>| wanted.is_none_or(|wanted| has.desiredv_cpus.is_some_and(|has| has >= wanted));
    let is_switched = request.state.is_none_or(|state| state == environment.state);
    let is_limited = limit(wanted.minv_cpus, has.minv_cpus) && limit(wanted.maxv_cpus, has.maxv_cpus);
    let told = |vcpus: Option<i32>| vcpus.map_or("-".to_owned(), |vcpus| vcpus.to_string());
    let numbers =
        format!("vCPU min {} desired {} max {}", told(has.minv_cpus), told(has.desiredv_cpus), told(has.maxv_cpus));
    if !is_switched || !is_limited || !reaches(wanted.desiredv_cpus) {
        return Course::Goes(format!("{}, {numbers}", environment.state.as_str()));
    }
    let there = environment.capacity.as_ref().map(|capacity| (capacity.vcpus, capacity.instances.len()));
    let asked = wanted.desiredv_cpus.max(wanted.minv_cpus).filter(|asked| *asked > 0);
    match (asked, there) {
        // Instances boot for minutes after the environment wants them; a disabled one launches none.
        (Some(asked), Some((running, _))) if environment.state == Switch::Enabled && running < f64::from(asked) => {
            Course::Goes(format!("{} of {asked} vCPU registered", vcpus(running)))
        }
        (_, Some((running, count))) => {
            let instances = if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") };
            let state = environment.state.as_str();
            Course::Done(format!("{state} and VALID, {numbers}, {instances} with {} vCPU", vcpus(running)))
        }
        _ => Course::Done(format!("{} and VALID, {numbers}", environment.state.as_str())),
    }
}

impl App {
    pub(super) fn follow_changes(&mut self, changed: &[Changed]) {
        if self.setting.can.pushes_changes {
            return;
        }
        for what in changed {
            let new = Changing { what: what.clone(), since: self.now, told_late: false };
            let is_queue = |what: &Changed| matches!(what, Changed::Queue(_));
            self.changing.retain(|old| old.name() != new.name() || is_queue(&old.what) != is_queue(&new.what));
            self.changing.push(new);
        }
    }

    /// Looks at what was told of queues and environments, and says what has come to its end.
    pub(super) fn see_changes(&mut self) {
        let now = self.now;
        let (mut good, mut bad) = (None, None);
        let mut changing = std::mem::take(&mut self.changing);
        changing.retain_mut(|change| {
            let course = match &change.what {
                Changed::Queue(request) => {
                    self.store.queues.get(change.name()).map_or(Course::Gone, |queue| of_queue(request, queue))
                }
                Changed::Environment(request) => {
                    let found = self.store.environments.get(change.name());
                    found.map_or(Course::Gone, |found| of_environment(request, found))
                }
            };
            let (name, since) = (change.name().to_owned(), now - change.since);
            match course {
                Course::Gone => false,
                Course::Done(told) => {
                    good = Some(format!("✔ {name} is {told} (after {})", age(since)));
                    false
                }
                // What it was before may have been wrong already: it has its time to be judged anew.
                Course::Wrong(told) if since > 10_000 => {
                    bad = Some(format!("{name} is {told}"));
                    false
                }
                Course::Wrong(_) => true,
                Course::Goes(told) => {
                    let is_over = since > GIVEN_UP;
                    if is_over || (since > LATE && !change.told_late) {
                        change.told_late = true;
                        let more = if is_over { "it is followed no more" } else { "it is followed on" };
                        let ago = age(since);
                        bad = Some(format!("{name} was changed {ago} ago and is not there yet ({told}); {more}"));
                    }
                    !is_over
                }
            }
        });
        self.changing = changing;
        if let Some(text) = bad {
            self.complain(text);
        } else if let Some(text) = good {
            self.say(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capacity, Change, ComputeResource, ComputeResourceUpdate, Cursor, Instance, What};
    use crate::tui::requests::Message;
    use crate::tui::stage::Stage;

    fn stage() -> Stage {
        Stage::polled((120, 30))
    }

    fn environment(state: Switch, status: Health, desired: i32, running: Option<f64>) -> ComputeEnvironment {
        let resources = ComputeResource {
            kind: "EC2".into(),
            minv_cpus: Some(0),
            desiredv_cpus: Some(desired),
            maxv_cpus: Some(64),
            ..Default::default()
        };
        ComputeEnvironment {
            compute_environment_name: "spot".into(),
            state,
            status,
            status_reason: (status == Health::Invalid).then(|| "CLIENT_ERROR - no role".to_owned()),
            compute_resources: Some(resources),
            capacity: running.map(|vcpus| Capacity {
                vcpus,
                instances: vec![Instance::default()],
                ..Capacity::default()
            }),
            ..ComputeEnvironment::default()
        }
    }

    fn asked(state: Option<Switch>, desired: Option<i32>) -> UpdateComputeEnvironmentRequest {
        UpdateComputeEnvironmentRequest {
            compute_environment: "spot".into(),
            state,
            compute_resources: desired
                .map(|desired| ComputeResourceUpdate { desiredv_cpus: Some(desired), ..Default::default() }),
            ..UpdateComputeEnvironmentRequest::default()
        }
    }

    #[test]
    fn an_environment_has_arrived_when_it_is_valid_as_asked_and_its_instances_are_there() {
        use Health::{Invalid, Updating, Valid};
        use Switch::{Disabled, Enabled};
        let goes = |words: &str| Course::Goes(words.to_owned());
        let off = asked(Some(Disabled), None);
        let more = asked(None, Some(16));
        let cases = [
            (&off, environment(Enabled, Valid, 0, None), goes("ENABLED, vCPU min 0 desired 0 max 64")),
            (&off, environment(Disabled, Updating, 0, None), goes("UPDATING")),
            (&off, environment(Disabled, Invalid, 0, None), Course::Wrong("INVALID: CLIENT_ERROR - no role".into())),
            (
                &off,
                environment(Disabled, Valid, 0, None),
                Course::Done("DISABLED and VALID, vCPU min 0 desired 0 max 64".into()),
            ),
            (&more, environment(Enabled, Valid, 4, Some(4.0)), goes("ENABLED, vCPU min 0 desired 4 max 64")),
            (&more, environment(Enabled, Valid, 16, Some(4.0)), goes("4 of 16 vCPU registered")),
            (
                &more,
                environment(Enabled, Valid, 20, Some(16.0)),
                Course::Done("ENABLED and VALID, vCPU min 0 desired 20 max 64, 1 instance with 16 vCPU".into()),
            ),
        ];
        for (request, environment, expected) in cases {
            assert_eq!(of_environment(request, &environment), expected, "{environment:?}");
        }
    }

    #[test]
    fn a_change_is_followed_until_it_has_arrived_and_said_once() {
        let mut stage = stage();
        let told = |stage: &mut Stage, environment: ComputeEnvironment, after: Millis| {
            stage.app.now += after;
            let (now, what) = (stage.app.now, What::ComputeEnvironment(Box::new(environment)));
            stage.app.notice = None;
            stage.app.receive(Message::Change(Change { cursor: Cursor(9), at: now, what }), now);
            stage.app.notice.as_ref().map_or(String::new(), |notice| notice.text.clone())
        };
        let going = environment(Switch::Disabled, Health::Updating, 0, None);
        let done = environment(Switch::Disabled, Health::Valid, 0, None);
        assert_eq!(told(&mut stage, done.clone(), 0), "", "nothing was changed from here");
        stage.app.follow_changes(&[Changed::Environment(Box::new(asked(Some(Switch::Disabled), None)))]);
        assert_eq!(told(&mut stage, going.clone(), 30_000), "");
        let late = told(&mut stage, going.clone(), LATE);
        assert!(late.contains("spot was changed 5m ago and is not there yet (UPDATING); it is followed on"), "{late}");
        assert_eq!(told(&mut stage, going, 30_000), "", "it is said once");
        let arrived = told(&mut stage, done.clone(), 30_000);
        assert!(arrived.starts_with("✔ spot is DISABLED and VALID"), "{arrived}");
        assert_eq!(told(&mut stage, done, 30_000), "");
    }

    #[test]
    fn what_has_become_invalid_is_said_with_its_reason_and_what_is_gone_is_followed_no_more() {
        let mut stage = stage();
        stage.app.follow_changes(&[
            Changed::Environment(Box::new(asked(Some(Switch::Enabled), None))),
            Changed::Queue(UpdateJobQueueRequest { job_queue: "gone".into(), ..Default::default() }),
        ]);
        stage.app.now += 20_000;
        let broken = environment(Switch::Enabled, Health::Invalid, 0, None);
        stage.app.store.environments.insert("spot".into(), broken);
        stage.app.see_changes();
        let said = stage.app.notice.as_ref().map_or("", |notice| notice.text.as_str());
        assert_eq!(said, "spot is INVALID: CLIENT_ERROR - no role");
        assert!(stage.app.changing.is_empty());
    }
}
