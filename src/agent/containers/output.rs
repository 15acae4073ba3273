//! A container's output, followed to its log.

use super::{ABSENCE, RETRY};
use crate::agent::log_file::{Logger, Stream, last_words};
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use chrono::{DateTime, Utc};
use futures::{Stream as Source, StreamExt as _};
use std::pin::Pin;
use std::time::Instant;
use tokio::sync::oneshot;

type Pieces = Pin<Box<dyn Source<Item = Result<LogOutput, Error>> + Send>>;

/// Writes the container's output to the log until it is closed, or for a moment longer than the container lives. When
/// the runtime goes away meanwhile, what it has kept is read on once it is back. What [`Logger::finish`] answers.
pub(super) async fn pump(
    docker: Docker,
    id: String,
    mut output: Pieces,
    mut logger: Logger,
    is_over: oneshot::Receiver<()>,
) -> Option<String> {
    let last_words = last_words(async {
        let _ = is_over.await;
    });
    tokio::pin!(last_words);
    // Pieces that are read again carry their times; those before this one were written already.
    let mut seen: Option<DateTime<Utc>> = None;
    let mut again = false;
    loop {
        let piece = tokio::select! {
            piece = output.next() => piece,
            () = &mut last_words => break,
        };
        match piece {
            Some(Ok(piece)) => {
                let stream = match &piece {
                    LogOutput::StdErr { .. } => Stream::Stderr,
                    _ => Stream::Stdout,
                };
                let bytes = piece.into_bytes();
                if !again {
                    seen = Some(Utc::now());
                    logger.take(stream, &bytes).await;
                } else if let Some((at, line)) = timed(&bytes)
                    && seen.is_none_or(|seen| at > seen)
                {
                    seen = Some(at);
                    logger.take(stream, line).await;
                }
            }
            ended => {
                if let Some(Err(error)) = ended {
                    tracing::warn!(container = id, %error, "a container's output cannot be read on");
                }
                let resumed = tokio::select! {
                    resumed = resume(&docker, &id, seen) => resumed,
                    () = &mut last_words => None,
                };
                match resumed {
                    Some(pieces) => (output, again) = (pieces, true),
                    None => break,
                }
            }
        }
    }
    logger.finish().await
}

/// What the container says from then on, once the runtime answers again; `None` when the container has ended.
async fn resume(docker: &Docker, id: &str, seen: Option<DateTime<Utc>>) -> Option<Pieces> {
    let begin = Instant::now();
    loop {
        match docker.inspect_container(id, None).await {
            Ok(found) if found.state.as_ref().and_then(|state| state.running) == Some(true) => {
                let since = seen.and_then(|seen| i32::try_from(seen.timestamp()).ok()).unwrap_or_default();
                let options = LogsOptions {
                    follow: true,
                    stdout: true,
                    stderr: true,
                    timestamps: true,
                    since,
                    ..LogsOptions::default()
                };
                // A container whose output is closed while it runs would be asked without a pause.
                tokio::time::sleep(RETRY).await;
                return Some(Box::pin(docker.logs(id, Some(options))));
            }
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => return None,
            Err(_) if begin.elapsed() > ABSENCE => return None,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// `2026-11-24T10:00:00.123456789Z text`: the time that the runtime puts before each line, and the line.
fn timed(bytes: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b' ')?;
    let time = std::str::from_utf8(&bytes[..end]).ok()?;
    Some((DateTime::parse_from_rfc3339(time).ok()?.to_utc(), &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_read_again_is_known_by_its_time() {
        let (at, line) = timed(b"2026-11-24T10:00:00.123456789Z two words\n").expect("a time");
        assert_eq!((at.timestamp_subsec_millis(), line), (123, &b"two words\n"[..]));
        for text in ["", "words alone", "nospace"] {
            assert_eq!(timed(text.as_bytes()), None, "{text}");
        }
    }
}
