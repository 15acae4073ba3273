//! Contexts: which world of batch jobs the console or a verb opens.

use super::{Config, ContextSettings, Kind, nearest};
use std::path::PathBuf;

/// Variables that say that somebody works with AWS here. A region alone does not: it is set by habit.
pub const AWS_VARIABLES: [&str; 9] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_BATCH",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// A chosen context, with everything resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub name: String,
    pub read_only: bool,
    pub reach: Reach,
    /// The role by which new schedules submit their jobs, where it is known.
    pub scheduler_role: Option<String>,
}

const LOCAL_SCHEDULER_ROLE: &str = "arn:aws:iam::123456789012:role/batchdeck-scheduler";

/// How the world behind a context is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    Local { data_directory: PathBuf },
    Aws { profile: Option<String>, region: Option<String>, endpoint: Option<String>, calls_per_second: Option<f64> },
}

/// What the choice depends on besides the config file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surroundings {
    /// `--context`.
    pub context: Option<String>,
    /// `--data-dir` or `BATCHDECK_DATA_DIR`.
    pub data_directory: Option<PathBuf>,
    pub default_data_directory: PathBuf,
    /// Whether one of [`AWS_VARIABLES`] is set.
    pub aws_settings: bool,
    /// Whether a local engine has ever run in the data directory.
    pub journal_exists: bool,
}

/// Why there is no such context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no context `{given}`")]
pub struct ContextError {
    pub given: String,
    pub meant: Option<String>,
    /// All that there are.
    pub known: Vec<String>,
}

impl Context {
    /// Chooses: `--context`; the config's `context`; `local` where a data directory is named, where no AWS settings
    /// are in the environment or a local engine has run here before; else `aws`. `local` and `aws` need no config.
    pub fn choose(config: &Config, surroundings: &Surroundings) -> Result<Self, ContextError> {
        let name = surroundings.context.as_deref().or(config.context.as_deref()).unwrap_or_else(|| {
            let local =
                surroundings.data_directory.is_some() || !surroundings.aws_settings || surroundings.journal_exists;
            if local { "local" } else { "aws" }
        });
        let built_in = match name {
            "local" => Some(plain(Kind::Local)),
            "aws" => Some(plain(Kind::Aws)),
            _ => None,
        };
        let Some(settings) = config.contexts.get(name).cloned().or(built_in) else {
            let known = Self::names(config);
            let meant = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(ContextError { given: name.to_owned(), meant, known });
        };
        let reach = match settings.backend {
            Kind::Local => Reach::Local {
                data_directory: surroundings
                    .data_directory
                    .clone()
                    .or(settings.data_dir)
                    .unwrap_or_else(|| surroundings.default_data_directory.clone()),
            },
            Kind::Aws => Reach::Aws {
                profile: settings.profile,
                region: settings.region,
                endpoint: settings.endpoint,
                calls_per_second: settings.calls_per_second,
            },
        };
        // Nobody assumes a role on the local engine; its form alone is checked.
        let local = (settings.backend == Kind::Local).then(|| LOCAL_SCHEDULER_ROLE.to_owned());
        let scheduler_role = settings.scheduler_role.or(local);
        Ok(Self { name: name.to_owned(), read_only: settings.read_only, reach, scheduler_role })
    }

    /// All contexts by name: the config's and the built-in ones.
    pub fn names(config: &Config) -> Vec<String> {
        let mut names: Vec<String> = config.contexts.keys().cloned().collect();
        for built_in in ["local", "aws"] {
            if !config.contexts.contains_key(built_in) {
                names.push(built_in.to_owned());
            }
        }
        names
    }
}

fn plain(backend: Kind) -> ContextSettings {
    ContextSettings {
        backend,
        read_only: false,
        data_dir: None,
        profile: None,
        region: None,
        endpoint: None,
        calls_per_second: None,
        scheduler_role: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config() -> Config {
        let text = "[contexts.prod]\nbackend = 'aws'\nprofile = 'p'\nread-only = true\n\
                    [contexts.lab]\nbackend = 'local'\ndata-dir = '/lab'";
        Config::parse(text, Path::new("config.toml")).expect("valid")
    }

    fn local(name: &str, data_directory: &str) -> Context {
        let reach = Reach::Local { data_directory: data_directory.into() };
        let scheduler_role = Some(LOCAL_SCHEDULER_ROLE.to_owned());
        Context { name: name.to_owned(), read_only: false, reach, scheduler_role }
    }

    fn aws(name: &str, profile: Option<&str>, read_only: bool) -> Context {
        let profile = profile.map(str::to_owned);
        let reach = Reach::Aws { profile, region: None, endpoint: None, calls_per_second: None };
        Context { name: name.to_owned(), read_only, reach, scheduler_role: None }
    }

    #[test]
    fn a_context_is_chosen_by_flag_then_config_then_by_what_is_there() {
        struct Case {
            flag: Option<&'static str>,
            configured: Option<&'static str>,
            data_dir: Option<&'static str>,
            aws: bool,
            journal: bool,
            expected: Context,
        }
        let case = |flag, configured, data_dir, aws, journal, expected| Case {
            flag,
            configured,
            data_dir,
            aws,
            journal,
            expected,
        };
        let cases = [
            case(None, None, None, false, false, local("local", "/home")),
            case(None, None, None, false, true, local("local", "/home")),
            case(None, None, None, true, false, aws("aws", None, false)),
            case(None, None, None, true, true, local("local", "/home")),
            case(None, None, Some("/d"), true, false, local("local", "/d")),
            case(None, Some("prod"), None, false, true, aws("prod", Some("p"), true)),
            case(None, Some("prod"), Some("/d"), false, true, aws("prod", Some("p"), true)),
            case(Some("local"), Some("prod"), None, true, false, local("local", "/home")),
            case(Some("aws"), None, None, false, true, aws("aws", None, false)),
            case(Some("lab"), None, None, true, false, local("lab", "/lab")),
            case(Some("lab"), None, Some("/d"), true, false, local("lab", "/d")),
        ];
        for (number, case) in cases.into_iter().enumerate() {
            let config = Config { context: case.configured.map(str::to_owned), ..config() };
            let surroundings = Surroundings {
                context: case.flag.map(str::to_owned),
                data_directory: case.data_dir.map(PathBuf::from),
                default_data_directory: "/home".into(),
                aws_settings: case.aws,
                journal_exists: case.journal,
            };
            assert_eq!(Context::choose(&config, &surroundings), Ok(case.expected), "case {number}");
        }
    }

    #[test]
    fn an_unknown_context_names_the_nearest_and_all_there_are() {
        let surroundings = Surroundings { context: Some("prd".to_owned()), ..Surroundings::default() };
        let refusal = Context::choose(&config(), &surroundings).expect_err("unknown");
        assert_eq!(refusal.meant.as_deref(), Some("prod"));
        assert_eq!(refusal.known, ["lab", "prod", "local", "aws"]);
    }
}
