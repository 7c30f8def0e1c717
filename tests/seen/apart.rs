//! Given the demo's customers, each model as a service of its own knows what one process that does everything knows.

use bytes::Bytes;
use prost::Message;
use rapport::demo::population::Population;
use rapport::event_proto::to_proto;
use rapport::wire::v1::TotalsResponse;
use rapport_touchpoint::Timestamp;

use crate::support::server::{Kept, Part};

const CUSTOMERS: u32 = 120;

/// Long ago, so that all silence has fallen and no clock makes a difference.
fn population() -> Population {
    Population::new(CUSTOMERS, 7, Timestamp::parse("2025-06-30T00:00:00Z").unwrap()).unwrap()
}

async fn digest_of(part: &Part, model: &str, position: u64) -> String {
    part.status_at(position).await;
    part.settled().await.digests[model].clone()
}

async fn totals(part: &Part) -> TotalsResponse {
    TotalsResponse { freshness: None, ..part.totals().await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_services_know_what_one_process_knows() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    let events: Vec<Bytes> =
        population().events().map(|event| to_proto(event).unwrap().encode_to_vec().into()).collect();
    for request in events.chunks(500) {
        gateway.publish_bytes(request.to_vec()).await.unwrap();
    }
    let last = gateway.acknowledged();

    let whole = kept.part("projector", None).await;
    for model in ["profile", "journey", "feedback"] {
        let alone = kept.part("projector", Some(model)).await;
        assert_eq!(digest_of(&alone, model, last).await, digest_of(&whole, model, last).await, "{model}");
        assert_eq!(digest_of(&alone, "identity", last).await, digest_of(&whole, "identity", last).await);
        match model {
            "profile" => assert_eq!(totals(&alone).await, totals(&whole).await),
            "journey" => {
                assert_eq!(alone.funnel(Default::default()).await.rows, whole.funnel(Default::default()).await.rows)
            }
            _ => assert_eq!(alone.scores(Default::default()).await.rows, whole.scores(Default::default()).await.rows),
        }
        alone.stop().await;
    }
    assert_eq!(whole.status().await.parked, 0);
}
