//! Which AWS to talk to, as whom, and how often.

use super::AwsBackend;
use super::audit::AuditFile;
use super::budget::Budget;
use super::credentials::{Renewing, has_keys_in_environment, renewal, token_file};
use super::errors::{Whereabouts, causes};
use super::history::History;
use super::mfa::Mfa;
use super::prices::PriceBook;
use super::service::Service;
use crate::backend::BackendError;
use crate::config::Profiles;
use crate::model::{Prices, region::partition};
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, ConfigLoader, Region};
use aws_sdk_batch::config::{Credentials, IdentityCache, ProvideCredentials};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a context says of AWS. What is `None` comes from AWS's standard chain: environment, profile files, SSO, and the
/// credentials of a container or an instance. A profile that is named here goes before the environment, in its
/// credentials and in its region.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    pub profile: Option<String>,
    pub region: Option<String>,
    /// One endpoint for all services; it beats `AWS_ENDPOINT_URL` and its like.
    pub endpoint: Option<String>,
    /// Keys that are used as they are, before any other credentials.
    pub keys: Option<Keys>,
    pub calls_per_second: f64,
    /// Patterns of the queues that are looked at, with `*`; none for all of the account.
    pub queues: Vec<String>,
    /// Where jobs write that name no log group; `None` for AWS Batch's default.
    pub log_group: Option<String>,
    /// `user@host`, for the record of actions.
    pub by: String,
    /// Where actions are recorded; `None` records nothing.
    pub audit_file: Option<PathBuf>,
    /// Where it is kept what was seen of jobs that have ended; `None` keeps nothing.
    pub history_file: Option<PathBuf>,
    /// Prices of one's own, and else AWS's list: for what instances cost an hour.
    pub prices: Prices,
    /// Where prices of regions and sessions of roles are kept; `None` keeps none.
    pub directory: Option<PathBuf>,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint: None,
            keys: None,
            calls_per_second: 8.0,
            queues: Vec::new(),
            log_group: None,
            by: String::new(),
            audit_file: None,
            history_file: None,
            prices: Prices::default(),
            directory: None,
        }
    }
}

/// A key pair. Its `Debug` form does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// How long the chain may look for credentials: a machine without any asks an instance's metadata service in vain.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take. AWS is given more than it ever needs: who gives up on a submission does not know what has
/// come of it.
const PATIENCE: Duration = Duration::from_secs(20);

impl AwsBackend {
    /// Finds the region and the credentials. No call is made to AWS Batch yet.
    pub async fn connect(mut settings: AwsSettings) -> Result<Self, BackendError> {
        let profiles = Profiles::read();
        if let (Some(profile), None) = (&settings.profile, &settings.region) {
            settings.region = profiles.region(profile).map(str::to_owned);
        }
        let renewing = match settings.keys {
            Some(_) => None,
            None => Some(Renewing::new(
                settings.profile.clone(),
                settings.region.clone(),
                mfa_of(&settings, &profiles).await,
            )),
        };
        let shared = loader(&settings, renewing.clone()).load().await;
        let profile = settings.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        let is_known = profile.as_deref().is_some_and(|profile| profiles.contains(profile));
        let renewal = renewal(profile.as_deref(), settings.profile.is_some(), &profiles);
        let token_file = token_file(profile.as_deref(), settings.profile.is_some(), &profiles);
        let region = match shared.region().map(AsRef::as_ref) {
            Some(region) if !region.is_empty() => sound_region(region)?,
            _ => return Err(no_region(profile.as_deref())),
        };
        // As the SDK has it: what the context names, then a service's own variable, then the one for all.
        let place = |variable: &str, service: &str| {
            let own = std::env::var(variable).ok().filter(|_| settings.endpoint.is_none());
            match own.or_else(|| shared.endpoint_url().map(str::to_owned)) {
                Some(url) => sound_endpoint(url),
                None => Ok(format!("{service} in {region}")),
            }
        };
        let batch = place("AWS_ENDPOINT_URL_BATCH", "AWS Batch")?;
        let logs = place("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "CloudWatch Logs")?;
        let scheduler = place("AWS_ENDPOINT_URL_SCHEDULER", "EventBridge Scheduler")?;
        let sts = place("AWS_ENDPOINT_URL_STS", "STS")?;
        // What stands in for Batch alone has its own keys: they are no good at AWS, and AWS knows nothing of its jobs.
        let beside = |variable: &str, service: &str| {
            let place = place(variable, service)?;
            Ok((is_address(&place) || !is_stand_in(&batch)).then_some(place))
        };
        let ecs = beside("AWS_ENDPOINT_URL_ECS", "ECS")?;
        let events = beside("AWS_ENDPOINT_URL_EVENTBRIDGE", "EventBridge")?;
        // Other partitions have lists of their own, in their own money.
        let pricing = beside("AWS_ENDPOINT_URL_PRICING", "the Price List API")?;
        let pricing = pricing.filter(|_| partition(region) == Some("aws"));
        let ec2 = beside("AWS_ENDPOINT_URL_EC2", "EC2")?;
        let autoscaling = beside("AWS_ENDPOINT_URL_AUTO_SCALING", "Auto Scaling")?;
        let at = Whereabouts {
            batch,
            logs,
            scheduler,
            sts,
            ecs,
            events,
            pricing,
            ec2,
            autoscaling,
            profile,
            renewal,
            token_file,
            is_known,
        };
        let Some(provider) = shared.credentials_provider() else {
            return Err(at.credentials(&why_none("", at.profile.as_deref(), is_known)));
        };
        match tokio::time::timeout(CREDENTIALS_TIMEOUT, provider.provide_credentials()).await {
            Ok(Ok(_)) => {}
            // Whoever opened this is asked for the code.
            _ if renewing.as_ref().is_some_and(|renewing| renewing.code_wanted().is_some()) => {}
            Ok(Err(error)) => return Err(at.credentials(&why_none(&causes(&error), at.profile.as_deref(), is_known))),
            Err(_) => return Err(at.credentials("none were found within 10 s")),
        }
        let stands_in = is_stand_in(&at.batch).then(|| at.batch.clone());
        let history = settings.history_file.map(|path| History::new(path, stands_in));
        let budget = Budget::new(settings.calls_per_second);
        let file = settings.directory.map(|directory| directory.join(format!("prices-{region}.json")));
        let kept = (PriceBook::open(settings.prices, region, file), history);
        let service = Service::new(&shared, budget, at, renewing, settings.queues, settings.log_group, kept);
        let audit = settings.audit_file.map(AuditFile::new);
        Ok(Self { service: Arc::new(service), by: settings.by, audit })
    }
}

/// The role that the profile assumes with a code, where that is whose credentials are used.
async fn mfa_of(settings: &AwsSettings, profiles: &Profiles) -> Option<Mfa> {
    let profile = match &settings.profile {
        Some(named) => named.clone(),
        None if has_keys_in_environment() => return None,
        None => std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()).unwrap_or("default".to_owned()),
    };
    let role = profiles.mfa(&profile)?;
    let region = match &settings.region {
        Some(region) => Some(Region::new(region.clone())),
        None => DefaultRegionChain::builder().profile_name(&profile).build().region().await,
    };
    Some(Mfa::new(role, region, settings.endpoint.clone(), settings.directory.as_deref()))
}

fn loader(settings: &AwsSettings, renewing: Option<Renewing>) -> ConfigLoader {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).operation_attempt_timeout(PATIENCE).build();
    let mut loader = aws_config::from_env()
        .timeout_config(timeouts)
        // Calls are tried again by the service's own rules, each time within the budget.
        .retry_config(RetryConfig::disabled())
        .app_name(AppName::new("batchdeck").expect("letters alone make a valid name"));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(renewing) = renewing {
        // It holds what it finds itself: a cache before it would keep what a service has refused.
        loader = loader.credentials_provider(renewing).identity_cache(IdentityCache::no_cache());
    }
    if let Some(keys) = settings.keys.clone() {
        let Keys { access_key_id, secret_access_key, session_token } = keys;
        loader = loader.credentials_provider(Credentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "batchdeck settings",
        ));
    }
    loader
}

/// Why there are no credentials. The chain ends at an instance's metadata service: that it failed there only says that
/// nothing before it had any.
fn why_none(causes: &str, profile: Option<&str>, is_known: bool) -> String {
    if !causes.is_empty() && !causes.contains("IMDS") && !causes.contains("not enabled") {
        return causes.to_owned();
    }
    match profile {
        Some(profile) if is_known => format!("the profile `{profile}` gives none"),
        Some(profile) => format!("none were found; is there a profile `{profile}`, and has it credentials?"),
        None => "none were found in the environment, in ~/.aws, or of an instance".to_owned(),
    }
}

/// A region's name goes into the names of hosts.
fn sound_region(region: &str) -> Result<&str, BackendError> {
    let is_sound = region.len() < 64 && region.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    is_sound.then_some(region).ok_or_else(|| BackendError::Settings {
        message: format!("`{region}` is no name of a region. Set AWS_REGION to one, as eu-west-1"),
    })
}

fn is_address(place: &str) -> bool {
    place.contains("://")
}

/// Whether something else than AWS answers there: an endpoint of a VPC has AWS's name in it.
fn is_stand_in(place: &str) -> bool {
    is_address(place) && !place.contains(".amazonaws.com")
}

fn sound_endpoint(url: String) -> Result<String, BackendError> {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    if host.is_some_and(|host| !host.is_empty() && !host.starts_with('/') && !host.contains(char::is_whitespace)) {
        return Ok(url);
    }
    Err(BackendError::Settings {
        message: format!(
            "`{url}` is no endpoint. Set AWS_ENDPOINT_URL and its like to an address that begins with http:// or https://"
        ),
    })
}

fn no_region(profile: Option<&str>) -> BackendError {
    let configure = match profile {
        Some(profile) => format!("aws configure set region eu-west-1 --profile {profile}"),
        None => "aws configure set region eu-west-1".to_owned(),
    };
    BackendError::Settings {
        message: format!("no region is set. Set AWS_REGION, or run `{configure}` with your region"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let keys = Keys {
            access_key_id: "AKIA".into(),
            secret_access_key: "hush".into(),
            session_token: Some("quiet".into()),
        };
        let shown = format!("{:?}", AwsSettings { keys: Some(keys), ..Default::default() });
        assert!(shown.contains("AKIA") && !shown.contains("hush") && !shown.contains("quiet"), "{shown}");
    }

    #[test]
    fn the_end_of_the_chain_is_not_told_as_the_cause() {
        let none = "none were found in the environment, in ~/.aws, or of an instance";
        let cases = [
            ("failed to load IMDS session token: service error", None, none),
            ("no credentials found in chain: the credential provider was not enabled", None, none),
            ("", None, none),
            (
                "failed to read `sso/cache/1.json`: No such file",
                None,
                "failed to read `sso/cache/1.json`: No such file",
            ),
            ("IMDS", Some("ops"), "none were found; is there a profile `ops`, and has it credentials?"),
        ];
        for (causes, profile, expected) in cases {
            assert_eq!(why_none(causes, profile, false), expected, "{causes}");
        }
        assert_eq!(why_none("IMDS", Some("ops"), true), "the profile `ops` gives none");
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_told_before_any_call() {
        for region in ["eu-west-1", "us-gov-east-1", "local"] {
            assert_eq!(sound_region(region), Ok(region));
        }
        for region in ["eu west 1", "eu-west-1.", "r\u{e9}gion"] {
            assert!(sound_region(region).expect_err(region).to_string().contains(&format!("`{region}`")));
        }
        for url in ["http://127.0.0.1:5000", "https://batch.eu-west-1.amazonaws.com", "http://[::1]:5000/path"] {
            assert_eq!(sound_endpoint(url.to_owned()), Ok(url.to_owned()));
        }
        for url in ["", "notaurl", "127.0.0.1:5000", "ftp://host", "http://", "http:///path", "http://a b"] {
            assert!(sound_endpoint(url.to_owned()).expect_err(url).to_string().contains(&format!("`{url}`")));
        }
    }

    #[test]
    fn what_stands_in_for_batch_alone_is_told_from_aws() {
        for (place, expected) in [
            ("AWS Batch in eu-west-1", false),
            ("https://vpce-1.batch.eu-west-1.vpce.amazonaws.com", false),
            ("https://batch.cn-north-1.amazonaws.com.cn", false),
            ("http://127.0.0.1:4566", true),
        ] {
            assert_eq!(is_stand_in(place), expected, "{place}");
        }
    }

    #[test]
    fn a_missing_region_says_how_to_set_one_for_the_profile() {
        let error = no_region(Some("ops")).to_string();
        assert!(error.contains("`aws configure set region eu-west-1 --profile ops`"), "{error}");
    }
}
