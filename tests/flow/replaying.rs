//! Given a log of eight touchpoints, a replay gives exactly those that meet all its conditions.

use rapport::wire::v1::{ReplayOrder, ReplayRequest};
use serde_json::json;

use crate::support::client::{ids, named};
use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::Server;

/// Where each of them stands. They arrive in the order of their ids, and happen in another.
async fn given_history(server: &Server) -> Vec<u64> {
    server
        .accepted([
            viewed("1").by("anonymous_id:a-7").at("03-02"),
            ordered("2", "5.00 EUR").by("user_id:42").at("03-03"),
            viewed("3").by("user_id:43").on("app").at("03-01"),
            happened("order.refunded", "4")
                .by("user_id:42")
                .on("store")
                .at("03-05")
                .with(json!({"order_id": "2", "amount": "5.00", "currency": "EUR"})),
            happened("form.submitted", "5")
                .with(json!({"form_id": "contact"}))
                .by("user_id:42 anonymous_id:a-7")
                .at("03-04"),
            happened("order.watched", "6").at("03-06"),
            viewed("7").by("user_id:42").on("app").at("03-01"),
            happened("chat.started", "8")
                .with(json!({"chat_id": "c-1"}))
                .by("user_id:43")
                .on("wechat")
                .at("2024-03-02T00:00:00.000000001Z"),
        ])
        .await
}

#[track_caller]
fn request(change: impl FnOnce(&mut ReplayRequest)) -> ReplayRequest {
    let mut request = ReplayRequest::default();
    change(&mut request);
    request
}

async fn gives(server: &Server, request: ReplayRequest, expected: &[&str]) {
    assert_eq!(ids(&server.replay(request.clone()).await.unwrap()), expected, "{request:?}");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Midnight of a day in March 2024, and some nanoseconds.
fn march(day: i64, nanos: i32) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: 1_709_251_200 + (day - 1) * 86_400, nanos })
}

pub async fn all_of_it(server: Server) {
    let positions = given_history(&server).await;
    let replayed = server.replay(ReplayRequest::default()).await.unwrap();
    assert_eq!(ids(&replayed), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(replayed.iter().map(|touchpoint| touchpoint.position).collect::<Vec<_>>(), positions);
    assert!(replayed.iter().all(|touchpoint| touchpoint.recorded_at.is_some()));
}

pub async fn by_type(server: Server) {
    given_history(&server).await;
    gives(&server, request(|r| r.types = names(&["order.placed"])), &["2"]).await;
    gives(&server, request(|r| r.types = names(&["order.>"])), &["2", "4", "6"]).await;
    gives(&server, request(|r| r.types = names(&["order.>", "chat.started", "order.placed"])), &["2", "4", "6", "8"])
        .await;
    gives(&server, request(|r| r.types = names(&["order"])), &[]).await;
}

pub async fn by_channel(server: Server) {
    given_history(&server).await;
    gives(&server, request(|r| r.channels = names(&["app"])), &["3", "7"]).await;
    gives(&server, request(|r| r.channels = names(&["app", "wechat"])), &["3", "7", "8"]).await;
    gives(&server, request(|r| r.channels = names(&["fax"])), &[]).await;
}

pub async fn by_time(server: Server) {
    given_history(&server).await;
    gives(&server, request(|r| r.from = march(4, 0)), &["4", "5", "6"]).await;
    gives(&server, request(|r| r.to = march(2, 0)), &["3", "7"]).await;
    gives(&server, request(|r| r.to = march(2, 1)), &["3", "7"]).await;
    gives(&server, request(|r| r.to = march(2, 2)), &["3", "7", "8"]).await;
    gives(&server, request(|r| (r.from, r.to) = (march(2, 1), march(3, 0))), &["1", "8"]).await;
}

pub async fn by_position(server: Server) {
    let positions = given_history(&server).await;
    gives(&server, request(|r| r.after_position = positions[5]), &["7", "8"]).await;
    gives(&server, request(|r| r.until_position = positions[1]), &["1", "2"]).await;
    let some = request(|r| (r.after_position, r.until_position) = (positions[1], positions[3]));
    gives(&server, some, &["3", "4"]).await;
}

/// In the order of events, with what the customer did before anybody knew who it was.
pub async fn by_customer(server: Server) {
    given_history(&server).await;
    gives(&server, request(|r| r.customer = Some(named("user_id:42"))), &["7", "1", "2", "5", "4"]).await;
    let id = server.customer("user_id:43").await.unwrap().id;
    gives(&server, request(|r| r.customer = Some(named(&id))), &["3", "8"]).await;
}

pub async fn by_source(server: Server) {
    given_history(&server).await;
    server.accepted([viewed("9").but("source", json!("app/2")), viewed("10").but("source", json!("app"))]).await;
    gives(&server, request(|r| r.sources = names(&["app/2"])), &["9"]).await;
    gives(&server, request(|r| r.sources = names(&["app", "app/2"])), &["9", "10"]).await;
    gives(&server, request(|r| r.sources = names(&["nobody"])), &[]).await;
    let of_the_app = request(|r| (r.sources, r.from) = (names(&["shop"]), march(5, 0)));
    gives(&server, of_the_app, &["4", "6"]).await;
}

pub async fn by_when_it_was_recorded(server: Server) {
    given_history(&server).await;
    let all = server.replay(ReplayRequest::default()).await.unwrap();
    let last = all.last().unwrap().recorded_at;
    let later = last.map(|at| prost_types::Timestamp { seconds: at.seconds + 1, ..at });
    assert_eq!(server.replay(request(|r| r.recorded_to = later)).await.unwrap(), all);
    gives(&server, request(|r| r.recorded_from = later), &[]).await;
    let since = server.replay(request(|r| r.recorded_from = last)).await.unwrap();
    let before = server.replay(request(|r| r.recorded_to = last)).await.unwrap();
    assert_eq!([before, since].concat(), all);
    let of_customer = request(|r| (r.customer, r.recorded_from) = (Some(named("user_id:42")), last));
    let refused = server.replay(of_customer).await.unwrap_err();
    assert!(refused.message().starts_with("recorded_from: is a moment of the log"), "{refused}");
}

/// Customer after customer, and on behind any of them.
pub async fn in_the_order_of_customers(server: Server) {
    given_history(&server).await;
    let in_order = request(|r| r.order = ReplayOrder::Customer.into());
    let all = server.replay(in_order.clone()).await.unwrap();
    let mut customers: Vec<&str> = all.iter().map(|touchpoint| touchpoint.customer.as_str()).collect();
    customers.dedup();
    assert_eq!(customers.len(), 2, "each of them once");
    for id in &customers {
        let of_one = server.replay(request(|r| r.customer = Some(named(id)))).await.unwrap();
        let among_all: Vec<_> = all.iter().filter(|touchpoint| touchpoint.customer == *id).cloned().collect();
        assert_eq!(ids(&among_all), ids(&of_one));
    }
    let behind = ReplayRequest { after_customer: customers[0].to_owned(), ..in_order.clone() };
    let rest = server.replay(behind).await.unwrap();
    assert!(!rest.is_empty() && rest.iter().all(|touchpoint| touchpoint.customer == customers[1]));
    let orders = ReplayRequest { types: names(&["order.placed"]), ..in_order.clone() };
    gives(&server, orders, &["2"]).await;
    let nobody = ReplayRequest { after_customer: format!("cus_{}", "0".repeat(32)), ..in_order };
    assert_eq!(server.replay(nobody).await.unwrap_err().code(), tonic::Code::NotFound);
}

pub async fn by_all_at_once(server: Server) {
    let positions = given_history(&server).await;
    let exact = request(|r| {
        r.customer = Some(named("user_id:42"));
        r.types = names(&["order.>", "page.viewed"]);
        r.channels = names(&["web", "store"]);
        (r.from, r.to) = (march(3, 0), march(6, 0));
        (r.after_position, r.until_position) = (positions[0], positions[6]);
    });
    gives(&server, exact, &["2", "4"]).await;
}
