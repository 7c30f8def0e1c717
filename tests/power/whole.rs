//! A whole server after a power cut: it starts, what was acknowledged counts, and a retry counts once.

use std::path::Path;

use rusqlite::Connection;

use super::cuts::{Cut, sample};
use super::disk::{Disk, Unsynced};
use super::support::happened::{Happened, ordered};
use super::support::server::Kept;

const EVENTS: u32 = 60;

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by(&format!("user_id:{}", id % 7)).at(&format!("03-{:02}", 1 + id % 20))
}

/// A server that takes this many, some by one and some together; what it comes to in the end.
async fn workload() -> (Disk, String) {
    let disk = Disk::new();
    let server = Kept::embedded_in(disk.path()).serve().await;
    for id in 0..10 {
        server.accepted([order(id)]).await;
        disk.promise(id as usize + 1);
    }
    server.status().await;
    server.accepted((10..40).map(order)).await;
    disk.promise(40);
    let kept = server.stop().await;
    let server = kept.serve().await;
    server.accepted((40..EVENTS).map(order)).await;
    disk.promise(EVENTS as usize);
    let digest = server.digest().await;
    server.stop().await;
    (disk, digest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_from_what_a_power_cut_left() {
    let (disk, digest) = workload().await;
    for cut in sample(&disk, 0, 24) {
        check(&disk, cut, &digest).await;
    }
}

async fn check(disk: &Disk, cut: Cut, digest: &str) {
    let left = tempfile::tempdir().unwrap();
    let promised = cut.of(disk, left.path());
    let server = Kept::embedded_in(left.path()).serve().await;
    let found = server.settled().await;
    assert!(found.touchpoints >= promised as u64, "{promised} were acknowledged, {} count: {cut:?}", found.touchpoints);
    server.publish((0..EVENTS).map(order)).await;
    let whole = server.settled().await;
    assert_eq!((whole.touchpoints, whole.fault.as_str()), (u64::from(EVENTS), ""), "{cut:?}");
    assert_eq!(whole.digest, digest, "{cut:?}");
    server.stop().await;
}

/// A disk that says that the log is synced, and forgets: then the read model knows more than the log does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_that_is_ahead_of_its_log_is_refused() {
    let (disk, _) = workload().await;
    let (early, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let end = disk.operations();
    disk.cut(end, Unsynced::Kept, late.path());
    let head = |folder: &Path| -> u32 {
        let log = Connection::open(folder.join("default/log.db")).unwrap();
        log.query_row("SELECT max(position) FROM records", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(head(late.path()), EVENTS);
    let promised = disk.cut(end * 2 / 3, Unsynced::Lost, early.path());
    assert!(promised > 0 && head(early.path()) < EVENTS);
    for name in ["log.db", "log.db-wal"] {
        let (from, to) = (early.path().join("default").join(name), late.path().join("default").join(name));
        let _ = std::fs::remove_file(&to);
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
    let refused = Kept::embedded_in(late.path()).refused().await;
    for part in
        [format!("up to position {EVENTS}"), "the log lost its tail".to_owned(), "Bring the log back".to_owned()]
    {
        assert!(refused.contains(&part), "{part:?} is not in: {refused}");
    }
}

/// The name of the generation that serves is on the disk when it serves; so must be what it has folded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_serves_is_on_the_disk() {
    let disk = Disk::new();
    let server = Kept::embedded_in(disk.path()).serve().await;
    server.accepted((0..EVENTS).map(order)).await;
    server.settled().await;
    assert_eq!(server.rebuild().await.last().unwrap().generation, 2);
    // Built under another name.
    disk.wrote_itself("default/readmodel/000002.db");
    disk.wrote_itself("default/readmodel/current");
    let left = tempfile::tempdir().unwrap();
    disk.cut(disk.operations(), Unsynced::Lost, left.path());
    let file = left.path().join("default/readmodel/000002.db");
    let position: u32 =
        Connection::open(file).unwrap().query_row("SELECT position FROM checkpoint", [], |row| row.get(0)).unwrap();
    assert_eq!(position, EVENTS);
    let server = Kept::embedded_in(left.path()).serve().await;
    assert_eq!((server.status().await.generation, server.settled().await.touchpoints), (2, u64::from(EVENTS)));
}
