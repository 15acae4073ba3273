//! One agent's connection: JSON lines both ways.

use super::{ConnectionNumber, Instances, Note};
use crate::agent::message::{PROTOCOL, ToAgent, ToEngine};
use crate::daemon::driver::Driver;
use crate::model::InstanceId;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// So many messages at most are sent with one write.
const AT_ONCE: usize = 64;

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
    let mut lines = BufReader::new(reader).lines();
    let instance = match greet(&mut lines, writer, number, &instances, &driver).await {
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
        let Ok(heard) = timeout(listens, next(&mut lines)).await else {
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
    lines: &mut Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    number: ConnectionNumber,
    instances: &Instances,
    driver: &Driver,
) -> io::Result<InstanceId> {
    let Some(hello) = next(lines).await? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
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

async fn next(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> io::Result<Option<ToEngine>> {
    match lines.next_line().await? {
        None => Ok(None),
        Some(line) => serde_json::from_str(&line).map(Some).map_err(io::Error::other),
    }
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
