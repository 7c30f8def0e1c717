//! Given what was published, the answer holds it: once, and the first of two bodies.

use std::time::Duration;

use futures::StreamExt;
use rapport::wire::PublishRequest;
use rapport::wire::v1::verdict::Verdict;
use rapport::wire::v1::{GetCustomerRequest, TotalsRequest};
use tonic::{Code, Request};

use crate::support::client::{encoded, named};
use crate::support::happened::{Happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

pub async fn what_was_published_is_in_the_answer(server: Server) {
    server.accepted([ordered("o-1", "129.90 CNY").by("user_id:42").on("store")]).await;
    let customer = server.customer("user_id:42").await.unwrap();
    assert_eq!(customer.touchpoints, 1);
    assert_eq!((customer.orders[0].currency.as_str(), customer.orders[0].revenue.as_str()), ("CNY", "129.90"));
    assert_eq!((customer.first_channel.as_str(), customer.last_channel.as_str()), ("store", "store"));
}

pub async fn an_answer_waits_for_min_position(server: Server) {
    for n in 1..=20 {
        let position = server.accepted([viewed(&format!("v-{n}")).by("user_id:42")]).await[0];
        let request =
            GetCustomerRequest { customer: Some(named("user_id:42")), min_position: position, ..Default::default() };
        let answer = soon(server.connection.customers().get(request)).await.unwrap().into_inner();
        assert_eq!(answer.customer.unwrap().touchpoints, n);
        let freshness = answer.freshness.unwrap();
        assert!(freshness.position >= position && freshness.head >= freshness.position, "{freshness:?}");
        assert_eq!(freshness.lag, freshness.head - freshness.position);
    }
}

pub async fn a_position_that_is_never_reached_ends_with_the_deadline(server: Server) {
    let mut request = Request::new(TotalsRequest { min_position: 1_000_000, ..TotalsRequest::default() });
    request.set_timeout(Duration::from_millis(200));
    let status = soon(server.connection.customers().totals(request)).await.unwrap_err();
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");
    assert_eq!(server.totals().await.touchpoints, 0);
}

pub async fn a_retry_counts_once(server: Server) {
    let order = ordered("o-1", "10.00 EUR").by("user_id:42");
    let first = server.accepted([order.clone()]).await[0];
    for _ in 0..3 {
        let verdicts = server.publish([order.clone()]).await;
        let [Verdict::Duplicate(duplicate)] = &verdicts[..] else { panic!("{verdicts:?}") };
        assert_eq!(duplicate.position, first);
    }
    assert_eq!(server.customer("user_id:42").await.unwrap().orders[0].revenue, "10.00");
    let totals = server.totals().await;
    assert_eq!((totals.touchpoints, totals.orders), (1, 1));
}

pub async fn another_body_is_quarantined_and_the_first_stands(server: Server) {
    let first = server.accepted([ordered("o-1", "10.00 EUR").by("user_id:42")]).await[0];
    let verdicts = server.publish([ordered("o-1", "99.00 EUR").by("user_id:42")]).await;
    let [Verdict::Quarantined(quarantined)] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!(quarantined.reasons[0].field, "id");
    assert!(quarantined.reasons[0].rule.contains(&format!("position {first}")), "{quarantined:?}");

    let status = server.status().await;
    assert_eq!((status.touchpoints, status.parked), (1, 1));
    let parked = &status.newest_parked[0];
    assert_eq!((parked.position, parked.id.as_str()), (quarantined.position, "o-1"));
    assert_eq!((parked.source.as_str(), parked.r#type.as_str()), ("shop", "order.placed"));
    assert!(parked.reason.contains("body"), "{parked:?}");
    assert!(parked.recorded_at.is_some());
    assert_eq!(server.customer("user_id:42").await.unwrap().orders[0].revenue, "10.00");
    assert_eq!(server.totals().await.by_currency[0].revenue, "10.00");
}

pub async fn twenty_batches_in_flight_are_answered_in_order(server: Server) {
    let batch = |batch: usize| -> Vec<Happened> {
        (0..50).map(|n| viewed(&format!("v-{batch}-{n}")).by("anonymous_id:a-7")).collect()
    };
    let requests = (0..20).map(move |n| {
        let events = batch(n).into_iter().map(encoded).collect();
        PublishRequest { tenant: String::new(), events }
    });
    let requests = futures::stream::iter(requests);
    let mut responses = soon(server.connection.ingest().publish_stream(requests)).await.unwrap().into_inner();
    let mut positions = Vec::new();
    while let Some(response) = soon(responses.next()).await {
        for verdict in server.verdicts(response.unwrap()) {
            let Verdict::Accepted(accepted) = verdict else { panic!("{verdict:?}") };
            positions.push(accepted.position);
        }
    }
    assert_eq!(positions.len(), 20 * 50);
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "answers come in the order of the requests");
    assert_eq!(server.customer("anonymous_id:a-7").await.unwrap().touchpoints, 20 * 50);
}

pub async fn everything_survives_a_restart(server: Server) {
    server.accepted([ordered("o-1", "10.00 EUR").by("user_id:42"), viewed("v-1")]).await;
    let (digest, position) = (server.digest().await, server.acknowledged());
    let server = server.stop().await.serve().await;
    let status = server.status().await;
    assert_eq!((status.digest, status.position, status.generation), (digest, position, 1));
    let verdicts = server.publish([ordered("o-1", "10.00 EUR").by("user_id:42")]).await;
    assert!(matches!(verdicts[0], Verdict::Duplicate(_)), "{verdicts:?}");
    server.accepted([viewed("v-2").by("user_id:42")]).await;
    assert_eq!(server.customer("user_id:42").await.unwrap().touchpoints, 2);
}
