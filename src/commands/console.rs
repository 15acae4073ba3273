//! The console: opens the screen on a context.

use super::Done;
use super::contexts::outline;
use super::error::{CommandError, exit};
use super::world::{Setting, World};
use crate::backend::Backend;
use crate::config::theme::Theme;
use crate::config::{Access, Context, Reach};
use crate::tui;
use async_trait::async_trait;
use std::sync::Arc;

/// Opens the context and the console on it.
pub async fn open(setting: Setting, resume: bool) -> Done {
    // A theme that cannot be read is told before an engine is started for nothing.
    theme(&setting)?;
    show(setting.open_unsigned().await?, resume).await
}

/// Shows the console until it is left.
pub async fn run(world: World) -> Done {
    show(world, false).await
}

async fn show(world: World, resume: bool) -> Done {
    let setting = &world.setting;
    let opened = opened(setting, world.backend.clone(), None);
    tui::run(tui::Options { kept: Some(setting.data.console()), resume, ..options(setting, opened)? }).await?;
    Ok(exit::DONE)
}

/// Shows the console on a recording until it is left. Nothing of it is kept for the next one.
pub async fn replay(backend: Arc<dyn Backend>, context: String, setting: Setting) -> Done {
    let opened = tui::Opened {
        context,
        access: Access::Recorded,
        scheduler_role: None,
        log_group: None,
        ..opened(&setting, backend, None)
    };
    tui::run(options(&setting, opened)?).await?;
    Ok(exit::DONE)
}

/// A console that is as the config says, of which nothing is kept.
fn options(setting: &Setting, opened: tui::Opened) -> Result<tui::Options, CommandError> {
    let config = &setting.config;
    Ok(tui::Options {
        opened,
        contexts: Arc::new(Contexts(setting.clone())),
        theme: theme(setting)?,
        theme_source: tui::ThemeSource { directory: setting.themes() },
        keys: config.keys.clone(),
        console: config.console.clone(),
        columns: config.columns.clone(),
        prices: config.prices.clone(),
        commands: config.commands.clone(),
        start: tui::Start::Overview,
        plain: setting.plain,
        kept: None,
        resume: false,
    })
}

/// The contexts that can be turned to from where the console was opened.
struct Contexts(Setting);

impl Contexts {
    /// What is done on the way is told by the console: standard error is its screen.
    fn setting_of(&self, name: &str) -> Result<Setting, CommandError> {
        let mut setting = self.0.turned_to(name)?;
        setting.output = setting.output.silent();
        Ok(setting)
    }
}

#[async_trait]
impl tui::Contexts for Contexts {
    async fn open(&self, name: &str) -> Result<tui::Opened, String> {
        let turn = async {
            let setting = self.setting_of(name)?;
            let (backend, note) = setting.reach().await?;
            Ok(opened(&setting, backend, note))
        };
        turn.await.map_err(|error: CommandError| error.to_string())
    }

    async fn revive(&self, name: &str) -> Result<Option<String>, String> {
        let turn = async {
            let setting = self.setting_of(name)?;
            let members = match &setting.context.reach {
                Reach::Several { members } => members.iter().map(|member| member.name.clone()).collect(),
                _ => vec![name.to_owned()],
            };
            let mut notes = Vec::new();
            for member in members {
                let member = self.setting_of(&member)?;
                if member.is_local() && !member.context.access.is_closed() {
                    notes.extend(member.reach().await?.1);
                }
            }
            Ok((!notes.is_empty()).then(|| notes.join("; ")))
        };
        turn.await.map_err(|error: CommandError| error.to_string())
    }
}

fn opened(setting: &Setting, backend: Arc<dyn Backend>, note: Option<String>) -> tui::Opened {
    let offer = |context: &Context| tui::Offered { name: context.name.clone(), doc: outline(context) };
    tui::Opened {
        backend,
        context: setting.context.name.clone(),
        access: setting.context.access,
        flags: setting.flags.clone(),
        aws_flags: aws_flags(&setting.context.reach),
        scheduler_role: setting.context.scheduler_role.clone(),
        log_group: setting.context.log_group().map(str::to_owned),
        offered: setting.contexts.iter().map(offer).collect(),
        note,
    }
}

/// How AWS's own tool comes to the same place. To a local engine it does by variables alone (`engine env`), and a line that
/// is pasted without them would act on an account.
fn aws_flags(reach: &Reach) -> Option<Vec<String>> {
    let Reach::Aws { profile, region, endpoint, .. } = reach else { return None };
    let named = [("--profile", profile), ("--region", region), ("--endpoint-url", endpoint)];
    let flags = named.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]));
    Some(flags.flatten().collect())
}

fn theme(setting: &Setting) -> Result<Theme, CommandError> {
    Ok(Theme::load(setting.themes().as_deref(), &setting.config.theme)?)
}

#[cfg(test)]
mod tests {
    use crate::backend::scripted::World;
    use crate::cli::Cli;
    use crate::config::theme::Theme;
    use crate::tui::app::{App, Popup};
    use crate::tui::stage::Stage;
    use clap::Parser;
    use std::path::Path;

    fn lines(app: &App) -> Vec<String> {
        match app.popups.last() {
            Some(Popup::Form(form)) => app.by_hand(form),
            other => panic!("no form, but {other:?}"),
        }
    }

    /// Words as a shell splits them.
    fn shell(line: &str) -> Vec<String> {
        let output = std::process::Command::new("sh").arg("-c").arg(format!("printf '%s\\0' {line}")).output();
        let text = String::from_utf8(output.expect("a shell").stdout).expect("UTF-8");
        text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
    }

    #[test]
    fn every_line_that_does_the_same_by_hand_runs_as_it_is_shown() {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json");
        let cases = [
            ("x \"wrong 'bucket'\"", "batchdeck terminate "),
            ("x \"-f\"", "batchdeck terminate "),
            ("s s s s * x", "batchdeck cancel "),
            ("s p", "batchdeck reprioritise "),
            ("s p \"70\" tab \"customer waits\"", "batchdeck reprioritise "),
            ("1 j p \"50\"", "batchdeck reprioritise --queue default 50"),
            ("s H \"broken input\"", "batchdeck hold "),
            ("s m", "batchdeck move "),
            ("1 j H", "batchdeck hold --queue default"),
            ("1 j e \"night\"", "batchdeck queues disable default --reason night"),
            ("1 G e", "batchdeck queues enable nightly"),
            ("2 j e", "batchdeck envs disable local"),
            ("n", "batchdeck submit --queue "),
            ("j c", "batchdeck submit --queue "),
            ("S j p", "batchdeck schedule pause nightly-report"),
            ("S G p", "batchdeck schedule resume weekly-archive"),
            ("S j r", "batchdeck schedule run nightly-report"),
            ("S j x", "batchdeck schedule delete nightly-report"),
        ];
        for (keys, beginning) in cases {
            let mut stage = Stage::new(World::load(&world).expect("the recorded world"), (120, 40), Theme::default());
            stage.press(keys).expect("keys");
            let here = lines(&stage.app);
            assert!(!here.is_empty(), "{keys}");
            assert!(here[0].starts_with(beginning), "{keys}: {here:?}");
            stage.app.setting.flags = ["--context", "pro d"].map(str::to_owned).to_vec();
            for line in here.iter().chain(&lines(&stage.app)) {
                Cli::try_parse_from(shell(line)).unwrap_or_else(|error| panic!("{line}\n{error}"));
            }
            assert!(lines(&stage.app).iter().all(|line| line.starts_with("batchdeck --context 'pro d' ")));
        }
    }
}
