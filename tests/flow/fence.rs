//! Given another log than the read model was folded from, or another read model: the server does not start, or does not
//! go on, and says what to do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rapport::wire::v1::StatusResponse;
use tokio::task::block_in_place;
use tonic::Code;

use crate::support::client::encoded;
use crate::support::happened::{Happened, ordered};
use crate::support::server::{Kept, Server};
use crate::support::soon::{HANGS, soon};

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
    assert_eq!(generations(&readmodel), ["000001.db", "000002.db"], "the one before is kept, to go back to");
    let server = server.stop().await.serve().await;
    assert_eq!((server.status().await.generation, server.totals().await.touchpoints), (2, 3));
    assert_eq!(generations(&readmodel), ["000001.db", "000002.db"], "after a restart too");
    assert_eq!(server.rebuild().await.last().unwrap().generation, 3);
    let server = server.stop().await.serve().await;
    assert_eq!((server.status().await.generation, server.totals().await.touchpoints), (3, 3));
    assert_eq!(generations(&readmodel), ["000002.db", "000003.db"], "there is one to go back to");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_of_another_tenant_is_refused() {
    let kept = folded(Kept::embedded(), 1..=3).await;
    let file = rusqlite::Connection::open(kept.tenant().join("readmodel/000001.db")).unwrap();
    file.execute("UPDATE meta SET value = 'acme' WHERE name = 'tenant'", []).unwrap();
    drop(file);
    assert_says(
        &kept.refused().await,
        &["000001.db has tenant acme, but default is expected", "move the file away and it is built anew"],
    );
}

/// A server that has folded five of which the stream has lost all but two.
async fn with_a_stream_that_lost_its_tail() -> Server {
    let mut server = Server::jetstream().await;
    server.accepted((1..=2).map(order)).await;
    server.totals().await;
    let backup = block_in_place(|| server.nats_mut().back_up());
    // The first after a restart may be told to come again.
    publish_until_taken(&server, 3..=5).await;
    server.totals().await;
    block_in_place(|| server.nats_mut().restore(backup.path()));
    server
}

async fn publish_until_taken(server: &Server, orders: impl IntoIterator<Item = u32> + Clone) {
    soon(async {
        while server.publish_bytes(orders.clone().into_iter().map(order).map(encoded).collect()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Once its projector says that it does not go on with this log; how it stands then.
async fn stopped(server: &Server, parts: &[&str]) -> StatusResponse {
    let mut said = None;
    let stopped = async {
        loop {
            let status = server.connection.admin().status(rapport::wire::v1::StatusRequest::default()).await;
            let status = status.map(tonic::Response::into_inner);
            if let Ok(status) = status.clone()
                && parts.iter().all(|part| status.fault.contains(part))
            {
                return status;
            }
            said = Some(status);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(HANGS, stopped).await;
    found.unwrap_or_else(|_| panic!("{parts:?} is not said: {said:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_lost_its_tail_is_refused() {
    let server = with_a_stream_that_lost_its_tail().await;
    let kept = server.stop().await;
    assert_says(&kept.refused().await, &["up to position 5", "the log ends at 2", "Bring the log back", "readmodel"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_loses_its_tail_under_a_server_is_not_folded_on() {
    let server = with_a_stream_that_lost_its_tail().await;
    let status = stopped(&server, &["up to position 5", "the log ends at 2", "Bring the log back"]).await;
    assert_eq!((status.position, status.touchpoints, status.settled), (5, 5, false));
    // Beyond where it had been, it is another log all the same.
    publish_until_taken(&server, 6..=12).await;
    let status = stopped(&server, &["position 5 of the log is not the record that was folded in"]).await;
    assert_eq!((status.position, status.touchpoints, status.settled), (5, 5, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_purged_is_refused_and_stops_a_server() {
    let server = Server::jetstream().await;
    server.accepted((1..=3).map(order)).await;
    server.totals().await;
    let nats = async_nats::connect(server.nats().url()).await.unwrap();
    let stream = async_nats::jetstream::new(nats).get_stream("touchpoints_default").await.unwrap();
    stream.purge().await.unwrap();
    // These are the projector's own words: it has stopped.
    let purged = "the log cannot be read: the log ends at 3 and holds nothing: it was purged";
    let status = stopped(&server, &[purged, "Bring it back"]).await;
    assert_eq!((status.touchpoints, status.settled), (3, false));
    publish_until_taken(&server, 4..=5).await;
    let status = stopped(&server, &["position 3 of the log is not the record that was folded in"]).await;
    assert_eq!((status.touchpoints, status.settled), (3, false));
    assert_says(
        &server.stop().await.refused().await,
        &["position 3 of the log is not the record", "Bring the log back"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_made_anew_stops_a_server() {
    let server = Server::jetstream().await;
    server.accepted((1..=3).map(order)).await;
    server.totals().await;
    let nats = async_nats::connect(server.nats().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(nats);
    let mut config = jetstream.get_stream("touchpoints_default").await.unwrap().cached_info().config.clone();
    jetstream.delete_stream("touchpoints_default").await.unwrap();
    config.metadata.insert("rapport.epoch".to_owned(), "00000000-0000-4000-8000-000000000000".to_owned());
    // The server removes the old stream's files a moment after it says so, and refuses the name until then.
    soon(async {
        while jetstream.create_stream(config.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let status =
        stopped(&server, &["another log (00000000-", "was created in the place of this one", "start again"]).await;
    assert_eq!((status.touchpoints, status.settled), (3, false));
}

/// SQLite would go on writing files that nobody finds again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_replaced_under_a_server_takes_nothing_until_it_is_back() {
    let (backup, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kept = folded(Kept::embedded(), 1..=2).await;
    copy_log(&kept.tenant(), backup.path());
    let server = kept.serve().await;
    server.accepted((3..=5).map(order)).await;
    server.totals().await;
    let tenant = server.tenant();
    let set_aside = || LOG.iter().for_each(|name| fs::rename(tenant.join(name), aside.path().join(name)).unwrap());
    let bring_back = || LOG.iter().for_each(|name| fs::rename(aside.path().join(name), tenant.join(name)).unwrap());

    for restored in [false, true] {
        set_aside();
        if restored {
            copy_log(backup.path(), &tenant);
        }
        let refused = server.publish_bytes(vec![encoded(order(6))]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_says(refused.message(), &["its file was moved, removed or replaced", "bring it back"]);
        let status =
            stopped(&server, &["log.db", "moved, removed or replaced", "Bring it back, or stop the server"]).await;
        assert_eq!((status.position, status.touchpoints, status.settled), (5, 5, false));
        bring_back();
    }
    server.accepted([order(6)]).await;
    assert_eq!(server.totals().await.touchpoints, 6);
    assert_eq!(server.settled().await.fault, "");
}
