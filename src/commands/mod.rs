//! The verbs: one file each, tables for people, JSON for scripts. `console` opens the screen.

mod agent;
mod audit;
mod completions;
mod console;
mod contexts;
mod cost;
mod definitions;
mod demo;
mod doctor;
mod end;
mod engine;
mod engine_env;
mod engine_unit;
mod envs;
mod error;
mod events;
mod failures;
mod fit;
mod hold;
mod init;
mod input;
mod interrupt;
mod job;
mod jobs;
mod logs;
mod man;
mod mfa;
mod output;
mod pulse;
mod queues;
mod replace;
mod replay;
mod reprioritise;
mod resolve;
mod resources;
mod schedule;
mod screenshot;
mod shell;
mod submit;
mod submit_service;
mod table;
mod tree;
mod usage;
mod watch;
mod watching;
mod why;
mod world;

pub use error::{CommandError, exit};

use crate::cli::{Cli, Since, Verb};
use crate::model::Millis;
use crate::model::text::printable_lines;
use std::io::{self, Write};
use tokio::runtime::Runtime;
use world::Setting;

/// What a verb answers: its exit code, or why it was not done.
pub type Done = Result<u8, CommandError>;

/// Carries out one verb to its end, says on standard error what went wrong, and answers the exit code.
pub fn run(cli: Cli) -> u8 {
    let result = runtime(&cli).map_err(CommandError::Start).and_then(|runtime| {
        let result = runtime.block_on(carry_out(cli));
        // The end of the process is near, and ends all of it: a thread that still reads standard input must not hold that
        // up, and to take the rest apart first takes as long as a call.
        std::mem::forget(runtime);
        result
    });
    result.unwrap_or_else(|error| tell(&error))
}

/// Prints help, the version, or what was said wrongly, and answers the exit code.
pub fn say(words: &clap::Error) -> u8 {
    match words.print().and_then(|()| io::stdout().flush()) {
        Err(cause) if !words.use_stderr() => tell(&CommandError::Output(cause)),
        _ => u8::try_from(words.exit_code()).unwrap_or(exit::USAGE),
    }
}

/// Says on standard error what went wrong, and answers the exit code.
fn tell(error: &CommandError) -> u8 {
    if error.exit_code() != exit::DONE {
        let _ = io::stderr().write_all(printable_lines(&error.block()).as_bytes());
    }
    error.exit_code()
}

/// The threads of a verb: as many as there are cores for the console and an agent. The engine has its mind in a thread of
/// its own, and each further one beside it only makes an answer pass through more hands. Any other verb asks a few things
/// and ends: a thread of its own would take longer to start than that.
fn runtime(cli: &Cli) -> io::Result<Runtime> {
    use tokio::runtime::Builder;
    let mut builder = match cli.verb {
        None | Some(Verb::Demo(_) | Verb::Agent(_)) => Builder::new_multi_thread(),
        Some(Verb::Engine(_)) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(1);
            builder
        }
        Some(_) => Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

async fn carry_out(cli: Cli) -> Done {
    match &cli.verb {
        Some(Verb::Completions { shell }) => return completions::run(*shell),
        Some(Verb::Man { directory }) => return man::run(directory.as_deref()),
        Some(Verb::Screenshot(args)) => return screenshot::run(args),
        _ => {}
    }
    let mut setting = Setting::new(&cli.places)?;
    setting.plain = cli.plain || std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
    match cli.verb {
        None => Box::pin(console::open(setting, cli.resume)).await,
        Some(Verb::Demo(args)) => Box::pin(demo::run(&args, setting)).await,
        Some(Verb::Init(args)) => Box::pin(init::run(&args, setting)).await,
        Some(Verb::Engine(verb)) => engine::run(&verb, setting).await,
        Some(Verb::Queues(args)) => Box::pin(queues::run(args, setting)).await,
        Some(Verb::Envs(args)) => Box::pin(envs::run(args, setting)).await,
        Some(Verb::Jobs(args)) => jobs::run(&args, setting.open().await?).await,
        Some(Verb::Job(args)) => job::run(&args, setting.open().await?).await,
        Some(Verb::Why(args)) => Box::pin(why::run(&args, setting.open().await?)).await,
        Some(Verb::Tree(args)) => Box::pin(tree::run(&args, setting.open().await?)).await,
        Some(Verb::Pulse(args)) => Box::pin(pulse::run(&args, setting.open().await?)).await,
        Some(Verb::Failures(args)) => Box::pin(failures::run(&args, setting.open().await?)).await,
        Some(Verb::Submit(args)) => Box::pin(submit::run(&args, setting)).await,
        Some(Verb::Cancel(args)) => Box::pin(end::run(end::Call::Cancel, &args, setting)).await,
        Some(Verb::Terminate(args)) => Box::pin(end::run(end::Call::Terminate, &args, setting)).await,
        Some(Verb::Reprioritise(args)) => Box::pin(reprioritise::run(&args, setting)).await,
        Some(Verb::Hold(args)) => Box::pin(hold::hold(&args, true, setting)).await,
        Some(Verb::Release(args)) => Box::pin(hold::hold(&args, false, setting)).await,
        Some(Verb::Move(args)) => Box::pin(hold::move_jobs(&args, setting)).await,
        Some(Verb::Replace(args)) => Box::pin(replace::run(&args, setting)).await,
        Some(Verb::Interrupt(args)) => Box::pin(interrupt::run(&args, setting)).await,
        Some(Verb::Shell(args)) => Box::pin(shell::run(&args, setting.open().await?)).await,
        Some(Verb::Logs(args)) => logs::run(&args, setting.open().await?).await,
        Some(Verb::Definitions(args)) => Box::pin(definitions::run(&args, setting)).await,
        Some(Verb::Schedule(verb)) => Box::pin(schedule::run(verb, setting)).await,
        Some(Verb::Watch(verb)) => Box::pin(watch::run(verb, setting)).await,
        Some(Verb::Events(args)) => events::run(&args, setting.open().await?).await,
        Some(Verb::Audit(args)) => audit::run(&args, setting.open().await?).await,
        Some(Verb::Replay(args)) => Box::pin(replay::run(&args, setting)).await,
        Some(Verb::Cost(args)) => cost::run(&args, setting.open().await?).await,
        Some(Verb::Fit(args)) => fit::run(&args, setting.open().await?).await,
        Some(Verb::Usage(args)) => usage::run(&args, setting.open().await?).await,
        Some(Verb::Contexts(args)) => contexts::run(&args, &setting),
        Some(Verb::Doctor(args)) => doctor::run(&args, setting).await,
        Some(Verb::Agent(args)) => agent::run(args, &setting).await,
        Some(Verb::Completions { .. } | Verb::Man { .. } | Verb::Screenshot(_)) => Ok(exit::DONE),
    }
}

/// Where a window begins, in UTC.
fn begin(since: Since, now: Millis) -> Option<Millis> {
    const DAY: Millis = 86_400_000;
    match since {
        Since::Ago(seconds) => Some(now - Millis::from(seconds) * 1_000),
        Since::Today => Some(now.div_euclid(DAY) * DAY),
        Since::Month => {
            use chrono::Datelike;
            let today = chrono::DateTime::from_timestamp_millis(now)?.date_naive();
            begin(Since::Day(today.with_day(1)?), now)
        }
        Since::Day(day) => Some(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()),
        Since::Ever => None,
    }
}

/// The wall clock.
fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}
