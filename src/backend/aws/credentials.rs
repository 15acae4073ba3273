//! Credentials that are looked for again: whoever renews them, the next call goes on with the new ones.

use super::mfa::{Mfa, NoSession};
use crate::config::Profiles;
use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;

/// What has failed, or was refused, is not looked for again before this has passed: a process may be asked for it, or a
/// person.
const RETRY: Duration = Duration::from_secs(10);
/// Credentials are renewed so long before they expire.
const AHEAD: Duration = Duration::from_mins(1);

/// AWS's standard chain, gone through anew whenever what it gave is old or was refused; files that were written meanwhile
/// are read then. A chain of the SDK's own reads a profile once and keeps it.
#[derive(Debug, Clone)]
pub struct Renewing(Arc<Chain>);

#[derive(Debug)]
struct Chain {
    /// Named by the context: it goes before what the environment says.
    profile: Option<String>,
    region: Option<String>,
    /// A role that is assumed with a code: nothing else is looked for then.
    mfa: Option<Mfa>,
    found: Mutex<Option<Found>>,
}

#[derive(Debug)]
struct Found {
    at: Instant,
    outcome: std::result::Result<Credentials, String>,
}

impl Found {
    fn is_good(&self) -> bool {
        match &self.outcome {
            Ok(credentials) => credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + AHEAD),
            Err(_) => self.at.elapsed() < RETRY,
        }
    }
}

impl Renewing {
    pub fn new(profile: Option<String>, region: Option<String>, mfa: Option<Mfa>) -> Self {
        Self(Arc::new(Chain { profile, region, mfa, found: Mutex::new(None) }))
    }

    /// The device whose code is asked for before there are credentials.
    pub fn code_wanted(&self) -> Option<String> {
        self.0.mfa.as_ref()?.wanted()
    }

    /// What whoever is to type a code is told, where a role is assumed with one: nothing else mends what is refused.
    pub fn words_of_code(&self) -> Option<String> {
        self.0.mfa.as_ref().map(Mfa::words)
    }

    /// Assumes the role with a code; `None` where no role is assumed so.
    pub async fn give_code(&self, code: &str) -> Option<std::result::Result<(), NoSession>> {
        let assumed = self.0.mfa.as_ref()?.assume(code).await;
        if assumed.is_ok() {
            *self.0.found.lock().await = None;
        }
        Some(assumed)
    }

    /// A service has refused them: they are looked for anew, unless they have just been. Answers whether they are.
    pub async fn forget(&self) -> bool {
        let mut found = self.0.found.lock().await;
        let is_forgotten = found.take_if(|found| found.at.elapsed() >= RETRY).is_some();
        if let Some(mfa) = self.0.mfa.as_ref().filter(|_| is_forgotten) {
            mfa.forget();
        }
        is_forgotten
    }
}

impl Chain {
    async fn find(&self) -> Result {
        let mut found = self.found.lock().await;
        if let Some(found) = found.as_ref().filter(|found| found.is_good()) {
            return found.outcome.clone().map_err(CredentialsError::not_loaded);
        }
        let given = self.go_through().await;
        let outcome = given.as_ref().map(Clone::clone).map_err(|error| super::errors::causes(error));
        *found = Some(Found { at: Instant::now(), outcome });
        given
    }

    async fn go_through(&self) -> Result {
        if let Some(mfa) = &self.mfa {
            return mfa.credentials().ok_or_else(|| CredentialsError::not_loaded(mfa.words()));
        }
        let region = match &self.region {
            Some(region) => Some(Region::new(region.clone())),
            None => DefaultRegionChain::builder().build().region().await,
        };
        let config = ProviderConfig::default().with_region(region);
        let Some(profile) = &self.profile else {
            return DefaultCredentialsChain::builder().configure(config).build().await.provide_credentials().await;
        };
        let of_files = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
        CredentialsProviderChain::first_try("Profile", of_files)
            .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build())
            .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(&config).build())
            .provide_credentials()
            .await
    }
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.find())
    }
}

/// Keys in the environment go before all profiles but one that a context names.
pub fn has_keys_in_environment() -> bool {
    std::env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|value| !value.is_empty())
}

/// The file with the token of a web identity, where a role is assumed with that: what renews it writes it anew.
pub fn token_file(profile: Option<&str>, is_named: bool, profiles: &Profiles) -> Option<String> {
    if has_keys_in_environment() && !is_named {
        return None;
    }
    let name = profile.unwrap_or("default");
    // A profile that gives credentials goes before the environment's token.
    let of_environment = !is_named && profiles.renewal(name).is_none();
    let file = profiles.token_file(name).map(str::to_owned);
    file.or_else(|| std::env::var("AWS_WEB_IDENTITY_TOKEN_FILE").ok().filter(|file| of_environment && !file.is_empty()))
}

/// The command that renews what a profile, or the environment, gives; `None` for keys that stand in the environment.
pub fn renewal(profile: Option<&str>, is_named: bool, profiles: &Profiles) -> Option<String> {
    if has_keys_in_environment() && !is_named {
        return None;
    }
    let login = || profile.map_or("aws sso login".to_owned(), |profile| format!("aws sso login --profile {profile}"));
    Some(profiles.renewal(profile.unwrap_or("default")).unwrap_or_else(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_soon_or_has_failed_a_while_ago_is_looked_for_again() {
        let credentials = |expires_in: Option<u64>| {
            let expiry = expires_in.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
            Ok(Credentials::new("AKIA", "s", None, expiry, "test"))
        };
        let failed = || Err("no token".to_owned());
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).expect("the machine runs so long");
        let cases = [
            (credentials(None), 0, true),
            (credentials(Some(3600)), 0, true),
            (credentials(Some(30)), 0, false),
            (failed(), 0, true),
            (failed(), 11, false),
        ];
        for (outcome, age, expected) in cases {
            let found = Found { at: ago(age), outcome };
            assert_eq!(found.is_good(), expected, "{found:?}");
        }
    }

    #[tokio::test]
    async fn a_profile_that_a_context_names_is_read_anew_after_a_refusal() {
        let named = Renewing::new(Some("ops".to_owned()), Some("eu-west-1".to_owned()), None);
        let old = Instant::now().checked_sub(RETRY).expect("the machine runs so long");
        let given = Credentials::new("AKIAOLD", "s", None, None, "test");
        *named.0.found.lock().await = Some(Found { at: old, outcome: Ok(given.clone()) });
        assert_eq!(named.provide_credentials().await.expect("held").access_key_id(), "AKIAOLD");
        named.forget().await;
        assert!(named.0.found.lock().await.is_none());
        *named.0.found.lock().await = Some(Found { at: Instant::now(), outcome: Ok(given) });
        named.forget().await;
        assert!(named.0.found.lock().await.is_some(), "what was found just now is tried first");
    }
}
