//! Contexts: which world of batch jobs the console or a verb opens.

use super::{Config, ContextSettings, Kind, Profiles, nearest};
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
    pub origin: Origin,
    pub access: Access,
    pub reach: Reach,
    /// The role by which new schedules submit their jobs, where it is known.
    pub scheduler_role: Option<String>,
}

/// Where a context comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The config names it.
    Config,
    /// `local` and `aws`, which need no config.
    BuiltIn,
    /// A profile of AWS's files, offered as it is.
    Profile,
}

impl Origin {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::BuiltIn => "built in",
            Self::Profile => "AWS profile",
        }
    }
}

/// Whether the console may change anything in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    #[default]
    Write,
    /// The config does not name this account: the console refuses until a person says that they mean it. A verb that is
    /// typed in a shell means it.
    Guarded,
    /// `read-only = true` of the config: nothing lifts it but the config.
    Configured,
    /// `--read-only`.
    Asked,
    /// What stands behind it is a recording.
    Recorded,
}

impl Access {
    /// Whether verbs refuse too.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Configured | Self::Asked | Self::Recorded)
    }

    pub fn may_write(self) -> bool {
        self == Self::Write
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Guarded => "read-only until :write",
            Self::Configured | Self::Asked | Self::Recorded => "read-only",
        }
    }
}

const LOCAL_SCHEDULER_ROLE: &str = "arn:aws:iam::123456789012:role/batchdeck-scheduler";
/// The contexts that need no config.
const BUILT_IN: [(&str, Kind); 2] = [("local", Kind::Local), ("aws", Kind::Aws)];

/// How the world behind a context is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    Local {
        data_directory: PathBuf,
    },
    Aws {
        profile: Option<String>,
        region: Option<String>,
        endpoint: Option<String>,
        calls_per_second: Option<f64>,
        /// Patterns of the queues that are looked at; none for all.
        queues: Vec<String>,
        /// Whether what was seen of ended jobs is kept.
        history: bool,
        /// Where jobs write that name no log group; `None` for AWS Batch's default.
        log_group: Option<String>,
    },
    /// As one: each row says in which of them it lives.
    Several {
        members: Vec<Context>,
    },
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
    pub profiles: Profiles,
}

/// Why there is no such context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no context `{given}`{}", of.as_ref().map(|of| format!(", which `{of}` names")).unwrap_or_default())]
pub struct ContextError {
    pub given: String,
    /// The set of contexts that it would be one of.
    pub of: Option<String>,
    pub meant: Option<String>,
    /// All that there are.
    pub known: Vec<String>,
}

impl Context {
    /// Chooses: `--context`; the config's `context`; `local` where a data directory is named, where no AWS settings
    /// are in the environment or a local engine has run here before; else `aws`. `local` and `aws` need no config, and
    /// neither does a profile of AWS's files.
    pub fn choose(config: &Config, surroundings: &Surroundings) -> Result<Self, ContextError> {
        let name = surroundings.context.as_deref().or(config.context.as_deref()).unwrap_or_else(|| {
            let local =
                surroundings.data_directory.is_some() || !surroundings.aws_settings || surroundings.journal_exists;
            if local { "local" } else { "aws" }
        });
        Self::named(name, config, surroundings).map_err(|missing| {
            let known: Vec<_> = Self::all(config, surroundings).into_iter().map(|context| context.name).collect();
            let meant = nearest(&missing, known.iter().map(String::as_str)).map(str::to_owned);
            let of = (missing != name).then(|| name.to_owned());
            ContextError { given: missing, of, meant, known }
        })
    }

    /// All contexts: the config's, the built-in ones, and the profiles that none of the config's uses.
    pub fn all(config: &Config, surroundings: &Surroundings) -> Vec<Self> {
        let is_used = |name: &&str| config.contexts.values().any(|context| context.profile.as_deref() == Some(*name));
        let mut names: Vec<&str> = config.contexts.keys().map(String::as_str).collect();
        for name in BUILT_IN
            .map(|(name, _)| name)
            .into_iter()
            .chain(surroundings.profiles.names().filter(|name| !is_used(name)))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().filter_map(|name| Self::named(name, config, surroundings).ok()).collect()
    }

    /// Several contexts that are watched as one, by their names; those of a set stand in its place. One acts there as far as
    /// one may act in any of them; what must be allowed first in one must be allowed first in all.
    fn several<'n>(
        parts: impl Iterator<Item = &'n str>,
        config: &Config,
        surroundings: &Surroundings,
    ) -> Result<Self, String> {
        let mut members: Vec<Self> = Vec::new();
        for part in parts {
            let set = config.contexts.get(part).map(|settings| settings.contexts.as_slice()).unwrap_or_default();
            let names: Vec<&str> = if set.is_empty() { vec![part] } else { set.iter().map(String::as_str).collect() };
            for name in names {
                let member = Self::single(name, config, surroundings).ok_or_else(|| name.to_owned())?;
                if members.iter().all(|known| known.name != member.name) {
                    members.push(member);
                }
            }
        }
        let any = |access| members.iter().any(|member| member.access == access);
        let access = [Access::Guarded, Access::Write].into_iter().find(|access| any(*access));
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        Ok(Self {
            name: names.join(","),
            origin: Origin::Config,
            access: access.unwrap_or(Access::Configured),
            reach: Reach::Several { members },
            scheduler_role: None,
        })
    }

    /// Where jobs write that name no log group, where the config says that.
    pub fn log_group(&self) -> Option<&str> {
        match &self.reach {
            Reach::Aws { log_group, .. } => log_group.as_deref(),
            Reach::Local { .. } | Reach::Several { .. } => None,
        }
    }

    /// The context of this name, one or several; or else the name that there is not.
    fn named(name: &str, config: &Config, surroundings: &Surroundings) -> Result<Self, String> {
        match config.contexts.get(name) {
            Some(settings) if !settings.contexts.is_empty() => {
                let several = Self::several(std::iter::once(name), config, surroundings)?;
                let access = if settings.read_only { Access::Configured } else { several.access };
                Ok(Self { name: name.to_owned(), access, ..several })
            }
            None if name.contains(',') => Self::several(name.split(',').map(str::trim), config, surroundings),
            _ => Self::single(name, config, surroundings).ok_or_else(|| name.to_owned()),
        }
    }

    fn single(name: &str, config: &Config, surroundings: &Surroundings) -> Option<Self> {
        let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
        let (origin, settings) = if let Some(settings) = config.contexts.get(name) {
            (Origin::Config, settings.clone())
        } else if let Some((_, kind)) = built_in {
            (Origin::BuiltIn, plain(*kind))
        } else if surroundings.profiles.contains(name) {
            (Origin::Profile, ContextSettings { profile: Some(name.to_owned()), ..plain(Kind::Aws) })
        } else {
            return None;
        };
        // A set names no set.
        let backend = settings.backend?;
        let access = match (origin, backend) {
            _ if settings.read_only => Access::Configured,
            (Origin::BuiltIn | Origin::Profile, Kind::Aws) => Access::Guarded,
            _ => Access::Write,
        };
        let reach = match backend {
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
                queues: settings.queues,
                history: settings.history.unwrap_or(config.history),
                log_group: settings.log_group,
            },
        };
        // Nobody assumes a role on the local engine; its form alone is checked.
        let local = (backend == Kind::Local).then(|| LOCAL_SCHEDULER_ROLE.to_owned());
        let scheduler_role = settings.scheduler_role.or(local);
        Some(Self { name: name.to_owned(), origin, access, reach, scheduler_role })
    }
}

fn plain(backend: Kind) -> ContextSettings {
    ContextSettings { backend: Some(backend), ..ContextSettings::default() }
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
        let origin = if name == "local" { Origin::BuiltIn } else { Origin::Config };
        Context { name: name.to_owned(), origin, access: Access::Write, reach, scheduler_role }
    }

    fn aws(name: &str, origin: Origin, profile: Option<&str>, access: Access) -> Context {
        let profile = profile.map(str::to_owned);
        let reach = Reach::Aws {
            profile,
            region: None,
            endpoint: None,
            calls_per_second: None,
            queues: Vec::new(),
            history: true,
            log_group: None,
        };
        Context { name: name.to_owned(), origin, access, reach, scheduler_role: None }
    }

    /// AWS as the environment has it.
    fn plain_aws() -> Context {
        aws("aws", Origin::BuiltIn, None, Access::Guarded)
    }

    fn prod() -> Context {
        aws("prod", Origin::Config, Some("p"), Access::Configured)
    }

    fn profiles() -> Profiles {
        Profiles::parse("[profile ops]\n[profile p]\n[profile lab]\n", "[default]\n")
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
            case(None, None, None, true, false, plain_aws()),
            case(None, None, None, true, true, local("local", "/home")),
            case(None, None, Some("/d"), true, false, local("local", "/d")),
            case(None, Some("prod"), None, false, true, prod()),
            case(None, Some("prod"), Some("/d"), false, true, prod()),
            case(Some("local"), Some("prod"), None, true, false, local("local", "/home")),
            case(Some("aws"), None, None, false, true, plain_aws()),
            case(Some("lab"), None, None, true, false, local("lab", "/lab")),
            case(Some("lab"), None, Some("/d"), true, false, local("lab", "/d")),
            case(Some("ops"), None, None, false, true, aws("ops", Origin::Profile, Some("ops"), Access::Guarded)),
            case(Some("p"), None, None, false, true, aws("p", Origin::Profile, Some("p"), Access::Guarded)),
        ];
        for (number, case) in cases.into_iter().enumerate() {
            let config = Config { context: case.configured.map(str::to_owned), ..config() };
            let surroundings = Surroundings {
                context: case.flag.map(str::to_owned),
                data_directory: case.data_dir.map(PathBuf::from),
                default_data_directory: "/home".into(),
                aws_settings: case.aws,
                journal_exists: case.journal,
                profiles: profiles(),
            };
            assert_eq!(Context::choose(&config, &surroundings), Ok(case.expected), "case {number}");
        }
    }

    #[test]
    fn several_contexts_are_one_by_their_names_with_commas_between_them() {
        let of = |name: &str| {
            let surroundings =
                Surroundings { context: Some(name.to_owned()), profiles: profiles(), ..Surroundings::default() };
            Context::choose(&config(), &surroundings)
        };
        let both = of("lab, prod,lab").expect("are there");
        assert_eq!((both.name.as_str(), both.access), ("lab,prod", Access::Write));
        let Reach::Several { members } = both.reach else { panic!("{both:?}") };
        assert_eq!(members.iter().map(|member| member.access).collect::<Vec<_>>(), [Access::Write, Access::Configured]);
        assert_eq!(of("lab,ops").expect("are there").access, Access::Guarded);
        assert_eq!(of("lab,prd").expect_err("one is not").known, ["lab", "prod", "local", "aws", "default", "ops"]);
    }

    #[test]
    fn history_is_kept_unless_the_config_or_the_context_says_otherwise() {
        let kept = |text: &str| {
            let config = Config::parse(text, Path::new("config.toml")).expect("valid");
            let surroundings = Surroundings { context: Some("prod".to_owned()), ..Surroundings::default() };
            match Context::choose(&config, &surroundings).expect("is there").reach {
                Reach::Aws { history, .. } => history,
                other => panic!("{other:?}"),
            }
        };
        let prod = "[contexts.prod]\nbackend = 'aws'\n";
        assert!(kept(prod));
        assert!(!kept(&format!("history = false\n{prod}")));
        assert!(!kept(&format!("{prod}history = false")));
        assert!(kept(&format!("history = false\n{prod}history = true")));
    }

    #[test]
    fn a_set_of_contexts_has_a_name_of_its_own() {
        let set = |more: &str, name: &str| {
            let text = format!(
                "[contexts.prod]\nbackend = 'aws'\nread-only = true\n[contexts.lab]\nbackend = 'local'\n{more}"
            );
            let config = Config::parse(&text, Path::new("config.toml")).expect("valid");
            let surroundings =
                Surroundings { context: Some(name.to_owned()), profiles: profiles(), ..Default::default() };
            Context::choose(&config, &surroundings)
        };
        let names = |context: &Context| match &context.reach {
            Reach::Several { members } => members.iter().map(|member| member.name.clone()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let both = "[contexts.both]\ncontexts = ['prod', 'lab']\n";
        let found = set(both, "both").expect("is there");
        assert_eq!(
            (found.name.as_str(), found.access, names(&found)),
            ("both", Access::Write, vec!["prod".into(), "lab".into()])
        );
        let closed = set(&format!("{both}read-only = true"), "both").expect("is there");
        assert_eq!(closed.access, Access::Configured);
        // A profile may be one of them, and a set one of those with commas between them.
        let more = set(&format!("{both}[contexts.all]\ncontexts = ['ops', 'lab']"), "both,all").expect("is there");
        assert_eq!((more.access, names(&more)), (Access::Guarded, vec!["prod".into(), "lab".into(), "ops".into()]));
        let refusal = set("[contexts.both]\ncontexts = ['prd', 'lab']", "both").expect_err("one is not there");
        assert_eq!(refusal.to_string(), "there is no context `prd`, which `both` names");
        assert_eq!(refusal.meant.as_deref(), Some("prod"));
        // No set is made of itself.
        assert!(set("[contexts.a]\ncontexts = ['a']", "a").is_err());
    }

    #[test]
    fn an_unknown_context_names_the_nearest_and_all_there_are() {
        let surroundings = Surroundings { context: Some("prd".to_owned()), ..Surroundings::default() };
        let refusal = Context::choose(&config(), &surroundings).expect_err("unknown");
        assert_eq!(refusal.meant.as_deref(), Some("prod"));
        assert_eq!(refusal.known, ["lab", "prod", "local", "aws"]);
    }

    #[test]
    fn profiles_are_offered_behind_the_config_unless_it_uses_them_or_has_their_name() {
        let surroundings = Surroundings { profiles: profiles(), ..Surroundings::default() };
        let all: Vec<_> = Context::all(&config(), &surroundings)
            .into_iter()
            .map(|context| (context.name, context.origin, context.access))
            .collect();
        let expected = [
            ("lab", Origin::Config, Access::Write),
            ("prod", Origin::Config, Access::Configured),
            ("local", Origin::BuiltIn, Access::Write),
            ("aws", Origin::BuiltIn, Access::Guarded),
            ("default", Origin::Profile, Access::Guarded),
            ("ops", Origin::Profile, Access::Guarded),
        ];
        assert_eq!(all, expected.map(|(name, origin, access)| (name.to_owned(), origin, access)));
    }
}
