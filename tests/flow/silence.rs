//! Silence changes stages by itself, at its moment, on a system where nothing else happens.

use rapport::clock::{Clock, SimulatedClock};
use rapport::wire::v1::transition::Cause;
use rapport::wire::v1::{FunnelRequest, Transition, TransitionsRequest};
use rapport_touchpoint::Timestamp;
use serde_json::json;

use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::{Kept, Server};

/// A day of 2024, at the hour at which things happen unless they say otherwise.
fn on(day: &str) -> Timestamp {
    Timestamp::parse(&format!("2024-{day}T10:00:00Z")).unwrap()
}

async fn serve(kept: Kept, clock: &SimulatedClock) -> Server {
    kept.serve_with(|config| config.clock = Clock::Simulated(clock.clone())).await
}

async fn at_risk(server: &Server) -> Vec<Transition> {
    server.transitions(TransitionsRequest { to: "at_risk".to_owned(), ..TransitionsRequest::default() }).await
}

/// Who is at risk, since when, by whose silence.
async fn told(server: &Server) -> Vec<String> {
    let mut told = Vec::new();
    for change in at_risk(server).await {
        let customer = server.customer(&change.customer_id).await.unwrap();
        let Some(Cause::Silence(silence)) = change.cause else { panic!("{change:?}") };
        let time = change.time.unwrap();
        let days = silence.quiet_seconds / 86_400;
        told.push(format!(
            "{} from {} at {} after {days} days",
            customer.identifiers[0].value, change.from, time.seconds
        ));
    }
    told.sort();
    told
}

async fn thirty_five_days(kept: Kept) {
    let clock = SimulatedClock::at(on("03-01"));
    let server = serve(kept, &clock).await;
    server
        .accepted([
            ordered("o-1", "5 EUR").by("user_id:quiet").at("03-01"),
            ordered("o-2", "5 EUR").by("user_id:busy").at("03-01"),
            viewed("v-1").by("user_id:never_bought").at("03-01"),
            ordered("o-3", "5 EUR").by("user_id:written_to").at("03-01"),
        ])
        .await;
    clock.set(on("03-20"));
    server
        .accepted([
            viewed("v-2").by("user_id:busy").at("03-20"),
            happened("email.sent", "e-1").with(json!({"message_id": "m-1"})).by("user_id:written_to").at("03-20"),
        ])
        .await;
    server.status().await;
    assert_eq!(told(&server).await, [""; 0]);

    clock.set(on("04-05"));
    server.settled().await;
    let due = on("03-31").nanos() / 1_000_000_000;
    let right = ["quiet", "written_to"].map(|name| format!("{name} from customer at {due} after 30 days"));
    assert_eq!(told(&server).await, right);
    let digest = server.digest().await;

    let server = serve(server.stop().await, &clock).await;
    server.settled().await;
    assert_eq!((told(&server).await, server.digest().await), (right.to_vec(), digest.clone()), "after a restart");
    server.rebuild().await;
    server.settled().await;
    assert_eq!((told(&server).await, server.digest().await), (right.to_vec(), digest), "in a rebuild");

    let stages = &server.funnel(FunnelRequest::default()).await.rows[0].stages;
    let now_in: Vec<(&str, u64)> =
        stages.iter().filter(|stage| stage.now_in > 0).map(|stage| (stage.stage.as_str(), stage.now_in)).collect();
    assert_eq!(now_in, [("aware", 1), ("customer", 1), ("at_risk", 2)]);

    // One that happened in between comes late: there was no silence then.
    server.accepted([viewed("v-3").by("user_id:quiet").at("03-15")]).await;
    assert_eq!(told(&server).await, [right[1].clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_five_days_of_silence_on_the_embedded_log() {
    thirty_five_days(Kept::embedded()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_five_days_of_silence_on_jetstream() {
    thirty_five_days(Kept::jetstream()).await;
}
