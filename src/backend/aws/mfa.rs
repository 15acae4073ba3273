//! Roles that are assumed with a code of a device. AWS's own chain for Rust does not know `mfa_serial`: it would ask for the
//! role without a code, and be refused. The session is kept until it expires, also for the next process: a code is good once.
//!
//! Source: AWS CLI user guide, "Using multi-factor authentication".

use super::errors::causes;
use crate::config::directories::{make_private, replace_private};
use crate::config::{KeysOfRole, MfaRole};
use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A session is not used any more so long before it expires.
const AHEAD: Duration = Duration::from_mins(1);

/// A role, and the session in it.
#[derive(Debug)]
pub struct Mfa {
    role: MfaRole,
    region: Option<Region>,
    /// Of STS, where the context names one.
    endpoint: Option<String>,
    file: Option<PathBuf>,
    session: Mutex<Option<Session>>,
}

/// As it is kept. Its `Debug` form does not show the secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    /// Epoch seconds.
    expires_at: u64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Session {
    fn expiry(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.expires_at)
    }

    fn is_good(&self) -> bool {
        self.expiry() > SystemTime::now() + AHEAD
    }
}

/// Why a code led to no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    #[error("a code of an MFA device has six digits; `{0}` is none")]
    NoCode(String),
    #[error(transparent)]
    Refused(Box<SdkError<AssumeRoleError>>),
    #[error("AssumeRole was answered without credentials")]
    Empty,
}

impl Mfa {
    /// `directory` is where sessions are kept; `None` keeps none.
    pub fn new(role: MfaRole, region: Option<Region>, endpoint: Option<String>, directory: Option<&Path>) -> Self {
        let file = directory.map(|directory| directory.join(file_name(&role)));
        let kept = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let session = kept.and_then(|text| serde_json::from_str(&text).ok());
        Self { role, region, endpoint, file, session: Mutex::new(session) }
    }

    /// The device whose code is asked for: there is no session.
    pub fn wanted(&self) -> Option<String> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        (!session.as_ref().is_some_and(Session::is_good)).then(|| self.role.device.clone())
    }

    /// What a person is told who is to type a code.
    pub fn words(&self) -> String {
        let MfaRole { profile, role_arn, device, .. } = &self.role;
        format!("the profile `{profile}` assumes {role_arn} with a code of {device}: type it (`:mfa` in the console)")
    }

    /// Those of the session, where there is one.
    pub fn credentials(&self) -> Option<Credentials> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = session.as_ref().filter(|session| session.is_good())?;
        Some(Credentials::new(
            session.access_key_id.clone(),
            session.secret_access_key.clone(),
            Some(session.token.clone()),
            Some(session.expiry()),
            "MFA",
        ))
    }

    /// The service has refused the session.
    pub fn forget(&self) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(file) = &self.file {
            // What is left there is refused once more, and no worse.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Assumes the role with a code.
    pub async fn assume(&self, code: &str) -> Result<(), NoSession> {
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoSession::NoCode(code.to_owned()));
        }
        let mut loader = aws_config::from_env()
            .credentials_provider(self.keys())
            .retry_config(RetryConfig::disabled())
            .region(self.region.clone());
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let call = aws_sdk_sts::Client::new(&loader.load().await)
            .assume_role()
            .role_arn(&self.role.role_arn)
            .role_session_name(self.role.session_name.as_deref().unwrap_or("batchdeck"))
            .serial_number(&self.role.device)
            .token_code(code)
            .set_external_id(self.role.external_id.clone())
            .set_duration_seconds(self.role.duration_seconds);
        // The SDK's futures are large.
        let answer = Box::pin(call.send()).await.map_err(|error| NoSession::Refused(Box::new(error)))?;
        let given = answer.credentials.ok_or(NoSession::Empty)?;
        let session = Session {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            token: given.session_token,
            expires_at: u64::try_from(given.expiration.secs()).unwrap_or_default(),
        };
        if let Some(file) = self.file.clone() {
            let kept = session.clone();
            let written = tokio::task::spawn_blocking(move || keep(&file, &kept)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the session could not be kept");
            }
        }
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(())
    }

    /// The keys with which the role is assumed.
    fn keys(&self) -> SharedCredentialsProvider {
        let config = ProviderConfig::default().with_region(self.region.clone());
        match &self.role.keys {
            KeysOfRole::Profile(name) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build(),
            ),
            KeysOfRole::Own { access_key_id, secret_access_key } => SharedCredentialsProvider::new(Credentials::new(
                access_key_id,
                secret_access_key,
                None,
                None,
                "profile",
            )),
            KeysOfRole::Surroundings => SharedCredentialsProvider::new(
                CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
                    .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build())
                    .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(&config).build()),
            ),
        }
    }
}

impl NoSession {
    /// What AWS said of the code, where it said something of it.
    pub fn of_code(&self) -> Option<String> {
        let Self::Refused(error) = self else { return None };
        let told = causes(error.as_ref());
        told.contains("MultiFactorAuthentication").then(|| "AWS does not take this code; each is good once".to_owned())
    }
}

/// One file for each role, device and source of keys.
fn file_name(role: &MfaRole) -> String {
    let keys = match &role.keys {
        KeysOfRole::Profile(name) => name.as_str(),
        KeysOfRole::Own { access_key_id, .. } => access_key_id,
        KeysOfRole::Surroundings => "",
    };
    let text = [&role.role_arn, &role.device, keys, role.external_id.as_deref().unwrap_or_default()].join("\n");
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("mfa-session-{number:016x}.json")
}

/// For its owner's eyes alone.
fn keep(file: &Path, session: &Session) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        make_private(directory)?;
    }
    replace_private(file, &serde_json::to_vec(session)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::stub::{Answer, Asked, Ending, Stub};
    use std::os::unix::fs::PermissionsExt;

    fn role() -> MfaRole {
        MfaRole {
            profile: "ops".into(),
            role_arn: "arn:aws:iam::1:role/ops".into(),
            device: "arn:aws:iam::1:mfa/ann".into(),
            keys: KeysOfRole::Own { access_key_id: "AKIAOWN".into(), secret_access_key: "hush".into() },
            external_id: Some("x-1".into()),
            session_name: None,
            duration_seconds: Some(3600),
        }
    }

    fn mfa(stub: std::net::SocketAddr, directory: &Path) -> Mfa {
        Mfa::new(role(), Some(Region::new("eu-west-1")), Some(format!("http://{stub}")), Some(directory))
    }

    fn sts(asked: &Asked) -> Answer {
        let form = asked.body.as_str().expect("a form");
        if !form.contains("&TokenCode=123456") {
            return Answer::error(
                403,
                None,
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>MultiFactorAuthentication \
                 failed with invalid MFA one time pass code. </Message></Error></ErrorResponse>",
            );
        }
        let xml = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
                   <AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                   <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        Answer::pieces(&[xml.as_bytes()], Ending::Complete)
    }

    #[tokio::test]
    async fn a_code_leads_to_a_session_that_the_next_process_finds() {
        let (stub, address) = Stub::on_loopback(sts);
        let directory = tempfile::tempdir().expect("a directory");
        let first = mfa(address, directory.path());
        assert_eq!((first.wanted().as_deref(), first.credentials()), (Some("arn:aws:iam::1:mfa/ann"), None));
        assert!(matches!(first.assume("12345").await, Err(NoSession::NoCode(_))));
        assert!(stub.asked().is_empty(), "what is no code is not sent");
        let wrong = first.assume("000000").await.expect_err("is refused");
        assert_eq!(wrong.of_code().as_deref(), Some("AWS does not take this code; each is good once"));
        assert!(first.wanted().is_some());
        first.assume("123456").await.expect("is taken");
        assert_eq!(first.wanted(), None);
        let form = stub.asked()[1].body.as_str().expect("a form").to_owned();
        for part in ["Action=AssumeRole", "&SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fann", "&ExternalId=x-1"] {
            assert!(form.contains(part), "{part} in {form}");
        }
        assert!(stub.asked()[1].header("authorization").contains("Credential=AKIAOWN/"));

        let next = mfa(address, directory.path());
        let credentials = next.credentials().expect("is kept");
        assert_eq!((credentials.access_key_id(), credentials.session_token()), ("ASIASESSION", Some("t")));
        let file = std::fs::read_dir(directory.path()).expect("lists").next().expect("one").expect("is there");
        assert_eq!(file.metadata().expect("has").permissions().mode() & 0o777, 0o600);
        next.forget();
        assert!(next.wanted().is_some() && mfa(address, directory.path()).wanted().is_some());
    }

    #[test]
    fn a_session_that_expires_is_none_and_its_secrets_are_not_shown() {
        let seconds = |ahead: u64| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
            now.as_secs() + ahead
        };
        let session = |expires_at| Session {
            access_key_id: "ASIA".into(),
            secret_access_key: "hush".into(),
            token: "quiet".into(),
            expires_at,
        };
        assert!(session(seconds(3600)).is_good() && !session(seconds(30)).is_good() && !session(0).is_good());
        let shown = format!("{:?}", session(1));
        assert!(shown.contains("ASIA") && !shown.contains("hush") && !shown.contains("quiet"), "{shown}");
    }
}
