//! Given another log than the read model was folded from: the server does not start, and says what to do.

use std::fs;
use std::path::Path;

use crate::support::happened::{Happened, ordered};
use crate::support::server::{Kept, Server};

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

/// The log's files, moved or copied as one.
const LOG: [&str; 3] = ["log.db", "log.db-wal", "log.db-shm"];

fn copy_log(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    remove_log(to);
    for name in LOG.iter().filter(|name| from.join(name).exists()) {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

fn remove_log(folder: &Path) {
    for name in LOG.iter().filter(|name| folder.join(name).exists()) {
        fs::remove_file(folder.join(name)).unwrap();
    }
}

/// A server that has folded these in, and is stopped.
async fn folded(kept: Kept, orders: impl IntoIterator<Item = u32>) -> Kept {
    let server = kept.serve().await;
    server.accepted(orders.into_iter().map(order)).await;
    server.totals().await;
    server.stop().await
}

#[track_caller]
fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_made_anew_is_refused() {
    let kept = folded(Kept::embedded(), 1..=3).await;
    remove_log(&kept.tenant());
    assert_says(&kept.refused().await, &["000001.db", "has epoch ", "move the file away and it is built anew"]);

    // What the message says to do works.
    fs::remove_dir_all(kept.tenant().join("readmodel")).unwrap();
    assert_eq!(kept.serve().await.totals().await.touchpoints, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_anew_is_refused() {
    let kept = folded(Kept::jetstream(), 1..=3).await;
    let server = async_nats::connect(kept.nats.as_ref().unwrap().url()).await.unwrap();
    async_nats::jetstream::new(server).delete_stream("touchpoints_default").await.unwrap();
    assert_says(&kept.refused().await, &["000001.db", "has epoch ", "move the file away"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_tail_is_refused() {
    let backup = tempfile::tempdir().unwrap();
    let kept = folded(Kept::embedded(), 1..=2).await;
    copy_log(&kept.tenant(), backup.path());
    let kept = folded(kept, 3..=5).await;
    copy_log(&kept.tenant(), backup.path().join("whole").as_path());

    copy_log(backup.path(), &kept.tenant());
    assert_says(&kept.refused().await, &["up to position 5", "the log ends at 2", "Bring the log back", "readmodel"]);

    copy_log(&backup.path().join("whole"), &kept.tenant());
    assert_eq!(kept.serve().await.totals().await.touchpoints, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_tail_and_grew_another_is_refused() {
    let (backup, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kept = folded(Kept::embedded(), 1..=2).await;
    copy_log(&kept.tenant(), backup.path());
    let kept = folded(kept, 3..=5).await;

    // The log goes on from the backup without its read model, and beyond where it had been.
    let (readmodel, aside) = (kept.tenant().join("readmodel"), aside.path().join("readmodel"));
    fs::rename(&readmodel, &aside).unwrap();
    copy_log(backup.path(), &kept.tenant());
    let kept = folded(kept, 6..=9).await;
    fs::remove_dir_all(&readmodel).unwrap();
    fs::rename(&aside, &readmodel).unwrap();
    assert_says(
        &kept.refused().await,
        &["position 5 of the log is not the record that was folded in", "move ", "away"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_was_not_finished_is_cleaned_up() {
    let kept = folded(Kept::embedded(), 1..=3).await;
    let readmodel = kept.tenant().join("readmodel");
    for name in ["000002.db", "000002.db-wal", "000002.db-shm"] {
        fs::write(readmodel.join(name), "half of it").unwrap();
    }
    let server = kept.serve().await;
    assert_eq!((server.status().await.generation, server.totals().await.touchpoints), (1, 3));
    assert_eq!(generations(&readmodel), ["000001.db"]);
    assert_eq!(server.rebuild().await.last().unwrap().generation, 2);
    assert_eq!(generations(&readmodel), ["000001.db", "000002.db"], "a query under way may still open the one before");
    let server = server.stop().await.serve().await;
    assert_eq!((server.status().await.generation, server.totals().await.touchpoints), (2, 3));
    assert_eq!(generations(&readmodel), ["000002.db"], "the one before is gone");
}

/// The databases in the folder.
fn generations(readmodel: &Path) -> Vec<String> {
    let names = fs::read_dir(readmodel).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut databases: Vec<String> = names.filter(|name| name.ends_with(".db")).collect();
    databases.sort();
    databases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_that_was_deleted_comes_back_the_same() {
    let server = Server::embedded().await;
    server.accepted((1..=50).map(order)).await;
    let digest = server.digest().await;
    let kept = server.stop().await;
    fs::remove_dir_all(kept.tenant().join("readmodel")).unwrap();
    let server = kept.serve().await;
    server.status_at(50).await;
    assert_eq!(server.digest().await, digest);
}
