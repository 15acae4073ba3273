//! HTTP/1.1 over the engine's unix socket: kept connections for calls, one connection for each stream.

use super::lines::Lines;
use super::percent::encode;
use crate::backend::BackendError;
use crate::model::Alive;
use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How long the client waits for the engine before it gives up.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For one call, connecting included, and for the head of a stream.
    pub call: Duration,
    /// For the next line of a stream that is never silent.
    pub silence: Duration,
    /// For one call to an engine that lives and waits for its disk.
    pub disk: Duration,
}

impl Default for Patience {
    /// The engine says that it is alive every 5 s; three of those missed are a broken stream.
    fn default() -> Self {
        Self { call: Duration::from_secs(10), silence: Duration::from_secs(15), disk: Duration::from_mins(2) }
    }
}

/// What is to be expected of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It is for ever and never silent for long.
    Lively,
    /// It is for ever and may be silent.
    Endless,
    /// It ends when all is told.
    Finite,
}

/// Connections that are kept open while no call uses them.
const KEPT: usize = 4;

const START_IT: &str = "start it with `batchdeck engine start`";
/// An engine that lives says so at once.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);

const LOOK_AT_DISK: &str =
    "look what writes to the disk of the data directory (`iostat -x 1`, `dmesg`); what was sent may be done yet";
const ASK_IT: &str = "ask `batchdeck engine status`, and look into engine.log in the data directory";

/// One call: what is asked of the engine, and what its errors are about.
#[derive(Debug, Clone)]
pub struct Call {
    /// AWS's name of the operation, or ours.
    pub operation: &'static str,
    pub method: Method,
    /// Path and query, encoded.
    pub path: String,
    /// `X-Amz-Target`.
    pub target: Option<&'static str>,
    pub reason: Option<String>,
    pub body: Vec<u8>,
    /// What [`BackendError::NotFound`] names.
    pub subject: String,
}

impl Call {
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: Method::GET,
            path: path.into(),
            target: None,
            reason: None,
            body: Vec::new(),
            subject: operation.to_owned(),
        }
    }

    /// A call with `body` as JSON.
    pub fn send(operation: &'static str, method: Method, path: impl Into<String>, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("the model's types write as JSON");
        Self { method, body, ..Self::get(operation, path) }
    }

    /// AWS Batch's own route of an operation: `POST /v1/<operation in lower case>`.
    pub fn batch(operation: &'static str, body: &impl Serialize) -> Self {
        Self::send(operation, Method::POST, format!("/v1/{}", operation.to_ascii_lowercase()), body)
    }

    pub fn about(mut self, subject: String) -> Self {
        self.subject = subject;
        self
    }

    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

/// The client's end of the engine's socket. It connects when it is first used, and again when the engine was restarted.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    by: String,
    pub(super) patience: Patience,
    idle: Mutex<Vec<Connection>>,
}

/// An open connection; it is closed when this is dropped.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    pub fn new(socket: PathBuf, by: String, patience: Patience) -> Self {
        Self { socket, by, patience, idle: Mutex::default() }
    }

    /// Makes the call and reads its answer. An empty answer reads as JSON's `{}`.
    pub async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, BackendError> {
        let whole = async {
            let (connection, response) = self.exchange(&call).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|cause| self.broken(&call, &cause))?.to_bytes();
            self.keep(connection);
            read(&call, head.status, &head.headers, &body)
        };
        let mut whole = pin!(whole);
        let begun = Instant::now();
        loop {
            if let Ok(answered) = timeout(self.patience.call, &mut whole).await {
                return answered;
            }
            match self.waits_for_disk().await {
                None => return Err(self.late(&call)),
                Some(_) if begun.elapsed() < self.patience.disk => {}
                Some(waits) => {
                    let (operation, waited) = (call.operation, begun.elapsed().as_secs());
                    let disk = format!("its disk has kept the engine waiting, for {} s at once", waits / 1_000);
                    return Err(
                        self.unreachable(format!("no answer to {operation} within {waited} s: {disk}"), LOOK_AT_DISK)
                    );
                }
            }
        }
    }

    /// For how many milliseconds the engine waits for its disk and can answer nothing else; `None` where it does not, or
    /// does not say.
    async fn waits_for_disk(&self) -> Option<i64> {
        let call = Call::get("Alive", "/batchdeck/v1/alive");
        let asked = async {
            let connection = self.connect().await.ok()?;
            let (_connection, response) = self.send(connection, self.request(&call).ok()?).await.ok()?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.ok()?.to_bytes();
            read::<Alive>(&call, head.status, &head.headers, &body).ok()?.waits_for_disk_millis
        };
        timeout(self.patience.call.min(ALIVE_WITHIN), asked).await.ok().flatten()
    }

    /// Opens a stream of JSON lines on a connection of its own. It ends after its first error; the end of the connection is
    /// one, but where the stream is [`Flow::Finite`].
    pub async fn lines<T: DeserializeOwned + Send + 'static>(
        &self,
        call: Call,
        flow: Flow,
    ) -> Result<BoxStream<'static, Result<T, BackendError>>, BackendError> {
        let opening = async {
            let connection = self.connect().await?;
            self.send(connection, self.request(&call)?).await.map_err(|unsent| self.broken(&call, &unsent.cause))
        };
        let (connection, response) =
            timeout(self.patience.call, opening).await.unwrap_or_else(|_| Err(self.late(&call)))?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            let body = timeout(self.patience.call, body.collect()).await.map_err(|_| self.late(&call))?;
            let body = body.map_err(|cause| self.broken(&call, &cause))?.to_bytes();
            return Err(refusal(&call, head.status, &head.headers, &body));
        }
        let open = OpenStream {
            operation: call.operation,
            endpoint: self.socket.display().to_string(),
            silence: (flow == Flow::Lively).then_some(self.patience.silence),
            ends: flow == Flow::Finite,
            lines: Lines::default(),
            body,
            _connection: connection,
        };
        let items = stream::unfold(Some(open), |open| async {
            let mut open = open?;
            let item = open.next().await.transpose()?;
            Some(if item.is_ok() { (item, Some(open)) } else { (item, None) })
        });
        Ok(items.boxed())
    }

    /// Connects before there is a call, which then finds the connection kept.
    pub async fn connect_ahead(&self) -> Result<(), BackendError> {
        self.keep(self.connect().await?);
        Ok(())
    }

    /// Sends the call, over a kept connection where there is one. What a dead connection did not take, or what may be
    /// repeated, is sent again over a new one: so an engine that was restarted is found without an error in between.
    async fn exchange(&self, call: &Call) -> Result<(Connection, Response<Incoming>), BackendError> {
        while let Some(mut connection) = self.take() {
            if connection.sender.ready().await.is_err() {
                continue;
            }
            match self.send(connection, self.request(call)?).await {
                Ok(answered) => return Ok(answered),
                Err(unsent) if unsent.never_left || call.method == Method::GET => {}
                Err(unsent) => return Err(self.broken(call, &unsent.cause)),
            }
        }
        let connection = self.connect().await?;
        self.send(connection, self.request(call)?).await.map_err(|unsent| self.broken(call, &unsent.cause))
    }

    async fn send(
        &self,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<(Connection, Response<Incoming>), Unanswered> {
        match connection.sender.try_send_request(request).await {
            Ok(response) => Ok((connection, response)),
            Err(mut failed) => {
                let never_left = failed.take_message().is_some();
                Err(Unanswered { never_left, cause: failed.into_error() })
            }
        }
    }

    async fn connect(&self) -> Result<Connection, BackendError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|cause| self.unreachable(format!("no engine answers there ({cause})"), START_IT))?;
        let (sender, driver) = handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| self.unreachable(format!("the connection failed: {cause}"), ASK_IT))?;
        let driver = tokio::spawn(async move {
            if let Err(cause) = driver.await {
                tracing::debug!(%cause, "a connection to the engine ended");
            }
        });
        Ok(Connection { sender, driver: driver.abort_handle() })
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, BackendError> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::HOST, "engine")
            .header("x-batchdeck-by", encode(&self.by));
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(target) = call.target {
            request = request.header("x-amz-target", target);
        }
        if let Some(reason) = &call.reason {
            request = request.header("x-batchdeck-reason", encode(reason));
        }
        request.body(Full::from(call.body.clone())).map_err(|cause| BackendError::Malformed {
            operation: call.operation,
            cause: format!("the request cannot be written: {cause}"),
        })
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !connection.sender.is_closed() {
            idle.push(connection);
        }
    }

    fn broken(&self, call: &Call, cause: &hyper::Error) -> BackendError {
        self.unreachable(format!("the connection broke during {}: {}", call.operation, with_causes(cause)), ASK_IT)
    }

    fn late(&self, call: &Call) -> BackendError {
        self.unreachable(format!("no answer to {} within {} s", call.operation, self.patience.call.as_secs()), ASK_IT)
    }

    fn unreachable(&self, cause: String, hint: &'static str) -> BackendError {
        BackendError::Unreachable { endpoint: self.socket.display().to_string(), cause, hint }
    }
}

/// A request that got no answer.
struct Unanswered {
    /// Nothing of it was written: it is safe to send it again.
    never_left: bool,
    cause: hyper::Error,
}

/// A stream of JSON lines that is being read.
struct OpenStream {
    operation: &'static str,
    endpoint: String,
    /// How long no line may come.
    silence: Option<Duration>,
    /// Its end is no error.
    ends: bool,
    lines: Lines,
    body: Incoming,
    _connection: Connection,
}

impl OpenStream {
    /// `None` at the end of a stream that has one.
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BackendError> {
        let line = match self.silence {
            None => self.next_line().await?,
            Some(silence) => timeout(silence, self.next_line())
                .await
                .unwrap_or_else(|_| Err(self.ended(format!("nothing came for {} s", silence.as_secs()), ASK_IT)))?,
        };
        let Some(line) = line else { return Ok(None) };
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|cause| BackendError::Malformed { operation: self.operation, cause: cause.to_string() })
    }

    async fn next_line(&mut self) -> Result<Option<Vec<u8>>, BackendError> {
        loop {
            if let Some(line) = self.lines.next_line() {
                return Ok(Some(line));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let piece = frame.into_data().unwrap_or_default();
                    self.lines.push(&piece).map_err(|cause| BackendError::Malformed {
                        operation: self.operation,
                        cause: cause.to_string(),
                    })?;
                }
                Some(Err(cause)) => return Err(self.ended(with_causes(&cause), START_IT)),
                None if self.ends && self.lines.is_empty() => return Ok(None),
                None => return Err(self.ended("the engine closed the stream".to_owned(), START_IT)),
            }
        }
    }

    fn ended(&self, cause: String, hint: &'static str) -> BackendError {
        BackendError::Unreachable { endpoint: self.endpoint.clone(), cause, hint }
    }
}

fn read<T: DeserializeOwned>(
    call: &Call,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, BackendError> {
    if !status.is_success() {
        return Err(refusal(call, status, headers, body));
    }
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|cause| BackendError::Malformed { operation: call.operation, cause: cause.to_string() })
}

/// The error that an answer carries, as AWS's clients read one: the code from the header or from `__type`, the words
/// from `message` or `Message`.
fn refusal(call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> BackendError {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let code = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .or_else(|| member("__type"))
        .or_else(|| member("code"))
        .unwrap_or_else(|| status.as_u16().to_string());
    // `aws.service#Code:http://…` is how some services write it.
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned();
    let message = member("message").or_else(|| member("Message")).unwrap_or_else(|| match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            format!("the engine knows no {}; it may be of an older version: restart it", call.operation)
        }
        _ => format!("{} was answered with {status}", call.operation),
    });
    match code.as_str() {
        "ResourceNotFoundException" => BackendError::NotFound { what: call.subject.clone() },
        "ThrottlingException" | "TooManyRequestsException" => BackendError::Throttled { message },
        _ => BackendError::Refused { code, message },
    }
}

/// The error and what caused it, in one line: hyper's own text leaves the cause out.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
