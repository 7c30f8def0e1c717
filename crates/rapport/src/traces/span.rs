//! A span under way, or nothing where there are no traces.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry_sdk::trace::SdkTracer;
use rapport_log::TraceParent;

/// Ends when it is dropped.
#[derive(Default)]
pub(crate) struct Span(Option<Ongoing>);

struct Ongoing {
    tracer: SdkTracer,
    /// Holds the span.
    context: Context,
}

impl Span {
    pub(super) fn begin(tracer: SdkTracer, span: SpanBuilder, parent: &Context) -> Self {
        let span = tracer.build_with_context(span, parent);
        Self(Some(Ongoing { context: Context::new().with_span(span), tracer }))
    }

    pub fn child(&self, name: &'static str) -> Self {
        let Some(Ongoing { tracer, context }) = &self.0 else { return Self::default() };
        Self::begin(tracer.clone(), tracer.span_builder(name), context)
    }

    /// What the log carries, so that others can go on from here; nothing if nobody records it.
    pub fn carried(&self) -> Option<TraceParent> {
        let context = self.0.as_ref()?.context.span().span_context().clone();
        let carried = TraceParent {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            flags: context.trace_flags().to_u8(),
        };
        context.is_sampled().then_some(carried)
    }
}

/// A parent that lives elsewhere.
pub(super) fn remote(parent: TraceParent) -> Context {
    let TraceParent { trace_id, span_id, flags } = parent;
    let (trace_id, span_id) = (TraceId::from(trace_id), SpanId::from(span_id));
    let parent = SpanContext::new(trace_id, span_id, TraceFlags::new(flags), true, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}
