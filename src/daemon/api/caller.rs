//! Who calls, and why.

use crate::daemon::driver::Call;
use crate::engine::command::{Action, Command};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::fs;
use std::sync::LazyLock;

/// The headers `x-batchdeck-by` and `x-batchdeck-reason`, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    by: String,
    reason: Option<String>,
    /// One of our own clients: all of them say who calls.
    ours: bool,
}

impl Caller {
    pub(super) fn command(self, action: Action) -> Call {
        Call { command: Command { by: self.by, reason: self.reason, action }, patient: self.ours }
    }

    /// A command whose reason stands in the request itself.
    pub(super) fn command_because(self, reason: &str, action: Action) -> Call {
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        Self { reason: reason.or_else(|| self.reason.clone()), ..self }.command(action)
    }

    fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name| {
            let raw = headers.get(name)?.to_str().ok()?;
            Some(percent_decode_str(raw).decode_utf8_lossy().into_owned()).filter(|text| !text.is_empty())
        };
        let named = text("x-batchdeck-by");
        let ours = named.is_some();
        let by = named.unwrap_or_else(|| local_user().to_owned());
        Self { by, reason: text("x-batchdeck-reason"), ours }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

/// `user@host`. Whoever does not say who they are, an AWS client for instance, is the user that may open the socket and
/// read the key pair: the engine's own.
pub(super) fn local_user() -> &'static str {
    &LOCAL_USER
}

static LOCAL_USER: LazyLock<String> = LazyLock::new(|| {
    let uid = rustix::process::geteuid().as_raw();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}@{}", name.unwrap_or_else(|| format!("uid-{uid}")), host.trim())
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_say_who_they_are_in_any_script_and_others_are_the_local_user() {
        let mut headers = HeaderMap::new();
        assert!(Caller::from_headers(&headers).by.contains('@'));
        headers.insert("x-batchdeck-by", "ann%40h%C3%B6st".parse().expect("a value"));
        headers.insert("x-batchdeck-reason", "f%C3%BCr%20Ann".parse().expect("a value"));
        let caller = Caller::from_headers(&headers);
        assert_eq!((caller.by.as_str(), caller.reason.as_deref()), ("ann@höst", Some("für Ann")));
    }
}
