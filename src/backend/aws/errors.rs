//! What the SDK says when a call fails, in the backend's own words.

use super::permissions;
use crate::backend::BackendError;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// Whom a call was made to, and as whom: what an error names.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// Batch's endpoint, or `AWS Batch in REGION`.
    pub batch: String,
    /// The endpoint of the logs, or `CloudWatch Logs in REGION`.
    pub logs: String,
    /// The endpoint of Scheduler, or `EventBridge Scheduler in REGION`.
    pub scheduler: String,
    /// The endpoint of STS, or `STS in REGION`.
    pub sts: String,
    /// The endpoint of ECS, or `ECS in REGION`; `None` where it is not asked: where something else than AWS stands in
    /// for Batch alone.
    pub ecs: Option<String>,
    /// The endpoint of `EventBridge`, or `EventBridge in REGION`; `None` as above.
    pub events: Option<String>,
    /// The endpoint of the Price List, or `the Price List API`; `None` as above.
    pub pricing: Option<String>,
    /// The endpoint of EC2, or `EC2 in REGION`; `None` as above.
    pub ec2: Option<String>,
    /// The endpoint of Auto Scaling, or `Auto Scaling in REGION`; `None` as above.
    pub autoscaling: Option<String>,
    pub profile: Option<String>,
    /// The command that renews the credentials.
    pub renewal: Option<String>,
    /// The file with the token of a web identity, where that is what a role is assumed with.
    pub token_file: Option<String>,
    /// The profile stands in AWS's files: what renews it is no guess.
    pub is_known: bool,
}

const ENDPOINT: &str = "Check the network and the endpoint settings (AWS_ENDPOINT_URL and its like), then try again";
const REGION: &str = "Check the network and the name of the region, then try again";

impl Whereabouts {
    /// The error of a failed call.
    pub fn error<E>(&self, operation: &'static str, error: &SdkError<E>) -> BackendError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            // What cannot be read of an answer comes as an error of the service as well, without a code.
            SdkError::ServiceError(context) if !context.raw().status().is_success() => {
                let status = context.raw().status().as_u16();
                let meta = context.err().meta();
                let code = meta.code().map_or_else(|| status.to_string(), str::to_owned);
                let message = meta
                    .message()
                    .map_or_else(|| format!("{operation} was answered with HTTP {status}"), str::to_owned);
                self.refusal(operation, code, message)
            }
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
                BackendError::Malformed { operation, cause: causes(error) }
            }
            SdkError::TimeoutError(_) => self.unreachable(operation, format!("no answer to {operation} in time")),
            other => {
                let causes = causes(other);
                if speaks_of_credentials(&causes) {
                    self.credentials(&causes)
                } else {
                    self.unreachable(operation, innermost(other))
                }
            }
        }
    }

    /// Credentials that cannot be had, with what mends it.
    pub fn credentials(&self, message: &str) -> BackendError {
        if let Some(file) = &self.token_file {
            let mend = format!("Have a fresh token written to `{file}`; it is read again for the next call");
            return BackendError::Credentials { message: sentences(message, &mend), renewal: None };
        }
        let mend = match (&self.renewal, &self.profile) {
            (Some(login), Some(profile)) if login.starts_with("aws sso login") && !self.is_known => {
                format!("Sign in with `{login}`, or set keys with `aws configure --profile {profile}`")
            }
            (Some(login), _) if login.starts_with("aws sso login") && self.is_known => {
                format!("Sign in with `{login}`")
            }
            (Some(login), None) if login.starts_with("aws sso login") => {
                format!("Sign in with `{login}`, set keys with `aws configure`, or name a profile with AWS_PROFILE")
            }
            (Some(command), _) => format!("Renew them with `{command}`"),
            (None, _) => {
                "Set AWS_ACCESS_KEY_ID and its like to new ones, or name a profile with AWS_PROFILE".to_owned()
            }
        };
        BackendError::Credentials { message: sentences(message, &mend), renewal: self.renewal.clone() }
    }

    fn refusal(&self, operation: &str, code: String, message: String) -> BackendError {
        match code.as_str() {
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "429" => BackendError::Throttled { message },
            code_of_time if speaks_of_the_clock(code_of_time, &message) => {
                let message = format!("this machine's clock is wrong; set it (`timedatectl set-ntp true`): {message}");
                BackendError::Refused { code, message }
            }
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken"
            | "AuthFailure" => self.credentials(&format!("{message} ({code})")),
            "ResourceNotFoundException" => BackendError::NotFound { what: message },
            _ if is_denial(&code) => {
                let message = format!("the permission {} is missing: {message}", permission(operation, &message));
                BackendError::Refused { code, message }
            }
            _ => BackendError::Refused { code, message },
        }
    }

    fn unreachable(&self, operation: &str, cause: String) -> BackendError {
        let endpoint = match service_of(operation) {
            "logs" => &self.logs,
            "sts" => &self.sts,
            "scheduler" => &self.scheduler,
            "ecs" => self.ecs.as_ref().unwrap_or(&self.batch),
            "events" => self.events.as_ref().unwrap_or(&self.batch),
            "pricing" => self.pricing.as_ref().unwrap_or(&self.batch),
            "autoscaling" => self.autoscaling.as_ref().unwrap_or(&self.batch),
            "ec2" => self.ec2.as_ref().unwrap_or(&self.batch),
            _ => &self.batch,
        };
        let hint = if endpoint.contains("://") { ENDPOINT } else { REGION };
        BackendError::Unreachable { endpoint: endpoint.clone(), cause, hint }
    }
}

/// What has come of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The service decided against it, or it could not be made at all: the same call fails again.
    Decided,
    /// It never reached the service.
    NotSent,
    /// It was sent, and nobody knows what the service has made of it.
    Unknown,
}

impl Fate {
    pub fn of<E: Error + 'static>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => Self::Unknown,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::NotSent,
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                if is_of_connecting(error) {
                    Self::NotSent
                } else {
                    Self::Unknown
                }
            }
            // A connection that ends before its answer.
            SdkError::DispatchFailure(failure) if failure.as_other().is_some() => Self::Unknown,
            SdkError::ServiceError(context) => {
                let status = context.raw().status();
                if status.is_server_error() || status.is_success() { Self::Unknown } else { Self::Decided }
            }
            _ => Self::Decided,
        }
    }
}

/// Whether no connection came about: the client's own words for that are all that tells.
fn is_of_connecting(error: &dyn Error) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.to_string().contains("(Connect)") {
            return true;
        }
        next = cause.source();
    }
    false
}

/// Whether a signature was refused for its time.
pub fn speaks_of_the_clock(code: &str, message: &str) -> bool {
    match code {
        "RequestTimeTooSkewed" | "RequestTimeTooSkewedException" | "RequestExpired" | "RequestInTheFuture" => true,
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => {
            message.contains("Signature expired") || message.contains("Signature not yet current")
        }
        _ => false,
    }
}

/// Whether a code says that the caller may not.
pub fn is_denial(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AuthorizationError" | "403")
}

/// What IAM would have to allow: what AWS names (`… is not authorized to perform: iam:PassRole on …`), or else the
/// operation's own action.
fn permission(operation: &str, message: &str) -> String {
    let named = message.split_once("to perform: ").and_then(|(_, rest)| rest.split_whitespace().next());
    let named = named.map(|action| action.trim_end_matches(['.', ',']));
    if let Some(action) = named.filter(|action| action.contains(':')) {
        return action.to_owned();
    }
    format!("{}:{operation}", service_of(operation))
}

/// The service that an operation is of, as IAM calls it.
fn service_of(operation: &str) -> &'static str {
    permissions::of(operation).and_then(|(action, _)| action.split_once(':')).map_or("batch", |(service, _)| service)
}

/// Two sentences; the first may have its mark already.
fn sentences(first: &str, second: &str) -> String {
    let mark = if first.ends_with(['?', '!', '.']) { "" } else { "." };
    format!("{first}{mark} {second}")
}

/// The last cause of an error, without the number that the system has for it: `Connection refused`. The others speak of
/// the SDK's parts.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let text = last.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

fn speaks_of_credentials(causes: &str) -> bool {
    let causes = causes.to_ascii_lowercase();
    ["credential", "identity", "sso session", "sso token"].iter().any(|word| causes.contains(word))
}

/// The innermost causes of an error in one line; the outer ones only say that a call failed.
pub fn causes(error: &dyn Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        // What a process has said on its standard error may be of several lines.
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    let from = texts.len().saturating_sub(3);
    texts[from..].join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(batch: &str, logs: &str) -> Whereabouts {
        Whereabouts {
            batch: batch.into(),
            logs: logs.into(),
            scheduler: "s".into(),
            sts: "t".into(),
            ecs: Some("e".into()),
            events: None,
            pricing: None,
            ec2: None,
            autoscaling: None,
            profile: Some("ops".into()),
            renewal: Some("aws sso login --profile ops".into()),
            token_file: None,
            is_known: false,
        }
    }

    #[test]
    fn the_service_that_is_not_reached_is_named_and_what_may_be_wrong_with_its_place() {
        let mixed = at("http://127.0.0.1:1", "CloudWatch Logs in eu-wst-1");
        let cases = [
            ("ListJobs", "http://127.0.0.1:1 cannot be reached: why. Check the network and the endpoint settings"),
            ("GetLogEvents", "CloudWatch Logs in eu-wst-1 cannot be reached: why. Check the network and the name of"),
        ];
        for (operation, expected) in cases {
            let told = mixed.unreachable(operation, "why".into()).to_string();
            assert!(told.starts_with(expected), "{operation}: {told}");
        }
    }

    #[test]
    fn a_question_before_a_sentence_keeps_its_own_mark() {
        for (first, expected) in [("none", "none. Sign in"), ("none.", "none. Sign in"), ("any?", "any? Sign in")] {
            assert_eq!(sentences(first, "Sign in"), expected);
        }
    }

    #[test]
    fn a_denial_names_the_permission_that_is_missing() {
        let passes = "User: arn:aws:iam::1:user/ann is not authorized to perform: iam:PassRole on resource: arn:aws:x";
        let cases = [
            ("TerminateJob", "not for you", "batch:TerminateJob"),
            ("GetLogEvents", "not for you", "logs:GetLogEvents"),
            ("FilterLogEvents", "not for you", "logs:FilterLogEvents"),
            ("ListContainerInstances", "not for you", "ecs:ListContainerInstances"),
            ("ListTargetsByRule", "not for you", "events:ListTargetsByRule"),
            ("GetProducts", "not for you", "pricing:GetProducts"),
            ("DescribeScalingActivities", "not for you", "autoscaling:DescribeScalingActivities"),
            ("DescribeSpotPriceHistory", "not for you", "ec2:DescribeSpotPriceHistory"),
            ("CreateSchedule", "not for you", "scheduler:CreateSchedule"),
            ("CreateSchedule", passes, "iam:PassRole"),
        ];
        let at = at("AWS Batch in eu-west-1", "CloudWatch Logs in eu-west-1");
        for (operation, message, expected) in cases {
            let told = at.refusal(operation, "AccessDeniedException".into(), message.into()).to_string();
            assert_eq!(told, format!("the permission {expected} is missing: {message} (AccessDeniedException)"));
        }
    }

    #[test]
    fn credentials_say_what_renews_them_by_where_they_come_from() {
        let whose = |profile: Option<&str>, renewal: Option<&str>| Whereabouts {
            profile: profile.map(str::to_owned),
            renewal: renewal.map(str::to_owned),
            ..at("b", "l")
        };
        let cases = [
            (
                whose(Some("ops"), Some("aws sso login --profile corp")),
                "Sign in with `aws sso login --profile corp`, or",
            ),
            (whose(None, Some("aws sso login")), "Sign in with `aws sso login`, set keys with"),
            (whose(Some("ops"), Some("/usr/bin/vault aws")), "Renew them with `/usr/bin/vault aws`"),
            (whose(None, None), "Set AWS_ACCESS_KEY_ID and its like to new ones"),
            (
                Whereabouts { token_file: Some("/run/token".into()), ..whose(None, None) },
                "Have a fresh token written to `/run/token`; it is read again",
            ),
        ];
        for (whereabouts, expected) in cases {
            let told = whereabouts.credentials("old").to_string();
            assert!(told.starts_with(&format!("AWS credentials: old. {expected}")), "{told}");
        }
    }

    #[test]
    fn a_signature_that_is_refused_for_its_time_speaks_of_the_clock_and_of_no_credentials() {
        let at = at("AWS Batch in eu-west-1", "CloudWatch Logs in eu-west-1");
        let message = "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z".to_owned();
        let told = at.refusal("ListJobs", "InvalidSignatureException".into(), message).to_string();
        assert!(told.starts_with("this machine's clock is wrong; set it (`timedatectl set-ntp true`): Sig"), "{told}");
    }

    #[test]
    fn a_code_decides_what_kind_of_error_it_is() {
        let at = at("AWS Batch in eu-west-1", "CloudWatch Logs in eu-west-1");
        let cases = [
            ("ClientException", "refused"),
            ("AccessDeniedException", "refused"),
            ("ServerException", "refused"),
            ("TooManyRequestsException", "throttled"),
            ("ThrottlingException", "throttled"),
            ("429", "throttled"),
            ("ExpiredTokenException", "credentials"),
            ("UnrecognizedClientException", "credentials"),
            ("InvalidSignatureException", "credentials"),
            ("RequestTimeTooSkewed", "refused"),
            ("ResourceNotFoundException", "not found"),
        ];
        for (code, expected) in cases {
            let kind = match at.refusal("ListJobs", code.into(), "words".into()) {
                BackendError::Refused { .. } => "refused",
                BackendError::Throttled { .. } => "throttled",
                BackendError::Credentials { message, renewal } => {
                    assert_eq!(renewal.as_deref(), Some("aws sso login --profile ops"));
                    assert!(message.contains("aws sso login --profile ops"), "{message}");
                    "credentials"
                }
                BackendError::NotFound { .. } => "not found",
                other => panic!("{other:?}"),
            };
            assert_eq!(kind, expected, "{code}");
        }
    }
}
