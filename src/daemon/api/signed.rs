//! A request on TCP: whose it is, what it is for, and whether it is signed. Nothing that is not is served.
//!
//! The service is that of the path and of `X-Amz-Target`; the signature has to name the same one. The region is the one
//! that the signature names, as on AWS, where it is in the host's name as well.

use super::errors::{ApiError, Service};
use super::signature::{Claim, Fault, bare_query, normal_path};
use super::{LARGEST_BODY, Worlds, sts, too_large, with_request_id};
use crate::daemon::clock;
use crate::daemon::credentials::Credentials;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a request's body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// What is ours is signed as AWS Batch is.
const OURS: &str = "/batchdeck/v1/";

/// What answers signed requests.
#[derive(Debug)]
pub(super) struct Gate {
    pub worlds: Arc<Worlds>,
    pub credentials: Credentials,
}

impl Gate {
    /// Answers a request; says whether it was signed.
    pub(super) async fn answer(&self, request: Request) -> (Response, bool) {
        let (parts, body) = request.into_parts();
        let service = service_of(&parts);
        match self.admit(service, parts, body).await {
            Ok((region, parts, body)) => (self.route(service, &region, parts, body).await, true),
            Err(refusal) => {
                tracing::info!(?refusal, "a request on TCP was refused");
                (with_request_id(refusal.into_response()).await, false)
            }
        }
    }

    /// The region that the request is for, and the request as it was signed.
    async fn admit(&self, service: Service, mut parts: Parts, body: Body) -> Result<(String, Parts, Bytes), ApiError> {
        let refuse = |fault| refusal(service, &fault);
        let claim = Claim::of(&parts).map_err(refuse)?;
        claim.check(&parts.headers, &self.credentials, clock::wall()).map_err(refuse)?;
        if service == Service::Other || service == Service::Sts && claim.service != "sts" {
            let words = format!(
                "the request is for the service '{}'; this engine serves batch, logs, scheduler, and of sts \
                 GetCallerIdentity",
                claim.service
            );
            return Err(ApiError::unknown_operation(service, words));
        }
        if claim.service != service.signing_name() {
            let words = format!("Credential should be scoped to correct service: '{}'.", service.signing_name());
            return Err(refuse(Fault::Invalid(words)));
        }
        if !self.worlds.serves(&claim.region) {
            let words = format!("Credential should be scoped to a valid region, not '{}'.", claim.region);
            return Err(refuse(Fault::Invalid(words)));
        }
        let home = self.worlds.home();
        if parts.uri.path().starts_with(OURS) && claim.region != home {
            let words = format!(
                "{OURS} is the engine's own and speaks of its region {home}; the signature names {}",
                claim.region
            );
            return Err(ApiError::invalid(service, words));
        }
        let body = timeout(BODY_WITHIN, to_bytes(body, LARGEST_BODY)).await.map_err(|_| {
            let words = format!("the request's body did not come within {} s", BODY_WITHIN.as_secs());
            ApiError::refused(service, StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException", words)
        })?;
        let body = body.map_err(|cause| too_large(service, &cause))?;
        claim.verify(&parts, &body, &self.credentials).map_err(refuse)?;
        // What was signed is the path in its normal form: no other one may reach a route.
        if normal_path(parts.uri.path()) != parts.uri.path() {
            let words = format!("the path {} has empty segments or dots; write it without", parts.uri.path());
            return Err(ApiError::unknown_operation(service, words));
        }
        parts.uri = with_query(&parts.uri, &bare_query(parts.uri.query().unwrap_or_default()))
            .map_err(|cause| ApiError::invalid(service, format!("the request's query cannot be read: {cause}")))?;
        Ok((claim.region, parts, body))
    }

    async fn route(&self, service: Service, region: &str, parts: Parts, body: Bytes) -> Response {
        if service == Service::Sts {
            return with_request_id(sts::answer(&self.worlds.place(region), &self.credentials, &body)).await;
        }
        let request = Request::from_parts(parts, Body::from(body));
        let Ok(response) = TowerToHyperService::new(self.worlds.router(region)).call(request).await;
        response
    }
}

/// Whose operation it is, or would be. At `/` it is that of the target, or one of the query protocol.
fn service_of(parts: &Parts) -> Service {
    let path = parts.uri.path();
    if path != "/" {
        return super::service_of(&parts.uri);
    }
    match parts.headers.get("x-amz-target") {
        Some(target) if target.as_bytes().starts_with(b"Logs_") => Service::Logs,
        Some(_) => Service::Other,
        None => Service::Sts,
    }
}

fn refusal(service: Service, fault: &Fault) -> ApiError {
    // The query protocol's codes have no ending.
    let (plain, xml) = match fault {
        Fault::Missing => ("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
        Fault::Incomplete(_) => ("IncompleteSignatureException", "IncompleteSignature"),
        Fault::UnknownKey => ("UnrecognizedClientException", "InvalidClientTokenId"),
        Fault::Invalid(_) => ("InvalidSignatureException", "SignatureDoesNotMatch"),
    };
    let code = if service == Service::Sts { xml } else { plain };
    ApiError::refused(service, StatusCode::FORBIDDEN, code, fault.to_string())
}

fn with_query(uri: &Uri, query: &str) -> Result<Uri, axum::http::uri::InvalidUri> {
    let path = uri.path();
    if query.is_empty() { path.parse() } else { format!("{path}?{query}").parse() }
}
