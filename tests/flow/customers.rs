//! Given these touchpoints, this is the customer, under any name.

use serde_json::json;
use tonic::Code;

use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::Server;

pub async fn a_timeline_comes_in_pages_the_newest_first(server: Server) {
    // Arrived in another order than they happened.
    let days = ["03-04", "03-01", "03-07", "03-03", "03-06", "03-02", "03-05"];
    server.accepted(days.map(|day| viewed(day).by("user_id:42").at(day))).await;
    server.accepted([viewed("somebody else's").by("user_id:43").at("03-05")]).await;

    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut token = String::new();
    loop {
        let page = server.timeline("user_id:42", 3, &token).await.unwrap();
        pages.push(page.entries.into_iter().map(|entry| entry.id).collect());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec!["03-07", "03-06", "03-05"], vec!["03-04", "03-03", "03-02"], vec!["03-01"]]);
}

pub async fn a_page_token_belongs_to_one_customer(server: Server) {
    let view = |id: &str, by: &str| viewed(id).by(by);
    server.accepted([view("a", "user_id:42"), view("b", "user_id:42"), view("c", "user_id:43")]).await;
    let token = server.timeline("user_id:42", 1, "").await.unwrap().next_page_token;
    assert!(!token.is_empty());
    let status = server.timeline("user_id:43", 1, &token).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("page_token: belongs to another question"), "{status}");
    let status = server.timeline("user_id:42", 1, "made up").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

pub async fn a_customer_has_many_names(server: Server) {
    server
        .accepted([happened("form.submitted", "f-1")
            .with(json!({"form_id": "contact"}))
            .by("email:Ann@Example.COM anonymous_id:a-7")])
        .await;
    let by_device = server.customer("anonymous_id:a-7").await.unwrap();
    for name in ["email:ann@example.com", "email:ANN@EXAMPLE.COM", "email: Ann@Example.com ", &by_device.id] {
        assert_eq!(server.customer(name).await.unwrap(), by_device, "{name}");
    }
    let identifier = &by_device.identifiers[0];
    assert_eq!((identifier.namespace.as_str(), identifier.value.as_str()), ("email", "ann@example.com"));
    assert_eq!(by_device.devices[0].value, "a-7");
}

pub async fn nobody_is_not_found(server: Server) {
    server.accepted([viewed("v-1").by("user_id:42")]).await;
    for name in ["user_id:43", "email:nobody@example.com", "cus_00000000000000000000000000000000", "user_id:null"] {
        let status = server.customer(name).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{name}: {status}");
        assert!(status.message().contains(name), "{status}");
        assert_eq!(server.timeline(name, 0, "").await.unwrap_err().code(), Code::NotFound);
    }
}

pub async fn a_customer_that_is_joined_keeps_both_ids(server: Server) {
    server.accepted([viewed("v-1").by("email:ann@example.com").at("03-01")]).await;
    server.accepted([ordered("o-1", "5.00 EUR").by("user_id:42").at("03-02")]).await;
    let by_email = server.customer("email:ann@example.com").await.unwrap().id;
    let by_user_id = server.customer("user_id:42").await.unwrap().id;
    assert_ne!(by_email, by_user_id);

    server.accepted([happened("customer.linked", "l-1").by("email:ann@example.com user_id:42").at("03-03")]).await;
    server.settled().await;
    let joined = server.customer("user_id:42").await.unwrap();
    assert_eq!(joined.id, by_email, "the oldest identifier names the customer");
    assert_eq!(joined.touchpoints, 3);
    assert_eq!(server.customer(&by_user_id).await.unwrap(), joined, "the former id stays a name");
    assert_eq!(server.totals().await.customers, 1);
}

pub async fn whoever_was_asked_for_before_is_told_as_they_are_now(server: Server) {
    let asked = async |name: &str| {
        // What happened long ago is followed by silence.
        server.settled().await;
        let first = server.customer(name).await.unwrap();
        assert_eq!(server.customer(name).await.unwrap(), first, "{name}, a second time");
        first
    };
    server.accepted([viewed("v-1").by("user_id:ann anonymous_id:a-7").at("03-01")]).await;
    server.accepted([viewed("v-2").by("email:bo@example.com").at("03-02")]).await;
    let (ann, bo) = (asked("user_id:ann").await, asked("email:bo@example.com").await);
    assert_eq!(asked("anonymous_id:a-7").await, ann);

    server.accepted([ordered("o-1", "5.00 EUR").by("user_id:ann").at("03-03")]).await;
    assert_eq!(asked("user_id:ann").await.touchpoints, 2);
    assert_eq!(asked(&ann.id).await.orders[0].revenue, "5.00");
    assert_eq!(asked(&bo.id).await, bo, "nothing of his has changed");

    server.accepted([viewed("v-3").by("email:bo@example.com anonymous_id:a-7").at("03-04")]).await;
    assert_eq!(asked("anonymous_id:a-7").await.id, bo.id, "whoever claimed the device last");
    assert_eq!(asked("user_id:ann").await.id, ann.id);

    server.accepted([happened("customer.linked", "l-1").by("email:bo@example.com user_id:ann").at("03-05")]).await;
    let joined = asked("email:bo@example.com").await;
    assert_eq!((joined.id.as_str(), joined.touchpoints), (ann.id.as_str(), 5));
    for name in ["user_id:ann", "anonymous_id:a-7", &ann.id, &bo.id] {
        assert_eq!(asked(name).await, joined, "{name}");
    }
    server.rebuild().await;
    assert_eq!(asked("user_id:ann").await, joined);
}

pub async fn totals_add_up_per_currency(server: Server) {
    let refund = json!({"order_id": "o-2", "amount": "0.20", "currency": "EUR"});
    server
        .accepted([
            ordered("o-1", "0.10 EUR").by("user_id:1"),
            ordered("o-2", "0.20 EUR").by("user_id:2"),
            ordered("o-3", "1000 JPY").by("user_id:2").on("store"),
            happened("order.refunded", "r-1").by("user_id:2").with(refund),
            viewed("v-1").by("anonymous_id:a-7"),
            viewed("v-2"),
        ])
        .await;
    let totals = server.totals().await;
    assert_eq!((totals.customers, totals.identified, totals.buyers), (3, 2, 2));
    assert_eq!((totals.touchpoints, totals.anonymous, totals.orders), (6, 1, 3));
    let [euro, yen] = &totals.by_currency[..] else { panic!("{totals:?}") };
    assert_eq!((euro.currency.as_str(), euro.revenue.as_str(), euro.refunded.as_str()), ("EUR", "0.30", "0.20"));
    assert_eq!((yen.currency.as_str(), yen.revenue.as_str(), yen.orders), ("JPY", "1000", 1));
    assert_eq!((totals.by_type["order.placed"], totals.by_type["page.viewed"]), (3, 2));
    assert_eq!((totals.by_channel["store"], totals.by_channel["web"]), (1, 5));
}

pub async fn a_late_event_counts_as_if_it_had_come_in_time(server: Server) {
    let identified = |id: &str, day: &str, city: &str| {
        happened("customer.identified", id).by("user_id:42").at(day).with(json!({"traits": {"city": city}}))
    };
    server.accepted([identified("i-2", "03-02", "Oslo")]).await;
    server.accepted([identified("i-1", "03-01", "Rome").on("store")]).await;
    let customer = server.customer("user_id:42").await.unwrap();
    assert_eq!(customer.traits[0].value_json, "\"Oslo\"", "what happened last stands, not what arrived last");
    assert_eq!((customer.first_channel.as_str(), customer.last_channel.as_str()), ("store", "web"));
}
