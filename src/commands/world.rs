//! Opening what stands behind a context: finding out which, starting a local engine where none runs, connecting.

use super::engine;
use super::error::{CommandError, Doing};
use super::output::Output;
use crate::backend::Backend;
use crate::backend::aws::{AwsBackend, AwsSettings};
use crate::backend::local::LocalBackend;
use crate::cli::Places;
use crate::config::{Config, Context, DataDirectory, Reach, Surroundings, context, directories};
use std::path::PathBuf;
use std::sync::Arc;

/// What every verb needs to know of where it is, before anything is reached.
#[derive(Debug, Clone)]
pub struct Setting {
    pub config: Config,
    /// The file that the config was read from, or would be.
    pub config_file: PathBuf,
    /// Whether somebody named the config file.
    pub config_named: bool,
    pub context: Context,
    /// Where a local engine's data are, also where the context is AWS.
    pub data: DataDirectory,
    /// `user@host`: goes into the record of who did what.
    pub by: String,
    pub output: Output,
}

/// An opened context.
pub struct World {
    pub backend: Arc<dyn Backend>,
    pub setting: Setting,
}

impl Setting {
    /// Reads the config and chooses the context. Reaches nothing and makes nothing.
    pub fn new(places: &Places) -> Result<Self, CommandError> {
        let config_file = match &places.config {
            Some(file) => file.clone(),
            None => directories::default_config_file()?,
        };
        // The variable may name a file that is yet to be written; an argument means one that is there.
        let by_variable = std::env::var_os("BATCHDECK_CONFIG").is_some_and(|value| value == config_file.as_os_str());
        let config = Config::read(&config_file, places.config.is_some() && !by_variable)?;
        let default_data_directory = match &places.data_dir {
            Some(named) => named.clone(),
            None => directories::default_data_directory()?,
        };
        let surroundings = Surroundings {
            context: places.context.clone(),
            data_directory: places.data_dir.clone(),
            aws_settings: context::AWS_VARIABLES
                .iter()
                .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())),
            journal_exists: DataDirectory::new(&default_data_directory)?.journal().exists(),
            default_data_directory,
        };
        let mut context = Context::choose(&config, &surroundings)?;
        context.read_only |= places.read_only;
        let data = match &context.reach {
            Reach::Local { data_directory } => DataDirectory::new(data_directory)?,
            Reach::Aws { .. } => DataDirectory::new(&surroundings.default_data_directory)?,
        };
        let config_named = places.config.is_some();
        Ok(Self { config, config_file, config_named, context, data, by: who(), output: Output::standard() })
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
        if self.context.read_only {
            return Err(CommandError::ReadOnly { context: self.context.name.clone(), action });
        }
        Ok(())
    }

    /// The local engine's API, whether it runs or not.
    pub fn local_backend(&self) -> LocalBackend {
        LocalBackend::new(self.data.socket(), self.by.clone())
    }

    /// Opens the context. A local engine is started where none runs, and standard error says so.
    pub async fn open(self) -> Result<World, CommandError> {
        let backend: Arc<dyn Backend> = match &self.context.reach {
            Reach::Local { .. } => {
                if let engine::Started::Now { pid } = engine::ensure(&self).await? {
                    self.output.note(&format!("started the engine (pid {pid}) for {}", self.data.path().display()));
                }
                Arc::new(self.local_backend())
            }
            Reach::Aws { profile, region, endpoint, calls_per_second } => {
                let mut settings = AwsSettings {
                    profile: profile.clone(),
                    region: region.clone(),
                    endpoint: endpoint.clone(),
                    by: self.by.clone(),
                    audit_file: Some(self.data.aws_audit()),
                    ..AwsSettings::default()
                };
                if let Some(budget) = calls_per_second {
                    settings.calls_per_second = *budget;
                }
                let connected = AwsBackend::connect(settings).await;
                Arc::new(connected.doing(format!("opening the context `{}`", self.context.name))?)
            }
        };
        Ok(World { backend, setting: self })
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

    #[test]
    fn a_user_without_a_name_in_the_environment_is_looked_up() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nbroken line\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name_of_user(1000, accounts).as_deref(), Some("ana"));
        assert_eq!(name_of_user(7, accounts), None);
    }
}
