//! The read model anew from the log: the same answers, and nobody waits.

use rapport::wire::v1::RebuildRequest;
use tonic::Code;

use crate::support::happened::{Happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

fn purchases(count: usize) -> impl Iterator<Item = Happened> {
    (0..count).map(|n| ordered(&format!("o-{n}"), "1.50 EUR").by(&format!("user_id:{}", 1 + n % 40)))
}

async fn given_purchases(server: &Server) {
    for batch in purchases(3_000).collect::<Vec<_>>().chunks(1_000) {
        server.accepted(batch.to_vec()).await;
    }
}

pub async fn a_rebuild_ends_with_the_same_digest_in_a_new_generation(server: Server) {
    given_purchases(&server).await;
    server.publish([ordered("o-1", "99.00 EUR")]).await;
    let (before, totals) = (server.settled().await, server.totals().await);

    let told = server.rebuild().await;
    let last = told.last().unwrap();
    assert!(told.iter().rev().skip(1).all(|progress| !progress.done && progress.digest.is_empty()), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0].position <= pair[1].position), "{told:?}");
    assert!(last.done && last.generation == before.generation + 1, "{last:?}");
    assert_eq!((last.digest.as_str(), last.position), (before.digest.as_str(), before.position));

    let after = server.settled().await;
    assert_eq!((after.generation, &after.digest), (last.generation, &before.digest));
    assert_eq!((after.digests, after.fingerprint), (before.digests, before.fingerprint));
    assert_eq!((after.touchpoints, after.parked), (before.touchpoints, before.parked));
    assert_eq!(server.totals().await.by_currency, totals.by_currency);
    server.accepted([ordered("o-new", "1.50 EUR").by("user_id:1")]).await;
    assert_eq!(server.totals().await.orders, totals.orders + 1, "the new generation goes on");
}

/// More than are folded record by record where there is no file yet.
pub async fn a_long_log_is_folded_in_bulk_where_there_is_no_read_model(server: Server) {
    let many: Vec<_> = purchases(21_000).collect();
    for batch in many.chunks(1_000) {
        server.accepted(batch.to_vec()).await;
    }
    let before = server.settled().await;
    let kept = server.stop().await;
    std::fs::remove_dir_all(kept.tenant().join("readmodel")).unwrap();
    let server = kept.serve().await;
    let after = server.settled().await;
    assert_eq!((after.generation, &after.digest), (2, &before.digest));
    assert_eq!((after.position, after.touchpoints), (before.position, before.touchpoints));
    assert_eq!(after.building, None);
    server.accepted([ordered("o-new", "1.50 EUR").by("user_id:1")]).await;
    assert_eq!(server.totals().await.orders, 21_001, "it goes on");
}

pub async fn queries_go_on_during_a_rebuild(server: Server) {
    given_purchases(&server).await;
    assert_eq!(server.totals().await.orders, 3_000);
    let mut admin = server.connection.admin();
    let mut answers = soon(admin.rebuild(RebuildRequest::default())).await.unwrap().into_inner();
    loop {
        // At any moment of the rebuild the answer is whole.
        assert_eq!(server.totals().await.by_currency[0].revenue, "4500.00");
        assert_eq!(server.customer("user_id:7").await.unwrap().touchpoints, 75);
        match soon(answers.message()).await.unwrap() {
            Some(_) => {}
            None => break,
        }
    }
    assert_eq!(server.status().await.generation, 2);
}

pub async fn a_second_rebuild_at_once_is_refused(server: Server) {
    given_purchases(&server).await;
    let mut admin = server.connection.admin();
    let mut first = soon(admin.rebuild(RebuildRequest::default())).await.unwrap().into_inner();
    match soon(admin.rebuild(RebuildRequest::default())).await {
        Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
        // Only if the first one is done already.
        Ok(_) => assert!(server.status().await.generation >= 2),
    }
    while soon(first.message()).await.unwrap().is_some() {}
}

pub async fn status_tells_about_the_log_and_the_read_model(server: Server) {
    let empty = server.status().await;
    assert_eq!((empty.head, empty.position, empty.lag, empty.touchpoints), (0, 0, 0, 0));
    assert_eq!((empty.tenant.as_str(), empty.log.as_str(), empty.generation), ("default", server.log(), 1));
    assert_eq!((empty.epoch.len(), empty.fingerprint.len(), empty.digest.len()), (36, 32, 32));

    let view = viewed("v-1").by("user_id:42");
    server.accepted([view.clone(), viewed("v-2")]).await;
    server.publish([view]).await;
    let status = server.status().await;
    assert_eq!((status.position, status.head, status.lag), (server.acknowledged(), server.acknowledged(), 0));
    assert_eq!((status.touchpoints, status.parked, status.fault.as_str()), (2, 0, ""));
    assert_eq!((status.version.as_str(), &status.epoch), (env!("CARGO_PKG_VERSION"), &empty.epoch));
    assert_ne!(status.digest, empty.digest);
    let mut models: Vec<_> = status.digests.keys().map(String::as_str).collect();
    models.sort_unstable();
    assert_eq!(models, ["feedback", "identity", "journey", "profile"]);
}
