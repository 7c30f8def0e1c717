//! A disk that is full or broken for a while: nothing is acknowledged that is not safe, everybody is told why, and all goes
//! on by itself once the disk does.

use std::collections::BTreeSet;
use std::ffi::c_int;

use bytes::Bytes;
use rapport::wire::v1::{RebuildProgress, RebuildRequest};
use rapport_log::{AppendError, Log, LogConfig, Tenant};
use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE};
use tonic::{Code, Status};

use super::disk::{Disk, Failing, Step, Unsynced};
use super::log::{checkpoint, event, integrity, names, open};
use super::support::client::{Client, encoded};
use super::support::happened::{Happened, ordered};
use super::support::server::Kept;
use super::support::soon::{soon, wait_until};

const FULL: (Step, c_int) = (Step::Write, SQLITE_FULL);
const UNWRITTEN: (Step, c_int) = (Step::Write, SQLITE_IOERR_WRITE);
const UNSYNCED: (Step, c_int) = (Step::Sync, SQLITE_IOERR_FSYNC);

fn failing((step, code): (Step, c_int), names: &'static str, after: usize) -> Failing {
    Failing { step, names, after, code }
}

/// Appends these, one by one; how many were acknowledged before the first that was not, and why it was not.
async fn append_until_refused(log: &Log, numbers: std::ops::Range<usize>) -> (usize, Option<AppendError>) {
    let begin = numbers.start;
    for number in numbers.clone() {
        if let Err(error) = soon(log.append(vec![event(number)])).await.remove(0) {
            return (number - begin, Some(error));
        }
    }
    (numbers.len(), None)
}

/// At each of the first operations of what comes after some appends.
async fn is_safe_at_every_operation(fault: (Step, c_int), operations: usize) {
    for after in 0..operations {
        let disk = Disk::new();
        let log = open(disk.path()).await;
        assert_eq!(append_until_refused(&log, 0..5).await.0, 5);
        disk.fail(failing(fault, "log.db-wal", after));
        let (more, error) = append_until_refused(&log, 5..30).await;
        let error = error.unwrap_or_else(|| panic!("nothing failed after {after} operations"));
        assert_eq!(matches!(error, AppendError::Full(_)), fault == FULL, "{error:?}");
        assert_eq!(matches!(error, AppendError::Storage(_)), fault != FULL, "{error:?}");
        let acknowledged = 5 + more;

        let left = tempfile::tempdir().unwrap();
        disk.cut(disk.operations(), Unsynced::Lost, left.path());
        let after_cut = open(left.path()).await;
        let found = names(&after_cut).await.len();
        assert!(found >= acknowledged, "{acknowledged} were acknowledged, {found} outlive a cut; after {after}");
        after_cut.close().await;

        // Whoever was refused tries again, and finds the disk as it was before; then it is mended.
        assert!(append_until_refused(&log, acknowledged..acknowledged + 1).await.1.is_some());
        assert!(disk.heal() >= 2);
        let verdicts = soon(log.append((acknowledged..30).map(event).collect::<Vec<_>>())).await;
        assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
        log.close().await;
        let log = open(disk.path()).await;
        let found = names(&log).await;
        let distinct: BTreeSet<&String> = found.iter().collect();
        assert_eq!((found.len(), distinct.len()), (30, 30), "after {after}");
        log.close().await;
        assert_eq!(integrity(&disk.path().join("acme/log.db")), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_on_a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_room() {
    is_safe_at_every_operation(FULL, 14).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_on_a_disk_that_does_not_write_goes_on_when_it_does() {
    is_safe_at_every_operation(UNWRITTEN, 14).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_on_a_disk_that_does_not_sync_acknowledges_nothing() {
    is_safe_at_every_operation(UNSYNCED, 4).await;
}

/// What is in the write-ahead log is safe there; that it cannot be moved on costs room and no event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_tidied_up_takes_events_all_the_same() {
    for fault in [FULL, UNSYNCED] {
        let disk = Disk::new();
        let log = open(disk.path()).await;
        assert_eq!(append_until_refused(&log, 0..10).await.0, 10);
        disk.fail(failing(fault, "log.db", 0));
        assert!(checkpoint(&disk).is_err());
        assert_eq!(append_until_refused(&log, 10..20).await.0, 10);
        // On its way out it tries once more.
        log.close().await;
        assert!(disk.heal() >= 2);
        let log = open(disk.path()).await;
        assert_eq!(names(&log).await.len(), 20);
        log.close().await;
        assert_eq!(integrity(&disk.path().join("acme/log.db")), "ok");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_could_not_be_made_is_made_when_there_is_room() {
    for after in 0..4 {
        let disk = Disk::new();
        disk.fail(failing(FULL, "", after));
        let config = LogConfig::Embedded { folder: disk.path().to_owned() };
        let refused = Log::open(&config, &Tenant::parse("acme").unwrap()).await.err();
        let refused = refused.unwrap_or_else(|| panic!("it was made with {after} writes")).to_string();
        assert!(refused.contains("log.db cannot be opened: ") && refused.contains("disk is full"), "{refused}");
        disk.heal();
        let log = open(disk.path()).await;
        assert_eq!(append_until_refused(&log, 0..3).await.0, 3);
        log.close().await;
    }
}

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

fn orders(ids: std::ops::Range<u32>) -> Vec<Bytes> {
    ids.map(|id| encoded(order(id))).collect()
}

#[track_caller]
fn assert_says(refused: &Status, code: Code, parts: &[&str]) {
    assert_eq!(refused.code(), code, "{refused:?}");
    parts.iter().for_each(|part| assert!(refused.message().contains(part), "{part:?} is not in: {refused:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_publishes_is_told_why_and_may_try_again() {
    let disk = Disk::new();
    let server = Kept::embedded_in(disk.path()).serve().await;
    server.accepted((0..3).map(order)).await;
    let cases = [
        (FULL, Code::ResourceExhausted, ["no room left", "publish it again"]),
        (UNWRITTEN, Code::Unavailable, ["could not write", "publish it again"]),
        (UNSYNCED, Code::Unavailable, ["could not write", "publish it again"]),
    ];
    for (fault, code, parts) in cases {
        let known = server.status().await.head as u32;
        disk.fail(failing(fault, "log.db-wal", 0));
        for _ in 0..2 {
            let refused = server.publish_bytes(orders(known..known + 2)).await.unwrap_err();
            assert_says(&refused, code, &parts);
        }
        assert_eq!(server.totals().await.touchpoints, u64::from(known), "answers go on");
        disk.heal();
        server.accepted((known..known + 2).map(order)).await;
        assert_eq!(server.totals().await.touchpoints, u64::from(known) + 2);
    }
    assert!(server.verify().await.unwrap().equal);
}

/// Each time it tries anew, and says so all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_on_a_bad_disk_says_so_until_it_goes_on() {
    let disk = Disk::new();
    let server = Kept::embedded_in(disk.path()).serve().await;
    server.accepted((0..5).map(order)).await;
    server.settled().await;
    // At a commit alone a read model syncs nothing.
    for (fault, says) in [(FULL, "make room"), (UNWRITTEN, "look at its disk")] {
        let known = server.status().await.position;
        disk.fail(failing(fault, "000001.db-wal", 0));
        let head = *server.accepted((known as u32..known as u32 + 3).map(order)).await.last().unwrap();
        wait_until("the first try fails", || disk.refused() > 0);
        let mut said = false;
        while disk.refused() < 3 {
            let status = server.status_at(0).await;
            assert!(!said || !status.fault.is_empty(), "the fault was forgotten before it was mended");
            said |= !status.fault.is_empty();
            assert_eq!(status.position, known);
            assert!(status.fault.is_empty() || status.fault.contains(says), "{}", status.fault);
        }
        assert!(said);
        disk.heal();
        let status = server.status_at(head).await;
        assert_eq!((status.touchpoints, status.position), (known + 3, head));
        assert_eq!(server.settled().await.fault, "");
    }
    let digest = server.digest().await;
    assert_eq!(server.rebuild().await.last().unwrap().digest, digest);
    let kept = server.stop().await;
    assert_eq!(integrity(&kept.tenant().join("readmodel/000002.db")), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_on_a_full_disk_fails_and_leaves_the_old_one_serving() {
    let disk = Disk::new();
    let server = Kept::embedded_in(disk.path()).serve().await;
    server.accepted((0..5).map(order)).await;
    let digest = server.digest().await;
    let mut failed = 0;
    for after in [0, 3, 10, 20, 200] {
        disk.fail(failing(FULL, "building.db", after));
        let rebuilt = rebuild(&server).await;
        if disk.heal() == 0 {
            assert_eq!(rebuilt.unwrap().digest, digest);
            break;
        }
        failed += 1;
        assert_says(&rebuilt.unwrap_err(), Code::Internal, &["is full", "make room on its disk"]);
        assert_eq!((server.status().await.generation, server.digest().await), (1, digest.clone()));
    }
    assert!(failed >= 3, "a file of its own takes more writes than that");
}

/// To its end, good or bad.
async fn rebuild(server: &Client) -> Result<RebuildProgress, Status> {
    let mut answers = soon(server.connection.admin().rebuild(RebuildRequest::default())).await?.into_inner();
    let mut last = RebuildProgress::default();
    while let Some(progress) = soon(answers.message()).await? {
        last = progress;
    }
    Ok(last)
}
