//! Errors on the wire, in each service's own dress.

use crate::daemon::driver::CommandError;
use crate::daemon::logs::LogError;
use crate::engine::command::Refusal;
use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Whose errors these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// AWS Batch, and what is ours.
    Batch,
    Scheduler,
    Logs,
}

/// An error as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    service: Service,
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    /// The caller can mend it.
    pub(super) fn invalid(service: Service, message: impl Into<String>) -> Self {
        let code = match service {
            Service::Batch => "ClientException",
            Service::Scheduler => "ValidationException",
            Service::Logs => "InvalidParameterException",
        };
        Self { service, status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(super) fn too_large(service: Service, message: String) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::invalid(service, message) }
    }

    pub(super) fn not_found(service: Service, message: impl Into<String>) -> Self {
        let (status, code) = match service {
            Service::Batch => (StatusCode::BAD_REQUEST, "ClientException"),
            Service::Scheduler => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Service::Logs => (StatusCode::BAD_REQUEST, "ResourceNotFoundException"),
        };
        Self { service, status, code, message: message.into() }
    }

    /// The path, or the operation, is none that is served here.
    pub(super) fn unknown_operation(service: Service, message: String) -> Self {
        let status = if service == Service::Logs { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
        Self { service, status, code: "UnknownOperationException", message }
    }

    fn server(service: Service, message: String) -> Self {
        let code = match service {
            Service::Batch => "ServerException",
            Service::Scheduler => "InternalServerException",
            Service::Logs => "ServiceUnavailableException",
        };
        Self { service, status: StatusCode::INTERNAL_SERVER_ERROR, code, message }
    }

    /// What the engine answered, in the service's words.
    pub(super) fn of(service: Service, error: CommandError) -> Self {
        match error {
            CommandError::Refused(Refusal::NotFound(message)) => Self::not_found(service, message),
            CommandError::Refused(Refusal::Conflict(message)) if service == Service::Scheduler => {
                Self { service, status: StatusCode::CONFLICT, code: "ConflictException", message }
            }
            CommandError::Refused(refusal) => Self::invalid(service, refusal.to_string()),
            CommandError::NotDurable(_) | CommandError::Ending => Self::server(service, error.to_string()),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        Self::of(Service::Batch, error)
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        let message = error.to_string();
        match error {
            LogError::NotFound(_) => Self::not_found(Service::Logs, message),
            LogError::Invalid(_) => Self::invalid(Service::Logs, message),
            LogError::Storage { .. } => Self::server(Service::Logs, message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = match self.service {
            Service::Batch => json!({ "message": self.message }),
            Service::Scheduler => json!({ "Message": self.message }),
            Service::Logs => json!({ "__type": self.code, "message": self.message }),
        };
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(self.code));
        response
    }
}
