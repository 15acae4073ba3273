//! `why`: what is known of the causes, what speaks for them, and what to do next.

use super::error::{CommandError, Named, exit};
use super::table::{Look, age};
use super::world::World;
use super::{Done, now, resolve};
use crate::backend::BackendError;
use crate::backend::gather::gather;
use crate::cli::{Format, WhyArgs};
use crate::model::{Millis, Subject, name_of, text::printable};
use crate::triage::why::{Cause, Certainty, Diagnosis, Movement, diagnose};
use crate::tui::words;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

pub async fn run(args: &WhyArgs, world: World) -> Done {
    let subject = subject(args, &world).await?;
    let gathered = gather(&*world.backend, subject.clone(), &now).await;
    let evidence = match gathered {
        Ok(evidence) => evidence,
        Err(BackendError::NotFound { .. }) => return Err(not_found(&subject, &world).await),
        Err(source) => return Err(CommandError::Backend { doing: "reading what there is to know".to_owned(), source }),
    };
    let told = diagnose(&evidence);
    match args.output {
        Format::Json => world.output().json(&told)?,
        Format::Table => world.output().text(&render(&told, &world.setting.flags, world.output().look()))?,
    }
    Ok(exit::DONE)
}

async fn subject(args: &WhyArgs, world: &World) -> Result<Subject, CommandError> {
    let given = match (&args.queue, &args.environment, &args.what) {
        (Some(queue), _, _) => return Ok(Subject::Queue(name_of(queue).to_owned())),
        (_, Some(environment), _) => return Ok(Subject::Environment(name_of(environment).to_owned())),
        (None, None, what) => what.as_deref().unwrap_or_default(),
    };
    resolve::subject(&*world.backend, given).await
}

async fn not_found(subject: &Subject, world: &World) -> CommandError {
    match subject {
        Subject::Job(id) => CommandError::UnknownJob { given: id.to_string() },
        Subject::Queue(name) => {
            let known = world.backend.queues_alone().await.unwrap_or_default();
            let known = known.into_iter().map(|queue| queue.job_queue_name).collect();
            resolve::unknown(Named::Queue, name, known)
        }
        Subject::Environment(name) => {
            let known = world.backend.environments_alone().await.unwrap_or_default();
            let known = known.into_iter().map(|found| found.compute_environment_name).collect();
            resolve::unknown(Named::Environment, name, known)
        }
    }
}

/// What a person reads.
fn render(told: &Diagnosis, flags: &[String], look: Look) -> String {
    let mut page = Page { text: String::new(), look };
    let state = told.status.map(|status| format!("  {status}")).unwrap_or_default();
    page.line(&format!("{}{state}", told.question), Style::new().bold());
    for (at, cause) in told.causes.iter().enumerate() {
        page.cause(at + 1, cause, flags, told.read_at);
    }
    if told.causes.is_empty() {
        page.line(&format!("  ✔ {}", told.all_clear()), AnsiColor::Green.on_default());
    }
    if let Some(movement) = &told.movement {
        page.movement(movement, told.read_at);
    }
    if !told.ruled_out.is_empty() {
        page.wrapped("Ruled out: ", &told.ruled_out.join(" · "), Style::new().dimmed());
    }
    for missing in &told.not_read {
        page.wrapped("Not read: ", &format!("{}: {}", missing.what, missing.why), Style::new());
    }
    page.text
}

struct Page {
    text: String,
    look: Look,
}

impl Page {
    fn line(&mut self, text: &str, style: Style) {
        let style = if self.look.color { style } else { Style::new() };
        let _ = writeln!(self.text, "{style}{}{style:#}", printable(text).trim_end());
    }

    /// The words after their label, over as many lines as they need, each as far in.
    fn wrapped(&mut self, label: &str, words: &str, style: Style) {
        let room = self.look.width.map_or(usize::MAX, |width| width.saturating_sub(label.width()).max(20));
        let mut line = label.to_owned();
        let mut taken = 0;
        for word in words.split(' ') {
            let wide = word.width() + usize::from(taken > 0);
            if taken > 0 && taken + wide > room {
                self.line(&line, style);
                line = " ".repeat(label.width());
                taken = 0;
            }
            if taken > 0 {
                line.push(' ');
            }
            line.push_str(word);
            taken += word.width() + usize::from(taken > 0);
        }
        self.line(&line, style);
    }

    fn cause(&mut self, number: usize, cause: &Cause, flags: &[String], now: Millis) {
        let (sign, style) = match cause.certainty {
            Certainty::Certain => ("▲", AnsiColor::Red.on_default().bold()),
            Certainty::Likely => ("▲", AnsiColor::Yellow.on_default().bold()),
            Certainty::Possible => ("?", AnsiColor::Yellow.on_default()),
            Certainty::Note => ("·", Style::new()),
        };
        let head = format!("{sign} {number}  ");
        self.wrapped(&head, &format!("{}  ({}, {})", cause.title, cause.certainty.as_str(), cause.rule), style);
        self.wrapped("     ", &cause.why, Style::new());
        for fact in &cause.evidence {
            let since = fact.since.map(|since| format!("  ({} ago)", age(since, now))).unwrap_or_default();
            self.wrapped("       ", &format!("{}: {}{since}", fact.field, fact.value), Style::new().dimmed());
        }
        for step in &cause.steps {
            self.wrapped("     → ", &step.words, Style::new());
            if !step.command.is_empty() {
                let line = words::join(&[&["batchdeck".to_owned()], flags, &step.command].concat());
                // A line to be copied is not broken.
                self.line(&format!("         {line}"), AnsiColor::Cyan.on_default());
            }
        }
    }

    fn movement(&mut self, movement: &Movement, now: Millis) {
        let since = movement.waiting_since.map(|at| {
            let word = if movement.since_submission { "submitted" } else { "waiting" };
            format!(", {word} for {}", age(at, now))
        });
        self.line("Will it move?", Style::new().bold());
        self.wrapped("  ", &format!("{}{}", movement.place(), since.unwrap_or_default()), Style::new());
        if let Some(at) = movement.at_position_since {
            self.wrapped("  ", &format!("at this place for {}", age(at, now)), Style::new().dimmed());
        }
        for ahead in &movement.ahead {
            let needs = ahead.needs.map(|needs| format!(", {needs}")).unwrap_or_default();
            let reason = ahead.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
            self.wrapped(
                "    in front: ",
                &format!("{} ({}){needs}{reason}", ahead.name, ahead.id.short()),
                Style::new().dimmed(),
            );
        }
        if let Some(vcpus) = movement.vcpus_ahead.as_ref().filter(|_| !movement.ahead.is_empty()) {
            self.wrapped("  ", &format!("those in front ask for {vcpus} vCPU together"), Style::new().dimmed());
        }
        for (queue, count) in &movement.before {
            self.wrapped("  ", &format!("the queue {queue} goes before: {count} waiting there"), Style::new().dimmed());
        }
        if let Some(drain) = movement.drain {
            let text = format!("jobs of the queue: {drain}");
            self.wrapped("  ", &text, Style::new().dimmed());
        }
        self.wrapped("  start: ", &movement.words(now), Style::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::scripted::ScriptedBackend;
    use crate::model::{JobId, JobStatus};
    use crate::tui::screens::recorded_world;
    use futures::FutureExt;

    fn told(subject: Subject) -> Diagnosis {
        let world = recorded_world();
        let at = world.now;
        let backend = ScriptedBackend::new(world);
        let evidence = gather(&backend, subject, &move || at).now_or_never().expect("it never waits");
        diagnose(&evidence.expect("it is there"))
    }

    fn job(name: &str) -> Subject {
        let found = recorded_world().jobs.into_iter().find(|job| job.job_name == name);
        Subject::Job(found.map_or_else(JobId::default, |job| job.job_id))
    }

    #[test]
    fn causes_evidence_steps_and_the_time_to_the_start_are_told() {
        let plain = Look::default();
        insta::assert_snapshot!("waiting", render(&told(job("render-88")), &[], plain));
        insta::assert_snapshot!("failed", render(&told(job("resize-4699")), &[], plain));
        insta::assert_snapshot!("environment", render(&told(Subject::Environment("gpu".into())), &[], plain));
        insta::assert_snapshot!("queue", render(&told(Subject::Queue("nightly".into())), &[], plain));
        insta::assert_snapshot!("pending", render(&told(job("publish-9")), &["--context".into(), "a b".into()], plain));
    }

    #[test]
    fn lines_are_broken_between_words_within_the_terminal_and_command_lines_are_not() {
        let narrow = Look { color: false, width: Some(60) };
        let text = render(&told(job("resize-4699")), &[], narrow);
        let long = text.lines().filter(|line| line.width() > 60 && !line.trim_start().starts_with("batchdeck"));
        assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new(), "{text}");
        assert!(render(&told(job("resize-4699")), &[], Look { color: true, width: None }).contains('\u{1b}'));
    }

    #[test]
    fn what_is_running_well_has_no_cause() {
        let told = told(job("resize-4711"));
        assert_eq!((told.status, told.causes.len()), (Some(JobStatus::Running), 0), "{:?}", told.causes);
    }
}
