//! The answer to a call or a path that is not there.

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tonic::Status;

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

/// A gRPC client always says so.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(b"application/grpc"))
}
