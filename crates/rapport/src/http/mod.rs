//! Plain HTTP on the port of gRPC, for whoever watches over the server: is it up, and is it ready?

mod elsewhere;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::query::Projections;

/// What there is to see of this server.
#[derive(Clone)]
pub(crate) struct Watched {
    pub projections: Projections,
}

/// Adds the HTTP paths to the gRPC services, and an answer to all that is neither.
pub(crate) fn beside(services: Router, watched: Watched) -> Router {
    let http = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(watched);
    services.fallback(elsewhere::answer).merge(http)
}

/// The process serves, whatever else is wrong with it.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Every read model is ready; else a line for each tenant whose is not.
async fn readyz(State(watched): State<Watched>) -> (StatusCode, String) {
    let of_tenant = watched.projections.iter();
    let unready: String = of_tenant
        .filter_map(|(tenant, projection)| Some(format!("tenant {tenant}: {}\n", projection.live().unready()?)))
        .collect();
    match unready.as_str() {
        "" => (StatusCode::OK, "ready\n".to_owned()),
        _ => (StatusCode::SERVICE_UNAVAILABLE, unready),
    }
}
