//! Themes as files: one flat TOML table, `role = { fg, bg, bold, dim, underline, reverse }`.

use super::{line_of, nearest_words};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::de::{DeTable, DeValue};

/// The colours and weights of the console, by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    /// A role that is absent looks like [`Role::Text`].
    pub looks: BTreeMap<Role, Look>,
}

/// How one role looks. What is `None` is the terminal's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent attribute of a terminal cell")]
pub struct Look {
    pub fg: Option<Colour>,
    pub bg: Option<Colour>,
    pub bold: bool,
    pub dim: bool,
    pub underline: bool,
    pub reverse: bool,
}

/// A colour as the file names it: `"red"`, `"bright-blue"`, `208`, `"#7aa2f7"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// 0 to 15: the terminal's own palette, black to bright white.
    Ansi(u8),
    /// 16 to 255: the fixed part of the 256-colour palette.
    Fixed(u8),
    Rgb(u8, u8, u8),
}

macro_rules! roles {
    ($($role:ident $name:literal $doc:literal),+ $(,)?) => {
        /// What a piece of the screen stands for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $(#[doc = $doc] $role),+
        }

        impl Role {
            pub const ALL: &[Role] = &[$(Self::$role),+];

            /// Its name in a theme file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$role => $name),+ }
            }
        }
    };
}

roles! {
    Text "text" "All that has no other role; its `bg` is the ground of the whole screen.",
    Dim "dim" "What matters less, and what is old.",
    Border "border" "The frame of a pane.",
    Focus "focus" "The frame and title of the pane that has the keys: the one accent.",
    Title "title" "The title of a pane without the keys.",
    Header "header" "The first line.",
    Selected "selected" "The row under the cursor in the pane that has the keys.",
    SelectedAway "selected-away" "The row under the cursor in another pane.",
    Marked "marked" "The sign of a marked row.",
    Column "column" "Headings of columns and labels of fields.",
    Running "running" "STARTING and RUNNING.",
    Waiting "waiting" "SUBMITTED, PENDING and RUNNABLE.",
    Succeeded "succeeded" "SUCCEEDED.",
    Failed "failed" "FAILED, and errors.",
    Attention "attention" "Invalid, old, or in need of a look.",
    Off "off" "Switched off.",
    Key "key" "A key in hints and help.",
    Hint "hint" "What a key does.",
    Message "message" "A message of the console.",
    Match "match" "The filter that is in force.",
    Gauge "gauge" "The filled part of a gauge.",
    GaugeRest "gauge-rest" "The rest of a gauge.",
    LogTime "log-time" "The time before a line of a log.",
    Input "input" "A field to type in.",
    InputFocus "input-focus" "The field that is typed in, and the button that Enter would press.",
}

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    #[error("there is no theme `{name}`{nearest} (there are: {known})")]
    Unknown { name: String, nearest: String, known: String },
    #[error("the theme file {path} cannot be read: {cause}")]
    Unreadable { path: PathBuf, cause: std::io::Error },
    /// What is wrong in a file of the person's own, and where.
    #[error("{}:{line}: {cause}", path.display())]
    At { path: PathBuf, line: usize, cause: Box<ThemeError> },
    #[error("theme `{theme}`: it is not TOML: {}", cause.message())]
    Syntax { theme: String, cause: toml::de::Error },
    #[error("theme `{theme}`: `{key}` is not a role{nearest}")]
    Role { theme: String, key: String, nearest: String },
    #[error("theme `{theme}`, role `{role}`: `{key}` is not known{nearest}")]
    Member { theme: String, role: Role, key: String, nearest: String },
    #[error("theme `{theme}`, role `{role}`: `{key}` takes {takes}")]
    Value { theme: String, role: Role, key: String, takes: &'static str },
}

impl ThemeError {
    /// The line of `text`, counted from 1, that this is about.
    fn line(&self, text: &str) -> usize {
        let role_and_key = match self {
            Self::Role { key, .. } => (key.as_str(), None),
            Self::Member { role, key, .. } | Self::Value { role, key, .. } => (role.name(), Some(key.as_str())),
            Self::Syntax { cause, .. } => return line_of(text, cause.span().map_or(0, |span| span.start)),
            Self::Unknown { .. } | Self::Unreadable { .. } | Self::At { .. } => return 1,
        };
        let (role, member) = role_and_key;
        let at = DeTable::parse(text).ok().and_then(|table| {
            let (key, value) = table.get_ref().get_key_value(role)?;
            let inner = match value.get_ref() {
                DeValue::Table(members) => member.and_then(|member| members.get_key_value(member)),
                _ => None,
            };
            Some(inner.map_or(key, |(key, _)| key).span().start)
        });
        line_of(text, at.unwrap_or(0))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const BUILT_IN: [(&str, &str); 4] = [
    (Theme::DEFAULT_NAME, include_str!("../../themes/midnight.toml")),
    ("daylight", include_str!("../../themes/daylight.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

impl Theme {
    /// The theme of a fresh installation.
    pub const DEFAULT_NAME: &str = "midnight";

    /// The names of the themes that are part of the program.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Built-in names and those of the files in `directory`, sorted, each once.
    pub fn names(directory: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = Self::built_in_names().map(str::to_owned).collect();
        let files = directory.and_then(|directory| std::fs::read_dir(directory).ok()).into_iter().flatten().flatten();
        names.extend(files.filter_map(|file| {
            let path = file.path();
            let is_theme = path.extension().is_some_and(|extension| extension == "toml");
            is_theme.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))?
        }));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Reads `NAME.toml` of the directory, or else the built-in theme of that name.
    pub fn load(directory: Option<&Path>, name: &str) -> Result<Self, ThemeError> {
        if let Some(path) = directory.map(|directory| directory.join(format!("{name}.toml"))) {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    return Self::parse(name, &text).map_err(|cause| {
                        let line = cause.line(&text);
                        ThemeError::At { path, line, cause: Box::new(cause) }
                    });
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
                Err(cause) => return Err(ThemeError::Unreadable { path, cause }),
            }
        }
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let known = Self::names(directory);
        let nearest = nearest_words(name, known.iter().map(String::as_str));
        Err(ThemeError::Unknown { name: name.to_owned(), nearest, known: known.join(", ") })
    }

    /// Reads the text of a theme file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ThemeError> {
        let theme = || name.to_owned();
        let table: toml::Table = text.parse().map_err(|cause| ThemeError::Syntax { theme: theme(), cause })?;
        let mut looks = BTreeMap::new();
        for (key, value) in &table {
            let Some(role) = Role::ALL.iter().copied().find(|role| role.name() == key) else {
                let nearest = nearest_words(key, Role::ALL.iter().map(|role| role.name()));
                return Err(ThemeError::Role { theme: theme(), key: key.clone(), nearest });
            };
            let toml::Value::Table(members) = value else {
                return Err(ThemeError::Value {
                    theme: theme(),
                    role,
                    key: key.clone(),
                    takes: "a table as { fg = \"#7aa2f7\", bold = true }",
                });
            };
            let mut look = Look::default();
            for (member, value) in members {
                look.set(member, value).map_err(|wrong| wrong.of(name, role, member))?;
            }
            looks.insert(role, look);
        }
        Ok(Self { name: theme(), looks })
    }

    /// How a role looks.
    pub fn look(&self, role: Role) -> Look {
        self.looks.get(&role).or_else(|| self.looks.get(&Role::Text)).copied().unwrap_or_default()
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::parse(BUILT_IN[0].0, BUILT_IN[0].1).unwrap_or(Self { name: "plain".to_owned(), looks: BTreeMap::new() })
    }
}

const MEMBERS: [&str; 6] = ["fg", "bg", "bold", "dim", "underline", "reverse"];

enum Wrong {
    Member,
    Colour,
    Switch,
}

impl Wrong {
    fn of(self, theme: &str, role: Role, key: &str) -> ThemeError {
        let theme = theme.to_owned();
        let value = |theme, takes| ThemeError::Value { theme, role, key: key.to_owned(), takes };
        match self {
            Self::Member => {
                let nearest = nearest_words(key, MEMBERS);
                ThemeError::Member { theme, role, key: key.to_owned(), nearest }
            }
            Self::Colour => value(
                theme,
                "a colour: \"#rrggbb\", a number from 0 to 255, \"default\", or a name (black, red, green, yellow, blue, \
                 magenta, cyan, white, each also with bright- before it)",
            ),
            Self::Switch => value(theme, "true or false"),
        }
    }
}

impl Look {
    fn set(&mut self, member: &str, value: &toml::Value) -> Result<(), Wrong> {
        match member {
            "fg" => self.fg = colour(value)?,
            "bg" => self.bg = colour(value)?,
            "bold" => self.bold = value.as_bool().ok_or(Wrong::Switch)?,
            "dim" => self.dim = value.as_bool().ok_or(Wrong::Switch)?,
            "underline" => self.underline = value.as_bool().ok_or(Wrong::Switch)?,
            "reverse" => self.reverse = value.as_bool().ok_or(Wrong::Switch)?,
            _ => return Err(Wrong::Member),
        }
        Ok(())
    }
}

fn colour(value: &toml::Value) -> Result<Option<Colour>, Wrong> {
    match value {
        toml::Value::Integer(number) => {
            let number = u8::try_from(*number).map_err(|_| Wrong::Colour)?;
            Ok(Some(if number < 16 { Colour::Ansi(number) } else { Colour::Fixed(number) }))
        }
        toml::Value::String(text) if text == "default" => Ok(None),
        toml::Value::String(text) => text.parse().map(Some).map_err(|()| Wrong::Colour),
        _ => Err(Wrong::Colour),
    }
}

const ANSI: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

impl FromStr for Colour {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(digits) = text.strip_prefix('#') {
            let all = u32::from_str_radix(digits, 16).map_err(|_| ())?;
            let [_, red, green, blue] = all.to_be_bytes();
            return if digits.len() == 6 { Ok(Self::Rgb(red, green, blue)) } else { Err(()) };
        }
        let (base, name) = match text.strip_prefix("bright-") {
            Some(name) => (8, name),
            None => (0, text),
        };
        let at = ANSI.iter().position(|known| *known == name).ok_or(())?;
        u8::try_from(at).map(|at| Self::Ansi(base + at)).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_reads_and_names_every_role() {
        for (name, text) in BUILT_IN {
            let theme = Theme::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
            for role in Role::ALL {
                assert!(theme.looks.contains_key(role), "{name} lacks {role}");
            }
        }
        assert_eq!(Theme::default().name, Theme::DEFAULT_NAME);
    }

    #[test]
    fn mistakes_name_the_place_and_what_was_probably_meant() {
        let cases = [
            ("faild = { fg = \"red\" }", "theme `t`: `faild` is not a role; the nearest is `failed`"),
            ("xyzzy = {}", "theme `t`: `xyzzy` is not a role"),
            ("failed = { gb = \"red\" }", "theme `t`, role `failed`: `gb` is not known; the nearest is `bg`"),
            ("failed = { fg = \"#12345\" }", "theme `t`, role `failed`: `fg` takes a colour"),
            ("failed = { fg = 256 }", "theme `t`, role `failed`: `fg` takes a colour"),
            ("failed = { bold = 1 }", "theme `t`, role `failed`: `bold` takes true or false"),
            ("failed = \"red\"", "theme `t`, role `failed`: `failed` takes a table"),
            ("failed = ", "theme `t`: it is not TOML"),
        ];
        for (text, expected) in cases {
            let error = Theme::parse("t", text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = Theme::load(None, "daylihgt").expect_err("no such theme").to_string();
        assert!(error.contains("the nearest is `daylight`"), "{error}");
    }

    #[test]
    fn a_mistake_in_a_file_is_told_with_the_file_and_the_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("own.toml");
        let cases = [
            ("text = {}\n\nfaild = { fg = \"red\" }", "3: theme `own`: `faild`"),
            ("text = {}\n[failed]\nfg = \"red\"\nbgr = \"red\"", "4: theme `own`, role `failed`: `bgr`"),
            ("text = {}\nfailed = { fg = 256 }", "2: theme `own`, role `failed`: `fg` takes"),
            ("text = {}\nfailed = \"red\"", "2: theme `own`, role `failed`: `failed` takes"),
            ("text = {}\nfailed = ", "2: theme `own`: it is not TOML"),
        ];
        for (text, expected) in cases {
            std::fs::write(&file, text).expect("written");
            let error = Theme::load(Some(directory.path()), "own").expect_err(text).to_string();
            assert!(error.starts_with(&format!("{}:{expected}", file.display())), "{error}");
            assert!(!error.contains('\n'), "one line for the console: {error:?}");
        }
    }

    #[test]
    fn colours_are_read_in_every_form() {
        let theme = Theme::parse(
            "t",
            "text = { fg = \"bright-blue\", bg = 208 }\ndim = { fg = \"#7aa2f7\", bg = \"default\" }\nborder = { fg = 3 }",
        )
        .expect("reads");
        assert_eq!(theme.look(Role::Text).fg, Some(Colour::Ansi(12)));
        assert_eq!(theme.look(Role::Text).bg, Some(Colour::Fixed(208)));
        assert_eq!(theme.look(Role::Dim).fg, Some(Colour::Rgb(0x7a, 0xa2, 0xf7)));
        assert_eq!(theme.look(Role::Dim).bg, None);
        assert_eq!(theme.look(Role::Border).fg, Some(Colour::Ansi(3)));
        assert_eq!(theme.look(Role::Key), theme.look(Role::Text), "an absent role looks like text");
    }

    #[test]
    fn a_file_in_the_directory_wins_over_the_built_in_theme_of_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("midnight.toml"), "text = { fg = \"red\" }").expect("written");
        std::fs::write(directory.path().join("own.toml"), "text = { fg = \"red\" }").expect("written");
        let theme = Theme::load(Some(directory.path()), "midnight").expect("reads");
        assert_eq!(theme.look(Role::Text).fg, Some(Colour::Ansi(1)));
        assert!(Theme::names(Some(directory.path())).contains(&"own".to_owned()));
        assert!(Theme::load(Some(directory.path()), "mono").is_ok());
    }

    crate::model::mutation::fuzz! {
        fn a_theme_that_is_almost_right_is_read_or_refused_by_name(text in crate::model::mutation::mutated_text(BUILT_IN[0].1)) {
            if let Err(refusal) = Theme::parse("mine", &text) {
                assert!(refusal.to_string().contains("mine"), "{refusal}");
            }
        }
    }
}
