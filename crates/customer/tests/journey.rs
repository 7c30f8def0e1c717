//! What the journey means: given these touchpoints, in the order of events, then these transitions.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use rapport_customer::journey::Cause;
use rapport_customer::{Definitions, Fact, FactChange};
use serde_json::{Value, json};

use support::{CATALOGUE, Customer, at};

/// a by anything, b by a page, c by an order, d by a third order from c; risk after 30 days in c or d, lapsed after 90.
const SHOP: &str = r#"
    [[journey]]
    name = "shop"
    passive = ["email.sent", "quote.sent"]
    stage = [
        { name = "a", enter = [{ on = ["*"] }] },
        { name = "b", enter = [{ on = ["page.viewed", "quote.sent"] }] },
        { name = "c", enter = [{ on = ["order.*"] }] },
        { name = "d", enter = [{ on = ["order.placed"], when = "customer.orders >= 3", from = ["c"] }] },
        { name = "risk", enter = [{ quiet = "30d", from = ["c", "d"] }] },
        { name = "lapsed", enter = [{ quiet = "90d", from = ["risk"] }] },
    ]
"#;

fn data(event_type: &str) -> Value {
    match event_type {
        "order.placed" | "order.refunded" => json!({"order_id": "o", "amount": "10", "currency": "CNY"}),
        "page.viewed" => json!({"url": "https://shop.example.com/"}),
        "email.sent" => json!({"message_id": "m"}),
        "quote.sent" => json!({"quote_id": "q"}),
        "ticket.opened" | "ticket.resolved" => json!({"ticket_id": "t"}),
        _ => json!({}),
    }
}

/// Events are written `2026-01-01 page.viewed`, or with a whole time.
fn customer(definitions: &str, events: &[&str]) -> Customer {
    let definitions = Definitions::parse("definitions.toml", definitions, &CATALOGUE).unwrap();
    let mut customer = Customer::new(definitions);
    for event in events {
        let (time, event_type) = event.split_once(' ').unwrap();
        customer.does(event_type, "web", &whole(time), &data(event_type));
    }
    customer
}

fn whole(time: &str) -> String {
    if time.contains('T') { time.to_owned() } else { format!("{time}T00:00:00Z") }
}

/// Transitions as `2026-01-01 a>b page.viewed`, or `quiet 30d` for silence; those of a second journey name it.
fn shown(facts: &[FactChange]) -> Vec<String> {
    let transition = |change: &FactChange| {
        let FactChange::Put(key, Fact::Transition(transition)) = change else { panic!("no transition: {change:?}") };
        let time = key.event.time().to_string().replace("T00:00:00Z", "");
        let journey = if key.slot == 0 { String::new() } else { format!("{} ", transition.journey) };
        let from = transition.from.as_deref().unwrap_or_default();
        let cause = match &transition.cause {
            Cause::Event { event_type, .. } => event_type.clone(),
            Cause::Silence { quiet_seconds } => format!("quiet {}d", quiet_seconds / 86_400),
        };
        format!("{time} {journey}{from}>{} {cause}", transition.to)
    };
    facts.iter().map(transition).collect()
}

#[track_caller]
fn check(definitions: &str, events: &[&str], transitions: &[&str]) {
    assert_eq!(shown(&customer(definitions, events).facts), transitions);
}

/// What silence adds by a moment on the clock, and the stage then.
#[track_caller]
fn check_at(events: &[&str], clock: &str, transitions: &[&str], stage: &str) {
    let customer = customer(SHOP, events);
    let (maps, mut facts) = (&customer.definitions.journeys, Vec::new());
    let states = customer.states.at(at(&whole(clock)), maps, &mut facts);
    assert_eq!(shown(&facts), transitions);
    assert_eq!(states.journey.as_ref().unwrap().main_stage(maps), Some(stage));
}

#[test]
fn a_customer_only_gets_further() {
    check(
        SHOP,
        &["2026-01-01 page.viewed", "2026-01-02 order.placed", "2026-01-03 page.viewed", "2026-01-04 tour.taken"],
        &["2026-01-01 >b page.viewed", "2026-01-02 b>c order.placed"],
    );
}

#[test]
fn the_furthest_stage_wins() {
    check(SHOP, &["2026-01-01 order.placed"], &["2026-01-01 >c order.placed"]);
    check(
        SHOP,
        &["2026-01-01 tour.taken", "2026-01-01T01:00:00Z order.refunded"],
        &["2026-01-01 >a tour.taken", "2026-01-01T01:00:00Z a>c order.refunded"],
    );
}

#[test]
fn a_stage_is_entered_only_from_where_it_says() {
    let text = r#"
        [[journey]]
        name = "j"
        stage = [
            { name = "a", enter = [{ on = ["page.viewed"] }, { on = ["ticket.resolved"], from = ["b"] }] },
            { name = "b", enter = [{ on = ["ticket.opened"], from = ["a"] }] },
        ]"#;
    check(
        text,
        &["2026-01-01 ticket.opened", "2026-01-02 ticket.resolved", "2026-01-03 page.viewed"],
        &["2026-01-03 >a page.viewed"],
    );
    check(
        text,
        &["2026-01-03 page.viewed", "2026-01-04 ticket.opened", "2026-01-05 page.viewed", "2026-01-06 ticket.resolved"],
        &["2026-01-03 >a page.viewed", "2026-01-04 a>b ticket.opened", "2026-01-06 b>a ticket.resolved"],
    );
}

#[test]
fn a_condition_sees_its_event_counted() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-01-02 order.placed", "2026-01-03 order.refunded", "2026-01-04 order.placed"],
        &["2026-01-01 >c order.placed", "2026-01-04 c>d order.placed"],
    );
}

#[test]
fn a_stage_that_is_held_is_not_entered_again() {
    check(SHOP, &["2026-01-01 page.viewed", "2026-01-02 page.viewed"], &["2026-01-01 >b page.viewed"]);
}

#[test]
fn silence_falls_between_two_events_whatever_the_gap() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-02-10 page.viewed", "2040-01-01 page.viewed"],
        &[
            "2026-01-01 >c order.placed",
            "2026-01-31 c>risk quiet 30d",
            "2026-02-10 risk>c page.viewed",
            "2026-03-12 c>risk quiet 30d",
            "2026-05-11 risk>lapsed quiet 90d",
            "2040-01-01 lapsed>c page.viewed",
        ],
    );
}

#[test]
fn an_event_before_the_silence_puts_it_off() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-01-30T23:59:59.999999999Z tour.taken"],
        &["2026-01-01 >c order.placed"],
    );
}

#[test]
fn silence_falls_before_an_event_of_its_very_moment() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-01-31 tour.taken"],
        &["2026-01-01 >c order.placed", "2026-01-31 c>risk quiet 30d", "2026-01-31 risk>c tour.taken"],
    );
}

#[test]
fn a_stage_without_a_silence_lasts() {
    check(SHOP, &["2026-01-01 page.viewed", "2036-01-01 tour.taken"], &["2026-01-01 >b page.viewed"]);
}

#[test]
fn who_was_silent_comes_back_to_where_they_were() {
    let thrice = ["2026-01-01 order.placed", "2026-01-02 order.placed", "2026-01-03 order.placed"];
    let back = [&thrice[..], &["2026-03-01 page.viewed"]].concat();
    check(
        SHOP,
        &back,
        &[
            "2026-01-01 >c order.placed",
            "2026-01-03 c>d order.placed",
            "2026-02-02 d>risk quiet 30d",
            "2026-03-01 risk>d page.viewed",
        ],
    );
}

#[test]
fn who_was_silent_goes_on_from_where_they_were() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-01-02 order.placed", "2026-06-01 order.placed"],
        &[
            "2026-01-01 >c order.placed",
            "2026-02-01 c>risk quiet 30d",
            "2026-04-02 risk>lapsed quiet 90d",
            "2026-06-01 lapsed>d order.placed",
        ],
    );
}

#[test]
fn after_coming_back_the_silence_counts_anew() {
    check(
        SHOP,
        &["2026-01-01 order.placed", "2026-02-01 tour.taken", "2026-03-02 tour.taken", "2026-04-01 tour.taken"],
        &[
            "2026-01-01 >c order.placed",
            "2026-01-31 c>risk quiet 30d",
            "2026-02-01 risk>c tour.taken",
            "2026-04-01 c>risk quiet 30d",
            "2026-04-01 risk>c tour.taken",
        ],
    );
}

#[test]
fn what_the_company_does_breaks_no_silence_and_begins_nothing() {
    check(
        SHOP,
        &["2026-01-01 email.sent", "2026-01-02 order.placed", "2026-01-20 email.sent", "2026-02-20 email.sent"],
        &["2026-01-02 >c order.placed", "2026-02-01 c>risk quiet 30d"],
    );
}

#[test]
fn a_passive_type_leads_where_it_is_named_and_is_then_activity() {
    let text = r#"
        [[journey]]
        name = "j"
        passive = ["quote.sent", "email.sent"]
        stage = [
            { name = "a", enter = [{ on = ["*"] }] },
            { name = "b", enter = [{ on = ["quote.sent"] }] },
            { name = "gone", enter = [{ quiet = "10d" }] },
        ]"#;
    check(
        text,
        &["2026-01-01 tour.taken", "2026-01-08 quote.sent", "2026-01-15 quote.sent", "2026-02-01 email.sent"],
        &["2026-01-01 >a tour.taken", "2026-01-08 a>b quote.sent", "2026-01-18 b>gone quiet 10d"],
    );
    check(
        text,
        &["2026-01-01 tour.taken", "2026-01-20 quote.sent"],
        &["2026-01-01 >a tour.taken", "2026-01-11 a>gone quiet 10d", "2026-01-20 gone>b quote.sent"],
    );
}

#[test]
fn an_explicit_way_out_of_a_silence_is_taken() {
    let text = r#"
        [[journey]]
        name = "j"
        stage = [
            { name = "a", enter = [{ on = ["*"], from = ["outside"] }] },
            { name = "asleep", enter = [{ quiet = "10d", from = ["a"] }] },
            { name = "won_back", enter = [{ on = ["order.placed"], from = ["asleep"] }] },
        ]"#;
    check(
        text,
        &["2026-01-01 order.placed", "2026-01-02 order.placed", "2026-02-01 order.placed", "2026-02-20 order.placed"],
        &["2026-01-01 >a order.placed", "2026-01-12 a>asleep quiet 10d", "2026-02-01 asleep>won_back order.placed"],
    );
}

#[test]
fn several_journeys_go_side_by_side() {
    let text = format!(
        "{SHOP}{}",
        r#"
        [[journey]]
        name = "service"
        stage = [
            { name = "fine", enter = [{ on = ["*"] }, { on = ["ticket.resolved"], from = ["trouble", "silent"] }] },
            { name = "trouble", enter = [{ on = ["ticket.opened"] }] },
            { name = "silent", enter = [{ quiet = "30d" }] },
        ]"#
    );
    check(
        &text,
        &[
            "2026-01-01 order.placed",
            "2026-01-02 ticket.opened",
            "2026-01-03 ticket.resolved",
            "2026-03-01 page.viewed",
        ],
        &[
            "2026-01-01 >c order.placed",
            "2026-01-01 service >fine order.placed",
            "2026-01-02 service fine>trouble ticket.opened",
            "2026-01-03 service trouble>fine ticket.resolved",
            // The first journey's last sign of life is the ticket that was resolved, which there is not passive.
            "2026-02-02 c>risk quiet 30d",
            "2026-02-02 service fine>silent quiet 30d",
            "2026-03-01 risk>c page.viewed",
            "2026-03-01 service silent>fine page.viewed",
        ],
    );
}

#[test]
fn on_the_clock_silence_falls_without_an_event() {
    let events = ["2026-01-01 order.placed"];
    check_at(&events, "2026-01-30T23:59:59.999999999Z", &[], "c");
    check_at(&events, "2026-01-31", &["2026-01-31 c>risk quiet 30d"], "risk");
    check_at(&events, "2026-04-01", &["2026-01-31 c>risk quiet 30d", "2026-04-01 risk>lapsed quiet 90d"], "lapsed");
    check_at(&events, "2099-01-01", &["2026-01-31 c>risk quiet 30d", "2026-04-01 risk>lapsed quiet 90d"], "lapsed");
}

#[test]
fn a_late_clock_and_a_late_event_tell_the_same() {
    let mut customer = customer(SHOP, &["2026-01-01 order.placed"]);
    let maps = &customer.definitions.journeys;
    let on_the_clock = customer.states.at(at("2026-05-01T00:00:00Z"), maps, &mut Vec::new()).into_owned();
    let mut by_event = customer.states.clone();
    by_event.let_pass(at("2026-05-01T00:00:00Z"), maps, &mut Vec::new());
    assert_eq!(on_the_clock, by_event);
    // The clock has shown it, but the state waits: an event that comes late finds it as it was.
    customer.does("page.viewed", "web", "2026-01-15T00:00:00Z", &data("page.viewed"));
    assert_eq!(shown(&customer.facts), ["2026-01-01 >c order.placed"]);
    assert_eq!(customer.states.due(&customer.definitions.journeys), Some(at("2026-02-14T00:00:00Z")));
}

#[test]
fn due_is_the_next_moment_at_which_silence_falls() {
    let due = |events: &[&str]| {
        let customer = customer(SHOP, events);
        customer.states.due(&customer.definitions.journeys).map(|due| due.to_string().replace("T00:00:00Z", ""))
    };
    assert_eq!(due(&[]), None);
    assert_eq!(due(&["2026-01-01 page.viewed"]), None);
    assert_eq!(due(&["2026-01-01 order.placed"]).as_deref(), Some("2026-01-31"));
    assert_eq!(due(&["2026-01-01 order.placed", "2026-01-10 email.sent"]).as_deref(), Some("2026-01-31"));
    assert_eq!(due(&["2026-01-01 order.placed", "2026-01-10 tour.taken"]).as_deref(), Some("2026-02-09"));
    assert_eq!(due(&["2026-01-01 order.placed", "2026-02-10 email.sent"]).as_deref(), Some("2026-04-01"), "after risk");
    assert_eq!(due(&["2026-01-01 order.placed", "2027-01-01 email.sent"]), None, "after lapsed");
}

#[test]
fn a_silence_beyond_all_time_never_falls() {
    let text = SHOP.replace("90d", "3650d");
    let mut customer = customer(&text, &[]);
    let mut event = support::event("1", "order.placed", "web", "2026-01-01T00:00:00Z", &data("order.placed"));
    event.touchpoint.order.time = at("2262-01-01T00:00:00Z");
    let key = event.touchpoint.order.key();
    customer.states.fold(&event, &key, &customer.definitions.journeys, &mut customer.facts);
    let states =
        customer.states.at(rapport_touchpoint::Timestamp::MAX, &customer.definitions.journeys, &mut customer.facts);
    assert_eq!(states.due(&customer.definitions.journeys), None);
    assert_eq!(shown(&customer.facts), ["2262-01-01 >c order.placed", "2262-01-31 c>risk quiet 30d"]);
}

#[test]
fn the_standard_journey_from_the_first_page_to_an_advocate_and_back() {
    let mut customer = Customer::new(Definitions::standard(&CATALOGUE));
    let mut does = |event_type: &str, time: &str, data: Value| {
        customer.does(event_type, "web", &whole(time), &data);
    };
    does("email.sent", "2026-01-01", json!({"message_id": "m"}));
    does("ad.clicked", "2026-01-02", json!({"platform": "search"}));
    does("call.completed", "2026-01-03", json!({"direction": "outbound"}));
    does("call.completed", "2026-01-04", json!({"direction": "inbound"}));
    does("cart.updated", "2026-01-05", json!({"items": []}));
    does("cart.updated", "2026-01-06", json!({"items": [{"sku": "s"}]}));
    does("review.posted", "2026-01-07", json!({"score": 5}));
    does("order.placed", "2026-01-08", data("order.placed"));
    does("survey.sent", "2026-02-20", json!({"survey": "s", "metric": "nps"}));
    does("order.placed", "2026-05-08", data("order.placed"));
    does("order.placed", "2026-05-09", data("order.placed"));
    does("survey.answered", "2026-05-10", json!({"survey": "s", "metric": "csat", "score": 5}));
    does("survey.answered", "2026-05-11", json!({"survey": "s", "metric": "nps", "score": 9}));
    does("order.placed", "2026-07-01", data("order.placed"));
    assert_eq!(
        shown(
            &customer
                .facts
                .iter()
                .filter(|fact| matches!(fact, FactChange::Put(_, Fact::Transition(_))))
                .cloned()
                .collect::<Vec<_>>()
        ),
        [
            "2026-01-02 >aware ad.clicked",
            "2026-01-04 aware>interested call.completed",
            "2026-01-06 interested>considering cart.updated",
            "2026-01-08 considering>customer order.placed",
            "2026-02-07 customer>at_risk quiet 30d",
            "2026-04-08 at_risk>lapsed quiet 90d",
            "2026-05-08 lapsed>customer order.placed",
            "2026-05-09 customer>loyal order.placed",
            "2026-05-11 loyal>advocate survey.answered",
            "2026-06-10 advocate>at_risk quiet 30d",
            "2026-07-01 at_risk>advocate order.placed",
        ]
    );
}
