//! What the engine serves over HTTP: AWS Batch, `EventBridge` Scheduler, the reading side of `CloudWatch` Logs, and what
//! AWS has no call for under `/batchdeck/v1/`.

mod batch;
mod caller;
mod errors;
mod events;
mod logs;
mod ours;
mod scheduler;
mod signature;
mod signed;
mod sts;
mod tcp;
mod token;
mod watches;

use super::capacity::Capacities;
use super::credentials::Credentials;
use super::driver::{Driver, Region, log_directory};
use super::feed::Feed;
use super::instances::Instances;
use super::log_room::LogDisks;
use super::logs::LogWatch;
use super::logs::groups::LogGroups;
use super::occurrences::{Hooks, Occurrences};
use super::socket::OwnListener;
use crate::config::DataDirectory;
use crate::model::{Millis, Place, region};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use errors::{ApiError, Service};
use serde::de::DeserializeOwned;
use signed::Gate;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, oneshot};

/// The largest request body that is read.
const LARGEST_BODY: usize = 1 << 20;

/// What the routes of one region answer from.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// The way to the region's engine.
    pub driver: Driver,
    pub place: Place,
    pub feed: Feed,
    pub instances: Instances,
    pub directory: DataDirectory,
    pub log_watch: LogWatch,
    pub log_groups: LogGroups,
    pub occurrences: Occurrences,
    pub capacities: Capacities,
    pub log_disks: LogDisks,
    pub hooks: Hooks,
    pub started_at: Millis,
    pub notices: Vec<String>,
    /// Where TCP is served.
    pub http: Option<SocketAddr>,
    /// Told when a client asks the engine to end.
    pub stop: Arc<Notify>,
}

type Shared = axum::extract::State<Arc<World>>;

/// The routers of so many regions are kept ready.
const READY: usize = 64;

/// The worlds behind the doors: the same routes for each region.
#[derive(Debug)]
pub(super) struct Worlds {
    home: World,
    router: Router,
    /// The region whose log streams lie in `logs` itself.
    plain: Region,
    others: Mutex<BTreeMap<String, Router>>,
}

impl Worlds {
    pub(super) fn new(home: World, plain: Region) -> Self {
        let directory = home.directory.with_logs_below(log_directory(&plain, &home.place.region));
        let home = World { log_groups: LogGroups::open(&directory.logs()), directory, ..home };
        Self { router: router(Arc::new(home.clone())), home, plain, others: Mutex::default() }
    }

    /// The configured region.
    fn home(&self) -> &str {
        &self.home.place.region
    }

    /// The configured region, and all whose names are like those of AWS.
    fn serves(&self, region: &str) -> bool {
        region == self.home() || region::partition(region).is_some()
    }

    fn place(&self, region: &str) -> Place {
        Place { region: region.to_owned(), ..self.home.place.clone() }
    }

    /// The routes, answering from a region that is served.
    fn router(&self, region: &str) -> Router {
        if region == self.home() {
            return self.router.clone();
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(router) = others.get(region) {
            return router.clone();
        }
        if others.len() >= READY {
            others.clear();
        }
        let directory = self.home.directory.with_logs_below(log_directory(&self.plain, region));
        let world = World {
            driver: self.home.driver.of(region),
            place: self.place(region),
            log_groups: LogGroups::open(&directory.logs()),
            directory,
            ..self.home.clone()
        };
        others.entry(region.to_owned()).or_insert(router(Arc::new(world))).clone()
    }
}

/// Serves the socket of the engine's own user until `closed` resolves and open requests have ended. Streams end when the
/// feed is closed.
pub(super) async fn serve(listener: UnixListener, worlds: &Worlds, closed: oneshot::Receiver<()>) {
    let until = async move {
        // A sender that is gone closes as well.
        let _ = closed.await;
    };
    let router = worlds.router(worlds.home());
    let served = axum::serve(OwnListener::new(listener), router).with_graceful_shutdown(until).await;
    if let Err(cause) = served {
        tracing::error!(%cause, "the API is not served any more");
    }
}

/// The same on TCP, where every request has to be signed with the key pair.
pub(super) async fn serve_tcp(
    listener: TcpListener,
    worlds: Arc<Worlds>,
    credentials: Credentials,
    closed: oneshot::Receiver<()>,
) {
    tcp::serve(listener, Arc::new(Gate { worlds, credentials }), closed).await;
}

fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/", post(logs::target))
        .merge(batch::routes())
        .route("/schedules", get(scheduler::list))
        .route(
            "/schedules/{name}",
            post(scheduler::create).put(scheduler::update).get(scheduler::get).delete(scheduler::delete),
        )
        .route("/schedule-groups", get(scheduler::groups::list))
        .route(
            "/schedule-groups/{name}",
            post(scheduler::groups::create).get(scheduler::groups::get).delete(scheduler::groups::delete),
        )
        .route(
            "/tags/{*arn}",
            get(scheduler::groups::tags).post(scheduler::groups::tag).delete(scheduler::groups::untag),
        )
        .route(
            "/batchdeck/v1/dead-letters",
            get(scheduler::groups::dead_letters).delete(scheduler::groups::clear_dead_letters),
        )
        .route("/batchdeck/v1/queues", get(ours::queues))
        .route("/batchdeck/v1/environments", get(ours::environments))
        .route("/batchdeck/v1/definitions", get(ours::definitions))
        .route("/batchdeck/v1/jobs/list", post(ours::list_jobs))
        .route("/batchdeck/v1/jobs/describe", post(ours::describe_jobs))
        .route("/batchdeck/v1/jobs/{id}/priority", put(ours::reprioritise))
        .route("/batchdeck/v1/jobs/{id}/hold", put(ours::hold_job))
        .route("/batchdeck/v1/jobs/{id}/release", put(ours::release_job))
        .route("/batchdeck/v1/jobs/{id}/move", put(ours::move_job))
        .route("/batchdeck/v1/queues/{name}/hold", put(ours::hold_queue))
        .route("/batchdeck/v1/queues/{name}/release", put(ours::release_queue))
        .route("/batchdeck/v1/instances/{id}/interrupt", post(ours::interrupt))
        .route("/batchdeck/v1/capacity", get(ours::capacity))
        .route("/batchdeck/v1/scaling", get(ours::scaling))
        .route("/batchdeck/v1/schedules", get(ours::schedules))
        .route("/batchdeck/v1/schedules/{group}/{name}/run", post(ours::run_schedule))
        .route("/batchdeck/v1/schedules/{group}/{name}/runs", get(ours::schedule_runs))
        .route("/batchdeck/v1/audit", get(ours::audit))
        .route("/batchdeck/v1/audit/runs", post(ours::record_run))
        .route("/batchdeck/v1/cost", get(ours::cost))
        .route("/batchdeck/v1/runs", get(ours::runs))
        .route("/batchdeck/v1/usage/{task}", get(ours::usage))
        .route("/batchdeck/v1/throughput", get(ours::throughput))
        .route("/batchdeck/v1/watches", get(watches::list).post(watches::save))
        .route("/batchdeck/v1/watches/acknowledge", post(watches::acknowledge_all))
        .route("/batchdeck/v1/watches/{id}", delete(watches::remove))
        .route("/batchdeck/v1/watches/{id}/acknowledge", post(watches::acknowledge))
        .route("/batchdeck/v1/watch", get(ours::watch))
        .route("/batchdeck/v1/events", get(events::events))
        .route("/batchdeck/v1/logs/follow", get(logs::follow))
        .route("/batchdeck/v1/logs/count", get(logs::count))
        .route("/batchdeck/v1/logs/search", get(logs::search))
        .route("/batchdeck/v1/logs/over-time", get(logs::over_time))
        .route("/batchdeck/v1/alive", get(ours::alive))
        .route("/batchdeck/v1/status", get(ours::status))
        .route("/batchdeck/v1/stop", post(ours::stop))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(map_response(with_request_id))
        .with_state(world)
}

async fn unknown(method: Method, uri: Uri) -> ApiError {
    ApiError::unknown_operation(service_of(&uri), format!("{method} {} is no operation of this engine", uri.path()))
}

fn service_of(uri: &Uri) -> Service {
    // Scheduler's groups have tags at `/tags`, Batch's things at `/v1/tags`.
    let scheduler = ["/schedules", "/schedule-groups", "/tags"];
    if scheduler.iter().any(|path| uri.path().starts_with(path)) { Service::Scheduler } else { Service::Batch }
}

async fn with_request_id(mut response: Response) -> Response {
    if !response.headers().contains_key("x-amzn-requestid")
        && let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string())
    {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// A request's body as JSON, whatever its content type says; an empty one is `{}`. Unknown members are ignored.
struct Wire<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Wire<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let needed = batch::required::members(request.uri().path());
        let bytes = read(request.into_body(), Service::Batch).await?;
        batch::required::check(needed, &bytes)?;
        parse(&bytes, Service::Batch).map(Wire)
    }
}

/// The query of a request.
struct Asked<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let service = service_of(&parts.uri);
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|cause| ApiError::invalid(service, cause.body_text()))
    }
}

async fn read_json<T: DeserializeOwned>(body: Body, service: Service) -> Result<T, ApiError> {
    parse(&read(body, service).await?, service)
}

/// An empty body is `{}`.
async fn read(body: Body, service: Service) -> Result<Bytes, ApiError> {
    let bytes = to_bytes(body, LARGEST_BODY).await.map_err(|cause| too_large(service, &cause))?;
    Ok(if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes })
}

/// A value that does not fit is named by its member.
fn parse<T: DeserializeOwned>(bytes: &[u8], service: Service) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let found = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if !cause.is_data() {
            return ApiError::serialization(service, format!("the request is not JSON: {cause}"));
        }
        let of = if path == "." { "the request".to_owned() } else { path };
        ApiError::serialization(service, format!("{of} does not fit the operation: {cause}"))
    })?;
    let end = reader.end();
    end.map_err(|cause| ApiError::serialization(service, format!("the request is not JSON: {cause}")))?;
    Ok(found)
}

/// Why a body could not be read to its end.
fn too_large(service: Service, cause: &axum::Error) -> ApiError {
    let limited =
        std::error::Error::source(cause).is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
    if limited {
        ApiError::too_large(service, format!("the request is larger than {LARGEST_BODY} bytes"))
    } else {
        ApiError::invalid(service, format!("the request cannot be read: {cause}"))
    }
}
