//! Opening what stands behind a context: finding out which, starting a local engine where none runs, connecting.

use super::engine;
use super::error::{CommandError, Doing};
use super::mfa;
use super::output::Output;
use crate::backend::aws::{AwsBackend, AwsSettings};
use crate::backend::local::LocalBackend;
use crate::backend::several::{Part, Several};
use crate::backend::{Backend, BackendError};
use crate::cli::Places;
use crate::config::{Access, Config, Context, DataDirectory, Profiles, Reach, Surroundings, context, directories};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every verb needs to know of where it is, before anything is reached.
#[derive(Debug, Clone)]
pub struct Setting {
    pub config: Config,
    /// The file that the config was read from, or would be.
    pub config_file: PathBuf,
    /// Whether an argument named the config file; a variable that names it is inherited anyway.
    pub config_named: bool,
    /// The arguments by which another call of the program, from the same shell, comes to this same place.
    pub flags: Vec<String>,
    pub context: Context,
    /// All contexts that there are.
    pub contexts: Vec<Context>,
    /// What was said on the command line.
    places: Places,
    /// Where a local engine's data are, also where the context is AWS.
    pub data: DataDirectory,
    /// `user@host`: goes into the record of who did what.
    pub by: String,
    pub output: Output,
    /// The console is told line by line and not drawn.
    pub plain: bool,
}

/// An opened context.
pub struct World {
    pub backend: Arc<dyn Backend>,
    pub setting: Setting,
}

impl Setting {
    /// Reads the config and chooses the context. Reaches nothing and makes nothing.
    pub fn new(places: &Places) -> Result<Self, CommandError> {
        let config_file = match places.config.clone().or_else(|| variable("BATCHDECK_CONFIG")) {
            Some(file) => file,
            None => directories::default_config_file()?,
        };
        // The variable may name a file that is yet to be written; an argument means one that is there.
        let config = Config::read(&config_file, places.config.is_some())?;
        let data_directory = places.data_dir.clone().or_else(|| variable("BATCHDECK_DATA_DIR"));
        let default_data_directory = match &data_directory {
            Some(named) => named.clone(),
            None => directories::default_data_directory()?,
        };
        let surroundings = Surroundings {
            context: places.context.clone(),
            data_directory,
            aws_settings: context::AWS_VARIABLES
                .iter()
                .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())),
            journal_exists: DataDirectory::new(&default_data_directory)?.journal().exists(),
            default_data_directory,
            profiles: Profiles::read(),
        };
        let mut context = Context::choose(&config, &surroundings)?;
        match context.access {
            Access::Write | Access::Guarded if places.read_only => context.access = Access::Asked,
            Access::Guarded if places.write => context.access = Access::Write,
            _ => {}
        }
        let data = match &context.reach {
            Reach::Local { data_directory } => DataDirectory::new(data_directory)?,
            Reach::Aws { .. } | Reach::Several { .. } => DataDirectory::new(&surroundings.default_data_directory)?,
        };
        let flags = flags(places, &context);
        let config_named = places.config.is_some();
        let mut contexts = Context::all(&config, &surroundings);
        offer(&mut contexts, &context);
        let (places, output) = (places.clone(), Output::standard());
        Ok(Self {
            config,
            config_file,
            config_named,
            flags,
            context,
            contexts,
            places,
            data,
            by: who(),
            output,
            plain: false,
        })
    }

    /// The same place in another context, with the config as it is now. What a local context says of its data goes before
    /// the directory that was named for the first one, and `--write` was meant for that alone.
    pub fn turned_to(&self, context: &str) -> Result<Self, CommandError> {
        let config = Config::read(&self.config_file, self.config_named)?;
        let own = config.contexts.get(context).and_then(|settings| settings.data_dir.clone());
        let mut turned = Self::new(&Places {
            context: Some(context.to_owned()),
            data_dir: own.or_else(|| self.places.data_dir.clone()),
            write: false,
            ..self.places.clone()
        })?;
        offer(&mut turned.contexts, &self.context);
        Ok(turned)
    }

    /// Where theme files of the person's own are: beside the config file.
    pub fn themes(&self) -> Option<PathBuf> {
        self.config_file.parent().map(|beside| beside.join("themes"))
    }

    pub fn is_local(&self) -> bool {
        matches!(self.context.reach, Reach::Local { .. })
    }

    /// Refuses what only a local engine can do.
    pub fn require_local(&self, action: &'static str) -> Result<(), CommandError> {
        if self.is_local() {
            return Ok(());
        }
        Err(CommandError::LocalOnly { context: self.context.name.clone(), action })
    }

    /// Refuses what would change something in a read-only context.
    pub fn require_writable(&self, action: &'static str) -> Result<(), CommandError> {
        let context = self.context.name.clone();
        match self.context.access {
            // Who types a verb in a shell, and names the account by context or environment, means it.
            Access::Write | Access::Guarded => Ok(()),
            Access::Configured => Err(CommandError::ReadOnly { context, action, configured: true }),
            Access::Asked | Access::Recorded => Err(CommandError::ReadOnly { context, action, configured: false }),
        }
    }

    /// The local engine's API, whether it runs or not.
    pub fn local_backend(&self) -> LocalBackend {
        LocalBackend::new(self.data.socket(), self.by.clone())
    }

    /// The client of an AWS context. No call has been made yet.
    pub async fn aws_backend(&self) -> Result<AwsBackend, BackendError> {
        let mut settings = AwsSettings {
            by: self.by.clone(),
            audit_file: Some(self.data.aws_audit()),
            prices: self.config.prices.clone(),
            directory: Some(self.data.path().to_owned()),
            ..AwsSettings::default()
        };
        if let Reach::Aws { profile, region, endpoint, calls_per_second, queues, history, log_group } =
            &self.context.reach
        {
            settings.history_file = history.then(|| self.data.aws_history());
            (settings.profile, settings.region, settings.endpoint) =
                (profile.clone(), region.clone(), endpoint.clone());
            settings.queues.clone_from(queues);
            settings.log_group.clone_from(log_group);
            settings.calls_per_second = calls_per_second.unwrap_or(settings.calls_per_second);
        }
        // Large, and every verb that may reach AWS would carry it.
        Box::pin(AwsBackend::connect(settings)).await
    }

    /// Opens the context. A local engine is started where none runs, and standard error says so.
    pub async fn open(self) -> Result<World, CommandError> {
        let world = self.open_unsigned().await?;
        mfa::sign_in(world.backend.as_ref(), &world.setting.context.name).await?;
        Ok(world)
    }

    /// The same, for those who ask for the code of an MFA device themselves.
    pub async fn open_unsigned(self) -> Result<World, CommandError> {
        let (backend, note) = self.reach().await?;
        if let Some(note) = note {
            self.output.note(&note);
        }
        Ok(World { backend, setting: self })
    }

    /// Reaches what stands behind the context, with a word where that took starting a local engine; a read-only context
    /// starts none.
    pub async fn reach(&self) -> Result<(Arc<dyn Backend>, Option<String>), CommandError> {
        let mut note = None;
        let backend: Arc<dyn Backend> = match &self.context.reach {
            Reach::Local { .. } => match engine::connected(self).await {
                Some(running) => Arc::new(running),
                None if self.context.access.is_closed() => {
                    return Err(CommandError::NoEngineToRead(self.data.path().to_owned()));
                }
                None => {
                    if let engine::Started::Now { pid } = engine::ensure(self).await? {
                        note = Some(format!("started the engine (pid {pid}) for {}", self.data.path().display()));
                    }
                    Arc::new(self.local_backend())
                }
            },
            Reach::Several { members } => return self.reach_all(members).await,
            Reach::Aws { .. } => {
                let connected = self.aws_backend().await;
                let backend = connected.doing(format!("opening the context `{}`", self.context.name))?;
                note = backend.note().await;
                Arc::new(backend)
            }
        };
        Ok((backend, note))
    }
}

impl Setting {
    /// Reaches each of several contexts: none is left out without a word.
    async fn reach_all(&self, members: &[Context]) -> Result<(Arc<dyn Backend>, Option<String>), CommandError> {
        let (mut parts, mut notes) = (Vec::new(), Vec::new());
        for member in members {
            let mut setting = self.turned_to(&member.name)?;
            setting.context.access = match self.context.access {
                closed @ (Access::Asked | Access::Configured) => closed,
                _ => member.access,
            };
            let (backend, note) = Box::pin(setting.reach()).await?;
            notes.extend(note);
            let is_read_only = setting.context.access.is_closed();
            parts.push(Part { context: member.name.clone(), backend, is_read_only });
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok((Arc::new(Several::new(parts)), note))
    }
}

impl World {
    pub fn output(&self) -> Output {
        self.setting.output
    }

    /// Says that there is nothing of a kind, and how to make one where we can.
    pub fn note_empty(&self, kind: &str) {
        let how = if self.setting.is_local() { "; `batchdeck init` makes one" } else { " in this account and region" };
        self.output().note(&format!("there is no {kind} yet{how}"));
    }
}

/// Where one is, or came from, is a place to go to, also where it is not offered otherwise.
fn offer(contexts: &mut Vec<Context>, context: &Context) {
    if contexts.iter().all(|offered| offered.name != context.name) {
        contexts.push(context.clone());
    }
}

/// What a variable says, where it says something.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// What was said on the command line, and always the context where it is AWS: a line that changes an account names it.
fn flags(places: &Places, context: &Context) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |flag: &str, value: String| flags.extend([flag.to_owned(), value]);
    // Another call may be made from another directory.
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    if let Some(directory) = &places.data_dir {
        add("--data-dir", absolute(directory));
    }
    if let Some(file) = &places.config {
        add("--config", absolute(file));
    }
    if places.context.is_some() || !matches!(context.reach, Reach::Local { .. }) {
        add("--context", context.name.clone());
    }
    flags
}

/// `user@host`.
fn who() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = named.unwrap_or_else(|| {
        let id = rustix::process::getuid().as_raw();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        name_of_user(id, &accounts).unwrap_or_else(|| format!("uid-{id}"))
    });
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// The name of a user id in the text of `/etc/passwd`.
fn name_of_user(id: u32, accounts: &str) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn a_user_without_a_name_in_the_environment_is_looked_up() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nbroken line\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name_of_user(1000, accounts).as_deref(), Some("ana"));
        assert_eq!(name_of_user(7, accounts), None);
    }

    #[test]
    fn another_call_comes_to_the_same_place_by_what_was_said_and_names_an_account() {
        let context = |name: &str, reach| Context {
            name: name.to_owned(),
            origin: Origin::Config,
            access: Access::Write,
            reach,
            scheduler_role: None,
        };
        let local = context("local", Reach::Local { data_directory: "/d".into() });
        let aws = Reach::Aws {
            profile: None,
            region: None,
            endpoint: None,
            calls_per_second: None,
            queues: Vec::new(),
            history: true,
            log_group: None,
        };
        let said = |data_dir: Option<&str>, context: Option<&str>| Places {
            data_dir: data_dir.map(PathBuf::from),
            context: context.map(str::to_owned),
            ..Places::default()
        };
        assert!(flags(&said(None, None), &local).is_empty());
        assert_eq!(flags(&said(Some("/d"), None), &local), ["--data-dir", "/d"]);
        assert_eq!(flags(&said(None, Some("local")), &local), ["--context", "local"]);
        assert_eq!(flags(&said(None, None), &context("prod", aws)), ["--context", "prod"]);
    }
}
