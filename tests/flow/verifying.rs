//! Anyone can check it: the read model is what the log says, and where somebody changed it by hand it is named.

use std::path::PathBuf;

use rapport::clock::{Clock, SimulatedClock};
use rapport::wire::v1::customer_difference::Presence;
use rapport::wire::v1::{VerifyRequest, VerifyResult};
use rapport_touchpoint::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tonic::Code;

use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

/// Where it is folded anew.
fn scratch(server: &Server) -> PathBuf {
    server.tenant().join("readmodel/verify")
}

/// Changes the serving read model behind the server's back.
fn by_hand(server: &Server, sql: &str) {
    let changed = Connection::open(server.tenant().join("readmodel/000001.db")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
}

fn answered(id: &str, score: u8) -> Happened {
    let said = json!({"survey": "delivery", "instance": "q1", "metric": "nps", "score": score});
    happened("survey.answered", id).with(said)
}

/// A little of everything: several customers and devices, joins, answers that replace answers, silence, retries.
async fn given_a_little_of_everything(server: &Server) {
    server
        .accepted([
            viewed("v-1").by("anonymous_id:a-1").at("03-01"),
            ordered("o-1", "5 EUR").by("user_id:ann anonymous_id:a-1").at("03-02"),
            ordered("o-2", "7 EUR").by("user_id:bob email:bob@shop.example").at("03-02"),
            viewed("v-2").by("email:ann@shop.example").at("03-05"),
            answered("s-1", 3).by("user_id:ann").at("03-06"),
            answered("s-2", 9).by("user_id:bob").at("03-06"),
            viewed("v-3"),
        ])
        .await;
    // Late, a link, an answer that replaces one, a retry.
    server
        .accepted([
            viewed("v-4").by("anonymous_id:a-1").at("02-01"),
            happened("customer.identified", "i-1").by("user_id:ann email:ann@shop.example").at("03-07"),
            answered("s-3", 8).by("email:ann@shop.example").at("03-08"),
            ordered("o-3", "2 USD").by("user_id:ann").at("06-01"),
        ])
        .await;
    server.publish([viewed("v-3")]).await;
    server.settled().await;
}

#[track_caller]
fn assert_equal(result: &VerifyResult) {
    assert!(result.equal, "{result:#?}");
    assert!(result.models.iter().all(|model| model.equal && model.stored == model.anew), "{result:#?}");
    assert_eq!((result.different_customers, result.different_totals, result.strays), (0, 0, 0));
}

/// Identifiers of the shown customers with the parts that differ.
fn named(result: &VerifyResult) -> Vec<(String, Vec<&str>)> {
    let customers = result.shown_customers.iter();
    customers
        .inspect(|customer| assert!(!customer.parts.is_empty() && customer.customer_id.starts_with("cus_")))
        .map(|customer| {
            (customer.identifiers.join(" "), customer.parts.iter().map(|part| part.part.as_str()).collect())
        })
        .collect()
}

pub async fn what_is_served_is_what_the_log_says(server: Server) {
    let empty = server.verify().await.unwrap();
    assert_equal(&empty);
    assert_eq!((empty.position, empty.events, empty.customers), (0, 0, 0));

    given_a_little_of_everything(&server).await;
    let status = server.settled().await;
    let result = server.verify().await.unwrap();
    assert_equal(&result);
    assert_eq!((result.position, &result.digest), (status.position, &status.digest));
    assert_eq!((result.tenant.as_str(), result.customers, result.conflicts), ("default", 2, 0));
    assert!(result.events >= status.touchpoints && result.clock.is_some(), "{result:?}");
    assert!(!scratch(&server).exists());

    server.accepted([ordered("o-4", "1 EUR").by("user_id:ann")]).await;
    assert_eq!(server.customer("user_id:ann").await.unwrap().touchpoints, 9, "it goes on");
    assert_equal(&server.verify().await.unwrap());
}

pub async fn a_verify_looks_at_one_position_while_more_is_published(server: Server) {
    given_a_little_of_everything(&server).await;
    let publishing = async {
        for batch in 0..10 {
            let orders = (0..100).map(|n| {
                let (id, day) = (format!("p-{batch}-{n}"), 1 + (batch * 7 + n) % 28);
                ordered(&id, "1 EUR")
                    .by(&format!("user_id:{} email:e{}@shop.example", n % 9, n % 13))
                    .at(&format!("04-{day:02}"))
            });
            server.accepted(orders).await;
        }
    };
    let verifying = async {
        let mut positions = Vec::new();
        for _ in 0..3 {
            let result = server.verify().await.unwrap();
            assert_equal(&result);
            positions.push(result.position);
        }
        positions
    };
    let ((), positions) = tokio::join!(publishing, verifying);
    assert!(positions.is_sorted(), "{positions:?}");
    server.settled().await;
    let result = server.verify().await.unwrap();
    assert_equal(&result);
    assert_eq!(result.position, server.acknowledged());
}

async fn given_many(server: &Server) {
    for batch in 0..3 {
        let order = |n| ordered(&format!("o-{batch}-{n}"), "1 EUR").by(&format!("user_id:{n}"));
        server.accepted((0..1_000).map(order)).await;
    }
    server.settled().await;
}

pub async fn a_second_verify_at_once_is_refused(server: Server) {
    given_many(&server).await;
    let mut admin = server.connection.admin();
    let mut first = soon(admin.verify(VerifyRequest::default())).await.unwrap().into_inner();
    if let Err(status) = server.verify().await {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("under way already"), "{status}");
    }
    while soon(first.message()).await.unwrap().is_some() {}
    assert_equal(&server.verify().await.unwrap());
}

pub async fn a_verify_ends_when_nobody_waits_for_it(server: Server) {
    given_many(&server).await;
    let mut admin = server.connection.admin();
    let mut first = soon(admin.verify(VerifyRequest::default())).await.unwrap().into_inner();
    assert!(soon(first.message()).await.unwrap().is_some());
    drop(first);
    soon(async {
        while let Err(status) = server.verify().await {
            assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        }
    })
    .await;
    assert!(!scratch(&server).exists());
}

pub async fn a_state_that_was_changed_names_the_customer_and_the_model(server: Server) {
    given_a_little_of_everything(&server).await;
    let root_of = |name: &str| format!("(SELECT root FROM identifiers WHERE value = '{name}')");
    let (ann, bob) = (root_of("ann"), root_of("bob"));
    let profile_of_bob = format!("(SELECT profile FROM customers WHERE id = {bob})");
    by_hand(&server, &format!("UPDATE customers SET profile = {profile_of_bob} WHERE id = {ann}"));

    let result = server.verify().await.unwrap();
    assert!(!result.equal);
    let models: Vec<_> =
        result.models.iter().map(|model| (model.model.as_str(), model.stored == model.anew, model.equal)).collect();
    let right = [("identity", true, true), ("profile", true, false), ("journey", true, true), ("feedback", true, true)];
    assert_eq!(models, right, "the stored digest still says that all is well");
    assert_eq!((result.different_customers, result.different_totals), (1, 0));
    let [(identifiers, parts)] = &named(&result)[..] else { panic!("{result:#?}") };
    assert!(identifiers.contains("user_id:ann"), "{identifiers}");
    assert_eq!(parts, &["profile"]);
    let customer = &result.shown_customers[0];
    assert_eq!(customer.customer_id, server.customer("user_id:ann").await.unwrap().id);
    assert_eq!((customer.presence(), customer.earliest_id.as_str()), (Presence::InBoth, "v-4"));
    let (serving, anew) = (&customer.parts[0].serving, &customer.parts[0].anew);
    assert!(serving.contains("events: 2,") && anew.contains("events: 8,"), "{serving}\n{anew}");

    // What is no state at all is named too, and a rebuild mends both.
    by_hand(&server, &format!("UPDATE customers SET profile = x'ff' WHERE id = {bob}"));
    by_hand(&server, &format!("DELETE FROM facts WHERE customer = {bob} AND kind = 2"));
    by_hand(&server, &format!("UPDATE customers SET events = 99 WHERE id = {ann}"));
    let result = server.verify().await.unwrap();
    assert_eq!(result.different_customers, 2);
    let parts: Vec<_> = named(&result).into_iter().map(|(_, parts)| parts).collect();
    assert_eq!(parts, [vec!["touchpoints", "profile"], vec!["profile", "feedback"]]);
    let of_bob = &result.shown_customers[1].parts;
    assert!(of_bob[0].serving.contains("cannot be read"), "{of_bob:#?}");
    assert!(!of_bob[1].serving.contains("Response at") && of_bob[1].anew.contains("Response at"), "{of_bob:#?}");
    server.rebuild().await;
    assert_equal(&server.verify().await.unwrap());
}

pub async fn customers_that_are_in_one_of_the_two_only_are_named(server: Server) {
    let orders = (1..=30).map(|n| ordered(&format!("o-{n:02}"), "1 EUR").by(&format!("user_id:{n:02}")));
    server.accepted(orders).await;
    server.settled().await;
    by_hand(&server, "DELETE FROM customers WHERE id = (SELECT id FROM identifiers WHERE value = '03')");
    let result = server.verify().await.unwrap();
    assert_eq!((result.equal, result.different_customers), (false, 1));
    assert!(result.strays > 0, "its facts are nobody's now");
    assert_eq!(named(&result)[0].0, "user_id:03");
    assert_eq!(result.shown_customers[0].presence(), Presence::OnlyAnew);

    // As if all the others had begun with another event.
    by_hand(&server, "UPDATE customers SET first = CAST(first || 'x' AS BLOB)");
    let result = server.verify().await.unwrap();
    assert_eq!((result.different_customers, result.shown_customers.len()), (30 + 29, 20));
    let presences: Vec<_> = result.shown_customers[..3].iter().map(|customer| customer.presence()).collect();
    assert_eq!(presences, [Presence::OnlyAnew, Presence::OnlyServing, Presence::OnlyAnew]);
}

pub async fn a_sum_that_was_changed_is_named(server: Server) {
    given_a_little_of_everything(&server).await;
    let changed = "UPDATE totals SET sum = '4' WHERE name = 'orders/EUR'";
    by_hand(&server, changed);
    by_hand(&server, "INSERT INTO totals VALUES ('orders/XYZ', '1'), ('nothing', '0')");
    let result = server.verify().await.unwrap();
    assert_eq!((result.equal, result.different_customers, result.different_totals), (false, 0, 2));
    let totals: Vec<_> = result
        .shown_totals
        .iter()
        .map(|total| (total.name.as_str(), total.serving.as_str(), total.anew.as_str()))
        .collect();
    assert_eq!(totals, [("orders/EUR", "4", "2"), ("orders/XYZ", "1", "0")]);
}

pub async fn a_digest_that_was_changed_is_told_apart_from_what_it_is_of(server: Server) {
    given_a_little_of_everything(&server).await;
    by_hand(&server, "UPDATE digests SET digest = zeroblob(16) WHERE model = 2");
    let result = server.verify().await.unwrap();
    assert_eq!((result.equal, result.different_customers, result.different_totals), (false, 0, 0));
    let journey = result.models.iter().find(|model| model.model == "journey").unwrap();
    assert!(journey.stored != journey.anew && journey.recomputed == journey.anew, "{journey:?}");
}

pub async fn other_bodies_under_a_known_name_are_listed_and_make_no_difference(server: Server) {
    let at = server.accepted([ordered("o-0", "1 EUR").by("user_id:ann"), viewed("v-0")]).await;
    let others = (0..22).map(|n| ordered("o-0", "2 EUR").by("user_id:bob").at(&format!("04-{:02}", n + 1)));
    server.publish(others).await;
    server.publish([viewed("v-0").on("app")]).await;
    server.settled().await;
    let result = server.verify().await.unwrap();
    assert_equal(&result);
    assert_eq!((result.conflicts, result.shown_conflicts.len()), (23, 20));
    let first = &result.shown_conflicts[0];
    assert_eq!((first.source.as_str(), first.id.as_str(), first.position), ("shop", "o-0", at[0]));
    assert_eq!((first.anchor.as_str(), first.parked_anchor.as_str()), ("user_id:ann", "user_id:bob"));
    assert!(first.parked_position > at[1], "{first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_has_fallen_to_the_same_moment_in_both() {
    let on = |day: &str| Timestamp::parse(&format!("2024-{day}T10:00:00Z")).unwrap();
    let clock = SimulatedClock::at(on("03-09"));
    let config = clock.clone();
    let server = Kept::embedded().serve_with(move |changed| changed.clock = Clock::Simulated(config)).await;
    for n in 1..=9 {
        server
            .accepted([ordered(&format!("o-{n}"), "5 EUR").by(&format!("user_id:{n}")).at(&format!("03-0{n}"))])
            .await;
    }
    let mut digests = Vec::new();
    for day in ["03-10", "04-03", "04-06", "04-30"] {
        clock.set(on(day));
        server.settled().await;
        let result = server.verify().await.unwrap();
        assert_equal(&result);
        assert_eq!(result.clock.unwrap().seconds, on(day).nanos() / 1_000_000_000);
        digests.push(result.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 4, "silence changed something each time");
    // One that comes late breaks a silence that had fallen.
    server.accepted([viewed("v-1").by("user_id:1").at("03-20")]).await;
    server.settled().await;
    assert_equal(&server.verify().await.unwrap());
}
