//! Given a NATS server that is down for half a minute under load, publishers are told so in time, questions are answered,
//! and afterwards all goes on by itself.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rapport::wire::PublishRequest;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;
use tonic::{Code, Request};

use super::audit::audit;
use super::load::Load;
use super::world::{Layout, World};
use crate::support::client::{Client, encoded};
use crate::support::happened::viewed;
use crate::support::soon::soon;

/// What is promised.
const DOWN: Duration = Duration::from_secs(30);
/// Of publishers: less than the gateway itself would wait for the log, and more.
const DEADLINES: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(15)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_minute_without_nats_is_said_in_time_and_made_up_for() {
    let mut world = World::start(Layout::Single).await;
    let load = Load::start(world.addresses.clone(), 200, 4);
    let projector = Client::connect(world.folding()[0].url()).await;
    soon(async {
        while projector.totals().await.touchpoints == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    block_in_place(|| world.nats[0].kill());
    let back = Instant::now() + DOWN;
    let mut publishers = JoinSet::new();
    for deadline in DEADLINES {
        publishers.spawn(publish_until(back, world.addresses.get(0), deadline));
    }
    assert!(projector.totals().await.touchpoints > 0, "questions are answered from the read model");
    for told in soon(publishers.join_all()).await {
        // If the gateway were too late, the client would have ended the call itself, with another code.
        assert!(!told.is_empty() && told.iter().all(|code| *code == Code::Unavailable), "{told:?}");
    }
    block_in_place(|| world.nats[0].restart());

    // Everything that was begun is acknowledged now, and no process was started again.
    let published = load.stop().await;
    assert!(published.tally.failed["Unavailable"] > 0, "{:?}", published.tally);
    let found = audit(&mut world, &published).await;
    assert!(found.is_clean(), "{found:?}\n{}", world.said(60));
    assert!(found.acknowledged > 0);
}

/// One event again and again; what each call was told.
async fn publish_until(end: Instant, gateway: String, deadline: Duration) -> Vec<Code> {
    let client = Client::connect(&gateway).await;
    let event: Bytes = encoded(viewed(&format!("outage-{}", deadline.as_secs())));
    let mut told = Vec::new();
    while Instant::now() + deadline < end {
        let mut request = Request::new(PublishRequest { tenant: String::new(), events: vec![event.clone()] });
        request.set_timeout(deadline);
        told.push(
            soon(client.connection.ingest().publish(request)).await.map_or_else(|status| status.code(), |_| Code::Ok),
        );
    }
    sleep(end.saturating_duration_since(Instant::now())).await;
    told
}
