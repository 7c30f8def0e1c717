//! The answer to a call or a path that is not here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::StatusCode;
use futures::future::{Either, Ready, ready};
use prost_reflect::DescriptorPool;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen;
use tonic::codegen::http::{Request, Response};

use super::is_grpc;
use crate::hosting::{Hosting, NotHosted, Service};

/// Of what a stranger called for, in an answer.
const MOST_CHARS: usize = 80;

/// Knows which calls this process answers.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    hosting: Hosting,
    /// By service.
    methods: Arc<BTreeMap<String, Vec<String>>>,
}

impl Elsewhere {
    pub fn new(hosting: Hosting, described: &DescriptorPool) -> Self {
        let methods = described.services().map(|service| {
            let methods = service.methods().map(|method| method.name().to_owned()).collect();
            (service.full_name().to_owned(), methods)
        });
        Self { hosting, methods: Arc::new(methods.collect()) }
    }

    /// Before these.
    pub fn guard<S>(self, services: S) -> Guarded<S> {
        Guarded { elsewhere: self, services }
    }

    /// Why a call goes nowhere, if it does.
    fn astray(&self, path: &str) -> Option<NotHosted> {
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or((path, ""));
        let Some(methods) = self.methods.get(service) else {
            return Some(NotHosted::NoService { called: cut(service), hosting: self.hosting.clone() });
        };
        let ours = Service::ALL.into_iter().find(|ours| ours.name() == service);
        if let Some(service) = ours.filter(|ours| !self.hosting.hosts(*ours)) {
            return Some(NotHosted::Service { service, hosting: self.hosting.clone() });
        }
        (!methods.iter().any(|known| known == method)).then(|| NotHosted::NoMethod {
            service: service.to_owned(),
            called: cut(method),
            methods: methods.clone(),
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

/// The services; a call that none of them answers is told why.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    elsewhere: Elsewhere,
    services: S,
}

impl<S: codegen::Service<Request<Body>, Response = Response<Body>>> codegen::Service<Request<Body>> for Guarded<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.services.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let astray = if is_grpc(request.headers()) { self.elsewhere.astray(request.uri().path()) } else { None };
        match astray {
            Some(error) => Either::Right(ready(Ok(Status::from(error).into_http()))),
            None => Either::Left(self.services.call(request)),
        }
    }
}

/// Whatever is left is plain HTTP.
pub(super) async fn no_path(request: axum::extract::Request) -> (StatusCode, String) {
    let path = cut(request.uri().path());
    let right = "over HTTP there are /healthz, /readyz and /metrics; everything else is gRPC";
    (StatusCode::NOT_FOUND, format!("{path:?} is not here: {right}\n"))
}
