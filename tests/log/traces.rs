//! The trace of an append goes with its records, and changes nothing about them.

use rapport_log::{Batch, Filter, TraceParent};

use super::backend::{Backend, append, read_all};
use crate::support::events::{event, events};

fn trace(span: u64) -> Option<TraceParent> {
    TraceParent::parse(&format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span:016x}-01"))
}

pub async fn a_trace_goes_with_each_record_of_its_append(mut backend: Backend) {
    let log = backend.open().await;
    append(&log, vec![event("before")]).await;
    assert!(log.append(Batch::from(events("traced", 3)).with_trace(trace(1))).await.iter().all(Result::is_ok));
    assert!(log.append(Batch::from(vec![event("one")]).with_trace(trace(2))).await.iter().all(Result::is_ok));
    append(&log, vec![event("after")]).await;
    let log = backend.reopen(log).await;
    let records = read_all(&log, Filter::all()).await;
    let found: Vec<_> = records.iter().map(|record| record.trace).collect();
    assert_eq!(found, [None, trace(1), trace(1), trace(1), trace(2), None]);
    assert_eq!(records[4].json, event("one").json(), "the event stands as it was");
}

pub async fn the_first_trace_of_an_event_stands(backend: Backend) {
    let log = backend.open().await;
    for span in [Some(1), Some(2), None] {
        let trace = span.and_then(trace);
        assert!(log.append(Batch::from(vec![event("same")]).with_trace(trace)).await.iter().all(Result::is_ok));
    }
    let records = read_all(&log, Filter::all()).await;
    assert_eq!(records.iter().map(|record| record.trace).collect::<Vec<_>>(), [trace(1)]);
}
