//! The answer to a call or a path that is not there.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tonic::Status;

use super::is_grpc;

/// Of a path that an answer repeats.
const MOST_PATH_CHARS: usize = 80;

pub(super) async fn answer(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(MOST_PATH_CHARS).collect();
    if is_grpc(request.headers()) {
        return Status::unimplemented(format!("{path:?} is no call of this server")).into_http();
    }
    let right = "over HTTP there are /healthz, /readyz and /metrics; everything else is gRPC";
    (StatusCode::NOT_FOUND, format!("{path:?} is not here: {right}\n")).into_response()
}
