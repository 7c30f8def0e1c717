//! One fault of each kind, in each layout: a part of every `cargo test`.

use std::time::Duration;

use super::experiment::Experiment;
use super::plan::Pace;
use super::world::Layout;

async fn survives(layout: Layout, seed: u64) {
    let experiment = Experiment::run(layout, seed, Pace::SHORT, Duration::ZERO).await;
    assert!(experiment.found.is_clean(), "{experiment}\n{}", experiment.said);
    assert!(experiment.found.acknowledged > 0 && experiment.kills() > 0, "{experiment}");
    println!("{experiment}");
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
    survives(Layout::Cluster, 60).await;
}
