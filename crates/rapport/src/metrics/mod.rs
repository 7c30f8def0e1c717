//! What a server measures: every name is here, in one list, with its unit in its help.
//!
//! One registry for each server, and none for the process. Labels are bounded: tenants are configured, verdicts, services
//! and codes are closed lists. Nothing of a customer is ever a label.

mod call;
mod fold;
mod ingest;
mod labels;

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use rapport_log::Tenant;

pub(crate) use call::Calls;
pub(crate) use fold::{FoldMetrics, Observed};
pub(crate) use ingest::IngestMetrics;
use labels::{Answered, Method, Of, Verdict};

/// From a look-up in memory to a call that is given up.
const SECONDS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Up to the largest batch of the projector.
const RECORDS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_000.0, 2_000.0, 4_000.0, 5_000.0];

type Counters<L> = Family<L, Counter>;
type Gauges<L> = Family<L, Gauge>;
type Seconds<L> = Family<L, Gauge<f64, AtomicU64>>;
type Histograms<L> = Family<L, Histogram, Buckets>;

/// Clones share the registry.
#[derive(Clone)]
pub struct Metrics(Arc<Measured>);

struct Measured {
    registry: Registry,
    ingested: Counters<Verdict>,
    publish: Histograms<Of>,
    in_flight: Gauge,
    folded: Counters<Of>,
    duplicates: Counters<Of>,
    newly_parked: Counters<Of>,
    refolds: Counters<Of>,
    batch_records: Histograms<Of>,
    batch: Histograms<Of>,
    apply: Histograms<Of>,
    faults: Counters<Of>,
    fault: Gauges<Of>,
    lag_events: Gauges<Of>,
    lag: Seconds<Of>,
    position: Gauges<Of>,
    generation: Gauges<Of>,
    parked: Gauges<Of>,
    head: Gauges<Of>,
    call: Histograms<Answered>,
    streams: Counters<Answered>,
    open_streams: Gauges<Method>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut names = Names(Registry::with_prefix("rapport"));
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        names.0.register("build", "The version of the program", Info::new(version));
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(since_1970());
        names.add("start_time_seconds", "When the server started, in seconds since 1970", started);
        // A counter's name ends in _total when it is told.
        Self(Arc::new(Measured {
            ingested: names.add("ingest_events", "Events answered by the gateway, by verdict", Family::default()),
            publish: names.add(
                "ingest_publish_seconds",
                "Seconds from a request read to its verdicts: room, check, and append to the log",
                histograms(&SECONDS),
            ),
            in_flight: names.add(
                "ingest_in_flight_bytes",
                "Bytes of events between clients and the log, each counted as a KiB at least",
                Gauge::default(),
            ),
            folded: names.add(
                "fold_events",
                "Distinct events folded into read models, those of rebuilds included",
                Family::default(),
            ),
            duplicates: names.add(
                "fold_duplicates",
                "Events found on the log a second time, which count once",
                Family::default(),
            ),
            newly_parked: names.add(
                "fold_parked",
                "Events parked by the projector because they do not count, those of rebuilds included",
                Family::default(),
            ),
            refolds: names.add(
                "fold_refolds",
                "Customers folded anew from their whole timeline, for a late event or a join",
                Family::default(),
            ),
            batch_records: names.add(
                "fold_batch_records",
                "Records of the log in one transaction",
                histograms(&RECORDS),
            ),
            batch: names.add(
                "fold_batch_seconds",
                "Seconds from the decoding of a batch to its commit",
                histograms(&SECONDS),
            ),
            apply: names.add(
                "fold_apply_seconds",
                "Seconds of a batch's transaction: dedup, identity, fold and commit",
                histograms(&SECONDS),
            ),
            faults: names.add(
                "fold_faults",
                "Times that a projector stopped; it tries again by itself",
                Family::default(),
            ),
            fault: names.add(
                "fold_fault",
                "1 while a fault keeps the projector from going on, else 0",
                Family::default(),
            ),
            lag_events: names.add(
                "fold_lag_events",
                "Positions of the log that the read model has not folded yet",
                Family::default(),
            ),
            lag: names.add(
                "fold_lag_seconds",
                "Seconds since the oldest record that is not folded yet was recorded; 0 when caught up",
                Family::default(),
            ),
            position: names.add(
                "readmodel_position",
                "Position of the log up to which everything is in the read model",
                Family::default(),
            ),
            generation: names.add(
                "readmodel_generation",
                "Number of the read-model file that serves; a rebuild counts it up",
                Family::default(),
            ),
            parked: names.add("readmodel_parked_events", "Events on the list of parked events", Family::default()),
            head: names.add("log_head_position", "Position of the last record on the log", Family::default()),
            call: names.add(
                "grpc_call_seconds",
                "Seconds of a gRPC call with one answer, from its first byte to its status",
                histograms(&SECONDS),
            ),
            streams: names.add("grpc_streams", "gRPC calls with many answers that ended, by status", Family::default()),
            open_streams: names.add(
                "grpc_open_streams",
                "gRPC calls with many answers that are open",
                Family::default(),
            ),
            registry: names.0,
        }))
    }

    /// Everything, as OpenMetrics text.
    pub fn told(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("a String takes everything");
        text
    }

    pub(crate) fn ingest(&self, tenant: &Tenant) -> IngestMetrics {
        IngestMetrics::new(&self.0, tenant)
    }

    pub(crate) fn fold(&self, tenant: &Tenant) -> FoldMetrics {
        FoldMetrics::new(&self.0, tenant)
    }

    pub(crate) fn show_in_flight(&self, bytes: usize) {
        self.0.in_flight.set(as_gauge(bytes as u64));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The upper bounds of a histogram.
#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

fn histograms<L: Clone + Eq + Hash>(buckets: &'static [f64]) -> Histograms<L> {
    Family::new_with_constructor(Buckets(buckets))
}

struct Names(Registry);

impl Names {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }
}

fn since_1970() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn as_gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
