//! Plain HTTP on the port of gRPC, for whoever watches over the server: is it up, is it ready, and what
//! does it measure?

mod elsewhere;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::get;

use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::query::Projections;

pub(crate) use elsewhere::Elsewhere;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What there is to see of this server.
#[derive(Clone)]
pub(crate) struct Watched {
    /// If this process has that role.
    pub gateway: Option<Gateway>,
    pub projections: Option<Projections>,
    pub metrics: Metrics,
}

/// Adds the HTTP paths to the gRPC services, and an answer to all that is neither.
pub(crate) fn beside(services: Router, watched: Watched) -> Router {
    let http = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(watched);
    services.fallback(elsewhere::no_path).merge(http)
}

/// A gRPC client always says so.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(b"application/grpc"))
}

/// The process serves, whatever else is wrong with it.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Every read model is ready; else a line for each tenant whose is not.
async fn readyz(State(watched): State<Watched>) -> (StatusCode, String) {
    let of_tenant = watched.projections.iter().flat_map(Projections::iter);
    let unready: String = of_tenant
        .filter_map(|(tenant, projection)| Some(format!("tenant {tenant}: {}\n", projection.live().unready()?)))
        .collect();
    match unready.as_str() {
        "" => (StatusCode::OK, "ready\n".to_owned()),
        _ => (StatusCode::SERVICE_UNAVAILABLE, unready),
    }
}

/// All that is counted, and what a look at the gateway and the read models shows now.
async fn metrics(State(watched): State<Watched>) -> ([(HeaderName, &'static str); 1], String) {
    let Watched { gateway, projections, metrics } = watched;
    metrics.show_in_flight(gateway.map_or(0, |gateway| gateway.in_flight_bytes()));
    if let Some(projections) = &projections {
        let now = projections.now();
        futures::future::join_all(projections.iter().map(|(_, projection)| projection.measure(now))).await;
    }
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.told())
}
