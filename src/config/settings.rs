//! The form of the config file and how it is read.

use super::columns::ColumnSettings;
use super::commands::{CommandProblem, CommandSettings};
use super::console::ConsoleSettings;
use super::keys::KeyBindings;
use super::sections::{
    COMMAND_SETTINGS, CONSOLE_SETTINGS, CONTEXT_SETTINGS, ContextProblem, ContextSettings, ENGINE_SETTINGS,
    EngineSettings, HOOK_SETTINGS, HookSettings, PRICE_SETTINGS,
};
use super::theme::Theme;
use super::{line_of, nearest};
use crate::model::Prices;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// All that the config file says, with defaults for what it leaves out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Config {
    /// Name of a built-in theme, or of a file `themes/NAME.toml` beside the config file.
    pub theme: String,
    /// The context to open; unset chooses by what is there (see [`Context::choose`](super::Context::choose)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether what was seen of AWS's ended jobs is kept: AWS forgets them after days.
    pub history: bool,
    pub console: ConsoleSettings,
    /// Which columns lists show.
    pub columns: ColumnSettings,
    pub engine: EngineSettings,
    /// Prices of one's own, over AWS's list.
    pub prices: Prices,
    /// Who is told of events, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, HookSettings>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<String, ContextSettings>,
    /// Commands of one's own, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, CommandSettings>,
    pub keys: KeyBindings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: Theme::DEFAULT_NAME.to_owned(),
            context: None,
            history: true,
            console: ConsoleSettings::default(),
            columns: ColumnSettings::default(),
            engine: EngineSettings::default(),
            prices: Prices::default(),
            hooks: BTreeMap::new(),
            contexts: BTreeMap::new(),
            commands: BTreeMap::new(),
            keys: KeyBindings::default(),
        }
    }
}

/// Why the config file cannot be used. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the config file {} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("{}:{line}: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("{}:{line}: `{key}` is not a setting of {section}{meant}", path.display())]
    UnknownKey { path: PathBuf, line: usize, section: String, key: String, meant: String },
    #[error("{}:{line}: [commands.{name}]: {problem}", path.display())]
    Command { path: PathBuf, line: usize, name: String, problem: CommandProblem },
    #[error("{}:{line}: [contexts.{name}] {problem}", path.display())]
    Context { path: PathBuf, line: usize, name: String, problem: ContextProblem },
}

/// Bytes of a config file at most.
const LONGEST: u64 = 1_000_000;

const SETTINGS: [&str; 11] =
    ["theme", "context", "history", "console", "columns", "engine", "prices", "hooks", "contexts", "commands", "keys"];

impl Config {
    /// Reads a file. One that is not there gives the defaults, unless somebody named it (`required`).
    pub fn read(path: &Path, required: bool) -> Result<Self, ConfigError> {
        match read_text(path) {
            Ok(text) => Self::parse(&text, path).map(|config| config.beside(path)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !required => Ok(Self::default()),
            Err(cause) => Err(ConfigError::Read { path: path.to_owned(), cause }),
        }
    }

    /// Takes relative directories from where the file is: from another working directory it is no other engine.
    fn beside(mut self, path: &Path) -> Self {
        let here = path.parent().unwrap_or(Path::new(""));
        for directory in self.contexts.values_mut().filter_map(|context| context.data_dir.as_mut()) {
            *directory = here.join(&*directory);
        }
        self
    }

    /// Reads a text; `path` is for error messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let syntax = |error: &toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            message: error.message().to_owned(),
        };
        let table = DeTable::parse(text).map_err(|error| syntax(&error))?;
        if let Some((at, unknown)) = find_unknown(table.get_ref()) {
            let Unknown { section, key, known } = unknown;
            let near = || nearest(&key, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
            let meant = elsewhere(&key).or_else(near).unwrap_or_default();
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                line: line_of(text, at),
                section,
                key,
                meant,
            });
        }
        let config: Self = toml::from_str(text).map_err(|error| syntax(&error))?;
        let line = |section: &str, name: &str| {
            let key = table_of(table.get_ref(), section).and_then(|all| all.keys().find(|key| key.get_ref() == name));
            key.map_or(1, |key| line_of(text, key.span().start))
        };
        for (name, command) in &config.commands {
            command.check().map_err(|problem| ConfigError::Command {
                path: path.to_owned(),
                line: line("commands", name),
                name: name.clone(),
                problem,
            })?;
        }
        for (name, context) in &config.contexts {
            context.check().map_err(|problem| ConfigError::Context {
                path: path.to_owned(),
                line: line("contexts", name),
                name: name.clone(),
                problem,
            })?;
        }
        Ok(config)
    }
}

struct Unknown {
    section: String,
    key: String,
    known: &'static [&'static str],
}

/// The first key that no setting has, with its place in the text.
fn find_unknown(root: &DeTable<'_>) -> Option<(usize, Unknown)> {
    let mut found = unknown_of(root, "the top level", &SETTINGS);
    if let Some(engine) = table_of(root, "engine") {
        found.extend(unknown_of(engine, "[engine]", &ENGINE_SETTINGS));
    }
    if let Some(console) = table_of(root, "console") {
        found.extend(unknown_of(console, "[console]", &CONSOLE_SETTINGS));
    }
    for (name, command) in table_of(root, "commands").into_iter().flatten() {
        if let DeValue::Table(command) = command.get_ref() {
            found.extend(unknown_of(command, &format!("[commands.{}]", name.get_ref()), &COMMAND_SETTINGS));
        }
    }
    if let Some(prices) = table_of(root, "prices") {
        found.extend(unknown_of(prices, "[prices]", &PRICE_SETTINGS));
    }
    for (name, hook) in table_of(root, "hooks").into_iter().flatten() {
        if let DeValue::Table(hook) = hook.get_ref() {
            found.extend(unknown_of(hook, &format!("[hooks.{}]", name.get_ref()), &HOOK_SETTINGS));
        }
    }
    for (name, context) in table_of(root, "contexts").into_iter().flatten() {
        if let DeValue::Table(context) = context.get_ref() {
            found.extend(unknown_of(context, &format!("[contexts.{}]", name.get_ref()), &CONTEXT_SETTINGS));
        }
    }
    found.into_iter().min_by_key(|(at, _)| *at)
}

/// Where a setting belongs that stands in another section. What is written at the end of a file is of its last section.
fn elsewhere(key: &str) -> Option<String> {
    if SETTINGS.contains(&key) {
        return Some("; it is one of the top level and stands above the first [section]".to_owned());
    }
    let sections =
        [("[console]", &CONSOLE_SETTINGS[..]), ("[engine]", &ENGINE_SETTINGS[..]), ("[prices]", &PRICE_SETTINGS[..])];
    let (section, _) = sections.into_iter().find(|(_, known)| known.contains(&key))?;
    Some(format!("; it is one of {section}"))
}

/// A file of settings is short: what goes on and on is another one, or a device.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is larger than a megabyte, and no config"));
    }
    Ok(text)
}

fn unknown_of(table: &DeTable<'_>, section: &str, known: &'static [&'static str]) -> Vec<(usize, Unknown)> {
    let strangers = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
    strangers
        .map(|key| (key.span().start, Unknown { section: section.to_owned(), key: key.get_ref().to_string(), known }))
        .collect()
}

fn table_of<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t DeTable<'i>> {
    match table.get(name)?.get_ref() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Kind;
    use crate::model::Purchase;

    const EXAMPLE: &str = include_str!("../../config.example.toml");

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_file_says_the_defaults() {
        assert_eq!(parse(EXAMPLE), Ok(Config::default()));
    }

    /// Examples in the file are lines that begin with `#` and no space; words begin with `# `.
    #[test]
    fn what_the_example_file_shows_behind_a_comment_sign_is_valid_too() {
        let shown: String = EXAMPLE
            .lines()
            .filter_map(|line| match line.strip_prefix('#') {
                Some(example) => (!example.starts_with(' ')).then(|| format!("{example}\n")),
                None => Some(format!("{line}\n")),
            })
            .collect();
        let config = parse(&shown).expect("examples are valid");
        assert!(config.contexts.values().any(|context| context.backend == Some(Kind::Aws) && context.read_only));
        assert!(config.contexts.values().any(|context| context.data_dir.is_some()));
        assert!(config.contexts.values().any(|context| context.contexts.len() > 1));
        assert!(!config.keys.0.is_empty());
        assert!(config.columns.of("running").is_some() && config.columns.of("audit").is_some());
        assert!(config.commands.values().any(|command| command.key.is_some() && command.read_only));
        assert!(config.prices.instance("m6i.large", Purchase::Spot).is_some());
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_the_nearest_setting() {
        let cases = [
            ("thme = 'x'", "config.toml:1: `thme` is not a setting of the top level; did you mean `theme`?"),
            (
                "[engine]\n\nidle_seconds = 5",
                "config.toml:3: `idle_seconds` is not a setting of [engine]; did you mean `idle-seconds`?",
            ),
            (
                "[contexts.prod]\nbackend = 'aws'\nreadonly = true",
                "config.toml:3: `readonly` is not a setting of [contexts.prod]; did you mean `read-only`?",
            ),
            (
                "[prices]\nasof = '2026-11-01'",
                "config.toml:2: `asof` is not a setting of [prices]; did you mean `as-of`?",
            ),
            (
                "[console]\ngrace = 1",
                "config.toml:2: `grace` is not a setting of [console]; did you mean `grace-seconds`?",
            ),
            (
                "[commands.x]\nlabel = 'x'\ncomand = 'y'",
                "config.toml:3: `comand` is not a setting of [commands.x]; did you mean `command`?",
            ),
            (
                "[console]\ntheme = 'mono'",
                "config.toml:2: `theme` is not a setting of [console]; it is one of the top level and stands above the \
                 first [section]",
            ),
            ("mouse = true", "config.toml:1: `mouse` is not a setting of the top level; it is one of [console]"),
            ("theme = 'x'\nzzz = 1", "config.toml:2: `zzz` is not a setting of the top level"),
        ];
        for (given, expected) in cases {
            assert_eq!(parse(given), Err(expected.to_owned()), "{given}");
        }
    }

    #[test]
    fn a_file_that_never_ends_is_refused() {
        let error = Config::read(Path::new("/dev/zero"), true).expect_err("it is no config").to_string();
        assert!(error.starts_with("the config file /dev/zero cannot be read: it is larger"), "{error}");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let cases = [
            ("theme = 'x'\ntheme = ", "config.toml:2: "),
            ("[engine]\nidle-seconds = 'soon'", "config.toml:2: invalid type: string"),
            ("[prices]\nspot.m5 = 0.01", "config.toml:1: [prices] needs the day"),
            ("[prices]\nas-of = '2026-11-01'\nspot.m5 = -1", "config.toml:3: `-1` is no amount of US dollars"),
            ("[engine]\nspot-interruptions-per-hour = -1.0", "config.toml:2: it is `-1`; it takes 0 to 1000 an hour"),
            ("[commands.x]\nlabel = 'x'", "config.toml:1: missing field `command`"),
            (
                "\n[commands.x]\nlabel = 'x'\ncommand = 'ls {jobid}'",
                "config.toml:2: [commands.x]: `{jobid}` is nothing that a row has",
            ),
            ("[commands.x]\nlabel = 'x'\ncommand = 'ls'\nviews = ['job', 'quues']", "config.toml:4: unknown variant"),
            ("[columns]\nrunning = ['jbo']", "config.toml:1: `jbo` is no column of running; the nearest is `job`"),
            ("[contexts.prod]\nbackend = 'gcp'", "config.toml:2: unknown variant `gcp`"),
            ("theme = 'x'\n[contexts.prod]\nregion = 'r'", "config.toml:2: [contexts.prod] needs `backend = \"aws\"`"),
            (
                "[contexts.a]\ncontexts = ['x']\nregion = 'r'",
                "config.toml:1: [contexts.a] names `contexts`, so it takes",
            ),
            ("[engine]\nhttp = '0.0.0.0:80'", "config.toml:2: `0.0.0.0:80` is not a loopback address"),
        ];
        for (given, beginning) in cases {
            let refusal = parse(given).expect_err(given);
            assert!(refusal.starts_with(beginning), "{refusal}");
        }
    }

    #[test]
    fn the_lists_of_settings_are_those_of_the_types() {
        let prices = "as-of = '2026-11-01'\non-demand.m5 = 1\nspot.m5 = 1\n\
                      fargate.arm = { vcpu-hour = 0.03, gb-hour = 0.003 }";
        let full = Config {
            context: Some("prod".to_owned()),
            console: ConsoleSettings { notify_command: vec!["notify-send".to_owned()], ..ConsoleSettings::default() },
            prices: toml::from_str(prices).expect("valid"),
            engine: EngineSettings {
                http: Some("127.0.0.1:0".parse().expect("loopback")),
                docker_host: Some("unix:///d.sock".to_owned()),
                ..EngineSettings::default()
            },
            hooks: BTreeMap::from([(
                "pager".to_owned(),
                HookSettings {
                    status: vec!["FAILED".to_owned()],
                    queue: vec!["prod-*".to_owned()],
                    detail_type: vec!["*".to_owned()],
                    pattern: Some("{}".to_owned()),
                    command: vec!["page".to_owned()],
                    file: Some(PathBuf::from("f")),
                    timeout_seconds: 5,
                },
            )]),
            contexts: BTreeMap::from([(
                "prod".to_owned(),
                ContextSettings {
                    backend: Some(Kind::Aws),
                    contexts: vec!["lab".to_owned()],
                    read_only: true,
                    data_dir: Some(PathBuf::from("d")),
                    profile: Some("p".to_owned()),
                    region: Some("r".to_owned()),
                    endpoint: Some("e".to_owned()),
                    calls_per_second: Some(1.0),
                    queues: vec!["prod-*".to_owned()],
                    log_group: Some("/own".to_owned()),
                    scheduler_role: Some("arn:aws:iam::1:role/r".into()),
                    history: Some(false),
                },
            )]),
            commands: BTreeMap::from([(
                "x".to_owned(),
                CommandSettings {
                    label: "x".to_owned(),
                    command: "ls".to_owned(),
                    key: Some("X".to_owned()),
                    views: vec![super::super::CommandView::Job],
                    confirm: true,
                    read_only: true,
                    pause: true,
                },
            )]),
            ..Config::default()
        };
        let table = toml::Table::try_from(&full).expect("writes");
        let keys = |table: &toml::Table| table.keys().cloned().collect::<std::collections::BTreeSet<_>>();
        let set = |known: &[&str]| known.iter().map(|key| (*key).to_owned()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(keys(&table), set(&SETTINGS));
        assert_eq!(keys(table["engine"].as_table().expect("a table")), set(&ENGINE_SETTINGS));
        assert_eq!(keys(table["prices"].as_table().expect("a table")), set(&PRICE_SETTINGS));
        assert_eq!(keys(table["console"].as_table().expect("a table")), set(&CONSOLE_SETTINGS));
        assert_eq!(keys(table["commands"]["x"].as_table().expect("a table")), set(&COMMAND_SETTINGS));
        assert_eq!(keys(table["hooks"]["pager"].as_table().expect("a table")), set(&HOOK_SETTINGS));
        assert_eq!(keys(table["contexts"]["prod"].as_table().expect("a table")), set(&CONTEXT_SETTINGS));
    }

    #[test]
    fn a_relative_data_directory_begins_where_the_file_is() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("config.toml");
        let text =
            "[contexts.lab]\nbackend = 'local'\ndata-dir = 'lab'\n[contexts.far]\nbackend = 'local'\ndata-dir = '/far'";
        std::fs::write(&file, text).expect("written");
        let config = Config::read(&file, true).expect("sound");
        let of = |context: &str| config.contexts[context].data_dir.clone().expect("said");
        assert_eq!((of("lab"), of("far")), (directory.path().join("lab"), PathBuf::from("/far")));
    }

    #[test]
    fn a_file_that_somebody_named_must_be_there() {
        let nowhere = Path::new("/nonexistent/config.toml");
        assert_eq!(Config::read(nowhere, false).expect("defaults"), Config::default());
        assert!(Config::read(nowhere, true).expect_err("named").to_string().contains("/nonexistent/config.toml"));
    }

    crate::model::mutation::fuzz! {
        fn a_config_that_is_almost_right_is_read_or_refused_by_name(text in crate::model::mutation::mutated_text(&uncommented())) {
            if let Err(refusal) = parse(&text) {
                assert!(refusal.contains("config.toml"), "{refusal}");
            }
        }
    }

    /// The example with its settings in force.
    fn uncommented() -> String {
        let is_setting = |line: &str| line.starts_with(['[', '"']) || line.contains(" = ");
        let lines = EXAMPLE.lines().map(|line| match line.strip_prefix("# ").or(line.strip_prefix('#')) {
            Some(bare) if is_setting(bare) => bare,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
