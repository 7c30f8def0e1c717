//! The embedded log after a power cut: what was acknowledged is on it, and it goes on.

use std::collections::BTreeSet;
use std::path::Path;

use rapport_log::{Appended, Filter, Log, LogConfig, Position, Read, Tenant};
use rapport_touchpoint::Touchpoint;
use rusqlite::Connection;

use super::cuts::{Cut, sample};
use super::disk::Disk;
use super::support::events::event_with;
use super::support::soon::soon;

/// So large that a few of them fill some pages.
pub fn event(number: usize) -> Touchpoint {
    let note = format!("{number} ").repeat(300 * (number % 5));
    event_with("web", if number.is_multiple_of(7) { "page.left" } else { "page.viewed" }, &name(number), note_of(note))
}

fn note_of(note: String) -> serde_json::Value {
    serde_json::json!({ "url": "https://shop.example/", "note": note })
}

fn name(number: usize) -> String {
    format!("e-{number}")
}

pub async fn open(folder: &Path) -> Log {
    let config = LogConfig::Embedded { folder: folder.to_owned() };
    Log::open(&config, &Tenant::parse("acme").unwrap()).await.unwrap()
}

/// All names on the log, in their order.
pub async fn names(log: &Log) -> Vec<String> {
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    let mut names = Vec::new();
    loop {
        match soon(reader.next()).await.unwrap().unwrap() {
            Read::Record(record) => {
                let event: serde_json::Value = serde_json::from_slice(&record.json).unwrap();
                names.push(event["id"].as_str().unwrap().to_owned());
            }
            Read::CaughtUp(_) => return names,
        }
    }
}

/// Appends, and promises what was acknowledged, which is all of them.
async fn append(disk: &Disk, log: &Log, events: std::ops::Range<usize>) {
    let until = events.end;
    for verdict in soon(log.append(events.map(event).collect::<Vec<_>>())).await {
        assert!(matches!(verdict, Ok(Appended::Accepted(_))), "{verdict:?}");
    }
    disk.promise(until);
}

/// Moves what it can from the write-ahead log into the file, as SQLite does every 8,000 pages.
pub fn checkpoint(disk: &Disk) -> rusqlite::Result<()> {
    let file = Connection::open(disk.path().join("acme/log.db")).unwrap();
    file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

const EVENTS: usize = 60;

/// Appends of one and of many, over checkpoints and restarts.
async fn workload() -> Disk {
    let disk = Disk::new();
    let log = open(disk.path()).await;
    for number in 0..8 {
        append(&disk, &log, number..number + 1).await;
    }
    append(&disk, &log, 8..25).await;
    checkpoint(&disk).unwrap();
    append(&disk, &log, 25..26).await;
    append(&disk, &log, 26..40).await;
    checkpoint(&disk).unwrap();
    append(&disk, &log, 40..42).await;
    log.close().await;
    let log = open(disk.path()).await;
    append(&disk, &log, 42..43).await;
    append(&disk, &log, 43..EVENTS).await;
    log.close().await;
    disk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_power_cut_is_on_the_log() {
    let disk = workload().await;
    for cut in sample(&disk, 0, 120) {
        check(&disk, cut).await;
    }
}

async fn check(disk: &Disk, cut: Cut) {
    let left = tempfile::tempdir().unwrap();
    let promised = cut.of(disk, left.path());
    let log = open(left.path()).await;
    let found = names(&log).await;
    assert!(found.len() >= promised, "{promised} were acknowledged, and {} are there: {cut:?}", found.len());
    assert_eq!(found, (0..found.len()).map(name).collect::<Vec<_>>(), "{cut:?}");

    let verdicts = soon(log.append((0..EVENTS).map(event).collect::<Vec<_>>())).await;
    let accepted = verdicts.iter().filter(|verdict| matches!(verdict, Ok(Appended::Accepted(_)))).count();
    let known = verdicts.iter().filter(|verdict| matches!(verdict, Ok(Appended::Duplicate(_)))).count();
    assert_eq!((known, accepted), (found.len(), EVENTS - found.len()), "{cut:?}");
    let names: BTreeSet<String> = names(&log).await.into_iter().collect();
    assert_eq!(names.len(), EVENTS, "{cut:?}");
    log.close().await;
    assert_eq!(integrity(&left.path().join("acme/log.db")), "ok", "{cut:?}");
}

pub fn integrity(file: &Path) -> String {
    Connection::open(file).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}
