//! `rapport serve`: one process with the services that it hosts, of every tenant, from opening the logs to closing them.

mod connections;
mod described;
mod logs;
mod services;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use self::connections::ServingThreads;
use self::services::Services;
use crate::config::{Config, ConfigError, ServeArgs};
use crate::http::{self, Elsewhere, Watched};
use crate::metrics::{Calls, Metrics};
use crate::projector::ProjectorError;
use crate::tenants::{TenantError, Tenants};
use crate::traces::{Traces, TracesError};

/// Unary calls at work on one connection; more are answered with RESOURCE_EXHAUSTED.
const CALLS_PER_CONNECTION: usize = 100;
/// All calls on one connection; the client holds further ones back itself.
const STREAMS_PER_CONNECTION: u32 = 200;
/// A client that is gone without a word is noticed after this and the next.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
pub enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("--listen is {listen}, which cannot be listened on: {source}")]
    Listen { listen: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(transparent)]
    Projector(#[from] ProjectorError),
    #[error("the descriptions of the services cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error(transparent)]
    Traces(#[from] TracesError),
    #[error("the threads that serve connections cannot be started: {0}")]
    Threads(std::io::Error),
    #[error("a thread that serves connections broke off")]
    BrokenOff,
    #[error("signals cannot be received: {0}")]
    Signals(std::io::Error),
    #[error("the server stopped: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until Ctrl-C or SIGTERM.
pub async fn run(args: ServeArgs) -> Result<(), ServeError> {
    let config = Config::try_from(args)?;
    logs::to_stderr(config.log_format);
    let signal = stop_signal().map_err(ServeError::Signals)?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| ServeError::Listen { listen, source })?;
    serve(config, listener, signal).await
}

/// Serves on the listener until `shutdown` is there, then finishes what is under way, for a bounded time.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    tokio::pin!(shutdown);
    let (metrics, traces) = (Metrics::new(), Traces::to(config.otlp_endpoint.as_deref())?);
    let tenants = tokio::select! {
        tenants = Tenants::open(&config, &metrics, &traces) => tenants?,
        () = &mut shutdown => return Ok(()),
    };
    let stopping = CancellationToken::new();
    let (served, projections) = match services::start(&config, &tenants, &stopping).await {
        Err(error) => (Err(error), None),
        Ok(services) => {
            let projections = services.projections.clone();
            (serve_hosted(&config, services, metrics, listener, shutdown, &stopping).await, projections)
        }
    };
    // What calls have left behind goes on meanwhile, and ends with what it works on.
    let (served, _threads) = match served {
        Ok(threads) => (Ok(()), Some(threads)),
        Err(error) => (Err(error), None),
    };
    stopping.cancel();
    let read_models = async {
        if let Some(projections) = projections {
            projections.closed().await;
        }
    };
    let closed = async { tokio::join!(read_models, tenants.close()) };
    if tokio::time::timeout(config.shutdown_patience, closed).await.is_err() {
        tracing::warn!("a log or read model did not close in time; what a log had not acknowledged may be missing");
    }
    traces.close().await;
    served
}

async fn serve_hosted(
    config: &Config,
    services: Services,
    metrics: Metrics,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    stopping: &CancellationToken,
) -> Result<ServingThreads, ServeError> {
    let Services { routes, gateway, projections } = services;
    let described = described::methods();
    let elsewhere = Elsewhere::new(config.hosting.clone(), &described);
    let calls = Calls::new(metrics.clone(), &described);
    let routes = http::beside(routes.into_axum_router(), Watched { gateway, projections, metrics });
    let answering = calls.watch(elsewhere.guard(Routes::from(routes).prepare()));
    let server = Server::builder()
        .accept_http1(true)
        .concurrency_limit_per_connection(CALLS_PER_CONNECTION)
        .load_shed(true)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));

    tracing::info!(hosting = %config.hosting, tenants = config.tenants.len(), "all logs and read models are open");
    if let Ok(address) = listener.local_addr() {
        tracing::info!("listening on {address}");
    }
    let signalled = CancellationToken::new();
    let until = signalled.clone();
    let serve = move |connections| {
        let (server, answering, until) = (server.clone(), answering.clone(), until.clone());
        async move {
            let served = server.serve_with_incoming_shutdown(answering, connections, until.cancelled_owned());
            Ok(served.await?)
        }
    };
    let mut threads = ServingThreads::start(serve)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::select! {
        taken = threads.take(incoming) => taken?,
        () = shutdown => {}
    }
    stopping.cancel();
    signalled.cancel();
    // tonic itself waits for ever, for instance for a connection that never says anything.
    match tokio::time::timeout(config.shutdown_patience, threads.ended()).await {
        Ok(served) => served?,
        Err(_) => tracing::warn!("some calls were broken off after {:?}", config.shutdown_patience),
    }
    Ok(threads)
}

/// Listens from now on, so that no signal is missed while the logs are opened.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests;
