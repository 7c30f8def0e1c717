//! Every gRPC call, from its first byte to its status, by the method and the status's code.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use prometheus_client::metrics::histogram::Histogram;
use prost_reflect::DescriptorPool;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Request, Response};

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
const OK: &str = CODES[0];
const CANCELLED: &str = CODES[1];
const UNKNOWN: &str = CODES[2];
/// The service and method of a call that nobody described.
const OTHER: &str = "(other)";

/// The methods that are told apart, by their paths.
#[derive(Clone)]
pub(crate) struct Calls {
    metrics: Metrics,
    methods: Arc<HashMap<String, Arc<Known>>>,
    other: Arc<Known>,
}

struct Known {
    method: Method,
    answers: Answers,
    /// Of nearly all calls of methods with one answer; it is there from the first on.
    well: OnceLock<Histogram>,
}

impl Known {
    fn new(service: &str, method: &str, answers: Answers) -> Self {
        let method = Method { service: service.to_owned(), method: method.to_owned() };
        Self { method, answers, well: OnceLock::new() }
    }

    fn answered(&self, code: &'static str) -> Answered {
        let Method { service, method } = self.method.clone();
        Answered { service, method, code }
    }
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
                let path = format!("/{service_name}/{}", method.name());
                (path, Arc::new(Known::new(&service_name, method.name(), answers)))
            };
            service.methods().map(method).collect::<Vec<_>>()
        });
        let methods = Arc::new(methods.collect());
        Self { metrics, methods, other: Arc::new(Known::new(OTHER, OTHER, Answers::One)) }
    }

    /// Around everything that the server answers.
    pub fn watch<S>(self, answering: S) -> WatchedCalls<S> {
        WatchedCalls { calls: self, answering }
    }

    fn begin(&self, path: &str) -> Call {
        let known = self.methods.get(path).unwrap_or(&self.other).clone();
        if known.answers == Answers::Many {
            self.metrics.0.open_streams.get_or_create(&known.method).inc();
        }
        Call { metrics: self.metrics.clone(), known, began: Instant::now(), code: CANCELLED }
    }
}

/// A server whose calls are measured.
#[derive(Clone)]
pub(crate) struct WatchedCalls<S> {
    calls: Calls,
    answering: S,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for WatchedCalls<S> {
    type Response = Response<WatchedBody>;
    type Error = S::Error;
    type Future = Watching<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.answering.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = is_grpc(request.headers()).then(|| self.calls.begin(request.uri().path()));
        Watching { call, answer: self.answering.call(request) }
    }
}

pin_project! {
    pub(crate) struct Watching<F> {
        call: Option<Call>,
        #[pin]
        answer: F,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for Watching<F> {
    type Output = Result<Response<WatchedBody>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let watching = self.project();
        let response = ready!(watching.answer.poll(context))?;
        let call = watching.call.take().and_then(|mut call| match code(response.headers()) {
            Some(code) => {
                call.code = code;
                None
            }
            None => Some(call),
        });
        Poll::Ready(Ok(response.map(|body| WatchedBody { body, call })))
    }
}

fn code(headers: &HeaderMap) -> Option<&'static str> {
    let number = headers.get("grpc-status")?.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    Some(number.and_then(|number| CODES.get(number)).copied().unwrap_or(UNKNOWN))
}

/// A call under way; measured when it is dropped.
struct Call {
    metrics: Metrics,
    known: Arc<Known>,
    began: Instant,
    /// Its status; until there is one, whoever drops the call cancelled it.
    code: &'static str,
}

impl Drop for Call {
    fn drop(&mut self) {
        let (measured, known) = (&self.metrics.0, &*self.known);
        match known.answers {
            Answers::One => {
                let answered = || measured.call.get_or_create_owned(&known.answered(self.code));
                let seconds = self.began.elapsed().as_secs_f64();
                match self.code {
                    OK => known.well.get_or_init(answered).observe(seconds),
                    _ => answered().observe(seconds),
                }
            }
            Answers::Many => {
                measured.open_streams.get_or_create(&known.method).dec();
                measured.streams.get_or_create(&known.answered(self.code)).inc();
            }
        }
    }
}

/// The answer, up to the trailers that carry its status; what is no call is as it was.
pub(crate) struct WatchedBody {
    body: Body,
    call: Option<Call>,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code)
            && let Some(call) = &mut self.call
        {
            call.code = code;
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
