//! The only loop: one thread that owns the engine and its journal.
//!
//! It takes all that waits, decides and applies each, lets time and room do what is due, writes everything in one
//! synced transaction, and only then answers, tells watchers and carries effects out. So nothing that anyone has seen
//! is ever lost, and under load many requests share one sync. It begins nothing by itself before [`Action::Resume`].
//!
//! # What readers see
//! A reader sees the state between two transactions: all of it is durable, and all that was acknowledged before the reader
//! asked is in it. It is answered before what came in with it, and so waits for the sync that is under way, and for no
//! further one. (It may miss a command that nobody has answered yet, as if it had come a moment sooner.)
//!
//! It is not answered *while* a sync is under way. The state has taken the round's events in by then, as the decisions of one
//! round build on each other, and a sync that fails takes them back: on a full disk all of the round has never been
//! ([`full`]). Whoever had looked meanwhile would have seen a job as ended that runs on, and have acted on it. To show the
//! state of before would take a second one beside it, which costs each job its memory, and each event its time, twice.

mod disk;
mod front;
mod full;
mod realms;
mod snapshots;

pub(super) use front::{Call, CommandError, Driver};
pub(super) use realms::{Realms, Region, log_directory};
#[cfg(test)]
pub(super) use snapshots::{Progress, Snapshot};

use disk::DiskWaits;
use front::{Input, OURSELVES, Reply, Visit};
use full::Standstill;
use snapshots::Chores;

use super::clock::{self, Clock, Reading};
use super::feed::Feed;
use super::journal::{Journal, JournalError};
use super::occurrences::{self, Entry, Occurrences};
use crate::agent::message::{Exit, Held, ToEngine};
use crate::engine::command::{Action, Answer, Command, Outcome, Refusal};
use crate::engine::event::Event;
use crate::engine::{Effect, Ids};
use crate::model::{AttemptId, InstanceId, JobId, Millis, What};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// At most so many inputs share a transaction.
const BATCH: usize = 4_096;
/// The loop looks at the clock at least so often, so that a clock that was set or a machine that slept is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After a round in which nothing happened, the next comes no sooner, unless someone asks.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// A job's usage is told to watchers at most so often.
const USAGE_EVERY: Millis = 1_000;
/// After so many events a transaction is closed and what has come in meanwhile gets its turn: a tenth of a second's work.
const ROUND_EVENTS: usize = 4_000;
/// While a snapshot is written or replaced events are cleared away, the loop does a little of it so often.
const CHORES_EVERY: Duration = Duration::from_millis(5);
/// Looks when any of some log streams was written to last.
pub(super) type LastLine = Box<dyn Fn(&[String]) -> Option<Millis> + Send>;

/// What the loop needs.
pub(super) struct Parts {
    pub realms: Realms,
    /// One without room is opened once there is some.
    pub journal: Journal,
    /// The cursor before the first change of this run.
    pub seed: u64,
    pub clock: Clock,
    /// What watchers see: the changes of the configured region.
    pub feed: Feed,
    /// What has occurred, in all regions.
    pub occurrences: Occurrences,
    /// Carries the effects of a round out; must not block.
    pub carry_out: Box<dyn Fn(Vec<Effect>) + Send>,
    /// When the last line of any of these log streams was written, by their names below `logs`.
    pub last_line: LastLine,
    /// Removes log streams whose jobs are forgotten, by their names below `logs`; must not block.
    pub forget_logs: Box<dyn Fn(Vec<String>) + Send>,
}

/// How the loop ended.
pub(super) type Ending = oneshot::Receiver<Result<(), JournalError>>;

/// Starts the loop on its own thread. The ending is an error of the channel where the thread panicked.
pub(super) fn start(parts: Parts) -> std::io::Result<(Driver, Ending)> {
    let (door, waiting) = channel();
    let (ends, ending) = oneshot::channel();
    let region = Arc::clone(parts.realms.home());
    let standstill = (!parts.journal.is_open()).then(|| Standstill::new(&parts.journal.full()));
    let disk = Arc::new(DiskWaits::default());
    let (still, stands_still) = watch::channel(standstill.as_ref().map(Standstill::why));
    let body = Body {
        parts,
        waiting,
        usage: BTreeSet::new(),
        usage_told: 0,
        idle: false,
        unfinished: false,
        turn: 0,
        resumed: false,
        chores: Chores::default(),
        standstill,
        still,
        disk: Arc::clone(&disk),
    };
    thread::Builder::new().name("engine".to_owned()).spawn(move || {
        // Nobody may be left to hear it.
        let _ = ends.send(body.run());
    })?;
    Ok((Driver { door, region, stands_still, disk }, ending))
}

struct Body {
    parts: Parts,
    waiting: Receiver<Visit>,
    /// Jobs whose usage has changed since watchers were told.
    usage: BTreeSet<JobId>,
    usage_told: Millis,
    /// Nothing happened in the last round.
    idle: bool,
    /// More is due than the last round had place for.
    unfinished: bool,
    /// How many rounds there were.
    turn: usize,
    /// [`Action::Resume`] has come: until then it is not known what of the state still holds, and nothing is begun.
    resumed: bool,
    chores: Chores,
    /// The journal's disk is full.
    standstill: Option<Standstill>,
    /// Told whenever that begins and ends.
    still: watch::Sender<Option<Arc<str>>>,
    disk: Arc<DiskWaits>,
}

/// All that one round has decided and that must not be seen before it is durable.
#[derive(Default)]
struct Round {
    events: Vec<(Region, Event)>,
    /// What hooks are told of it.
    occurred: Vec<Entry>,
    effects: Vec<Effect>,
    replies: Vec<Answered>,
    /// What agents have said.
    heard: Vec<(InstanceId, ToEngine)>,
    /// Log streams of jobs that are forgotten.
    streams: Vec<String>,
    stop: bool,
}

/// A command that was decided; it is answered once that is durable.
struct Answered {
    region: Region,
    command: Box<Command>,
    reply: Reply,
    answer: Result<Answer, CommandError>,
}

impl Body {
    fn run(mut self) -> Result<(), JournalError> {
        let mut inputs = Vec::new();
        loop {
            if self.round(inputs)? {
                return Ok(());
            }
            match self.wait() {
                Some(waited) => inputs = waited,
                None => return Ok(()),
            }
        }
    }

    /// What has come in, once there is something or something is due; `None` when nobody can say anything any more. Who
    /// only looks is answered at once: nothing is under way here.
    fn wait(&mut self) -> Option<Vec<Input>> {
        let now = clock::wall();
        if self.standstill.is_some() {
            return match self.waiting.recv_timeout(full::LOOKS_EVERY) {
                Ok(first) => Some(self.inputs(Some(first))),
                Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => None,
            };
        }
        let next = if self.resumed { self.parts.realms.next_wake(now) } else { None };
        let due = [next, self.usage_due()].into_iter().flatten().min();
        let due = if self.unfinished { Some(now) } else { due };
        let wait = due.map_or(LONGEST_WAIT, |due| Duration::from_millis((due - now).max(0).unsigned_abs()));
        // What is due and does not come about must not keep a processor busy.
        let least = if self.idle { SHORTEST_WAIT } else { Duration::ZERO };
        let most = if self.chores.are_left() { CHORES_EVERY.max(least) } else { LONGEST_WAIT };
        let first = match self.waiting.recv_timeout(wait.clamp(least, most)) {
            Ok(visit) => Some(visit),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        Some(self.inputs(first))
    }

    /// What is to be carried out of what has come in; looks are answered.
    fn inputs(&self, first: Option<Visit>) -> Vec<Input> {
        // All of them before the first is answered: who looks again and again would hold up all that was asked.
        let visits: Vec<Visit> = first.into_iter().chain(self.waiting.try_iter()).take(BATCH).collect();
        let input = |visit| match visit {
            Visit::Look(look) => {
                look(&self.parts.realms);
                None
            }
            Visit::Input(input) => Some(input),
        };
        visits.into_iter().filter_map(input).collect()
    }

    fn usage_due(&self) -> Option<Millis> {
        (!self.usage.is_empty()).then_some(self.usage_told + USAGE_EVERY)
    }

    /// Carries one batch through; says whether it was the last.
    fn round(&mut self, inputs: Vec<Input>) -> Result<bool, JournalError> {
        let inputs = match self.standstill.take() {
            None => inputs,
            Some(mut standstill) => {
                if !self.can_go_on(&mut standstill)? {
                    standstill.tell(&self.parts.feed, clock::wall());
                    let is_last = standstill.take(inputs);
                    self.standstill = Some(standstill);
                    return Ok(is_last);
                }
                let over = "there is room for the journal again: all goes on";
                tracing::info!("{over}");
                self.still.send_replace(None);
                self.parts.feed.publish(clock::wall(), [What::Notice(over.to_owned())]);
                standstill.over(inputs, self.parts.realms.home())
            }
        };
        let Reading { now, set_back_from } = self.parts.clock.read();
        let mut round = Round::default();
        if let Some(from) = set_back_from {
            tracing::warn!(seconds = (from - now) / 1_000, "the clock was set back; what is planned is planned anew");
            self.usage_told = self.usage_told.min(now);
            for region in self.parts.realms.regions() {
                self.report(&region, Action::ClockSetBack { from }, now, &mut round);
            }
        }
        for input in inputs {
            self.take(input, now, &mut round);
        }
        self.advance(now, &mut round);
        match self.write(now, &round.events) {
            Ok(()) => {}
            Err(full @ JournalError::Full { .. }) => return self.stand_still(round, &full, now),
            Err(failure) => {
                for Answered { reply, .. } in round.replies {
                    let _ = reply.send(Err(CommandError::NotDurable(failure.to_string())));
                }
                return Err(failure);
            }
        }

        self.idle = round.events.is_empty();
        let home = Arc::clone(self.parts.realms.home());
        let events: Vec<Event> =
            round.events.into_iter().filter(|(region, _)| *region == home).map(|(_, event)| event).collect();
        let is_followed = self.parts.feed.is_followed();
        let mut changes = if events.is_empty() || !is_followed {
            Vec::new()
        } else {
            self.parts.realms.look(&home, |engine| engine.changes(&events))
        };
        if self.usage_due().is_some_and(|due| due <= now) {
            self.usage_told = now;
            for job in std::mem::take(&mut self.usage) {
                let told = |what: &What| matches!(what, What::Job(row) if row.job_id == job);
                if !changes.iter().any(told) {
                    let row = self.parts.realms.look(&home, |engine| engine.job_summary(&job));
                    changes.extend(row.map(|row| What::Job(Box::new(row))));
                }
            }
        }
        self.parts.occurrences.publish(round.occurred);
        if is_followed || events.is_empty() {
            self.parts.feed.publish(now, changes);
        } else {
            self.parts.feed.skip();
        }
        for Answered { reply, answer, .. } in round.replies {
            let _ = reply.send(answer);
        }
        if !round.effects.is_empty() {
            (self.parts.carry_out)(round.effects);
        }
        if !round.streams.is_empty() {
            (self.parts.forget_logs)(round.streams);
        }
        if self.resumed && !round.stop {
            let Parts { realms, journal, .. } = &mut self.parts;
            let (done, slow) = self.disk.during(|| self.chores.step(realms, journal, now));
            self.tell_of_slowness(slow, now);
            match done {
                Err(full @ JournalError::Full { .. }) => self.chores.rest(&full),
                done => done?,
            }
        }
        Ok(round.stop)
    }

    fn take(&mut self, input: Input, now: Millis, round: &mut Round) {
        match input {
            Input::Command(region, command, reply) => {
                let answer = self.carry_out(&region, &command, now, round).map_err(CommandError::Refused);
                round.replies.push(Answered { region, command, reply, answer });
            }
            Input::Said(instance, message) => {
                if full::is_kept(&message) {
                    round.heard.push((instance.clone(), message.clone()));
                }
                self.hear(&instance, message, now, round);
            }
            Input::Stop => round.stop = true,
        }
    }

    /// A command of one region, or of the whole body.
    fn carry_out(
        &mut self,
        region: &Region,
        command: &Command,
        now: Millis,
        round: &mut Round,
    ) -> Result<Answer, Refusal> {
        if command.action == Action::Resume {
            self.resumed = true;
            for region in self.parts.realms.regions() {
                self.decide(&region, command, now, round)?;
            }
            return Ok(Answer::Done);
        }
        let region = self.parts.realms.region_for(region, &command.action);
        self.decide(&region, command, now, round)
    }

    fn hear(&mut self, instance: &InstanceId, message: ToEngine, now: Millis, round: &mut Round) {
        let region = self.parts.realms.region_of(instance);
        match message {
            ToEngine::Hello { pid, held, limits, .. } => {
                self.parts.realms.engine(&region).note_limits(instance, limits);
                self.report(&region, Action::InstanceRegistered { instance: instance.clone(), pid }, now, round);
                let attempts: Vec<AttemptId> = held.iter().map(|held| held.attempt.clone()).collect();
                for Held { attempt, started_at, address, exit } in held {
                    if let Some(at) = started_at {
                        let action = Action::AttemptStarted { attempt: attempt.clone(), at, address };
                        self.report(&region, action, now, round);
                    }
                    if let Some(exit) = exit {
                        self.exited(&region, instance, attempt, exit, now, round);
                    }
                }
                // Now, and not at the end of the round: what the agent has begun since is in this round too, and would
                // look as if nobody held it.
                let effects = self.parts.realms.look(&region, |engine| engine.reconcile(instance, &attempts));
                round.effects.extend(effects.into_iter().map(|effect| self.parts.realms.on_disk(&region, effect)));
            }
            ToEngine::Started { attempt, at, address } => {
                self.report(&region, Action::AttemptStarted { attempt, at, address }, now, round);
            }
            ToEngine::Exited { attempt, exit } => self.exited(&region, instance, attempt, exit, now, round),
            // Heard by the connection.
            ToEngine::Alive => {}
            ToEngine::Used { samples } => {
                let at_home = region == *self.parts.realms.home();
                for (attempt, usage) in samples {
                    if at_home {
                        self.usage.insert(attempt.job.clone());
                    }
                    self.parts.realms.engine(&region).note_usage(&attempt, usage);
                }
            }
        }
    }

    /// An exit is acknowledged whatever the engine makes of it: what it does not know any more, it does not need again.
    fn exited(
        &mut self,
        region: &Region,
        instance: &InstanceId,
        attempt: AttemptId,
        exit: Exit,
        now: Millis,
        round: &mut Round,
    ) {
        self.report(region, Action::AttemptExited { attempt: attempt.clone(), exit: outcome(exit) }, now, round);
        round.effects.push(Effect::Acknowledge { instance: instance.clone(), attempt });
    }

    fn report(&mut self, region: &Region, action: Action, now: Millis, round: &mut Round) {
        let command = Command { by: OURSELVES.to_owned(), reason: None, action };
        if let Err(refusal) = self.decide(region, &command, now, round) {
            tracing::info!(action = ?command.action, %refusal, "what an agent reported changes nothing");
        }
    }

    /// A region's engine is made with the first event there: what is refused leaves no trace.
    fn decide(
        &mut self,
        region: &Region,
        command: &Command,
        now: Millis,
        round: &mut Round,
    ) -> Result<Answer, Refusal> {
        let decision = self.parts.realms.look(region, |engine| engine.decide(command, now, &mut RandomIds))?;
        if !decision.events.is_empty() {
            self.parts.realms.admit(region)?;
            self.apply(region, decision.events, round);
        }
        Ok(decision.answer)
    }

    /// Each region has its own share of a round, and knows what the others have promised of the machine. As long as one
    /// does something, the others look again: it may have let go of what they wait for. They take turns in being first.
    fn advance(&mut self, now: Millis, round: &mut Round) {
        if !self.resumed {
            return;
        }
        self.unfinished = false;
        self.turn += 1;
        let regions = self.parts.realms.in_turn(self.turn);
        let most = round.events.len() + ROUND_EVENTS * regions.len();
        loop {
            let before = round.events.len();
            for region in &regions {
                self.parts.realms.tell_promises(region);
                self.advance_one(region, now, round);
            }
            let still = round.events.len() == before;
            self.unfinished = !still && round.events.len() >= most;
            if still || self.unfinished {
                return;
            }
        }
    }

    fn advance_one(&mut self, region: &Region, now: Millis, round: &mut Round) {
        let most = round.events.len() + ROUND_EVENTS;
        while round.events.len() < most {
            let mut events = self.parts.realms.engine(region).advance(now, &mut RandomIds);
            if events.is_empty() {
                events = self.watch(region, now);
            }
            if events.is_empty() {
                return;
            }
            self.apply(region, events, round);
        }
    }

    /// What watches turn to, once all that is due has come about.
    fn watch(&mut self, region: &Region, now: Millis) -> Vec<Event> {
        let asked = self.parts.realms.look(region, |engine| engine.asks_for_lines(now));
        let directory = self.parts.realms.log_directory(region);
        for (job, streams) in asked {
            let streams: Vec<String> = streams.into_iter().map(|stream| below(directory.as_deref(), stream)).collect();
            let written = (self.parts.last_line)(&streams);
            self.parts.realms.engine(region).note_line(&job, written, now);
        }
        self.parts.realms.engine(region).look_at_watches(now)
    }

    /// Effects are asked for while the state is as the event has left it, and wait with the rest for the journal.
    fn apply(&mut self, region: &Region, events: Vec<Event>, round: &mut Round) {
        let directory = self.parts.realms.log_directory(region);
        for event in events {
            let engine = self.parts.realms.engine(region);
            if let Event::JobsForgotten { jobs, .. } = &event {
                let streams = engine.log_streams(jobs).into_iter();
                round.streams.extend(streams.map(|stream| below(directory.as_deref(), stream)));
            }
            engine.apply(&event);
            let row = self.parts.journal.last() + round.events.len() as u64 + 1;
            let occurred = engine.occurrences(&event).into_iter().enumerate().map(|(number, what)| Entry {
                cursor: occurrences::cursor(row, number),
                region: Arc::clone(region),
                what,
            });
            round.occurred.extend(occurred);
            let effects = engine.effects(&event);
            round.effects.extend(effects.into_iter().map(|effect| self.parts.realms.on_disk(region, effect)));
            round.events.push((Arc::clone(region), event));
        }
    }

    fn write(&mut self, now: Millis, events: &[(Region, Event)]) -> Result<(), JournalError> {
        if events.is_empty() {
            return Ok(());
        }
        let bodies = events
            .iter()
            .map(|(region, event)| serde_json::to_string(event).map(|body| (region, body)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|cause| self.parts.journal.refuse("written", &cause))?;
        let batch = bodies.iter().map(|(region, body)| (&***region, body.as_str()));
        let (written, slow) = self.disk.during(|| self.parts.journal.append(now, batch));
        self.tell_of_slowness(slow, now);
        written
    }

    /// Whoever asked for something meanwhile has waited as long.
    fn tell_of_slowness(&self, slow: Option<Duration>, now: Millis) {
        let Some(took) = slow else { return };
        let path = self.parts.journal.path().display();
        let told =
            format!("the disk of {path} took {} s to write; all that was asked has waited for it", took.as_secs());
        tracing::warn!("{told}");
        self.parts.feed.publish(now, [What::Notice(told)]);
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        tracing::debug!(commits = self.parts.journal.commits(), "the engine's loop is over");
    }
}

/// A log stream's name below `logs`.
fn below(directory: Option<&str>, stream: String) -> String {
    match directory {
        Some(directory) => format!("{directory}/{stream}"),
        None => stream,
    }
}

fn outcome(exit: Exit) -> Outcome {
    let Exit { at, started_at, code, reason, timed_out, usage, containers } = exit;
    Outcome { at, started_at, code, reason, timed_out, usage, containers }
}

/// Chance, from the system.
pub(super) struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&mut self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
