//! Generations: one serves while another is built under other definitions, and the one before is kept to go back to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rapport::config::Config;
use rapport::wire::v1::{FunnelRequest, FunnelResponse, GetJourneyRequest, RebuildRequest};
use rapport_customer::Definitions;
use tokio::task::JoinSet;
use tonic::Code;

use crate::support::client::{Client, named};
use crate::support::happened::{Happened, ordered, viewed};
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

/// A journey of two stages, under these names.
fn stages(first: &str, second: &str) -> String {
    format!(
        "[[journey]]\nname = \"main\"\n\
         [[journey.stage]]\nname = \"{first}\"\nenter = [{{ on = [\"*\"] }}]\n\
         [[journey.stage]]\nname = \"{second}\"\nenter = [{{ on = [\"order.placed\"] }}]\n"
    )
}

/// The definitions in force.
pub fn under(config: &mut Config, text: &str) {
    for tenant in config.tenants.values_mut() {
        let definitions = Definitions::parse("definitions.toml", text, &tenant.catalogue).unwrap();
        tenant.rules = definitions.rules.clone();
        tenant.definitions = Arc::new(definitions);
    }
}

async fn served(kept: Kept, text: &str) -> Server {
    kept.serve_with(|config| under(config, text)).await
}

fn some(from: usize) -> impl Iterator<Item = Happened> {
    (from..from + 1_000).map(|n| match n % 3 {
        0 => viewed(&format!("v-{n}")).by(&format!("user_id:u{}", n % 100)).at("03-01"),
        _ => ordered(&format!("o-{n}"), "1.50 EUR").by(&format!("user_id:u{}", n % 70)).at("03-02"),
    })
}

/// The stage that one customer is in, by the answer alone.
async fn stage_of(client: &Client, name: &str) -> String {
    let request = GetJourneyRequest { customer: Some(named(name)), ..GetJourneyRequest::default() };
    let answer = soon(client.connection.journeys().get(request)).await.unwrap().into_inner();
    answer.journeys[0].stage.clone()
}

fn names(funnel: &FunnelResponse) -> Vec<&str> {
    funnel.rows[0].stages.iter().map(|stage| stage.stage.as_str()).collect()
}

fn file_of(server: &Server, generation: u32) -> PathBuf {
    server.tenant().join(format!("readmodel/{generation:06}.db"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_folded_under_the_old_definitions_serves_until_a_generation_under_the_new_ones_does() {
    let server = served(Kept::embedded(), &stages("aware", "customer")).await;
    server.accepted(some(0)).await;
    let before = server.settled().await;
    assert_eq!((&before.wanted_fingerprint, before.previous_generation), (&before.fingerprint, 0));

    let server = served(server.stop().await, &stages("known", "buyer")).await;
    let mut published = 1_000;
    let after = soon(async {
        loop {
            // At any moment all is there, under the one or under the other.
            let status = server.status_at(0).await;
            assert!(status.position >= before.position, "{status:?}");
            let (is_old, stage) = (status.generation == before.generation, stage_of(&server, "user_id:u7").await);
            assert!(stage == "buyer" || is_old && stage == "customer", "{stage} {status:?}");
            assert_eq!(is_old, status.fingerprint == before.fingerprint);
            assert!(!is_old || !status.settled && status.wanted_fingerprint != status.fingerprint, "{status:?}");
            if status.settled {
                return status;
            }
            if published < 4_000 {
                // The old one takes it in too: nobody waits for the new one.
                server.accepted(some(published)).await;
                published += 1_000;
                server.status().await;
            }
        }
    })
    .await;
    assert_eq!((after.generation, after.previous_generation), (2, 1));
    assert_eq!((&after.fingerprint, after.not_built.as_str()), (&after.wanted_fingerprint, ""));
    assert_eq!(stage_of(&server, "user_id:u7").await, "buyer");
    assert!(server.verify().await.unwrap().equal);

    let fresh = served(Kept::embedded(), &stages("known", "buyer")).await;
    for from in (0..published).step_by(1_000) {
        fresh.accepted(some(from)).await;
    }
    assert_eq!(server.digest().await, fresh.digest().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generation_before_serves_again_at_once_and_then_catches_up() {
    let server = Server::embedded().await;
    let status = server.go_back().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("no generation to go back to"), "{status}");

    server.accepted(some(0)).await;
    server.rebuild().await;
    server.accepted(some(1_000)).await;
    let newest = server.settled().await;
    assert_eq!((newest.generation, newest.previous_generation), (2, 1));

    let back = server.go_back().await.unwrap();
    assert!(back.done && back.generation == 1, "{back:?}");
    let after = server.settled().await;
    assert_eq!((after.generation, after.previous_generation), (1, 2));
    assert_eq!((after.position, &after.digest), (newest.position, &newest.digest), "it has caught up");

    let server = server.stop().await.serve().await;
    let restarted = server.status().await;
    assert_eq!((restarted.generation, restarted.previous_generation), (1, 2), "also after a restart");
    assert_eq!(server.go_back().await.unwrap().generation, 2, "and forth");
    server.accepted(some(2_000)).await;
    let whole = server.settled().await;
    assert!(server.verify().await.unwrap().equal);

    server.rebuild().await;
    let last = server.settled().await;
    assert_eq!((last.generation, last.previous_generation, &last.digest), (3, 2, &whole.digest));
    assert!(file_of(&server, 2).exists() && !file_of(&server, 1).exists(), "the one before that is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_folded_under_other_definitions_is_no_way_back_until_they_are_in_force_again() {
    let (old, new) = (stages("aware", "customer"), stages("known", "buyer"));
    let server = served(Kept::embedded(), &old).await;
    server.accepted(some(0)).await;
    let before = server.settled().await;
    let server = served(server.stop().await, &new).await;
    assert_eq!(server.settled().await.generation, 2);
    let status = server.go_back().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("generation 1 was folded under other definitions"), "{status}");
    assert_eq!(server.status().await.generation, 2);

    server.accepted(some(1_000)).await;
    let server = served(server.stop().await, &old).await;
    let back = server.status_at(0).await;
    assert_eq!((back.generation, back.previous_generation), (1, 2), "at once");
    assert_eq!((&back.fingerprint, &back.wanted_fingerprint), (&before.fingerprint, &before.fingerprint));
    assert_eq!(server.settled().await.touchpoints, 2_000);
    assert!(server.verify().await.unwrap().equal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_cannot_be_built_leaves_the_old_one_and_says_why() {
    let server = served(Kept::embedded(), &stages("aware", "customer")).await;
    server.accepted(some(0)).await;
    server.settled().await;
    let kept = server.stop().await;
    // Where it would be built lies a file.
    std::fs::write(kept.tenant().join("readmodel/building"), "no folder").unwrap();
    let server = served(kept, &stages("known", "buyer")).await;
    let status = soon(async {
        loop {
            let status = server.status_at(0).await;
            if !status.not_built.is_empty() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((status.generation, status.building.is_none(), status.fault.as_str()), (1, true, ""));
    assert!(status.not_built.contains("building"), "{status:?}");
    assert_eq!(stage_of(&server, "user_id:u7").await, "customer");
    std::fs::remove_file(server.tenant().join("readmodel/building")).unwrap();
    server.rebuild().await;
    let after = server.settled().await;
    assert_eq!((after.not_built.as_str(), stage_of(&server, "user_id:u7").await.as_str()), ("", "buyer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_of_another_version_is_folded_anew_and_says_so() {
    let mut server = Server::embedded().await;
    server.accepted(some(0)).await;
    let before = server.settled().await;
    for (name, generation) in [("format", 2), ("fingerprint", 3)] {
        let file = file_of(&server, generation - 1);
        let kept = server.stop().await;
        let change = format!("UPDATE meta SET value = 'of another version' WHERE name = '{name}'");
        rusqlite::Connection::open(&file).unwrap().execute_batch(&change).unwrap();
        server = kept.serve().await;
        let at_first = server.status_at(0).await;
        assert_eq!(at_first.generation, generation, "{name}");
        assert_eq!(at_first.began_anew, at_first.position < before.position, "{at_first:?}");
        let after = server.settled().await;
        assert_eq!((after.generation, &after.digest, after.began_anew), (generation, &before.digest, false));
        assert!(!file.exists(), "{name}");
    }
}

/// Asks until it is told to stop; each answer is one generation's, whole. How many there were of each.
async fn ask_steadily(url: String, stop: Arc<AtomicBool>) -> [usize; 2] {
    let client = Client::connect(&url).await;
    let mut answered = [0; 2];
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let asked = FunnelRequest::default();
        let funnel = soon(client.connection.journeys().funnel(asked)).await.unwrap().into_inner();
        let is_new = match names(&funnel)[..] {
            ["aware", "customer"] => false,
            ["known", "buyer"] => true,
            _ => panic!("{funnel:?}"),
        };
        // All customers, whoever answers.
        let row = &funnel.rows[0];
        assert_eq!((row.began, row.stages[0].now_in + row.stages[1].now_in), (100, 100), "{funnel:?}");
        let stage = stage_of(&client, &format!("user_id:u{}", number % 70)).await;
        assert!(["customer", "buyer"].contains(&stage.as_str()), "{stage}");
        assert!(!is_new || stage == "buyer", "an answer of the old one came after one of the new one");
        let customer = client.customer("user_id:u71").await.unwrap();
        assert!(["aware", "known"].contains(&customer.journeys[0].stage.as_str()), "{customer:?}");
        answered[usize::from(is_new)] += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_query_fails_and_each_answer_is_one_generations_while_they_are_swapped() {
    let server = served(Kept::embedded(), &stages("aware", "customer")).await;
    for from in (0..3_000).step_by(1_000) {
        server.accepted(some(from)).await;
    }
    server.settled().await;
    // Under the same definitions first: a rebuild, and a way back, under load.
    let stop = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    (0..4).for_each(|_| drop(asking.spawn(ask_steadily(server.url().to_owned(), stop.clone()))));
    let mut admin = server.connection.admin();
    let mut answers = soon(admin.rebuild(RebuildRequest::default())).await.unwrap().into_inner();
    while soon(answers.message()).await.unwrap().is_some() {}
    server.go_back().await.unwrap();
    server.go_back().await.unwrap();
    stop.store(true, Ordering::Relaxed);
    while let Some(answered) = asking.join_next().await {
        let [old, new] = answered.unwrap();
        assert!(old > 0 && new == 0);
    }

    // Then other definitions are put in force, live.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("definitions.toml");
    std::fs::write(&file, stages("aware", "customer")).unwrap();
    let server = served_from(server.stop().await, &file).await;
    let stop = Arc::new(AtomicBool::new(false));
    (0..4).for_each(|_| drop(asking.spawn(ask_steadily(server.url().to_owned(), stop.clone()))));
    let promoted = promote(&server, &stages("known", "buyer")).await;
    // Until each has heard of it.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(answered) = asking.join_next().await {
        let [old, new] = answered.unwrap();
        assert!(old > 0 && new > 0, "{old} {new}");
    }
    assert_eq!(server.status().await.generation, promoted);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), stages("known", "buyer"));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("definitions.toml.bak")).unwrap(),
        stages("aware", "customer")
    );

    let server = served_from(server.stop().await, &file).await;
    let after = server.status_at(0).await;
    assert_eq!((after.generation, &after.wanted_fingerprint), (promoted, &after.fingerprint), "nothing is built anew");
    assert!(server.verify().await.unwrap().equal);
}

/// With the definitions of a file, which may be replaced.
async fn served_from(kept: Kept, file: &Path) -> Server {
    let text = std::fs::read_to_string(file).unwrap();
    kept.serve_with(|config| {
        under(config, &text);
        config.tenants.values_mut().for_each(|tenant| tenant.definitions_file = Some(file.to_owned()));
    })
    .await
}

/// The generation that serves then.
async fn promote(server: &Server, text: &str) -> u32 {
    let request = rapport::wire::v1::WhatIfRequest {
        definitions: text.to_owned(),
        promote: true,
        ..rapport::wire::v1::WhatIfRequest::default()
    };
    let (_, promoted) = server.what_if(request).await.unwrap();
    let promoted = promoted.unwrap();
    assert!(promoted.done, "{promoted:?}");
    promoted.generation
}
