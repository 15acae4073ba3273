//! The profiles of AWS's own files, as its command line and its SDKs read them ("Configuration and credential file
//! settings" of the AWS CLI's user guide).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// All profiles, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profiles(BTreeMap<String, BTreeMap<String, String>>);

/// A role that a profile assumes with a code of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaRole {
    pub profile: String,
    pub role_arn: String,
    /// `mfa_serial`: the ARN of a device, or the number on it.
    pub device: String,
    pub keys: KeysOfRole,
    pub external_id: Option<String>,
    pub session_name: Option<String>,
    pub duration_seconds: Option<i32>,
}

/// With which keys a role is assumed.
#[derive(Clone, PartialEq, Eq)]
pub enum KeysOfRole {
    /// Those of another profile.
    Profile(String),
    /// The profile's own.
    Own { access_key_id: String, secret_access_key: String },
    /// Those of the environment, of a container or of an instance.
    Surroundings,
}

impl fmt::Debug for KeysOfRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(name) => f.debug_tuple("Profile").field(name).finish(),
            Self::Own { access_key_id, .. } => f.debug_tuple("Own").field(access_key_id).finish(),
            Self::Surroundings => f.write_str("Surroundings"),
        }
    }
}

impl Profiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or what `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name.
    /// A file that is not there, or cannot be read, has none.
    pub fn read() -> Self {
        let home = std::env::home_dir();
        let file = |variable: &str, usual: &str| {
            let named = std::env::var(variable).ok().filter(|path| !path.is_empty());
            let path = place(&named.unwrap_or_else(|| format!("~/.aws/{usual}")), home.as_deref());
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        Self::parse(&file("AWS_CONFIG_FILE", "config"), &file("AWS_SHARED_CREDENTIALS_FILE", "credentials"))
    }

    /// Of the texts of both files. A setting that both have is the credentials file's.
    pub fn parse(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        let in_config = |section: &str| match section.split_once(char::is_whitespace) {
            Some(("profile", name)) => Some(name.trim().trim_matches(['"', '\'']).to_owned()),
            Some(_) => None,
            None => (section == "default").then(|| section.to_owned()),
        };
        profiles.add(config, in_config);
        profiles.add(credentials, |section| Some(section.to_owned()));
        profiles
    }

    /// `name` says of which profile a section is; others, as those of SSO sessions, are none.
    fn add(&mut self, text: &str, name: impl Fn(&str) -> Option<String>) {
        let mut current = None;
        for line in text.lines() {
            // What is indented belongs to the setting above it.
            if line.starts_with(['#', ';', ' ', '\t']) {
                continue;
            }
            if let Some(section) = line.trim_end().strip_prefix('[') {
                let section = section.split(']').next().unwrap_or_default().trim();
                current = name(section).filter(|name| !name.is_empty());
                if let Some(name) = &current {
                    self.0.entry(name.clone()).or_default();
                }
            } else if let (Some(name), Some((key, value))) = (&current, line.split_once('=')) {
                let settings = self.0.entry(name.clone()).or_default();
                settings.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The region that a profile names.
    pub fn region(&self, name: &str) -> Option<&str> {
        self.setting(name, "region")
    }

    /// The file with the token that a profile assumes its role with.
    pub fn token_file(&self, name: &str) -> Option<&str> {
        self.setting(name, "web_identity_token_file")
    }

    fn setting(&self, name: &str, key: &str) -> Option<&str> {
        self.0.get(name)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The role that a profile assumes with a code, where it names a device.
    pub fn mfa(&self, name: &str) -> Option<MfaRole> {
        let text = |key| self.setting(name, key).map(str::to_owned);
        let keys = match self.setting(name, "source_profile") {
            Some(source) if source == name => KeysOfRole::Own {
                access_key_id: text("aws_access_key_id")?,
                secret_access_key: text("aws_secret_access_key")?,
            },
            Some(source) => KeysOfRole::Profile(source.to_owned()),
            None => KeysOfRole::Surroundings,
        };
        Some(MfaRole {
            profile: name.to_owned(),
            role_arn: text("role_arn")?,
            device: text("mfa_serial")?,
            keys,
            external_id: text("external_id"),
            session_name: text("role_session_name"),
            duration_seconds: self.setting(name, "duration_seconds").and_then(|seconds| seconds.parse().ok()),
        })
    }

    /// The command that renews a profile's credentials; `None` where that cannot be told of its settings.
    pub fn renewal(&self, name: &str) -> Option<String> {
        let mut name = name;
        // A role is assumed with the credentials of another profile; a circle of them ends somewhere.
        for _ in 0..8 {
            let has = |key| self.setting(name, key);
            if has("sso_session").or(has("sso_start_url")).or(has("sso_account_id")).is_some() {
                return Some(format!("aws sso login --profile {name}"));
            }
            if let Some(source) = has("source_profile").filter(|source| *source != name) {
                name = source;
                continue;
            }
            if let Some(command) = has("credential_process") {
                return Some(command.to_owned());
            }
            return has("aws_access_key_id").map(|_| format!("aws configure --profile {name}"));
        }
        None
    }
}

/// A path, with `~` for the home directory as AWS's tools take it.
fn place(path: &str, home: Option<&Path>) -> Option<PathBuf> {
    match path.strip_prefix("~/") {
        Some(below) => home.map(|home| home.join(below)),
        None => Some(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
# people write here
[default]
region = us-east-1
[profile ops]
sso_session = corp
region=eu-central-1
s3 =
  max_concurrent_requests = 20
  region = not-this-one
[sso-session corp]
sso_region = eu-west-1
[profile \"on call\"]
role_arn = arn:aws:iam::1:role/oncall
source_profile = ops
[profile tool]
credential_process = /usr/bin/vault aws
[profile loop]
source_profile = pool
[profile pool]
source_profile = loop
web_identity_token_file = /run/token
[services local]
[unknown]
";
    const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIA\n; no more\n[keys]\naws_access_key_id=AKIB\n";

    #[test]
    fn the_profiles_of_both_files_are_found_and_nothing_else_is_taken_for_one() {
        let profiles = Profiles::parse(CONFIG, CREDENTIALS);
        assert_eq!(profiles.names().collect::<Vec<_>>(), ["default", "keys", "loop", "on call", "ops", "pool", "tool"]);
        assert_eq!(profiles.region("ops"), Some("eu-central-1"));
        assert_eq!(profiles.region("default"), Some("us-east-1"));
        assert_eq!(profiles.region("keys"), None);
        assert_eq!((profiles.token_file("pool"), profiles.token_file("ops")), (Some("/run/token"), None));
        assert_eq!(Profiles::parse("", ""), Profiles::default());
    }

    #[test]
    fn what_renews_credentials_is_told_by_where_they_come_from() {
        let profiles = Profiles::parse(CONFIG, CREDENTIALS);
        let cases = [
            ("ops", Some("aws sso login --profile ops")),
            ("on call", Some("aws sso login --profile ops")),
            ("tool", Some("/usr/bin/vault aws")),
            ("keys", Some("aws configure --profile keys")),
            ("default", Some("aws configure --profile default")),
            ("loop", None),
            ("nobody", None),
        ];
        for (name, expected) in cases {
            assert_eq!(profiles.renewal(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_role_with_a_device_is_told_with_the_keys_that_assume_it() {
        let config = "[profile ops]\nrole_arn = arn:r\nmfa_serial = arn:m\nsource_profile = base\nexternal_id = e\n\
                      duration_seconds = 3600\n[profile self]\nrole_arn = arn:r\nmfa_serial = 77\nsource_profile = self\n\
                      [profile host]\nrole_arn = arn:r\nmfa_serial = 77\ncredential_source = Environment\n\
                      [profile plain]\nrole_arn = arn:r\nsource_profile = base\n[profile bare]\nmfa_serial = arn:m\n";
        let profiles = Profiles::parse(config, "[self]\naws_access_key_id = AKIA\naws_secret_access_key = hush\n");
        let ops = profiles.mfa("ops").expect("has one");
        assert_eq!((ops.role_arn.as_str(), ops.device.as_str()), ("arn:r", "arn:m"));
        assert_eq!(ops.keys, KeysOfRole::Profile("base".into()));
        assert_eq!((ops.external_id.as_deref(), ops.duration_seconds), (Some("e"), Some(3600)));
        let own = profiles.mfa("self").expect("has one");
        assert_eq!(own.keys, KeysOfRole::Own { access_key_id: "AKIA".into(), secret_access_key: "hush".into() });
        assert!(!format!("{own:?}").contains("hush"));
        assert_eq!(profiles.mfa("host").expect("has one").keys, KeysOfRole::Surroundings);
        for name in ["plain", "bare", "nobody"] {
            assert_eq!(profiles.mfa(name), None, "{name}");
        }
    }

    #[test]
    fn a_path_may_begin_at_home() {
        let home = Some(Path::new("/home/ann"));
        assert_eq!(place("~/.aws/config", home), Some("/home/ann/.aws/config".into()));
        assert_eq!(place("/etc/aws", None), Some("/etc/aws".into()));
        assert_eq!(place("~/.aws/config", None), None);
    }
}
