//! How a call is made: when the budget allows it, again where that can do no harm, and with what its failure teaches for
//! the calls after it.

use super::budget::Caller;
use super::errors::{Fate, speaks_of_the_clock};
use super::service::Service;
use crate::backend::BackendError;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use std::future::Future;
use std::time::Duration;

/// How often a call is made that fails by what passes, and how often one that nobody answers in time: each of those keeps
/// somebody waiting long. The pause is that after the first time.
const ATTEMPTS: u32 = 3;
const ATTEMPTS_IN_TIME: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What the SDK tells of a call that was refused.
pub trait Failure: ProvideErrorMetadata + std::error::Error + 'static {}

impl<E: ProvideErrorMetadata + std::error::Error + 'static> Failure for E {}

/// A call of the SDK on its way.
pub trait Outcome<T, E>: Future<Output = Result<T, SdkError<E>>> + Send {}

impl<T, E, F: Future<Output = Result<T, SdkError<E>>> + Send> Outcome<T, E> for F {}

impl Service {
    /// Makes a call when the budget allows it, and again where it failed by what passes: a fault of the service or of the
    /// connection, or too many calls.
    pub async fn call<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: Failure,
        F: Outcome<T, E>,
    {
        self.attempts(caller, operation, true, send).await
    }

    /// Makes a call that must not take effect twice: again where it certainly took none. Where nobody knows, it is
    /// [`BackendError::Unsure`].
    pub async fn call_once<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: Failure,
        F: Outcome<T, E>,
    {
        self.attempts(caller, operation, false, send).await
    }

    async fn attempts<T, E, F>(
        &self,
        caller: Caller,
        operation: &'static str,
        may_repeat: bool,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, BackendError>
    where
        E: Failure,
        F: Outcome<T, E>,
    {
        let mut attempt = 1;
        loop {
            self.budget.spend(caller).await;
            let flight = self.flights.begin();
            // The SDK's futures are large.
            let outcome = Box::pin(send()).await;
            drop(flight);
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let fate = Fate::of(&error);
            let Learnt { told, is_mended } = self.learn(operation, &error).await;
            let is_throttled = matches!(told, BackendError::Throttled { .. });
            if !(is_throttled || is_mended) && fate == Fate::Unknown && !may_repeat {
                return Err(unsure(operation, told));
            }
            let most = if matches!(error, SdkError::TimeoutError(_)) { ATTEMPTS_IN_TIME } else { ATTEMPTS };
            if attempt >= most || !(is_throttled || is_mended || fate != Fate::Decided) {
                return Err(told);
            }
            // After too many calls, the budget itself makes a pause; what was mended is tried at once.
            if !is_throttled && !is_mended {
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt)).await;
            }
            attempt += 1;
        }
    }

    /// What an error tells for later calls, and the error in the backend's words.
    async fn learn<E: Failure>(&self, operation: &'static str, error: &SdkError<E>) -> Learnt {
        let mut told = self.at.error(operation, error);
        if let (BackendError::Credentials { message, renewal }, Some(words)) = (&mut told, self.words_of_code()) {
            (*message, *renewal) = (words, None);
        }
        let is_mended = match (&told, &self.credentials) {
            (BackendError::Throttled { .. }, _) => {
                self.budget.throttled(retry_after(error));
                false
            }
            (BackendError::Credentials { .. }, Some(credentials)) => credentials.forget().await,
            (BackendError::Refused { code, message }, _) if speaks_of_the_clock(code, message) => {
                header(error, "date").is_some_and(|date| self.clock.learn(date))
            }
            _ => false,
        };
        Learnt { told, is_mended }
    }
}

/// What an error tells.
struct Learnt {
    told: BackendError,
    /// What it was refused for has been set right: the same call may be made again at once.
    is_mended: bool,
}

fn unsure(operation: &'static str, told: BackendError) -> BackendError {
    let cause = match told {
        BackendError::Unreachable { cause, .. } => cause,
        other => other.to_string(),
    };
    BackendError::Unsure { operation, cause, next: "look whether it took effect before you try again".to_owned() }
}

/// For how long the service wants no calls, where it says so in seconds.
fn retry_after<E>(error: &SdkError<E>) -> Option<Duration> {
    Some(Duration::from_secs(header(error, "retry-after")?.trim().parse().ok()?))
}

fn header<'e, E>(error: &'e SdkError<E>, name: &str) -> Option<&'e str> {
    error.raw_response()?.headers().get(name)
}
