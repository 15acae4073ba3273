//! One agent's connection: JSON lines both ways.

use super::{ConnectionNumber, Instances, Note};
use crate::agent::message::{PROTOCOL, ToAgent, ToEngine};
use crate::daemon::driver::Driver;
use crate::model::InstanceId;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// So many messages at most are sent with one write.
const AT_ONCE: usize = 64;
/// Who has not said who it is by then is no agent.
const GREETS_WITHIN: Duration = Duration::from_mins(1);
/// The longest message, in bytes.
const MESSAGE_LIMIT: u64 = 16 * 1024 * 1024;

/// What an agent says, message by message. What was read of one is kept where a wait for the rest is given up.
struct Words {
    reader: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

impl Words {
    fn of(reader: OwnedReadHalf) -> Self {
        Self { reader: BufReader::new(reader), line: Vec::new() }
    }

    /// `None`: it has closed the connection, perhaps within a message.
    async fn next(&mut self) -> io::Result<Option<ToEngine>> {
        let room = MESSAGE_LIMIT.saturating_sub(self.line.len() as u64);
        (&mut self.reader).take(room).read_until(b'\n', &mut self.line).await?;
        if self.line.last() == Some(&b'\n') {
            let message = serde_json::from_slice(&self.line).map(Some).map_err(io::Error::other);
            self.line.clear();
            return message;
        }
        if self.line.len() as u64 >= MESSAGE_LIMIT {
            return Err(io::Error::other(format!("it said more than {MESSAGE_LIMIT} bytes without an end")));
        }
        Ok(None)
    }
}

/// Takes agents' connections for ever; all of them end when this is dropped.
pub(in crate::daemon) async fn accept(listener: UnixListener, listens: Duration, instances: Instances, driver: Driver) {
    let mut connections = JoinSet::new();
    let mut number: ConnectionNumber = 0;
    loop {
        tokio::select! {
            accepted = crate::daemon::socket::accept_own(&listener) => {
                number += 1;
                connections.spawn(talk(accepted, number, listens, instances.clone(), driver.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(stream: UnixStream, number: ConnectionNumber, listens: Duration, instances: Instances, driver: Driver) {
    let (reader, writer) = stream.into_split();
    let mut words = Words::of(reader);
    let greeted = timeout(GREETS_WITHIN, greet(&mut words, writer, number, &instances, &driver)).await;
    let instance = match greeted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(instance) => instance,
        Err(cause) => {
            tracing::warn!(%cause, "an agent's connection was refused");
            return;
        }
    };
    // Counted in whole waits, each of which has looked for a message first: an engine that was itself asleep hears what
    // was said meanwhile, and takes nobody for hung.
    let mut waits = 0;
    let silent = |waits: u32| {
        instances.note(Note::Silent { instance: instance.clone(), number, since: listens * waits });
    };
    let cause = loop {
        let Ok(heard) = timeout(listens, words.next()).await else {
            waits += 1;
            silent(waits);
            continue;
        };
        if waits > 0 {
            waits = 0;
            silent(0);
        }
        match heard {
            Ok(Some(ToEngine::Hello { .. })) => break "it said hello twice".to_owned(),
            Ok(Some(ToEngine::Alive)) => {}
            Ok(Some(message)) => driver.said(instance.clone(), message),
            Ok(None) => break "it closed the connection".to_owned(),
            Err(cause) => break cause.to_string(),
        }
    };
    tracing::info!(%instance, %cause, "an agent is disconnected");
    instances.note(Note::Disconnected { instance, number });
}

/// Hears who it is. The instances know the connection before the engine hears of it, so that what the engine then asks
/// for has somewhere to go.
async fn greet(
    words: &mut Words,
    writer: OwnedWriteHalf,
    number: ConnectionNumber,
    instances: &Instances,
    driver: &Driver,
) -> io::Result<InstanceId> {
    let Some(hello) = words.next().await? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    let ToEngine::Hello { protocol, instance, pid, limits, .. } = &hello else {
        return Err(io::Error::other("it did not say hello first"));
    };
    if *protocol != PROTOCOL {
        let words = format!(
            "agent {instance} speaks protocol {protocol}, this engine speaks {PROTOCOL}: use one version of batchdeck"
        );
        return Err(io::Error::other(words));
    }
    let (instance, pid, limits) = (instance.clone(), *pid, limits.clone());
    let (to_agent, outgoing) = mpsc::unbounded_channel();
    tokio::spawn(write(writer, outgoing));
    instances.note(Note::Connected { instance: instance.clone(), number, pid, limits, to_agent });
    driver.said(instance.clone(), hello);
    Ok(instance)
}

/// Ends, and closes its half, when the sender is dropped or the agent is gone.
async fn write(mut writer: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<ToAgent>) {
    let (mut waiting, mut lines) = (Vec::new(), Vec::new());
    while outgoing.recv_many(&mut waiting, AT_ONCE).await > 0 {
        for line in waiting.drain(..).filter_map(|message| serde_json::to_vec(&message).ok()) {
            lines.extend(line);
            lines.push(b'\n');
        }
        if writer.write_all(&lines).await.is_err() {
            // The reading half notices as well, and says so.
            return;
        }
        lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Words, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        // The other half would close it when it is dropped.
        let (reader, writer) = ours.into_split();
        writer.forget();
        (Words::of(reader), theirs)
    }

    #[tokio::test]
    async fn a_message_that_comes_in_pieces_is_one_and_one_that_never_ends_is_given_up() {
        let (mut words, mut agent) = pair();
        agent.write_all(b"\"al").await.expect("said");
        // Nothing more comes.
        assert!(timeout(Duration::from_millis(1), words.next()).await.is_err());
        agent.write_all(b"ive\"\n\"alive\"\n").await.expect("said");
        for _ in 0..2 {
            assert_eq!(words.next().await.expect("a message"), Some(ToEngine::Alive));
        }
        agent.write_all(b"{\"no such\":1}\n").await.expect("said");
        assert!(words.next().await.is_err());
        let endless = tokio::spawn(async move {
            let piece = vec![b'x'; 1 << 20];
            // It is hung up on.
            while agent.write_all(&piece).await.is_ok() {}
        });
        let refused = words.next().await.expect_err("too long").to_string();
        assert!(refused.contains("16777216 bytes without an end"), "{refused}");
        drop(words);
        endless.await.expect("it ends");
    }

    #[tokio::test]
    async fn who_hangs_up_within_a_message_has_said_nothing() {
        let (mut words, mut agent) = pair();
        agent.write_all(b"\"alive\"").await.expect("said");
        drop(agent);
        assert_eq!(words.next().await.expect("no fault"), None);
    }

    const SAID: [&str; 3] = [
        r#"{"hello":{"protocol":2,"instance":"i-0123456789abcdef0","pid":7,"limits":"watched","held":[{"attempt":{"job":"j","number":1},"startedAt":5,"exit":null}]}}"#,
        r#"{"exited":{"attempt":{"job":"j","number":1},"exit":{"at":9,"startedAt":5,"code":137,"reason":"OutOfMemoryError"}}}"#,
        r#"{"started":{"attempt":{"job":"j","number":1},"at":5,"address":"10.0.0.2"}}"#,
    ];

    #[test]
    fn what_is_made_almost_right_below_was_right() {
        for text in SAID {
            serde_json::from_str::<ToEngine>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    crate::model::mutation::fuzz! {
        fn a_message_of_an_agent_that_is_almost_right_is_read_or_refused(
            texts in SAID.map(crate::model::mutation::mutated_text)
        ) {
            for text in texts {
                if let Ok(message) = serde_json::from_str::<ToEngine>(&text) {
                    let again = serde_json::to_string(&message).expect("written");
                    proptest::prop_assert_eq!(serde_json::from_str::<ToEngine>(&again).expect("read"), message);
                }
            }
        }
    }
}
