//! What the gateway measures of one tenant.

use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use rapport_log::Tenant;

use super::Measured;
use super::labels::{Of, Verdict as Label};
use crate::wire::v1::verdict::Verdict;

#[derive(Clone)]
pub(crate) struct IngestMetrics {
    accepted: Counter,
    duplicate: Counter,
    rejected: Counter,
    quarantined: Counter,
    publish: Histogram,
}

impl IngestMetrics {
    pub(super) fn new(measured: &Measured, tenant: &Tenant) -> Self {
        let counter =
            |verdict| measured.ingested.get_or_create_owned(&Label { tenant: tenant.as_str().to_owned(), verdict });
        Self {
            accepted: counter("accepted"),
            duplicate: counter("duplicate"),
            rejected: counter("rejected"),
            quarantined: counter("quarantined"),
            publish: measured.publish.get_or_create_owned(&Of::tenant(tenant)),
        }
    }

    /// An event has its verdict.
    pub fn judged(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted(_) => self.accepted.inc(),
            Verdict::Duplicate(_) => self.duplicate.inc(),
            Verdict::Rejected(_) => self.rejected.inc(),
            Verdict::Quarantined(_) => self.quarantined.inc(),
        };
    }

    /// A request has its verdicts.
    pub fn published(&self, read_at: Instant) {
        self.publish.observe(read_at.elapsed().as_secs_f64());
    }
}
