//! The TCP door, before anyone serves it: its port, its key pair, and the file that says where it is.

use super::DaemonError;
use super::credentials::Credentials;
use crate::config::directories::replace_private;
use crate::config::{DataDirectory, HttpAddress};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// A bound port on loopback.
#[derive(Debug)]
pub(super) struct Door {
    pub listener: TcpListener,
    pub credentials: Credentials,
    /// The port is the one that the system chose where 0 was asked for.
    pub address: SocketAddr,
    pub sign: Sign,
}

/// The file that names the door's address; it goes with the engine.
#[derive(Debug)]
pub(super) struct Sign(PathBuf);

impl Drop for Sign {
    fn drop(&mut self) {
        // One that stays is replaced or removed at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

impl Door {
    /// Opens the door where one is wanted. A sign that a killed engine has left is taken down in any case.
    pub(super) async fn open(directory: &DataDirectory, at: Option<HttpAddress>) -> Result<Option<Self>, DaemonError> {
        let sign = Sign(directory.http());
        let Some(wanted) = at else { return Ok(None) };
        let failed = |cause| DaemonError::Http { address: wanted, cause };
        let listener = TcpListener::bind(wanted.get()).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let credentials = Credentials::take(directory)?;
        replace_private(&sign.0, format!("{address}\n").as_bytes())
            .map_err(|cause| DaemonError::NotWritable { path: sign.0.clone(), cause })?;
        Ok(Some(Self { listener, credentials, address, sign }))
    }
}
