//! Given a collector of traces: one publish is one trace, from the call to the commit, whichever process folds it.

use std::fs;
use std::net::TcpListener;

use opentelemetry_proto::tonic::trace::v1::Span;
use rapport::client::Connection;
use rapport::wire::PublishRequest;

use crate::support::cdnow;
use crate::support::client::encoded;
use crate::support::collector::Collector;
use crate::support::happened::{Happened, ordered};
use crate::support::program::Served;
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

/// Publishes as a client whose own span is this.
async fn publish_in(connection: &Connection, caller: &str, events: impl IntoIterator<Item = Happened>) {
    let events = events.into_iter().map(encoded).collect();
    let mut request = tonic::Request::new(PublishRequest { tenant: String::new(), events });
    request.metadata_mut().insert("traceparent", caller.parse().unwrap());
    soon(connection.ingest().publish(request)).await.unwrap();
}

/// The one span of this name.
#[track_caller]
fn span<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found[..] else { panic!("{} spans are called {name}", found.len()) };
    span
}

/// publish → check, append → fold, all in one trace.
#[track_caller]
fn assert_one_trace(spans: &[Span]) {
    let [publish, check, append, fold] = ["publish", "check", "append", "fold"].map(|name| span(spans, name));
    assert_eq!(spans.len(), 4);
    assert!(spans.iter().all(|span| span.trace_id == publish.trace_id));
    for (child, parent) in [(check, publish), (append, publish), (fold, append)] {
        assert_eq!(child.parent_span_id, parent.span_id, "{} is below {}", child.name, parent.name);
        assert!(child.start_time_unix_nano >= parent.start_time_unix_nano);
    }
    assert!(check.end_time_unix_nano <= append.start_time_unix_nano);
    assert!(append.end_time_unix_nano <= publish.end_time_unix_nano);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_goes_on_its_callers_trace_up_to_the_commit() {
    let collector = Collector::start().await;
    let server = Kept::embedded().traced(&collector).serve().await;
    publish_in(&server.connection, CALLER, (1..=3).map(order)).await;
    server.status_at(3).await;
    server.stop().await;
    let spans = collector.spans();
    assert_one_trace(&spans);
    let publish = span(&spans, "publish");
    assert_eq!(CALLER, format!("00-{}-{}-01", hex(&publish.trace_id), hex(&publish.parent_span_id)));
    assert_eq!(collector.services(), ["rapport"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_in_another_process_goes_on_the_gateways_trace() {
    let collector = Collector::start().await;
    let kept = Kept::jetstream().traced(&collector);
    let (gateway, projector) = (kept.part("gateway", None).await, kept.part("projector", None).await);
    // Several may come off a stream in two batches, each with a fold of its own.
    let last = *gateway.accepted([order(1)]).await.last().unwrap();
    projector.status_at(last).await;
    projector.stop().await;
    gateway.stop().await;
    let spans = collector.spans();
    assert_one_trace(&spans);
    assert_eq!(span(&spans, "publish").parent_span_id, [0; 0], "nobody called with a trace, so it has its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_caller_does_not_record_is_not_traced() {
    let collector = Collector::start().await;
    let server = Kept::embedded().traced(&collector).serve().await;
    publish_in(&server.connection, &CALLER.replace("-01", "-00"), [order(1)]).await;
    server.status_at(1).await;
    let kept = server.stop().await;
    assert_eq!((collector.spans().len(), traced_records(&kept)), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_the_log_carries_no_trace() {
    let server = Server::embedded().await;
    publish_in(&server.connection, CALLER, [order(1)]).await;
    assert_eq!(traced_records(&server.stop().await), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_changes_nothing_that_is_known() {
    let collector = Collector::start().await;
    let (traced, plain) = (Kept::embedded().traced(&collector).serve().await, Server::embedded().await);
    publish_in(&traced.connection, CALLER, (1..=3).map(order)).await;
    plain.accepted((1..=3).map(order)).await;
    traced.status_at(3).await;
    assert_eq!(traced.digest().await, plain.digest().await);
}

fn traced_records(kept: &Kept) -> i64 {
    let file = rusqlite::Connection::open(kept.tenant().join("log.db")).unwrap();
    file.query_row("SELECT count(trace) FROM records", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_collector_that_is_not_there_costs_nothing_but_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    let data = folder.path().join("data");
    let served = Served::start_with(&data, &["--listen", "127.0.0.1:0", "--otlp-endpoint", &endpoint]);
    let lines: String = cdnow::text().lines().take(50).flat_map(|line| [line, "\n"]).collect();
    let file = folder.path().join("purchases.txt");
    fs::write(&file, lines).unwrap();
    let mapping = cdnow::mapping();
    let import = ["import", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap(), "--json"];
    assert_eq!(served.ask(&import).json()["accepted"], 50);
    let ended = served.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warnings = ended.err.lines().filter(|line| line.contains("traces are not delivered")).count();
    assert_eq!(warnings, 1, "{}", ended.err);
    assert!(!ended.err.contains("ERROR"), "{}", ended.err);
}
