//! Unix sockets that only their owner may use.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// The same, as axum wants it, and with some descriptors left for what matters more than one more connection: agents, the
/// journal, logs.
pub(super) struct OwnListener {
    listener: UnixListener,
    /// How many descriptors this process may have.
    descriptors: u64,
}

impl OwnListener {
    pub(super) fn new(listener: UnixListener) -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        Self { listener, descriptors: limit.unwrap_or(u64::MAX) }
    }

    fn kept_back(&self) -> u64 {
        (self.descriptors / 4).min(MOST_KEPT_BACK)
    }
}

/// A quarter of all descriptors, and at most so many, are not given to connections.
const MOST_KEPT_BACK: u64 = 64;
/// How long one that is turned away has to say what it wanted.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl axum::serve::Listener for OwnListener {
    type Io = UnixStream;
    /// Whoever connects to a unix socket has no address.
    type Addr = ();

    async fn accept(&mut self) -> (UnixStream, ()) {
        loop {
            let stream = accept_own(&self.listener).await;
            // A new descriptor has the lowest number that is free: below it all are taken.
            let taken = u64::try_from(stream.as_raw_fd()).unwrap_or(u64::MAX);
            let free = self.descriptors.saturating_sub(taken);
            if free > self.kept_back() {
                return (stream, ());
            }
            tracing::warn!(taken, limit = self.descriptors, "a connection was turned away: too many are open");
            // The very last are not waited with.
            if free > self.kept_back() / 2 {
                tokio::spawn(turn_away(stream, self.descriptors));
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Says why, in an answer as AWS's services give one.
async fn turn_away(mut stream: UnixStream, descriptors: u64) {
    let message = format!(
        "the engine has as many connections as its {descriptors} file descriptors let it have; close consoles and \
         watchers, or start it again with a higher limit (ulimit -n). Jobs go on meanwhile"
    );
    let body = serde_json::json!({ "message": message }).to_string();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nx-amzn-errortype: ServerException\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // Whoever is hung up on in the middle of a sentence hears no answer.
    let mut request = [0; 16 * 1024];
    let _ = tokio::time::timeout(LAST_WORDS, stream.read(&mut request)).await;
    let _ = tokio::time::timeout(LAST_WORDS, stream.write_all(answer.as_bytes())).await;
}
