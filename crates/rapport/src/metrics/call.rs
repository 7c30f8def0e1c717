//! Every gRPC call, from its first byte to its status, by the method and the status's code.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use prost_reflect::DescriptorPool;

use super::Metrics;
use super::labels::{Answered, Method};
use crate::http::is_grpc;

/// As gRPC spells its codes, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const CANCELLED: &str = CODES[1];
const UNKNOWN: &str = CODES[2];
/// The service and method of a call that nobody described.
const OTHER: &str = "(other)";

/// The methods that are told apart, by their paths.
#[derive(Clone)]
pub(crate) struct Calls {
    metrics: Metrics,
    methods: Arc<HashMap<String, (Method, Answers)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    One,
    Many,
}

impl Calls {
    pub fn new(metrics: Metrics, described: &DescriptorPool) -> Self {
        let methods = described.services().flat_map(|service| {
            let service_name = service.full_name().to_owned();
            let method = move |method: prost_reflect::MethodDescriptor| {
                let answers = if method.is_server_streaming() { Answers::Many } else { Answers::One };
                let method = Method { service: service_name.clone(), method: method.name().to_owned() };
                (format!("/{}/{}", method.service, method.method), (method, answers))
            };
            service.methods().map(method).collect::<Vec<_>>()
        });
        let methods = Arc::new(methods.collect());
        Self { metrics, methods }
    }

    fn begin(&self, path: &str) -> Call {
        let other = || (Method { service: OTHER.to_owned(), method: OTHER.to_owned() }, Answers::One);
        let (method, answers) = self.methods.get(path).cloned().unwrap_or_else(other);
        if answers == Answers::Many {
            self.metrics.0.open_streams.get_or_create(&method).inc();
        }
        Call { metrics: self.metrics.clone(), method, answers, began: Instant::now(), code: CANCELLED }
    }
}

/// Around every route of the server.
pub(crate) async fn watch(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    if !is_grpc(request.headers()) {
        return next.run(request).await;
    }
    let mut call = calls.begin(request.uri().path());
    let response = next.run(request).await;
    match code(response.headers()) {
        Some(code) => {
            call.code = code;
            response
        }
        None => response.map(|body| Body::new(WatchedBody { body, call })),
    }
}

fn code(headers: &HeaderMap) -> Option<&'static str> {
    let number = headers.get("grpc-status")?.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    Some(number.and_then(|number| CODES.get(number)).copied().unwrap_or(UNKNOWN))
}

/// A call under way; measured when it is dropped.
struct Call {
    metrics: Metrics,
    method: Method,
    answers: Answers,
    began: Instant,
    /// Its status; until there is one, whoever drops the call cancelled it.
    code: &'static str,
}

impl Drop for Call {
    fn drop(&mut self) {
        let Method { service, method } = self.method.clone();
        let answered = Answered { service, method, code: self.code };
        let measured = &self.metrics.0;
        match self.answers {
            Answers::One => measured.call.get_or_create(&answered).observe(self.began.elapsed().as_secs_f64()),
            Answers::Many => {
                measured.open_streams.get_or_create(&self.method).dec();
                measured.streams.get_or_create(&answered).inc();
            }
        }
    }
}

/// The answer, up to the trailers that carry its status.
struct WatchedBody {
    body: Body,
    call: Call,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code)
        {
            self.call.code = code;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
