//! `SigV4`: who signed a request, for which service and region, and whether the signature is theirs.
//!
//! The rules are those of "AWS Signature Version 4 for API requests" in the IAM User Guide, in headers and in the query
//! of a presigned URL. Nothing is taken on trust: the body's hash is always computed here, and every header that means
//! something to the engine has to be signed.

mod canonical;
#[cfg(test)]
mod tests;

use crate::daemon::credentials::Credentials;
use crate::model::Millis;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use canonical::{Sent, encoded, hex, parameters, unhex};
use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(in crate::daemon::api) use canonical::normal_path;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// How far the caller's clock may be from this machine's, as AWS has it.
const SKEW: Millis = 5 * 60 * 1_000;
/// The longest life of a presigned URL in seconds, as AWS has it.
const LONGEST_LIFE: u64 = 7 * 24 * 60 * 60;
/// Prefixes of headers that have to be signed where they are there.
const BINDING: [&str; 2] = ["x-amz-", "x-batchdeck-"];
/// Parameters that belong to the signature and to no operation.
const OWN_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];

/// What is wrong with a signature. The texts are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("Missing Authentication Token")]
    Missing,
    /// A part of the signature is not there or cannot be read.
    #[error("{0}")]
    Incomplete(String),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("{0}")]
    Invalid(String),
}

/// A signature as the caller states it, before anything of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    key_id: String,
    /// `YYYYMMDD`.
    date: String,
    pub region: String,
    pub service: String,
    /// `YYYYMMDD'T'HHMMSS'Z'`.
    signed_at: String,
    /// Seconds that a presigned URL lives; `None` where the signature stands in a header.
    life: Option<u64>,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

impl Claim {
    /// Reads the signature of a request, from its header or its query.
    pub(super) fn of(parts: &Parts) -> Result<Self, Fault> {
        let in_query: BTreeMap<String, String> = parameters(parts.uri.query().unwrap_or_default())
            .filter_map(|(name, value)| Some((String::from_utf8(name).ok()?, String::from_utf8(value).ok()?)))
            .filter(|(name, _)| OWN_PARAMETERS.contains(&name.as_str()))
            .collect();
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        match (header, in_query.contains_key("X-Amz-Signature")) {
            (Some(_), true) => Err(Fault::Incomplete(
                "the request is signed both in its Authorization header and in its query; one of them is enough".into(),
            )),
            (Some(header), false) => Self::from_header(header, &parts.headers),
            (None, true) => Self::from_query(&in_query),
            (None, false) => Err(Fault::Missing),
        }
    }

    fn from_header(header: &str, headers: &HeaderMap) -> Result<Self, Fault> {
        let fields = header.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with([' ', '\t'])).ok_or_else(|| {
            let given = header.split([' ', '\t']).next().unwrap_or_default();
            Fault::Incomplete(format!("Unsupported AWS 'algorithm': '{given}'. It takes '{ALGORITHM}'."))
        })?;
        let fields: BTreeMap<&str, &str> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let field = |name: &str| {
            let missing = || Fault::Incomplete(format!("Authorization header requires '{name}' parameter."));
            fields.get(name).copied().filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        Self::parse(field("Credential")?, field("SignedHeaders")?, field("Signature")?, &signed_at(headers)?, None)
    }

    fn from_query(parameters: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let parameter = |name: &str| {
            let missing = || {
                Fault::Incomplete(format!("AWS query-string parameters must include '{name}'. Re-examine the query."))
            };
            parameters.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        if parameter("X-Amz-Algorithm")? != ALGORITHM {
            let given = parameter("X-Amz-Algorithm")?;
            return Err(Fault::Incomplete(format!("Unsupported AWS 'algorithm': '{given}'. It takes '{ALGORITHM}'.")));
        }
        let expires = parameter("X-Amz-Expires")?;
        let life = expires.parse().ok().filter(|life| (1..=LONGEST_LIFE).contains(life)).ok_or_else(|| {
            Fault::Incomplete(format!("X-Amz-Expires is '{expires}'; it takes 1 to {LONGEST_LIFE} seconds"))
        })?;
        Self::parse(
            parameter("X-Amz-Credential")?,
            parameter("X-Amz-SignedHeaders")?,
            parameter("X-Amz-Signature")?,
            parameter("X-Amz-Date")?,
            Some(life),
        )
    }

    fn parse(
        credential: &str,
        signed_headers: &str,
        signature: &str,
        signed_at: &str,
        life: Option<u64>,
    ) -> Result<Self, Fault> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [key_id, date, region, service, terminator] = parts.as_slice() else {
            let form = "KEY_ID/YYYYMMDD/REGION/SERVICE/aws4_request";
            return Err(Fault::Incomplete(format!("Credential must have the form {form}, not '{credential}'.")));
        };
        if *terminator != TERMINATOR {
            let words =
                format!("Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'.");
            return Err(Fault::Invalid(words));
        }
        let signature = unhex(signature).filter(|bytes| bytes.len() == 32).ok_or_else(mismatch)?;
        Ok(Self {
            key_id: (*key_id).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            signed_at: signed_at.to_owned(),
            life,
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature,
        })
    }

    /// All that can be judged without the body: the key, the clock, the scope's date, which headers are signed.
    pub(super) fn check(&self, headers: &HeaderMap, credentials: &Credentials, now: Millis) -> Result<(), Fault> {
        if self.key_id != credentials.access_key_id || headers.contains_key("x-amz-security-token") {
            return Err(Fault::UnknownKey);
        }
        let at = moment(&self.signed_at).ok_or_else(|| {
            Fault::Incomplete(format!(
                "Date must be in ISO-8601 'basic format', as {}. Got '{}'.",
                basic(now),
                self.signed_at
            ))
        })?;
        let day = self.signed_at.get(..8).unwrap_or_default();
        if self.date != day {
            return Err(Fault::Invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{day}', from '{}'.",
                self.date, self.signed_at
            )));
        }
        if at > now + SKEW {
            let (latest, now) = (basic(now + SKEW), basic(now));
            let signed = &self.signed_at;
            return Err(Fault::Invalid(format!(
                "Signature not yet current: {signed} is still later than {latest} ({now} + 5 min.)"
            )));
        }
        let life = self.life.and_then(|seconds| Millis::try_from(seconds * 1_000).ok());
        if at + life.unwrap_or(SKEW) < now {
            let signed = &self.signed_at;
            return Err(Fault::Invalid(match life {
                None => format!(
                    "Signature expired: {signed} is now earlier than {} ({} - 5 min.)",
                    basic(now - SKEW),
                    basic(now)
                ),
                Some(life) => {
                    format!("Signature expired: the URL was good until {}, and it is {}", basic(at + life), basic(now))
                }
            }));
        }
        self.check_signed(headers)
    }

    /// What is not signed could have been changed on the way.
    fn check_signed(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let sorted = self.signed_headers.windows(2).all(|pair| pair[0] < pair[1]);
        let lower =
            self.signed_headers.iter().all(|name| !name.is_empty() && !name.bytes().any(|b| b.is_ascii_uppercase()));
        if !sorted || !lower {
            let words = "SignedHeaders must name headers in lower case and in ascending order, each once.";
            return Err(Fault::Incomplete(words.to_owned()));
        }
        if !self.signed_headers.iter().any(|name| name == "host") {
            return Err(Fault::Invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.".to_owned()));
        }
        let binding = |name: &str| BINDING.iter().any(|prefix| name.starts_with(prefix));
        let unsigned = headers
            .keys()
            .map(axum::http::HeaderName::as_str)
            .find(|name| binding(name) && !self.signed_headers.iter().any(|signed| signed == name));
        match unsigned {
            Some(name) => Err(Fault::Invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))),
            None => Ok(()),
        }
    }

    /// Whether the signature is that of this request with this body.
    pub(super) fn verify(&self, parts: &Parts, body: &[u8], credentials: &Credentials) -> Result<(), Fault> {
        let body_hash = hex(&Sha256::digest(body));
        if let Some(told) = parts.headers.get("x-amz-content-sha256")
            && told.as_bytes() != body_hash.as_bytes()
        {
            let told = String::from_utf8_lossy(told.as_bytes());
            return Err(Fault::Invalid(format!(
                "x-amz-content-sha256 is '{told}', and the SHA-256 of the body that came is '{body_hash}'. This engine \
                 takes no unsigned and no streamed payload."
            )));
        }
        let sent = Sent {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
        };
        let canonical = canonical::request(sent, &self.signed_headers, &body_hash);
        let scope = format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service);
        let hash = hex(&Sha256::digest(&canonical));
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hash}", self.signed_at);
        let key = signing_key(&credentials.secret_access_key, &self.date, &self.region, &self.service);
        // In constant time.
        mac(&key, to_sign.as_bytes()).verify_slice(&self.signature).map_err(|_| {
            let Fault::Invalid(words) = mismatch() else { return mismatch() };
            let canonical = String::from_utf8_lossy(&canonical);
            Fault::Invalid(format!(
                "{words}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\nThe \
                 String-to-Sign should have been\n'{to_sign}'\n"
            ))
        })
    }
}

/// The query without what belongs to the signature, in the form in which it was signed: so an operation reads what the
/// caller has signed and nothing else.
pub(super) fn bare_query(raw: &str) -> String {
    let own = |name: &[u8]| OWN_PARAMETERS.iter().any(|own| own.as_bytes() == name);
    let pairs: Vec<String> = parameters(raw)
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value)))
        .collect();
    pairs.join("&")
}

fn mismatch() -> Fault {
    Fault::Invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
            .to_owned(),
    )
}

/// `X-Amz-Date`, or `Date` in either of its forms.
fn signed_at(headers: &HeaderMap) -> Result<String, Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(date) = text("x-amz-date") {
        return Ok(date.to_owned());
    }
    let Some(date) = text("date") else {
        let words = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
        return Err(Fault::Incomplete(words.to_owned()));
    };
    Ok(DateTime::parse_from_rfc2822(date).map_or_else(|_| date.to_owned(), |at| basic(at.timestamp_millis())))
}

const BASIC: &str = "%Y%m%dT%H%M%SZ";

fn moment(text: &str) -> Option<Millis> {
    (text.len() == 16)
        .then(|| NaiveDateTime::parse_from_str(text, BASIC).ok())?
        .map(|at| at.and_utc().timestamp_millis())
}

fn basic(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().format(BASIC).to_string()
}

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text);
    mac
}

fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> Vec<u8> {
    [date, region, service, TERMINATOR].iter().fold(format!("AWS4{secret}").into_bytes(), |key, part| {
        mac(&key, part.as_bytes()).finalize().into_bytes().to_vec()
    })
}
