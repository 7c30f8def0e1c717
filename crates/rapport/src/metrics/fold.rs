//! What a projector measures of one tenant.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use rapport_log::Tenant;

use super::labels::Of;
use super::{Measured, as_gauge};

#[derive(Clone)]
pub(crate) struct FoldMetrics {
    folded: Counter,
    duplicates: Counter,
    parked: Counter,
    refolds: Counter,
    pub faults: Counter,
    batch_records: Histogram,
    batch: Histogram,
    apply: Histogram,
    now: Now,
}

/// How a read model is when somebody looks.
#[derive(Clone)]
struct Now {
    position: Gauge,
    head: Gauge,
    lag_events: Gauge,
    lag: Gauge<f64, AtomicU64>,
    fault: Gauge,
    generation: Gauge,
    parked: Gauge,
}

/// A look at the read model that serves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    pub position: u64,
    pub head: u64,
    pub lag: Duration,
    pub is_stopped: bool,
    pub generation: u32,
    /// `None` if the file does not say.
    pub parked: Option<u64>,
}

impl FoldMetrics {
    pub(super) fn new(measured: &Measured, tenant: &Tenant) -> Self {
        let of = Of::tenant(tenant);
        Self {
            folded: measured.folded.get_or_create_owned(&of),
            duplicates: measured.duplicates.get_or_create_owned(&of),
            parked: measured.newly_parked.get_or_create_owned(&of),
            refolds: measured.refolds.get_or_create_owned(&of),
            faults: measured.faults.get_or_create_owned(&of),
            batch_records: measured.batch_records.get_or_create_owned(&of),
            batch: measured.batch.get_or_create_owned(&of),
            apply: measured.apply.get_or_create_owned(&of),
            now: Now {
                position: measured.position.get_or_create_owned(&of),
                head: measured.head.get_or_create_owned(&of),
                lag_events: measured.lag_events.get_or_create_owned(&of),
                lag: measured.lag.get_or_create_owned(&of),
                fault: measured.fault.get_or_create_owned(&of),
                generation: measured.generation.get_or_create_owned(&of),
                parked: measured.parked.get_or_create_owned(&of),
            },
        }
    }

    /// A batch is committed: how long that took from its decoding on, and the transaction alone.
    pub fn committed(&self, records: usize, batch: Duration, apply: Duration) {
        self.batch_records.observe(records as f64);
        self.batch.observe(batch.as_secs_f64());
        self.apply.observe(apply.as_secs_f64());
    }

    /// What a batch came to.
    pub fn applied(&self, fresh: u64, duplicates: u64, parked: u64, refolds: u64) {
        self.folded.inc_by(fresh);
        self.duplicates.inc_by(duplicates);
        self.parked.inc_by(parked);
        self.refolds.inc_by(refolds);
    }

    pub fn show(&self, observed: &Observed) {
        let Observed { position, head, lag, is_stopped, generation, parked } = *observed;
        self.now.position.set(as_gauge(position));
        self.now.head.set(as_gauge(head));
        self.now.lag_events.set(as_gauge(head.saturating_sub(position)));
        self.now.lag.set(lag.as_secs_f64());
        self.now.fault.set(i64::from(is_stopped));
        self.now.generation.set(i64::from(generation));
        if let Some(parked) = parked {
            self.now.parked.set(as_gauge(parked));
        }
    }
}
