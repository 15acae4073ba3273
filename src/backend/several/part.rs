//! One of several contexts.

use super::tag;
use crate::backend::{Backend, BackendError};
use crate::model::ComputeEnvironmentOrder;
use std::sync::Arc;

/// One of the contexts.
pub struct Part {
    pub context: String,
    pub backend: Arc<dyn Backend>,
    /// Nothing may be changed there.
    pub is_read_only: bool,
}

impl Part {
    /// An error with the context's name.
    pub(super) fn named(&self, error: BackendError) -> BackendError {
        let context = &self.context;
        match error {
            BackendError::Refused { code, message } => {
                BackendError::Refused { code, message: format!("{context}: {message}") }
            }
            BackendError::NotFound { what } => BackendError::NotFound { what: format!("{context}: {what}") },
            BackendError::Unreachable { endpoint, cause, hint } => {
                BackendError::Unreachable { endpoint: format!("{context}: {endpoint}"), cause, hint }
            }
            BackendError::Throttled { message } => BackendError::Throttled { message: format!("{context}: {message}") },
            BackendError::Credentials { message, renewal } => {
                BackendError::Credentials { message: format!("{context}: {message}"), renewal }
            }
            BackendError::Settings { message } => BackendError::Settings { message: format!("{context}: {message}") },
            other => other,
        }
    }

    pub(super) fn writable(&self) -> Result<(), BackendError> {
        if !self.is_read_only {
            return Ok(());
        }
        let message = format!("the context `{}` is read-only; nothing was sent there", self.context);
        Err(BackendError::Refused { code: "ReadOnlyContext".to_owned(), message })
    }

    pub(super) fn plain(&self, text: String) -> String {
        tag::plain(text, &self.context)
    }

    pub(super) fn order(&self, order: Vec<ComputeEnvironmentOrder>) -> Vec<ComputeEnvironmentOrder> {
        let one = |entry: ComputeEnvironmentOrder| ComputeEnvironmentOrder {
            compute_environment: self.plain(entry.compute_environment),
            ..entry
        };
        order.into_iter().map(one).collect()
    }
}
