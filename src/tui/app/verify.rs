//! Whether what was asked of a job took: a service that accepts the end of a job has not ended it yet. Where changes are
//! pushed, they tell; where they are polled, the job is looked at again until it has ended, and what did not take is said.

use super::App;
use crate::backend::BackendError;
use crate::model::{JobDetail, JobId, JobStatus, Millis};
use crate::tui::requests::{Ask, Stopped};

/// The first look comes so long after the service has accepted; each later one waits twice as long.
const FIRST_LOOK: Millis = 3_000;
const LONGEST_WAIT: Millis = 30_000;
/// From here on something is amiss: AWS kills what is left of a job 30 seconds after it has asked it to end. An instance
/// that does not answer takes longer, and is followed further.
const LATE: Millis = 120_000;
const GIVEN_UP: Millis = 15 * 60_000;

/// A job that is to end.
#[derive(Debug)]
pub(super) struct Ending {
    id: JobId,
    by_cancel: bool,
    since: Millis,
    look_at: Millis,
    wait: Millis,
    told_late: bool,
}

/// What a look at a job says.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Ended,
    /// It has started before it could be cancelled, and goes on.
    Escaped,
    /// The service does not know that it is to end.
    Forgotten,
    Goes,
}

fn look(by_cancel: bool, job: &JobDetail) -> Look {
    match job.status {
        status if status.is_final() => Look::Ended,
        JobStatus::Starting | JobStatus::Running if by_cancel && !job.is_terminated => Look::Escaped,
        // The parent of an array says nothing of it.
        _ if by_cancel || job.is_terminated || job.array_properties.is_some() => Look::Goes,
        _ => Look::Forgotten,
    }
}

impl App {
    pub(super) fn follow_ends(&mut self, stopped: &[Stopped]) {
        if self.setting.can.pushes_changes {
            return;
        }
        for Stopped { id, by_cancel } in stopped {
            self.ending.retain(|ending| ending.id != *id);
            self.ending.push(Ending {
                id: id.clone(),
                by_cancel: *by_cancel,
                since: self.now,
                look_at: self.now + FIRST_LOOK,
                wait: FIRST_LOOK,
                told_late: false,
            });
        }
    }

    /// When the next look is due.
    pub(super) fn verify_at(&self) -> Option<Millis> {
        self.ending.iter().map(|ending| ending.look_at).min()
    }

    /// Looks at those that are due, all in one.
    pub(super) fn verify(&mut self) {
        let now = self.now;
        if self.verify_at().is_none_or(|due| due > now) {
            return;
        }
        let mut due = Vec::new();
        // What is due soon is looked at with the rest: a call tells of a hundred.
        for ending in self.ending.iter_mut().filter(|ending| ending.look_at <= now + FIRST_LOOK / 2) {
            ending.wait = (ending.wait * 2).min(LONGEST_WAIT);
            ending.look_at = now + ending.wait;
            due.push(ending.id.clone());
        }
        self.ask(Ask::Verify(due));
    }

    pub(super) fn take_verified(&mut self, asked: &[JobId], found: Result<Vec<JobDetail>, BackendError>) {
        // It is looked at again later; that nothing can be read is said elsewhere.
        let Ok(found) = found else { return };
        let (mut ended, mut wrong) = (Vec::new(), Vec::new());
        let now = self.now;
        for id in asked {
            let Some(at) = self.ending.iter().position(|ending| ending.id == *id) else { continue };
            let Some(job) = found.iter().find(|job| job.job_id == *id) else {
                // AWS has forgotten it, so it is over.
                self.ending.remove(at);
                continue;
            };
            let ending = &mut self.ending[at];
            let asked_for = if ending.by_cancel { "cancel" } else { "terminate" };
            let age = crate::tui::format::age(now - ending.since);
            let name = &job.job_name;
            let mut is_over = true;
            match look(ending.by_cancel, job) {
                Look::Ended => ended.push((name.clone(), job.status)),
                Look::Escaped => wrong.push(format!(
                    "{name} was not cancelled: it had started, and is {}. Stop it again to terminate it",
                    job.status
                )),
                Look::Forgotten if now - ending.since > FIRST_LOOK * 3 => {
                    wrong.push(format!("{asked_for} of {name} did not take: it is {} after {age}", job.status));
                }
                Look::Forgotten | Look::Goes => {
                    is_over = now - ending.since > GIVEN_UP;
                    if is_over || (now - ending.since > LATE && !ending.told_late) {
                        ending.told_late = true;
                        let more = if is_over { "it is followed no more" } else { "it is followed on" };
                        wrong.push(format!(
                            "{asked_for} of {name} was accepted {age} ago and it is {} still; {more}",
                            job.status
                        ));
                    }
                }
            }
            if is_over {
                self.ending.remove(at);
            }
        }
        for job in found {
            self.store.put_detail(job);
        }
        if let Some(first) = wrong.first() {
            let others = match wrong.len() {
                1 => String::new(),
                more => format!(" · and {} more", more - 1),
            };
            self.complain(format!("{first}{others}"));
        } else if let Some((name, status)) = ended.first() {
            let left = if self.ending.is_empty() { String::new() } else { format!(" · {} to go", self.ending.len()) };
            self.say(match ended.len() {
                1 => format!("✔ {name} has ended: {status}{left}"),
                several => format!("✔ {several} jobs have ended{left}"),
            });
        }
        if !ended.is_empty() {
            self.ask(Ask::LookAgain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ArrayProperties;
    use crate::tui::requests::{Answer, Message};
    use crate::tui::stage::Stage;

    fn stage() -> Stage {
        Stage::polled((120, 30))
    }

    fn job(id: &JobId, status: JobStatus, is_terminated: bool) -> JobDetail {
        let job_name = "resize".to_owned();
        JobDetail { job_id: id.clone(), job_name, status, is_terminated, ..JobDetail::default() }
    }

    fn said(stage: &Stage) -> &str {
        stage.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    /// A job whose end was accepted, and what a look after `after` finds of it.
    fn after(by_cancel: bool, after: Millis, status: JobStatus, is_terminated: bool) -> (Stage, bool) {
        let mut stage = stage();
        let id = JobId::from("j-1");
        stage.app.follow_ends(&[Stopped { id: id.clone(), by_cancel }]);
        stage.app.notice = None;
        stage.app.now += after;
        stage.app.take_verified(std::slice::from_ref(&id), Ok(vec![job(&id, status, is_terminated)]));
        let follows = !stage.app.ending.is_empty();
        (stage, follows)
    }

    #[test]
    fn what_took_is_said_and_what_did_not_is_said_with_what_to_do() {
        use JobStatus::{Failed, Runnable, Running, Succeeded};
        let cases = [
            (true, 3_000, Failed, false, "✔ resize has ended: FAILED", false),
            (false, 40_000, Failed, true, "✔ resize has ended: FAILED", false),
            (false, 3_000, Succeeded, false, "✔ resize has ended: SUCCEEDED", false),
            (true, 3_000, Running, false, "was not cancelled: it had started, and is RUNNING. Stop it again", false),
            (true, 3_000, Runnable, false, "", true),
            (false, 3_000, Running, true, "", true),
            (false, 3_000, Running, false, "", true),
            (false, 20_000, Running, false, "terminate of resize did not take: it is RUNNING after 20s", false),
            (false, 130_000, Running, true, "was accepted 2m ago and it is RUNNING still; it is followed on", true),
            (false, 901_000, Running, true, "it is followed no more", false),
        ];
        for (by_cancel, span, status, is_terminated, words, follows) in cases {
            let (stage, still) = after(by_cancel, span, status, is_terminated);
            assert!(
                said(&stage).contains(words) && said(&stage).is_empty() == words.is_empty(),
                "{words}: {}",
                said(&stage)
            );
            assert_eq!(still, follows, "{words}");
        }
    }

    #[test]
    fn an_array_says_nothing_of_its_end_before_it_has_come() {
        let parent = JobDetail {
            array_properties: Some(ArrayProperties::default()),
            ..job(&JobId::from("a"), JobStatus::Pending, false)
        };
        assert_eq!(look(false, &parent), Look::Goes);
    }

    #[test]
    fn looks_become_rare_come_together_and_end_when_the_job_is_gone() {
        let mut stage = stage();
        let ids: Vec<JobId> = ["a", "b"].map(JobId::from).to_vec();
        let stopped: Vec<Stopped> = ids.iter().map(|id| Stopped { id: id.clone(), by_cancel: false }).collect();
        stage.app.follow_ends(&stopped);
        let mut looks = Vec::new();
        let begun = stage.app.now;
        while looks.len() < 6 {
            let now = stage.app.next_wake();
            let requests = stage.app.tick(now);
            let asked = requests.into_iter().filter_map(|request| match request.ask {
                Ask::Verify(ids) => Some(ids),
                _ => None,
            });
            looks.extend(asked.map(|ids| ((now - begun) / 1000, ids.len())));
        }
        assert_eq!(looks, [(3, 2), (9, 2), (21, 2), (45, 2), (75, 2), (105, 2)]);
        stage.hear(Message::Answer { id: 9_999, answer: Answer::Verified { asked: ids, found: Ok(Vec::new()) } });
        assert_eq!(stage.app.verify_at(), None);
    }

    #[test]
    fn a_job_that_is_stopped_is_looked_at_again_where_changes_are_polled_and_nowhere_else() {
        for polled in [true, false] {
            let mut stage = stage();
            stage.app.setting.can.pushes_changes = !polled;
            stage.press("x \"why\" tab tab tab Enter").expect("keys");
            assert_eq!(stage.app.ending.len(), usize::from(polled), "{}", stage.text());
        }
    }
}
