//! Customers as they change: told at once, from any position on, and never more than a slow reader takes.

use std::collections::BTreeSet;

use futures::future::join_all;
use rapport::wire::v1::customer_service_client::CustomerServiceClient;
use rapport::wire::v1::watch_request::Who;
use rapport::wire::v1::watch_response::What;
use rapport::wire::v1::{Customer, CustomerFilter, WatchRequest, WatchResponse};
use serde_json::json;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

use crate::support::client::named;
use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

fn of(name: &str) -> Option<Who> {
    Some(Who::Customer(named(name)))
}

fn on_channel(channel: &str) -> Option<Who> {
    Some(Who::Filter(CustomerFilter { channel: channel.to_owned(), ..CustomerFilter::default() }))
}

async fn watch(server: &Server, who: Option<Who>, from_position: Option<u64>) -> Streaming<WatchResponse> {
    let request = WatchRequest { tenant: String::new(), who, from_position };
    soon(server.connection.customers().watch(request)).await.unwrap().into_inner()
}

async fn next(watch: &mut Streaming<WatchResponse>) -> (What, u64) {
    let response = soon(watch.message()).await.unwrap().expect("a watch does not end by itself");
    (response.what.unwrap(), response.position)
}

async fn next_changed(watch: &mut Streaming<WatchResponse>) -> Customer {
    loop {
        match next(watch).await {
            (What::Changed(customer), _) => return customer,
            (What::CaughtUp(_) | What::Missed(_), _) => {}
        }
    }
}

/// Until all is told that was there when the watch began.
async fn until_caught_up(watch: &mut Streaming<WatchResponse>) -> Vec<Customer> {
    let mut told = Vec::new();
    loop {
        match next(watch).await.0 {
            What::Changed(customer) => told.push(customer),
            What::CaughtUp(_) => return told,
            What::Missed(missed) => panic!("{missed:?}"),
        }
    }
}

pub async fn a_change_is_told_with_the_customer_after_it(server: Server) {
    server.accepted([viewed("v-1").by("user_id:42"), viewed("v-2").by("user_id:43")]).await;
    server.status().await;
    let mut watch = watch(&server, of("user_id:42"), None).await;
    assert_eq!(until_caught_up(&mut watch).await, []);
    server.accepted([viewed("v-3").by("user_id:43")]).await;
    let [position] = server.accepted([ordered("o-1", "5 EUR").by("user_id:42")]).await[..] else { panic!() };
    let (What::Changed(mut customer), at) = next(&mut watch).await else { panic!("only 42 changed") };
    assert_eq!(customer.orders[0].revenue, "5.00");
    assert!(at >= position);
    // It happened long ago, so silence falls at once, and is told too.
    server.settled().await;
    let now = server.customer("user_id:42").await.unwrap();
    while customer != now {
        customer = next_changed(&mut watch).await;
    }
}

pub async fn a_watch_goes_on_from_a_position(server: Server) {
    let positions =
        server.accepted((1..=4).map(|n| viewed(&n.to_string()).by(&format!("user_id:{n}")).at("03-01"))).await;
    server.status().await;
    let all = until_caught_up(&mut watch(&server, None, Some(0)).await).await;
    assert_eq!(all.len(), 4, "from the beginning everybody is told once");
    server.accepted([viewed("5").by("user_id:2").at("03-02")]).await;
    server.status().await;
    let since = until_caught_up(&mut watch(&server, None, Some(positions[3] + 1)).await).await;
    let since: Vec<u64> = since.iter().map(|customer| customer.touchpoints).collect();
    assert_eq!(since, [2], "who changed since is told as they are now");
    let one = until_caught_up(&mut watch(&server, of("user_id:2"), Some(positions[3] + 1)).await).await;
    assert_eq!(one.len(), 1);
    assert_eq!(until_caught_up(&mut watch(&server, of("user_id:1"), Some(positions[3] + 1)).await).await, []);
}

pub async fn a_watch_of_many_tells_whoever_matches(server: Server) {
    let mut watch = watch(&server, on_channel("store"), None).await;
    until_caught_up(&mut watch).await;
    server.accepted([viewed("v-1").by("user_id:1"), ordered("o-1", "5 EUR").by("user_id:2").on("store")]).await;
    assert_eq!(next_changed(&mut watch).await.identifiers[0].value, "2");
    // Silence falls on what is long past, and is told too.
    server.settled().await;
    watch = self::watch(&server, on_channel("store"), None).await;
    until_caught_up(&mut watch).await;
    server.accepted([viewed("v-2").by("user_id:1").on("store")]).await;
    assert_eq!(next_changed(&mut watch).await.identifiers[0].value, "1");
}

pub async fn a_watch_follows_a_customer_who_is_joined(server: Server) {
    server.accepted([viewed("v-1").by("email:ann@example.com").at("03-01")]).await;
    server.accepted([viewed("v-2").by("user_id:42").at("03-02")]).await;
    server.status().await;
    let mut watch = watch(&server, of("user_id:42"), None).await;
    until_caught_up(&mut watch).await;
    server.accepted([happened("customer.linked", "l-1").by("email:ann@example.com user_id:42").at("03-03")]).await;
    assert_eq!(next_changed(&mut watch).await.touchpoints, 3);
    server.accepted([viewed("v-3").by("email:ann@example.com").at("03-04")]).await;
    assert_eq!(next_changed(&mut watch).await.touchpoints, 4, "by its other name too");
}

pub async fn a_rebuild_under_a_watch_is_not_noticed(server: Server) {
    server.accepted([viewed("v-1").by("user_id:42").at("03-01")]).await;
    server.status().await;
    let mut watch = watch(&server, of("user_id:42"), None).await;
    until_caught_up(&mut watch).await;
    server.rebuild().await;
    server.accepted([viewed("v-2").by("user_id:42").at("03-02")]).await;
    while next_changed(&mut watch).await.touchpoints < 2 {}
}

pub async fn nobody_cannot_be_watched(server: Server) {
    let request = WatchRequest { who: of("user_id:42"), ..WatchRequest::default() };
    let status = soon(server.connection.customers().watch(request)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "customer: nobody is known as user_id:42"));
}

pub async fn a_thousand_watch_at_once(server: Server) {
    server.accepted((1..=50).map(|n| viewed(&n.to_string()).by(&format!("user_id:{n}")).at("03-01"))).await;
    server.status().await;
    // One connection carries 200 streams.
    let mut watches = Vec::new();
    for _ in 0..10 {
        let connection = rapport::client::Connection::open(server.url()).await.unwrap();
        for n in 0..100 {
            let who = of(&format!("user_id:{}", n % 50 + 1));
            let request = WatchRequest { tenant: String::new(), who, from_position: None };
            watches.push(soon(connection.customers().watch(request)).await.unwrap().into_inner());
        }
    }
    join_all(watches.iter_mut().map(until_caught_up)).await;
    server.accepted((1..=50).map(|n| viewed(&format!("again-{n}")).by(&format!("user_id:{n}")).at("03-02"))).await;
    for customer in join_all(watches.iter_mut().map(next_changed)).await {
        assert_eq!(customer.touchpoints, 2);
    }
}

/// Takes few bytes before it is full.
async fn narrow(server: &Server) -> CustomerServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(server.url().to_owned()).unwrap();
    let endpoint = endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
    CustomerServiceClient::new(endpoint.connect().await.unwrap())
}

pub async fn a_reader_that_stops_reading_is_told_that_it_missed_some(server: Server) {
    let request = WatchRequest::default();
    let mut watch = soon(narrow(&server).await.watch(request)).await.unwrap().into_inner();
    until_caught_up(&mut watch).await;
    let long = "x".repeat(1_000);
    for n in 0..360 {
        let traits = json!({"traits": {"about": format!("{n} {long}")}});
        let by = format!("user_id:{}", n % 60 + 1);
        server.accepted([happened("customer.identified", &format!("i-{n}")).by(&by).with(traits)]).await;
        server.status().await;
    }
    let mut missed = false;
    let mut current = BTreeSet::new();
    while !missed || current.len() < 60 {
        match next(&mut watch).await.0 {
            What::Missed(_) => missed = true,
            What::Changed(customer) if missed && customer.touchpoints == 6 => {
                current.insert(customer.id);
            }
            What::Changed(_) | What::CaughtUp(_) => {}
        }
    }
}
