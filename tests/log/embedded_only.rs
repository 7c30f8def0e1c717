//! What only a file can do wrong.

use rapport_log::{Batch, Filter, Log, LogConfig, OpenError, Tenant, TraceParent};

use super::backend::{Backend, accepted, ids, read_all};
use crate::support::events::event;

fn acme() -> Tenant {
    Tenant::parse("acme").unwrap()
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let backend = Backend::embedded();
    let log = backend.open().await;
    let refused = backend.try_open("acme").await.err();
    assert!(matches!(refused, Some(OpenError::Locked { .. })), "{refused:?}");
    log.close().await;
    backend.open().await;
}

#[tokio::test]
async fn another_tenants_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig::Embedded { folder: folder.path().to_owned() };
    Log::open(&config, &Tenant::parse("other").unwrap()).await.unwrap().close().await;
    std::fs::rename(folder.path().join("other"), folder.path().join("acme")).unwrap();
    let refused = Log::open(&config, &acme()).await.err().unwrap();
    assert!(refused.to_string().ends_with("belongs to tenant other, not to acme"), "{refused}");
}

#[tokio::test]
async fn a_file_of_an_unknown_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig::Embedded { folder: folder.path().to_owned() };
    let log = Log::open(&config, &acme()).await.unwrap();
    accepted(&log, vec![event("a")]).await;
    log.close().await;
    let path = folder.path().join("acme/log.db");
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE about SET format = 2", []).unwrap();
    let refused = Log::open(&config, &acme()).await.err().unwrap();
    assert!(refused.to_string().ends_with("is no log of format 1: its format is 2"), "{refused}");
}

#[tokio::test]
async fn another_programs_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig::Embedded { folder: folder.path().to_owned() };
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    let path = folder.path().join("acme/log.db");
    rusqlite::Connection::open(&path).unwrap().execute("CREATE TABLE recipes (name TEXT)", []).unwrap();
    let refused = Log::open(&config, &acme()).await.err();
    assert!(matches!(refused, Some(OpenError::Format { .. })), "{refused:?}");
    std::fs::write(&path, "this is no database at all, but long enough to look like one ".repeat(100)).unwrap();
    let refused = Log::open(&config, &acme()).await.err();
    assert!(matches!(refused, Some(OpenError::Storage { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_from_before_there_were_traces_opens_and_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = LogConfig::Embedded { folder: folder.path().to_owned() };
    let log = Log::open(&config, &acme()).await.unwrap();
    accepted(&log, vec![event("old")]).await;
    log.close().await;
    let path = folder.path().join("acme/log.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("ALTER TABLE records DROP COLUMN trace").unwrap();

    let log = Log::open(&config, &acme()).await.unwrap();
    let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert!(log.append(Batch::from(vec![event("new")]).with_trace(trace)).await.iter().all(Result::is_ok));
    let records = read_all(&log, Filter::all()).await;
    assert_eq!(ids(&records), ["old", "new"]);
    assert_eq!(records.iter().map(|record| record.trace).collect::<Vec<_>>(), [None, trace]);
}
