//! Unix sockets that only their owner may use.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// Binds a socket of mode 0600. One that is left from a killed engine is replaced: the caller holds the engine's lock,
/// so nobody listens there.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Ok(()) => tracing::info!(path = %path.display(), "replaced a socket that was left behind"),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// The next connection from a process of the same user; others are dropped.
pub(super) async fn accept_own(listener: &UnixListener) -> UnixStream {
    let own = rustix::process::geteuid().as_raw();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(peer) if peer.uid() == own => return stream,
                Ok(peer) => tracing::warn!(uid = peer.uid(), "a connection of another user was refused"),
                Err(cause) => tracing::warn!(%cause, "a connection of nobody knows whom was refused"),
            },
            Err(cause) => {
                // Out of descriptors, most likely: others close some meanwhile.
                tracing::error!(%cause, "no connection can be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// The same, as axum wants it.
pub(super) struct OwnListener(pub UnixListener);

impl axum::serve::Listener for OwnListener {
    type Io = UnixStream;
    /// Whoever connects to a unix socket has no address.
    type Addr = ();

    async fn accept(&mut self) -> (UnixStream, ()) {
        (accept_own(&self.0).await, ())
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
