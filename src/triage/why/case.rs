//! The evidence as rules ask for it: each question answers with what was read, or with what is missing.

use super::cause::{Deed, Fact, NextStep};
use super::needs::{Fit, Needs};
use super::rule::Unread;
use super::{missing, queue_name};
use crate::model::{
    AgentStatus, AttemptDetail, AuditEntry, ComputeEnvironment, ConsumableResource, Evidence, FrontOfQueueJob, Health,
    JobDetail, JobId, JobQueue, JobStatus, JobSummary, LogTail, Millis, ObservedRuns, Piece, Subject, Switch, name_of,
};
use crate::triage::rerun;

/// The evidence and the job that it is about.
pub struct Case<'a> {
    pub evidence: &'a Evidence,
    /// Of a queue, the job at its head.
    pub job: Option<&'a JobDetail>,
    pub now: Millis,
}

impl<'a> Case<'a> {
    pub fn new(evidence: &'a Evidence) -> Self {
        Self { evidence, job: evidence.job.value(), now: evidence.at }
    }

    fn need<T>(piece: &'a Piece<T>, what: &'static str) -> Result<&'a T, Unread> {
        piece.value().ok_or_else(|| Unread { what, why: missing(piece) })
    }

    pub fn job(&self) -> Result<&'a JobDetail, Unread> {
        self.job.ok_or_else(|| Unread { what: "the job", why: missing(&self.evidence.job) })
    }

    /// Whether it stands in its queue to be placed: itself, or a child of it.
    pub fn is_placeable(&self) -> bool {
        self.job.is_some_and(|job| {
            let counts = job.array_properties.as_ref().and_then(|array| array.status_summary.as_ref());
            job.status == JobStatus::Runnable
                || job.status == JobStatus::Pending && counts.is_some_and(|counts| counts.get(JobStatus::Runnable) > 0)
        })
    }

    /// The job's status reason; empty where it has none.
    pub fn status_reason(&self) -> &'a str {
        self.job.and_then(|job| job.status_reason.as_deref()).unwrap_or_default()
    }

    /// Whether an earlier code of AWS names the cause already.
    pub fn has_code(&self) -> bool {
        const CODES: [&str; 6] =
            ["CAPACITY:", "MISCONFIGURATION:", "ACTION_REQUIRED", "UNDETERMINED", "CONSUMABLE_RESOURCE:", "QUOTA"];
        CODES.iter().any(|code| self.status_reason().starts_with(code))
    }

    /// Leaves a rule open where the service has said what it would have to derive.
    pub fn unless_told(&self) -> Result<(), Unread> {
        if self.has_code() { Err(Unread::BESIDE_THE_POINT) } else { Ok(()) }
    }

    pub fn queue_name(&self) -> Option<&'a str> {
        match &self.evidence.subject {
            Subject::Queue(name) => Some(name),
            _ => self.job.map(queue_name),
        }
    }

    pub fn queues(&self) -> Result<&'a [JobQueue], Unread> {
        Self::need(&self.evidence.queues, "queues").map(Vec::as_slice)
    }

    pub fn queue(&self) -> Result<&'a JobQueue, Unread> {
        let name = self.queue_name().unwrap_or_default();
        let found = self.queues()?.iter().find(|queue| queue.job_queue_name == name);
        found.ok_or_else(|| Unread { what: "the queue", why: Some(format!("there is no queue {name} any more")) })
    }

    fn all_environments(&self) -> Result<&'a [ComputeEnvironment], Unread> {
        Self::need(&self.evidence.environments, "compute environments").map(Vec::as_slice)
    }

    /// The environments of the queue in the order in which they are tried.
    pub fn environments(&self) -> Result<Vec<&'a ComputeEnvironment>, Unread> {
        let (queue, all) = (self.queue()?, self.all_environments()?);
        let mut order: Vec<_> = queue.compute_environment_order.iter().collect();
        order.sort_by_key(|entry| entry.order);
        let find = |name: &str| all.iter().find(|found| found.compute_environment_name == name);
        Ok(order.into_iter().filter_map(|entry| find(name_of(&entry.compute_environment))).collect())
    }

    /// The environment that it is about.
    pub fn environment(&self) -> Result<&'a ComputeEnvironment, Unread> {
        let Subject::Environment(name) = &self.evidence.subject else {
            return Err(Unread { what: "the compute environment", why: None });
        };
        let found = self.all_environments()?.iter().find(|found| found.compute_environment_name == *name);
        found.ok_or(Unread { what: "the compute environment", why: None })
    }

    /// The queues that send jobs to an environment.
    pub fn queues_of(&self, environment: &ComputeEnvironment) -> Vec<&'a JobQueue> {
        let name = &environment.compute_environment_name;
        let uses = |queue: &&JobQueue| {
            let mut order = queue.compute_environment_order.iter();
            order.any(|entry| name_of(&entry.compute_environment) == name)
        };
        self.queues().unwrap_or_default().iter().filter(uses).collect()
    }

    pub fn needs(&self) -> Result<Needs, Unread> {
        let unread = || Unread { what: "what the job asks for", why: Some("its details do not say it".to_owned()) };
        Needs::of(self.job()?).ok_or_else(unread)
    }

    /// The environments of the queue that take jobs, and whether each could hold this one.
    pub fn fits(&self) -> Result<Vec<(&'a ComputeEnvironment, Fit)>, Unread> {
        let needs = self.needs()?;
        Ok(self.environments()?.into_iter().map(|found| (found, needs.fit(found))).collect())
    }

    pub fn front(&self) -> Result<&'a [FrontOfQueueJob], Unread> {
        Self::need(&self.evidence.front, "the order of the queue").map(|front| front.front_of_queue.jobs.as_slice())
    }

    /// The head of the queue: its id, and since when it is there.
    pub fn head(&self) -> Result<Option<(JobId, Millis)>, Unread> {
        Ok(self.front()?.first().map(|job| (JobId(name_of(&job.job_arn).to_owned()), job.earliest_time_at_position)))
    }

    /// Where the job stands in its queue, from 0: of an array, its first child.
    pub fn position(&self) -> Result<Option<usize>, Unread> {
        let job = self.job()?;
        Ok(self.front()?.iter().position(|entry| {
            let id = JobId(name_of(&entry.job_arn).to_owned());
            id == job.job_id || id.array_parent().is_some_and(|(parent, _)| parent == job.job_id)
        }))
    }

    /// Since when the head has stood there; `None` where the job is not at the head.
    pub fn at_head_since(&self) -> Result<Option<Millis>, Unread> {
        Ok(if self.position()? == Some(0) { self.head()?.map(|(_, since)| since) } else { None })
    }

    pub fn ahead(&self) -> Result<&'a [JobDetail], Unread> {
        Self::need(&self.evidence.ahead, "the jobs in front").map(Vec::as_slice)
    }

    pub fn dependencies(&self) -> Result<&'a [JobDetail], Unread> {
        Self::need(&self.evidence.dependencies, "the jobs that it depends on").map(Vec::as_slice)
    }

    pub fn started(&self) -> Result<&'a [JobSummary], Unread> {
        Self::need(&self.evidence.started, "jobs that started in the queue").map(Vec::as_slice)
    }

    pub fn failed_children(&self) -> Result<&'a [JobSummary], Unread> {
        Self::need(&self.evidence.failed_children, "the children that failed").map(Vec::as_slice)
    }

    pub fn log(&self) -> Result<&'a LogTail, Unread> {
        Self::need(&self.evidence.log, "the log")
    }

    pub fn runs(&self) -> Result<&'a [ObservedRuns], Unread> {
        Self::need(&self.evidence.runs, "earlier runs of the definition").map(Vec::as_slice)
    }

    pub fn consumables(&self) -> Result<&'a [ConsumableResource], Unread> {
        Self::need(&self.evidence.consumables, "consumable resources").map(Vec::as_slice)
    }

    pub fn agents(&self) -> Result<&'a [AgentStatus], Unread> {
        Self::need(&self.evidence.agents, "the agents of instances").map(Vec::as_slice)
    }

    pub fn audit(&self) -> &'a [AuditEntry] {
        self.evidence.audit.value().map(Vec::as_slice).unwrap_or_default()
    }

    /// Who last switched that off, where the record tells it.
    pub fn who_disabled(&self, action: &str, target: &str) -> Option<&'a AuditEntry> {
        let is_off = |outcome: &str| outcome.contains("-> DISABLED") || outcome.contains("state DISABLED");
        let mut entries = self.audit().iter();
        entries.find(|entry| entry.action == action && entry.target == target && is_off(&entry.outcome))
    }

    /// The try that ended last.
    fn last_attempt(&self) -> Option<&'a AttemptDetail> {
        self.job?.attempts.last()
    }

    /// The exit code of the try that ended last.
    pub fn exit_code(&self) -> Option<i32> {
        let job = self.job?;
        let of_attempt = self.last_attempt().and_then(|attempt| {
            let mut containers = attempt.task_properties.iter().flat_map(|task| &task.containers);
            attempt.container.exit_code.or_else(|| containers.find_map(|one| one.exit_code.filter(|code| *code != 0)))
        });
        of_attempt.or_else(|| job.container.as_ref()?.exit_code)
    }

    /// The container's reason of the try that ended last; empty where there is none.
    pub fn reason(&self) -> &'a str {
        let Some(job) = self.job else { return "" };
        let of_attempt = self.last_attempt().and_then(|attempt| {
            let mut containers = attempt.task_properties.iter().flat_map(|task| &task.containers);
            attempt.container.reason.as_deref().or_else(|| containers.find_map(|one| one.reason.as_deref()))
        });
        of_attempt.or_else(|| job.container.as_ref()?.reason.as_deref()).unwrap_or_default()
    }

    /// The last line of the log's tail that holds one of these words, whatever their case.
    pub fn log_line(&self, words: &[&str]) -> Option<(&'a str, Millis)> {
        let tail = self.evidence.log.value()?;
        let holds = |line: &str| words.iter().any(|word| contains(line, word));
        let found = tail.events.iter().rev().find(|event| holds(&event.message))?;
        Some((found.message.trim_end(), found.timestamp))
    }

    /// Of the container's reason, the status reason and the log, the first that holds one of these words.
    pub fn said(&self, words: &[&str]) -> Option<Fact> {
        let holds = |text: &str| words.iter().any(|word| contains(text, word));
        if holds(self.reason()) {
            return Some(self.of_job("container.reason", self.reason()));
        }
        if holds(self.status_reason()) {
            return Some(self.of_job("statusReason", self.status_reason()));
        }
        self.log_line(words).map(|(line, at)| self.of_log(line, at))
    }

    /// Whether an operator holds it back.
    pub fn is_held(&self) -> bool {
        self.job.and_then(|job| job.extra.as_ref()).is_some_and(|extra| extra.held)
    }

    /// Since when the job is in its state, as far as the service tells.
    pub fn since(&self) -> Option<Millis> {
        let job = self.job?;
        let told = job.extra.as_ref().map(|extra| extra.state_since).filter(|at| *at > 0);
        told.or(Some(job.created_at)).filter(|at| *at > 0)
    }

    /// How long it has been in its state.
    pub fn age(&self) -> Millis {
        self.since().map_or(0, |since| self.now - since)
    }

    fn fact<T>(&self, piece: &Piece<T>, field: String, value: impl Into<String>) -> Fact {
        let read_at = match piece {
            Piece::Read { at, .. } => *at,
            Piece::NotRead(_) | Piece::NotAsked => self.now,
        };
        Fact { field, value: value.into(), since: None, read_at }
    }

    pub fn of_job(&self, field: &str, value: impl Into<String>) -> Fact {
        let fact = self.fact(&self.evidence.job, format!("job · {field}"), value);
        let ended = self.job.filter(|job| job.status.is_final()).and_then(|job| job.stopped_at);
        fact.since(if field == "statusReason" { ended.or(self.since()) } else { None })
    }

    pub fn of_queue(&self, queue: &JobQueue, field: &str, value: impl Into<String>) -> Fact {
        self.fact(&self.evidence.queues, format!("queue {} · {field}", queue.job_queue_name), value)
    }

    pub fn of_environment(&self, found: &ComputeEnvironment, field: &str, value: impl Into<String>) -> Fact {
        let field = format!("environment {} · {field}", found.compute_environment_name);
        self.fact(&self.evidence.environments, field, value)
    }

    pub fn of_front(&self, field: &str, value: impl Into<String>) -> Fact {
        self.fact(&self.evidence.front, format!("order of the queue · {field}"), value)
    }

    pub fn of_log(&self, line: &str, at: Millis) -> Fact {
        self.fact(&self.evidence.log, "log".to_owned(), line).since(Some(at))
    }

    pub fn of_audit(&self, entry: &AuditEntry) -> Fact {
        let reason = entry.reason.as_ref().map(|reason| format!(", “{reason}”")).unwrap_or_default();
        let value = format!("{} {} ({}{reason})", entry.who, entry.action, entry.outcome);
        self.fact(&self.evidence.audit, "record of actions".to_owned(), value).since(Some(entry.at))
    }

    pub fn of_other(&self, field: impl Into<String>, value: impl Into<String>) -> Fact {
        Fact { field: field.into(), value: value.into(), since: None, read_at: self.now }
    }

    pub fn asks(&self) -> Result<Fact, Unread> {
        Ok(self.of_job("asks for", self.needs()?.to_string()))
    }

    pub fn open_log(&self) -> Option<NextStep> {
        let job = self.job?;
        let tail = self.evidence.log.value().filter(|tail| !tail.is_missing)?;
        (!tail.events.is_empty()).then(|| NextStep::new("read its log", Deed::OpenLog(job.job_id.clone())))
    }

    /// Submitting it again: as it was, or with another size.
    pub fn resubmit(&self, memory_mib: Option<u64>, vcpus: Option<u64>, attempts: Option<u32>) -> Option<NextStep> {
        let job = self.job?;
        let mut changes = Vec::new();
        changes.extend(vcpus.map(|cpu| format!("{} vCPU", super::needs::vcpus(cpu))));
        changes.extend(memory_mib.map(|mib| format!("{mib} MiB")));
        changes.extend(attempts.map(|attempts| format!("{attempts} attempts")));
        let with = if changes.is_empty() { String::new() } else { format!(" with {}", changes.join(", ")) };
        let deed = Deed::Resubmit { job: job.job_id.clone(), memory_mib, vcpus, attempts };
        Some(NextStep::new(format!("submit it again{with}"), deed).by(again(job, memory_mib, vcpus, attempts)))
    }

    pub fn stop(&self, words: &str) -> Option<NextStep> {
        Some(NextStep::new(words, Deed::Stop(self.job?.job_id.clone())))
    }
}

/// The words of `submit` that make the same job, with another size where one is given.
fn again(job: &JobDetail, memory_mib: Option<u64>, vcpus: Option<u64>, attempts: Option<u32>) -> Vec<String> {
    let mut request = rerun::again(job, None);
    if let Some(cpu) = vcpus {
        rerun::require(&mut request, "VCPU", super::needs::vcpus(cpu));
    }
    if let Some(mib) = memory_mib {
        rerun::require(&mut request, "MEMORY", mib.to_string());
    }
    if let Some(attempts) = attempts {
        request.retry_strategy.get_or_insert_default().attempts = Some(attempts);
    }
    let mut words = vec!["submit".to_owned()];
    words.extend(rerun::submit_words(&request));
    words
}

/// Whether an environment takes new jobs.
pub fn takes_jobs(found: &ComputeEnvironment) -> bool {
    found.state == Switch::Enabled && is_valid(found)
}

pub fn is_valid(found: &ComputeEnvironment) -> bool {
    matches!(found.status, Health::Valid | Health::Updating)
}

/// Whether a text holds another, whatever the case of their letters.
pub fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

/// A length of time for a sentence: `42 s`, `4 m`, `2 h 10 m`, `3 d`.
pub fn long(span: Millis) -> String {
    let minutes = span.max(0) / 60_000;
    match minutes {
        0 => format!("{} s", span.max(0) / 1000),
        1..60 => format!("{minutes} m"),
        60..1440 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..1440 => format!("{} h {} m", minutes / 60, minutes % 60),
        _ => format!("{} d", minutes / 1440),
    }
}
