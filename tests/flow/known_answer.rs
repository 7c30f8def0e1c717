//! Real purchases whose totals are published: exact, and the same in every order, on every log, after every rebuild.

use std::fmt::Write as _;
use std::path::Path;

use rapport::wire::v1::ReplayRequest;

use crate::support::cdnow;
use crate::support::server::Server;

pub async fn the_published_totals_are_exact_however_often_they_are_imported(server: Server) {
    let first = cdnow::import_into(&server).await;
    // A batch that the log was slow to answer is sent again, and may be a duplicate then.
    assert_eq!((first.acknowledged(), first.bad()), (cdnow::ORDERS, 0));
    cdnow::assert_exact(&server.totals().await);
    let digest = server.digest().await;
    let again = cdnow::import_into(&server).await;
    assert_eq!((again.acknowledged(), again.bad()), (cdnow::ORDERS, 0));
    cdnow::assert_exact(&server.totals().await);
    assert_eq!(server.digest().await, digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_order_on_another_log_gives_the_same_digest() {
    let (from, to) = (Server::embedded().await, Server::jetstream().await);
    same_digest(&from, &to).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_back_again() {
    let (from, to) = (Server::jetstream().await, Server::embedded().await);
    same_digest(&from, &to).await;
}

/// Imports into the one, replays all of it, imports that in another order into the other, rebuilds both.
async fn same_digest(from: &Server, to: &Server) {
    cdnow::import_into(from).await;
    let digest = from.digest().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shuffled.ndjson");
    write_shuffled(from, &file).await;

    let summary = cdnow::import(to, file, None).await;
    assert_eq!((summary.acknowledged(), summary.bad()), (cdnow::ORDERS, 0));
    cdnow::assert_exact(&to.totals().await);
    assert_eq!(to.digest().await, digest);
    assert_eq!(to.settled().await.digests, from.settled().await.digests);
    for server in [from, to] {
        assert_eq!(server.rebuild().await.last().unwrap().digest, digest, "rebuilt on {}", server.log());
        cdnow::assert_exact(&server.totals().await);
    }
}

async fn write_shuffled(server: &Server, file: &Path) {
    let replayed = server.replay(ReplayRequest::default()).await.unwrap();
    let mut lines: Vec<String> = replayed.into_iter().map(|touchpoint| touchpoint.event_json).collect();
    shuffle(&mut lines, 0x5eed);
    let mut text = String::new();
    for line in &lines {
        writeln!(text, "{line}").unwrap();
    }
    std::fs::write(file, text).unwrap();
}

/// Fisher and Yates, with the pseudo-random numbers of SplitMix64: the same seed, the same order.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    let mut next = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    for last in (1..items.len()).rev() {
        let other = usize::try_from(next() % (last as u64 + 1)).unwrap();
        items.swap(last, other);
    }
}
