//! Errors on the wire, in each service's own dress.

use super::sts::{NAMESPACE, escaped, xml};
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
    /// The query protocol, which answers in XML.
    Sts,
    /// None of those that are served here.
    Other,
}

impl Service {
    /// The name that stands in a signature's scope.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Scheduler => "scheduler",
            Self::Logs => "logs",
            Self::Sts => "sts",
            Self::Other => "",
        }
    }
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
            Service::Scheduler | Service::Other => "ValidationException",
            Service::Logs => "InvalidParameterException",
            Service::Sts => "ValidationError",
        };
        Self { service, status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// The request is no JSON, or something in it is of another type than the operation takes.
    pub(super) fn serialization(service: Service, message: String) -> Self {
        Self { service, status: StatusCode::BAD_REQUEST, code: "SerializationException", message }
    }

    pub(super) fn too_large(service: Service, message: String) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::invalid(service, message) }
    }

    pub(super) fn not_found(service: Service, message: impl Into<String>) -> Self {
        let (status, code) = match service {
            Service::Batch => (StatusCode::BAD_REQUEST, "ClientException"),
            Service::Scheduler => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            Service::Logs | Service::Sts | Service::Other => (StatusCode::BAD_REQUEST, "ResourceNotFoundException"),
        };
        Self { service, status, code, message: message.into() }
    }

    /// The path, or the operation, is none that is served here.
    pub(super) fn unknown_operation(service: Service, message: String) -> Self {
        let status = if service == Service::Logs { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
        let code = if service == Service::Sts { "InvalidAction" } else { "UnknownOperationException" };
        Self { service, status, code, message }
    }

    /// The request was not let in.
    pub(super) fn refused(service: Service, status: StatusCode, code: &'static str, message: String) -> Self {
        Self { service, status, code, message }
    }

    pub(super) fn server(service: Service, message: String) -> Self {
        let code = match service {
            Service::Batch => "ServerException",
            Service::Scheduler => "InternalServerException",
            Service::Logs => "ServiceUnavailableException",
            Service::Sts | Service::Other => "InternalFailure",
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
            CommandError::NotDurable(_) | CommandError::Full(_) | CommandError::Ending => {
                Self::server(service, error.to_string())
            }
        }
    }
}

impl ApiError {
    fn into_xml(self) -> Response {
        let (code, message) = (self.code, escaped(&self.message));
        let request = uuid::Uuid::new_v4().to_string();
        let text = format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
             </Error><RequestId>{request}</RequestId></ErrorResponse>"
        );
        xml(self.status, request, text)
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
            LogError::NotFound(_) | LogError::NoGroup(_) => Self::not_found(Service::Logs, message),
            LogError::Exists(_) => {
                let code = "ResourceAlreadyExistsException";
                Self { service: Service::Logs, status: StatusCode::BAD_REQUEST, code, message }
            }
            LogError::Invalid(_) => Self::invalid(Service::Logs, message),
            LogError::NoRoom(_) | LogError::Storage { .. } => Self::server(Service::Logs, message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = match self.service {
            Service::Batch => json!({ "message": self.message }),
            Service::Scheduler => json!({ "Message": self.message }),
            Service::Logs | Service::Other => json!({ "__type": self.code, "message": self.message }),
            Service::Sts => return self.into_xml(),
        };
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(self.code));
        response
    }
}
