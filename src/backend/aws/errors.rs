//! What the SDK says when a call fails, in the backend's own words.

use crate::backend::BackendError;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// Whom a call was made to, and as whom: what an error names.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// The endpoint, or `AWS Batch in REGION`.
    pub endpoint: String,
    pub profile: Option<String>,
}

const NETWORK: &str = "Check the network and the endpoint settings (AWS_ENDPOINT_URL), then try again";

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
                self.refusal(code, message)
            }
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
                BackendError::Malformed { operation, cause: causes(error) }
            }
            SdkError::TimeoutError(_) => self.unreachable(format!("no answer to {operation} in time")),
            other => {
                let causes = causes(other);
                if speaks_of_credentials(&causes) { self.credentials(&causes) } else { self.unreachable(causes) }
            }
        }
    }

    /// Credentials that cannot be had, with what mends it.
    pub fn credentials(&self, message: &str) -> BackendError {
        let mend = match &self.profile {
            Some(profile) => format!(
                "Sign in with `aws sso login --profile {profile}`, or set keys with `aws configure --profile {profile}`"
            ),
            None => "Sign in with `aws sso login`, set keys with `aws configure`, or name a profile with AWS_PROFILE"
                .to_owned(),
        };
        BackendError::Credentials { message: format!("{}. {mend}", message.trim_end_matches('.')) }
    }

    fn refusal(&self, code: String, message: String) -> BackendError {
        match code.as_str() {
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "429" => BackendError::Throttled { message },
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
            _ => BackendError::Refused { code, message },
        }
    }

    fn unreachable(&self, cause: String) -> BackendError {
        BackendError::Unreachable { endpoint: self.endpoint.clone(), cause, hint: NETWORK }
    }
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
        let text = cause.to_string();
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

    #[test]
    fn a_code_decides_what_kind_of_error_it_is() {
        let at = Whereabouts { endpoint: "AWS Batch in eu-west-1".into(), profile: Some("ops".into()) };
        let cases = [
            ("ClientException", "refused"),
            ("AccessDeniedException", "refused"),
            ("ServerException", "refused"),
            ("TooManyRequestsException", "throttled"),
            ("ThrottlingException", "throttled"),
            ("429", "throttled"),
            ("ExpiredTokenException", "credentials"),
            ("UnrecognizedClientException", "credentials"),
            ("ResourceNotFoundException", "not found"),
        ];
        for (code, expected) in cases {
            let kind = match at.refusal(code.into(), "words".into()) {
                BackendError::Refused { .. } => "refused",
                BackendError::Throttled { .. } => "throttled",
                BackendError::Credentials { message } => {
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
