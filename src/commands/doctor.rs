//! `doctor`: whether this context, and this terminal, are fit for work, and what a policy has to allow.

mod policy;

use super::Done;
use super::error::{Doing, exit};
use super::table::{Cell, Table, left};
use super::world::Setting;
use crate::backend::{Backend, BackendError};
use crate::cli::{DoctorArgs, Format};
use crate::config::Reach;
use crate::model::region::partition;
use crate::model::{Area, Bytes, DEFAULT_LOG_GROUP, EngineStatus, Finding, Verdict};
use crate::tui::theme::Depth;
use policy::Grounds;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;

pub async fn run(args: &DoctorArgs, setting: Setting) -> Done {
    if let Some(policy) = args.policy {
        let grounds = grounds(&setting).await?;
        setting.output.json(&policy::document(policy, &grounds))?;
        return Ok(exit::DONE);
    }
    let mut findings = of_context(&setting).await?;
    findings.extend(terminal(|name| std::env::var(name).ok(), std::io::stdout().is_terminal()));
    match args.output {
        Format::Json => setting.output.json(&findings)?,
        Format::Table => {
            setting.output.table(&table(&findings))?;
            for finding in findings.iter().filter(|finding| finding.verdict != Verdict::Good) {
                if let Some(mend) = &finding.mend {
                    setting.output.text(&format!("\n{}: {}\n  {mend}\n", finding.what, finding.told))?;
                }
            }
        }
    }
    let fit = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    Ok(if fit { exit::DONE } else { exit::FAILED })
}

/// What a policy for this context names: the logs that its jobs write. Where they cannot be asked for it is said.
async fn grounds(setting: &Setting) -> Result<Grounds, super::CommandError> {
    let mut grounds = Grounds::default();
    let members = match &setting.context.reach {
        Reach::Local { .. } => return Ok(grounds),
        Reach::Aws { .. } => vec![setting.clone()],
        Reach::Several { members } => {
            let turned = members.iter().map(|member| setting.turned_to(&member.name));
            turned.collect::<Result<Vec<_>, _>>()?
        }
    };
    for member in members {
        let Reach::Aws { log_group, .. } = &member.context.reach else { continue };
        let group = log_group.as_deref().unwrap_or(DEFAULT_LOG_GROUP);
        let definitions = match Box::pin(member.aws_backend()).await {
            Ok(backend) => {
                grounds.partition = backend.region().as_deref().and_then(partition).unwrap_or(grounds.partition);
                backend.job_definitions(true).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &definitions {
            setting.output.note(&format!(
                "the job definitions of `{}` could not be read, so that the log groups which they name are not in the \
                 policy: {error}",
                member.context.name
            ));
        }
        grounds.note(&definitions.unwrap_or_default(), group);
        grounds.scheduler_role = grounds.scheduler_role.or_else(|| member.context.scheduler_role.clone());
    }
    Ok(grounds)
}

/// What is found of the context, or of each of several.
async fn of_context(setting: &Setting) -> Result<Vec<Finding>, super::CommandError> {
    let Reach::Several { members } = &setting.context.reach else {
        return if setting.is_local() { local(setting).await } else { remote(setting).await };
    };
    let mut findings = Vec::new();
    for member in members {
        let found = Box::pin(of_context(&setting.turned_to(&member.name)?)).await?;
        let named = |finding: Finding| Finding { what: format!("{}: {}", member.name, finding.what), ..finding };
        findings.extend(found.into_iter().map(named));
    }
    Ok(findings)
}

async fn remote(setting: &Setting) -> Result<Vec<Finding>, super::CommandError> {
    let doing = || format!("examining the context `{}`", setting.context.name);
    match setting.aws_backend().await {
        Ok(backend) => {
            super::mfa::sign_in(&backend, &setting.context.name).await?;
            Ok(backend.examine().await)
        }
        Err(BackendError::Credentials { message, renewal }) => {
            let finding = Finding::new(Area::Context, "credentials", Verdict::Bad, message);
            Ok(vec![match renewal {
                Some(command) => finding.mended_by(format!("run `{command}`")),
                None => finding,
            }])
        }
        Err(error) => Err(error).doing(doing()),
    }
}

/// The data directory, the engine on it, and what it runs jobs with.
async fn local(setting: &Setting) -> Result<Vec<Finding>, super::CommandError> {
    let path = setting.data.path();
    let mut findings = Vec::new();
    let directory = |verdict, told: String| Finding::new(Area::Context, "data directory", verdict, told);
    findings.push(match std::fs::metadata(path) {
        Err(_) => directory(Verdict::Good, format!("{} is made when the engine starts", path.display())),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            directory(Verdict::Bad, format!("{} may be entered by others", path.display()))
                .mended_by(format!("chmod 700 {}", path.display()))
        }
        Ok(_) => directory(Verdict::Good, path.display().to_string()),
    });
    let engine = |verdict, told: String| Finding::new(Area::Context, "engine", verdict, told);
    match setting.local_backend().engine_status().await {
        Ok(status) => {
            findings.push(engine(Verdict::Good, format!("runs, version {}, pid {}", status.version, status.pid)));
            findings.extend(of_engine(&status));
        }
        Err(BackendError::Unreachable { .. }) => {
            let finding = engine(Verdict::Less, "does not run".to_owned());
            findings.push(finding.mended_by("any verb starts it, and so does `batchdeck engine start`"));
        }
        Err(error) => findings.push(
            engine(Verdict::Bad, error.to_string())
                .mended_by("look into engine.log in the data directory, then `batchdeck engine stop` and `start`"),
        ),
    }
    Ok(findings)
}

fn of_engine(status: &EngineStatus) -> Vec<Finding> {
    let mut findings = Vec::new();
    let door = |verdict, told: String| Finding::new(Area::Context, "AWS's APIs", verdict, told);
    findings.push(match &status.http {
        Some(address) => door(Verdict::Good, format!("served on {address}, to signed requests")),
        None => door(Verdict::Good, "served on the socket alone; `--http` opens a TCP door".to_owned()),
    });
    findings.extend(status.log_disk.map(|log| {
        let finding = |verdict, told: String| Finding::new(Area::Context, "disk of logs", verdict, told);
        let (free, wanted) = (Bytes(log.disk.free), Bytes(log.wanted));
        if log.drops {
            finding(Verdict::Bad, format!("{free} left: what jobs print is dropped until there are {wanted}"))
                .mended_by("make room on it, or say in the config that less is kept free: log-reserve-mib of [engine]")
        } else {
            finding(Verdict::Good, format!("{free} free; below {wanted} what jobs print is dropped"))
        }
    }));
    let watched = status.agents.iter().filter(|agent| agent.limits == "watched").count();
    if watched > 0 {
        let told = format!("{watched} of {} instances only watch the memory of processes", status.agents.len());
        findings.push(Finding::new(Area::Context, "limits", Verdict::Less, told).mended_by(
            "run the engine where a cgroup is delegated to it, as `systemd-run --user -p Delegate=yes` does",
        ));
    }
    let silent = status.agents.iter().filter(|agent| agent.silent_seconds.is_some() || !agent.connected);
    findings.extend(silent.map(|agent| {
        let told = format!("instance {} does not answer", agent.instance_id.0);
        Finding::new(Area::Context, "agents", Verdict::Bad, told)
            .mended_by("its jobs are tried again elsewhere when it is given up; `batchdeck engine status` tells")
    }));
    findings
}

fn terminal(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> Vec<Finding> {
    let find = |what: &str, verdict, told: String| Finding::new(Area::Terminal, what, verdict, told);
    let mut findings = Vec::new();
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if !is_terminal {
        findings.push(find("terminal", Verdict::Unknown, "the output is no terminal; the console opens in one".into()));
    }
    let term = set("TERM").unwrap_or_default();
    findings.push(match Depth::of_environment(&variable) {
        Depth::True => find("colours", Verdict::Good, "16 million".into()),
        Depth::Fixed256 => find("colours", Verdict::Good, "256".into()),
        Depth::Ansi16 => find("colours", Verdict::Less, format!("16, by TERM `{term}`"))
            .mended_by("set TERM to one that ends in -256color, or COLORTERM=truecolor, where the terminal can"),
        Depth::None => {
            find("colours", Verdict::Less, "none, by NO_COLOR or TERM=dumb; states are told by signs".into())
        }
    });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name)).unwrap_or_default();
    let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    findings.push(if utf8 {
        find("letters", Verdict::Good, locale)
    } else {
        find("letters", Verdict::Less, format!("the locale is `{locale}`, which is not UTF-8"))
            .mended_by("export LC_ALL=C.UTF-8")
    });
    if is_terminal && let Ok((columns, rows)) = crossterm::terminal::size() {
        let verdict = if columns >= 80 && rows >= 24 { Verdict::Good } else { Verdict::Less };
        findings.push(find("size", verdict, format!("{columns}x{rows}; the console likes 80x24 or more")));
    }
    findings
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(&["", "ABOUT", "WHAT", "FOUND"].map(left));
    for finding in findings {
        let (sign, well) = match finding.verdict {
            Verdict::Good => ("✔", true),
            Verdict::Less => ("▲", false),
            Verdict::Bad => ("✖", false),
            Verdict::Unknown => ("?", false),
        };
        table.row(vec![
            Cell::health(sign, well),
            Cell::new(finding.area.as_str()).dim(),
            Cell::new(&finding.what),
            Cell::new(&finding.told),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_judged_by_what_it_says_of_itself() {
        let look = |variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            let found = terminal(variable, false);
            let of = |what: &str| found.iter().find(|each| each.what == what).map(|each| each.verdict);
            (of("colours"), of("letters"))
        };
        let (good, less) = (Some(Verdict::Good), Some(Verdict::Less));
        assert_eq!(look(&[("TERM", "xterm-256color"), ("LANG", "de_CH.UTF-8")]), (good, good));
        assert_eq!(look(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("LC_ALL", "C.utf8")]), (good, good));
        assert_eq!(look(&[("TERM", "linux"), ("LANG", "C")]), (less, less));
        assert_eq!(look(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), (less, less));
    }
}
