//! OpenTelemetry traces, from a publish call to the commit of its events, for whoever configured a collector.
//!
//! `publish` → `check` and `append` in the gateway; the log carries the context of `append` beside each record, and `fold`
//! in a projector, perhaps in another process, goes on from there. Without a collector nothing of this costs anything.
//! The spans are made by hand and not by `tracing`: that has one subscriber for the whole process, and servers share
//! nothing.

mod exporter;
mod span;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanKind, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use rapport_log::{Tenant, TraceParent};
use thiserror::Error;

use exporter::Warning;
pub(crate) use span::Span;
use span::remote;

/// How long the last spans may take to be sent.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
#[error("traces cannot be sent to {endpoint}: {source}")]
pub struct TracesError {
    endpoint: String,
    source: ExporterBuildError,
}

/// The spans of one server; off by default. Clones share where they go.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<On>>);

struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// To a collector, over a bounded queue: what does not fit is dropped. `OTEL_TRACES_SAMPLER` says how much is traced,
    /// all unless it says otherwise.
    pub fn to(endpoint: Option<&str>) -> Result<Self, TracesError> {
        let Some(endpoint) = endpoint else { return Ok(Self::default()) };
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
        let exporter = exporter.map_err(|source| TracesError { endpoint: endpoint.to_owned(), source })?;
        let mut resource =
            Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("rapport");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(Warning::about(exporter, endpoint))
            .build();
        let tracer = provider.tracer("rapport");
        Ok(Self(Some(Arc::new(On { provider, tracer }))))
    }

    /// A publish request begins: in its caller's trace, or in one of its own.
    pub(crate) fn publish(&self, caller: Option<TraceParent>, tenant: &Tenant, events: usize) -> Span {
        let Some(on) = &self.0 else { return Span::default() };
        let parent = caller.map_or_else(Context::new, remote);
        let attributes = [of(tenant), KeyValue::new("rapport.events", events as i64)];
        let span = on.tracer.span_builder("publish").with_kind(SpanKind::Server).with_attributes(attributes);
        Span::begin(on.tracer.clone(), span, &parent)
    }

    pub(crate) fn fold(&self, tenant: &Tenant) -> FoldTraces {
        FoldTraces { on: self.0.clone(), tenant: tenant.clone() }
    }

    /// Sends what waits, for a bounded time.
    pub async fn close(self) {
        let Some(on) = self.0 else { return };
        let closed = tokio::task::spawn_blocking(move || on.provider.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent");
        }
    }
}

fn of(tenant: &Tenant) -> KeyValue {
    KeyValue::new("rapport.tenant", tenant.as_str().to_owned())
}

/// The spans of one tenant's projector.
#[derive(Clone)]
pub(crate) struct FoldTraces {
    on: Option<Arc<On>>,
    tenant: Tenant,
}

impl FoldTraces {
    /// Some events of a batch, which has been committed now, go on this trace.
    pub fn folded(&self, parent: TraceParent, began: SystemTime, position: u64, events: u64) {
        let Some(on) = &self.on else { return };
        let position = KeyValue::new("rapport.position", i64::try_from(position).unwrap_or(i64::MAX));
        let events = KeyValue::new("rapport.events", i64::try_from(events).unwrap_or(i64::MAX));
        let span = on.tracer.span_builder("fold").with_kind(SpanKind::Consumer).with_start_time(began);
        let span = span.with_attributes([of(&self.tenant), position, events]);
        on.tracer.build_with_context(span, &remote(parent)).end();
    }
}
