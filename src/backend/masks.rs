//! What stands in the place of a secret is nobody's value: it is not submitted.

use super::BackendError;
use crate::model::{SubmitJobRequest, secret};

/// Of a job that AWS has forgotten, values that look secret were not kept, and what is shown or copied has none of them.
pub(super) fn refuse(request: &SubmitJobRequest) -> Result<(), BackendError> {
    let has_mask = serde_json::to_string(request).is_ok_and(|text| text.contains(secret::MASK));
    let message = format!(
        "a value of `{}` is only {}, which stands in the place of a secret: give it its value first",
        request.job_name,
        secret::MASK
    );
    if has_mask { Err(BackendError::Refused { code: "SecretNotKept".to_owned(), message }) } else { Ok(()) }
}
