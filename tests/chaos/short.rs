//! One fault of each kind, in each layout: a part of every `cargo test`.

use std::time::Duration;

use super::duel::Duel;
use super::plan::Pace;
use super::world::Layout;

async fn survives(layout: Layout, seed: u64) {
    let duel = Duel::fight(layout, seed, Pace::SHORT, Duration::ZERO).await;
    assert!(duel.found.is_clean(), "{duel}\n{}", duel.said);
    assert!(duel.found.acknowledged > 0 && duel.kills() > 0, "{duel}");
    println!("{duel}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_with_the_embedded_log() {
    survives(Layout::Embedded, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_projectors_on_one_nats_server() {
    survives(Layout::Single, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_projectors_on_a_cluster_of_three() {
    survives(Layout::Cluster, 3).await;
}
