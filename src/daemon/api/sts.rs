//! The one operation of STS that tools ask before anything else: whose keys these are.

use super::caller::local_user;
use super::errors::{ApiError, Service};
use crate::daemon::credentials::Credentials;
use crate::model::Place;
use axum::body::Bytes;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The namespace of STS's answers.
pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers a call of STS's query protocol: a form in the body, XML back.
pub(super) fn answer(place: &Place, credentials: &Credentials, body: &Bytes) -> Response {
    let action = action(body);
    if action != "GetCallerIdentity" {
        let words = format!("Action is '{action}'; of STS this engine serves GetCallerIdentity alone");
        return ApiError::unknown_operation(Service::Sts, words).into_response();
    }
    let user = local_user().split('@').next().unwrap_or_default();
    let (arn, account, id) = (place.user_arn(user), &place.account, &credentials.access_key_id);
    let request = uuid::Uuid::new_v4().to_string();
    let text = format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId>\
         <Account>{}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>",
        escaped(&arn),
        escaped(id),
        escaped(account),
        request
    );
    xml(StatusCode::OK, request, text)
}

/// An answer in XML, with the request's id in its header as well.
pub(super) fn xml(status: StatusCode, request_id: String, text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/xml".to_owned()), (REQUEST_ID, request_id)];
    (status, headers, text).into_response()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The form's `Action`.
fn action(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let found = text.split('&').find_map(|pair| pair.strip_prefix("Action="));
    found.unwrap_or_default().to_owned()
}

/// Text as XML has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
