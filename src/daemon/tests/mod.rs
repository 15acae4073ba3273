//! The whole body, hosted in this process, with real agents in theirs.

mod driving;
mod host;
mod journals;
mod logging;
mod serving;
mod surviving;
mod telling;
mod working;

/// Not a test of its own: what [`host::Host`] launches as its agents. Run as a test, it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_when_asked_to_be_one() {
    let (Some(data_directory), Some(instance)) =
        (std::env::var_os(host::AGENT_DATA), std::env::var(host::AGENT_INSTANCE).ok())
    else {
        return;
    };
    let instance = crate::model::InstanceId(instance);
    let log_reserve = crate::model::LogReserve::default();
    let options =
        crate::agent::Options { data_directory: data_directory.into(), instance, docker_host: None, log_reserve };
    crate::agent::run(options).await.expect("lives as an agent");
}
