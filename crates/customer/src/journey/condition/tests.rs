//! Conditions in small cases: what holds, what is refused, and that odd data is no trouble.

use std::sync::LazyLock;

use rapport_touchpoint::{Catalogue, Event, Timestamp, read, receive};
use serde_json::{Value as Json, json};

use super::*;

mod odd;

fn event(event_type: &str, data: &Json) -> Event {
    event_on(event_type, data, "web", "2026-03-01T10:00:00Z")
}

fn event_on(event_type: &str, data: &Json, channel: &str, time: &str) -> Event {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);
    let now = Timestamp::parse("2026-12-01T00:00:00Z").unwrap();
    let event = json!({
        "specversion": "1.0", "id": "e1", "source": "shop", "type": event_type, "channel": channel,
        "time": time, "subject": "user_id:42", "data": data,
    });
    read(receive(event, now, &CATALOGUE).unwrap().into_json(), now, &CATALOGUE).unwrap()
}

fn order(amount: &str, currency: &str) -> Json {
    json!({"order_id": "o", "amount": amount, "currency": currency, "items": [
        {"sku": "s1", "category": "tea", "quantity": 2, "price": "5"}, {"sku": "s2", "category": "cups"}]})
}

/// The profile of a customer who placed two orders, in the order of events; the second is the event that is asked about.
fn customer() -> (Event, Profile) {
    let mut profile = Profile::default();
    let traits = json!({"traits": {"plan": "gold", "seats": 40, "share": 0.5, "vip": true, "whole": 2.0}});
    profile.fold(&event_on("customer.identified", &traits, "app", "2026-01-28T10:00:01Z"));
    profile.fold(&event("consent.changed", &json!({"purpose": "email", "granted": true})));
    profile.fold(&event("order.placed", &order("100.10", "CNY")));
    profile.fold(&event("order.refunded", &json!({"order_id": "o", "amount": "1", "currency": "CNY"})));
    let last = event("order.placed", &order("129.90", "USD"));
    profile.fold(&last);
    (last, profile)
}

#[track_caller]
fn holds(source: &str) -> bool {
    let (event, profile) = customer();
    Condition::parse(source, std::slice::from_ref(&event)).unwrap().holds(&event, &profile)
}

#[track_caller]
fn refused(source: &str, says: &str) {
    let (event, _) = customer();
    let error = Condition::parse(source, &[event]).expect_err(source);
    assert_eq!(error.to_string(), says, "{source}");
}

#[test]
fn a_condition_asks_for_the_event() {
    for source in [
        r#"event.type == "order.placed""#,
        r#"event.channel == "web" && event.source == "shop" && event.id == "e1""#,
        r#"event.subject == "user_id:42" && has(event.subject)"#,
        r#"event.time == "2026-03-01T10:00:00Z""#,
        r#"event.time >= "2026-03" && event.time < "2026-03-01T11""#,
        r#"event.data.amount == "129.90""#,
        "double(event.data.amount) >= 100",
        "has(event.data.items) && !has(event.data.coupon)",
        r#""items" in event.data && !("coupon" in event.data)"#,
        r#"event.data["order_id"] == "o""#,
        "size(event.data.items) == 2 && event.data.items[0].quantity + 1 == 3",
        r#"event.data.items.exists(item, item.category == "tea")"#,
        r#"event.data.items.exists_one(item, item.sku.startsWith("s1"))"#,
        r#"event.data.items.all(item, item.sku.matches("^s[0-9]$"))"#,
        r#"event.data.currency in ["CNY", "USD"]"#,
        "size(event.data) == 4",
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn a_condition_asks_for_the_customer_with_the_event_counted() {
    for source in [
        "customer.touchpoints == 5",
        "customer.orders + 1 >= 3 && customer.orders == 2 && customer.refunds == 1 && customer.units == 6",
        "customer.revenue.CNY > 100.0 && customer.revenue.USD == 129.9",
        r#"!("EUR" in customer.revenue) && size(customer.revenue) == 2"#,
        r#"customer.first_channel == "app" && customer.last_channel == "web""#,
        r#"customer.channels.web == 4 && customer.types["order.placed"] == 2"#,
        r#"customer.traits.plan == "gold" && customer.traits.seats >= 40 && customer.traits.vip"#,
        "customer.traits.share == 0.5 && customer.traits.whole + 1 == 3",
        "customer.consents.email",
        r#"customer.first_seen < "2026-02" && customer.last_seen == event.time"#,
        "customer.days_known == 31",
        "customer.channels.all(channel, customer.channels[channel] > 0)",
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn what_cannot_be_told_does_not_hold() {
    for source in [
        "event.data.coupon == \"SPRING\"",
        "customer.revenue.EUR >= 0.0",
        "customer.traits.age > 18",
        "customer.orders / (customer.refunds - 1) > 0",
        "event.data.items[7].quantity == 1",
        "int(event.data.order_id) == 1",
        "9223372036854775807 + customer.orders > 0",
        "event.data.items.all(item, item.quantity > 0)",
    ] {
        assert!(!holds(source), "{source}");
    }
}

#[test]
fn what_cannot_be_told_is_no_matter_where_the_rest_decides() {
    assert!(holds("event.data.coupon == \"SPRING\" || customer.orders == 2"));
    assert!(holds("event.data.items.exists(item, item.quantity == 2)"), "one item has no quantity");
}

#[test]
fn a_condition_that_is_not_cel_is_refused_with_the_column() {
    let right = "a condition is a CEL expression such as customer.orders >= 3 && event.channel == \"web\"";
    for (source, says) in [
        ("", "column 1: ends too early"),
        ("customer.orders >=", "column 19: ends too early"),
        ("customer.orders > 3 and true", "column 21: and has no place here"),
        ("event.type = 'order.placed'", "column 12: = has no place here"),
        ("customer.orders > 3\n  && (", "line 2 of it, column 7: ends too early"),
        ("event.?channel", "column 6: .? has no place here"),
        ("has(event)", "column 5: invalid argument to has() macro"),
    ] {
        refused(source, &format!("{says}; {right}"));
    }
}

#[test]
fn a_condition_asks_for_what_there_is() {
    refused(
        "customer.orders >= 3 && order.amount > 3",
        "column 25: order is not known; a condition asks for fields of event and customer, and text stands in quotes",
    );
    refused(
        "event.channel == web",
        "column 18: web is not known; a condition asks for fields of event and customer, and text stands in quotes",
    );
    refused(
        "event.chanel == \"web\"",
        "column 1: event has no field chanel; it has type, channel, time, source, id, subject, data",
    );
    refused(
        "1 < customer.order",
        "column 5: customer has no field order; it has touchpoints, first_channel, last_channel, channels, types, \
         first_seen, last_seen, days_known, orders, refunds, units, revenue, traits, consents",
    );
    refused("size(event) > 1", "column 6: event stands alone; ask for one of its fields, such as event.type");
    refused(
        "lower(event.channel) == \"web\"",
        "column 1: there is no function lower; there are size, contains, startsWith, endsWith, matches, int, double, \
         string, bool, has, all, exists and exists_one",
    );
    refused(
        "customer.revenue.RMB > 1.0",
        "column 1: RMB is no currency; revenue is by ISO 4217 code, such as customer.revenue.CNY",
    );
    for clock in ["now()", "timestamp(event.time) > timestamp(\"2026-01-01T00:00:00Z\")", "duration(\"1h\") > 1"] {
        let (event, _) = customer();
        assert!(Condition::parse(clock, &[event]).unwrap_err().to_string().contains("there is no function"));
    }
}

#[test]
fn no_answer_depends_on_the_order_of_a_map() {
    let says = |column| {
        format!(
            "column {column}: map and filter make lists that have no sure order; ask with all, exists or exists_one"
        )
    };
    refused("customer.channels.map(c, c)[0] == \"web\"", &says(1));
    refused("event.data.items.filter(i, i.sku == \"s1\").size() > 0", &says(1));
    refused(
        "{\"a\": 1}.all(k, true)",
        "column 1: braces make maps and messages, which no condition needs; compare fields one by one",
    );
    let (event, mut profile) = customer();
    let examples = [event.clone()];
    // With a fresh random state in every evaluation: what is true of one key and an error of others stays what it is.
    (0..40).for_each(|n| profile.channels.count(&format!("c{n}"), usize::MAX));
    for source in [
        "customer.channels.exists(c, customer.traits[c == \"c7\" ? \"vip\" : c])",
        "customer.channels.all(c, c == \"c7\" ? false : customer.traits[c])",
        "customer.channels.exists_one(c, customer.channels[c] == 4)",
    ] {
        let condition = Condition::parse(source, &examples).unwrap();
        let first = condition.holds(&event, &profile);
        assert_eq!(first, !source.contains("all"), "{source}");
        assert!((0..100).all(|_| condition.holds(&event, &profile) == first), "{source}");
    }
}

#[test]
fn what_would_take_long_is_refused() {
    refused(
        "event.data.items.all(a, event.data.items.all(b, a == b))",
        "column 25: all, exists and exists_one cannot stand within each other; they would take long on large events",
    );
    refused(
        "event.data.sku.matches(event.data.pattern)",
        "column 1: matches takes its pattern in quotes, such as event.channel.matches(\"^we\")",
    );
    refused(
        "event.channel.matches(\"(\")",
        "column 1: the pattern of matches is no regular expression: unclosed group",
    );
    refused(
        "event.data.items.all(event, true)",
        "column 1: event is the name of a variable already; call it something else",
    );
    let long = format!("event.channel == \"{}\"", "w".repeat(1_000));
    refused(&long, "has 1019 characters; a condition has at most 1000");
}

#[test]
fn nothing_is_too_deep_for_the_stack() {
    let around =
        |times: usize, before: &str, after: &str| format!("{}true{}", before.repeat(times), after.repeat(times));
    for source in [
        around(400, "(", ")"),
        around(400, "[", "]"),
        around(450, "!", ""),
        around(200, "!(", ")"),
        around(150, "bool(", ")"),
        around(240, "1 + ", ""),
        around(240, "1 < ", ""),
        around(90, "true ? true : ", ""),
        format!("event.data{}", ".a".repeat(480)),
        format!("event.data{}", "[0]".repeat(300)),
        format!("event.data{}", ".size()".repeat(130)),
    ] {
        let (event, profile) = customer();
        if let Ok(condition) = Condition::parse(&source, std::slice::from_ref(&event)) {
            condition.holds(&event, &profile);
        }
    }
    refused(&format!("{}1 > 0", "1 + ".repeat(40)), "nests expressions deeper than 32; split it into several entries");
    assert!(holds(&format!("{}customer.orders > 0", "1 + ".repeat(28))));
    assert!(holds(&vec!["customer.orders > 0"; 40].join(" && ")), "a chain of && is no deep one");
}

#[test]
fn mistakes_of_type_are_found_on_the_examples() {
    let right = "numbers go with numbers and texts with texts, and double(...) makes a number of a text";
    for (source, says) in [
        ("customer.orders >= \"3\"", ">= does not go with int and string"),
        ("customer.orders > 99 && event.data.amount > 100", "> does not go with string and int"),
        ("event.channel + 1 == \"web1\"", "+ does not go with string and int"),
        ("customer.consents.email >= 1", ">= does not go with bool and int"),
        ("event.data.amount.size > 1", "_._ does not go with string and string"),
        ("\"tea\" in event.data.order_id", "in does not go with string and string"),
    ] {
        let (event, _) = customer();
        let error = Condition::parse(source, &[event]).expect_err(source).to_string();
        let says = says.replace("_._", ".");
        assert_eq!(error, format!("{says} on an example of order.placed; {right}"), "{source}");
    }
    refused("customer.orders", "gives int on an example of order.placed; a condition is true or false");
    refused("true || event.data.order_id", "gives string on an example of order.placed; a condition is true or false");
}

#[test]
fn only_what_is_asked_for_is_made() {
    let (event, _) = customer();
    let needs = |source: &str| Condition::parse(source, std::slice::from_ref(&event)).unwrap().needs;
    let asked = needs("customer.orders > 1 && event.data.amount != \"\" && \"email\" in customer.consents");
    assert_eq!(asked.event.len(), 1);
    assert_eq!(format!("{:?}", asked.event), "{Data: Keys({\"amount\"})}");
    assert_eq!(format!("{:?}", asked.customer), "{Orders: Whole, Consents: Keys({\"email\"})}");
    assert_eq!(format!("{:?}", needs("size(event.data) > 0 && has(event.data.amount)").event), "{Data: Whole}");
}

#[test]
fn a_condition_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Condition>();
}
