//! A server for tests: it plays the answers it is told to, piece by piece, and keeps what it was asked.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use http_body_util::BodyExt;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `METHOD PATH?QUERY`.
    pub line: String,
    pub headers: axum::http::HeaderMap,
    /// What is no JSON is its text.
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// What is answered: the body's pieces go out one by one.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub code: Option<&'static str>,
    pub pieces: Vec<Vec<u8>>,
    pub ending: Ending,
    /// The `date` of the answer, where it is not the present one.
    pub date: Option<String>,
}

/// What comes after the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Complete,
    /// The body stays open for ever.
    Open,
    /// The connection is cut.
    Cut,
    /// Not even a head is sent.
    Mute,
}

impl Answer {
    pub fn json(value: &Value) -> Self {
        Self::pieces(&[value.to_string().as_bytes()], Ending::Complete)
    }

    pub fn pieces(pieces: &[&[u8]], ending: Ending) -> Self {
        let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
        Self { status: 200, code: None, pieces, ending, date: None }
    }

    pub fn error(status: u16, code: Option<&'static str>, body: &str) -> Self {
        Self { status, code, ..Self::pieces(&[body.as_bytes()], Ending::Complete) }
    }
}

type Play = dyn Fn(&Asked) -> Answer + Send + Sync;

struct Stage {
    play: Box<Play>,
    asked: Mutex<Vec<Asked>>,
}

/// The running server. Dropping it cuts its connections, as the death of its process would.
pub struct Stub {
    stage: Arc<Stage>,
    runtime: Option<Runtime>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Elsewhere, as no runtime may end within another; and to its end, so that no connection outlives the drop.
            std::thread::spawn(move || drop(runtime)).join().expect("ends");
        }
    }
}

impl Stub {
    pub fn on_socket(socket: &Path, play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let stub = Self::new(play);
        let runtime = stub.runtime.as_ref().expect("runs");
        // A dead engine leaves its socket behind.
        let _ = std::fs::remove_file(socket);
        let listener = std::os::unix::net::UnixListener::bind(socket).expect("binds");
        listener.set_nonblocking(true).expect("sets");
        let router = stub.router();
        runtime.spawn(async move {
            axum::serve(UnixListener::from_std(listener).expect("listens"), router).await.expect("serves");
        });
        stub
    }

    pub fn on_loopback(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Self, SocketAddr) {
        let stub = Self::new(play);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        listener.set_nonblocking(true).expect("sets");
        let address = listener.local_addr().expect("bound");
        let router = stub.router();
        stub.runtime.as_ref().expect("runs").spawn(async move {
            axum::serve(TcpListener::from_std(listener).expect("listens"), router).await.expect("serves");
        });
        (stub, address)
    }

    /// All that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.stage.asked.lock().expect("not poisoned").clone()
    }

    fn new(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("starts");
        let stage = Stage { play: Box::new(play), asked: Mutex::default() };
        Self { stage: Arc::new(stage), runtime: Some(runtime) }
    }

    fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(&self.stage))
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("reads").to_bytes();
    let asked = Asked {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(_) if body.is_empty() => Value::Null,
            Err(_) => String::from_utf8_lossy(&body).into(),
        },
    };
    let answer = (stage.play)(&asked);
    stage.asked.lock().expect("not poisoned").push(asked);
    if answer.ending == Ending::Mute {
        std::future::pending::<()>().await;
    }
    let pieces = stream::iter(answer.pieces.into_iter().map(Ok)).then(|piece| async {
        // Each piece leaves before the next one is there.
        tokio::task::yield_now().await;
        piece
    });
    let rest = match answer.ending {
        Ending::Open => stream::pending().boxed(),
        Ending::Cut => stream::iter([Err(std::io::Error::other("cut"))]).boxed(),
        Ending::Complete | Ending::Mute => stream::empty().boxed(),
    };
    let mut response = Response::builder().status(answer.status);
    if let Some(code) = answer.code {
        response = response.header("x-amzn-errortype", code);
    }
    if let Some(date) = answer.date {
        response = response.header("date", date);
    }
    response.body(Body::from_stream(pieces.chain(rest))).expect("is a response")
}
