//! The address of the engine's TCP door.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// `ADDRESS:PORT` on loopback; port 0 lets the system choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpAddress(SocketAddr);

/// Why a text is no address of a door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpAddressError {
    #[error("`{0}` is not ADDRESS:PORT; it takes one as 127.0.0.1:4566, or 127.0.0.1:0 for any free port")]
    Form(String),
    #[error(
        "`{0}` is not a loopback address: the engine serves this machine alone. Use 127.0.0.1:{port}, and a tunnel as \
         `ssh -L` from elsewhere",
        port = .0.port()
    )]
    NotLoopback(SocketAddr),
}

impl HttpAddress {
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for HttpAddress {
    type Err = HttpAddressError;

    fn from_str(text: &str) -> Result<Self, HttpAddressError> {
        let plain = text.trim_start_matches("http://").trim_end_matches('/');
        let numeric = plain.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address: SocketAddr =
            numeric.as_deref().unwrap_or(plain).parse().map_err(|_| HttpAddressError::Form(text.to_owned()))?;
        if address.ip().is_loopback() { Ok(Self(address)) } else { Err(HttpAddressError::NotLoopback(address)) }
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for HttpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HttpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_on_loopback_and_nowhere_else() {
        let good = [
            ("127.0.0.1:4566", "127.0.0.1:4566"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.1.2.3:80", "127.1.2.3:80"),
            ("[::1]:4566", "[::1]:4566"),
            ("localhost:4566", "127.0.0.1:4566"),
            ("http://127.0.0.1:4566/", "127.0.0.1:4566"),
        ];
        for (text, expected) in good {
            assert_eq!(text.parse::<HttpAddress>().expect(text).to_string(), expected);
        }
        let bad = [
            ("0.0.0.0:4566", "not a loopback address"),
            ("192.168.1.5:80", "Use 127.0.0.1:80"),
            ("[::]:4566", "not a loopback address"),
            ("[::ffff:10.0.0.1]:1", "not a loopback address"),
            ("4566", "127.0.0.1:4566"),
            ("127.0.0.1", "ADDRESS:PORT"),
            ("127.0.0.1:99999", "ADDRESS:PORT"),
            ("example.com:80", "ADDRESS:PORT"),
        ];
        for (text, words) in bad {
            let refusal = text.parse::<HttpAddress>().expect_err(text).to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
    }
}
