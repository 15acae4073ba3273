//! The door on TCP: on loopback alone, with bounds on everything that a stranger on this machine could use up.

use super::signed::Gate;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

/// How long a request's head may take to arrive, and so how long a connection may do nothing.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A request's line and headers take at most so many bytes.
const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;
/// At most so many connections are open at once.
const MOST_CONNECTIONS: usize = 256;

/// Serves until `closed` resolves and open requests have ended.
pub(super) async fn serve(listener: TcpListener, gate: Arc<Gate>, closed: oneshot::Receiver<()>) {
    let (closing, is_closing) = watch::channel(false);
    let mut closed = pin!(closed);
    let guests = Guests::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A sender that is gone closes as well.
            _ = &mut closed => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Some(seat) = guests.seat() else { continue };
                    let (gate, is_closing) = (Arc::clone(&gate), is_closing.clone());
                    let known = Arc::clone(&seat.known);
                    let number = seat.number;
                    let task = connections.spawn(async move {
                        let _seat = seat;
                        talk(stream, gate, known, is_closing).await;
                    });
                    guests.sits(number, task);
                }
                Err(cause) => {
                    // Out of descriptors, most likely: others close some meanwhile.
                    tracing::error!(%cause, "no connection can be accepted on TCP");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Each connection has its own ear.
    let _ = closing.send(true);
    while connections.join_next().await.is_some() {}
}

async fn talk(stream: TcpStream, gate: Arc<Gate>, known: Arc<AtomicBool>, mut is_closing: watch::Receiver<bool>) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (gate, known) = (Arc::clone(&gate), Arc::clone(&known));
        async move {
            let (response, signed) = gate.answer(request.map(Body::new)).await;
            known.fetch_or(signed, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(LARGEST_HEAD)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = async { while !*is_closing.borrow_and_update() && is_closing.changed().await.is_ok() {} } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "a connection on TCP has ended early");
    }
}

/// Who is connected. When there is no room, the oldest that has never shown a valid signature has to go: so nobody
/// without the key can keep those out that have it.
#[derive(Debug, Default, Clone)]
struct Guests {
    seats: Arc<Mutex<BTreeMap<u64, Guest>>>,
    last: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Guest {
    known: Arc<AtomicBool>,
    task: Option<AbortHandle>,
}

/// One connection's seat, given back when it is dropped.
#[derive(Debug)]
struct Seat {
    number: u64,
    known: Arc<AtomicBool>,
    guests: Guests,
}

impl Guests {
    /// A seat for one more, where there is one or one can be made free.
    fn seat(&self) -> Option<Seat> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if seats.len() >= MOST_CONNECTIONS {
            let stranger =
                seats.iter().find(|(_, guest)| !guest.known.load(Ordering::Relaxed)).map(|(number, _)| *number);
            let Some(guest) = stranger.and_then(|number| seats.remove(&number)) else {
                tracing::warn!("{MOST_CONNECTIONS} connections are open on TCP, and one more was refused");
                return None;
            };
            if let Some(task) = guest.task {
                task.abort();
            }
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let known = Arc::new(AtomicBool::new(false));
        seats.insert(number, Guest { known: Arc::clone(&known), task: None });
        Some(Seat { number, known, guests: self.clone() })
    }

    /// Who sits there; one that has gone already has given its seat back.
    fn sits(&self, number: u64, task: AbortHandle) {
        if let Some(guest) = self.seats.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&number) {
            guest.task = Some(task);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.seats.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_make_room_for_others_and_those_with_a_key_stay() {
        let guests = Guests::default();
        let mut seats: Vec<Seat> = (0..MOST_CONNECTIONS).map(|_| guests.seat().expect("room")).collect();
        seats[0].known.store(true, Ordering::Relaxed);
        let next = guests.seat().expect("a stranger goes");
        let numbers = |guests: &Guests| guests.seats.lock().expect("sound").keys().copied().collect::<Vec<_>>();
        assert_eq!(numbers(&guests).len(), MOST_CONNECTIONS);
        assert!(numbers(&guests).contains(&seats[0].number) && !numbers(&guests).contains(&seats[1].number));

        next.known.store(true, Ordering::Relaxed);
        for seat in &seats {
            seat.known.store(true, Ordering::Relaxed);
        }
        assert!(guests.seat().is_none(), "all have a key");
        seats.truncate(100);
        assert!(guests.seat().is_some());
        drop((seats, next));
        assert!(numbers(&guests).is_empty());
    }
}
