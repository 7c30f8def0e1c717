//! The way to the collector, with one warning when it breaks and not one for each batch of spans.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SpanData;

#[derive(Debug)]
pub(super) struct Warning {
    exporter: SpanExporter,
    endpoint: String,
    is_broken: AtomicBool,
}

impl Warning {
    pub fn about(exporter: SpanExporter, endpoint: &str) -> Self {
        Self { exporter, endpoint: endpoint.to_owned(), is_broken: AtomicBool::new(false) }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for Warning {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let endpoint = &self.endpoint;
        match self.exporter.export(spans).await {
            Ok(()) => {
                if self.is_broken.swap(false, Ordering::Relaxed) {
                    tracing::info!(%endpoint, "traces are delivered again");
                }
            }
            Err(error) => {
                if !self.is_broken.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%endpoint, %error, "traces are not delivered and dropped; it is tried again with the next");
                }
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
