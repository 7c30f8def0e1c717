//! What the population promises, held against its events.

use std::collections::{BTreeMap, BTreeSet};

use rapport_touchpoint::{Amount, Catalogue, receive};

use super::*;

const CUSTOMERS: u32 = 300;

fn until() -> Timestamp {
    Timestamp::parse("2026-11-21T00:00:00Z").unwrap()
}

fn population(customers: u32, seed: u64) -> Population {
    Population::new(customers, seed, until()).unwrap()
}

/// As `rapport demo --out` writes it.
fn ndjson(population: Population) -> String {
    population.events().map(|event| format!("{event}\n")).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let text = ndjson(population(60, 7));
    assert_eq!(text, ndjson(population(60, 7)));
    assert_ne!(text, ndjson(population(60, 8)));
}

/// Changed on purpose? Then so are the figures that others have noted down.
#[test]
fn the_population_is_the_one_that_is_known() {
    let text = ndjson(population(CUSTOMERS, 1));
    assert_eq!((text.lines().count(), fingerprint(&text)), (12_922, 17_007_283_451_727_430_513));
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn every_event_is_valid_when_the_year_ends() {
    let catalogue = Catalogue::built_in();
    for event in population(CUSTOMERS, 1).events() {
        let shown = event.to_string();
        receive(event, until(), &catalogue).unwrap_or_else(|broken| panic!("{shown}: {broken:?}"));
    }
}

#[test]
fn all_of_the_catalogue_happens() {
    let census = Census::of(population(CUSTOMERS, 1).events());
    let schemas = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    let types: BTreeSet<_> =
        std::fs::read_dir(schemas).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    let found: BTreeSet<_> = census.by_type.keys().cloned().collect();
    assert_eq!(found, types);
    let channels: Vec<_> = census.by_channel.keys().map(String::as_str).collect();
    let all = [
        "ads", "app", "chat", "email", "event", "loyalty", "phone", "sales", "search", "social", "store", "support",
        "web", "wechat",
    ];
    assert_eq!(channels, all);
    let currencies: Vec<_> = census.money.keys().map(String::as_str).collect();
    assert_eq!(currencies, ["CNY", "EUR", "JPY", "SGD", "USD"]);
}

#[test]
fn a_life_does_not_depend_on_how_many_others_there_are() {
    let few = lives(population(20, 1));
    let many = lives(population(90, 1));
    for (customer, life) in few {
        assert_eq!(life, many[&customer], "customer {customer}");
    }
}

/// The events of each customer, in the order of arrival; the customer's number stands in each id.
fn lives(population: Population) -> BTreeMap<u32, Vec<Value>> {
    let mut lives: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for event in population.events() {
        let number = event["id"].as_str().unwrap().split('-').nth(1).unwrap().parse().unwrap();
        lives.entry(number).or_default().push(event);
    }
    lives
}

#[test]
fn arrivals_are_as_untidy_as_they_say() {
    let census = Census::of(population(CUSTOMERS, 1).events());
    assert_eq!(census.conflicts, 0);
    let per_mille = |count: u64| count * 1_000 / census.distinct();
    let duplicates = u64::from(disorder::DUPLICATES);
    assert!((duplicates / 2..duplicates * 2).contains(&per_mille(census.duplicates)), "{}", census.duplicates);
    assert!((10..150).contains(&per_mille(census.late)), "{} late", census.late);
    assert!((1..30).contains(&per_mille(census.days_late)), "{} days late", census.days_late);
    assert!(census.second_answers() > 0 && census.shared_devices() > 0 && census.placeholders > 0);
    assert!(census.unnamed > 0, "cash leaves no name");
}

#[test]
fn customers_are_spread_as_they_say() {
    let population = population(CUSTOMERS, 1);
    let lives = lives(population);
    assert_eq!(lives.len(), CUSTOMERS as usize, "everybody leaves a trace");
    let events = population.events().len() as u32 / CUSTOMERS;
    assert!((35..=45).contains(&events), "{events} events per customer");
    let mut by_segment: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, life) in &lives {
        let segment = match Customer::new(1, *number, &population.year).segment {
            Segment::Visitor => "visitor",
            Segment::Loyal => "loyal",
            _ => continue,
        };
        by_segment.entry(segment).or_default().push(life.len());
    }
    let mean = |segment: &str| by_segment[segment].iter().sum::<usize>() / by_segment[segment].len();
    assert!(mean("visitor") < 15, "{}", mean("visitor"));
    assert!(mean("loyal") > 100, "{}", mean("loyal"));
}

#[test]
fn an_orders_items_are_its_amount() {
    let mut orders = 0;
    for event in population(CUSTOMERS, 1).events().filter(|event| event["type"] == "order.placed") {
        let data = &event["data"];
        let micros = |value: &Value| Amount::parse(value.as_str().unwrap()).unwrap().micros();
        let items = data["items"].as_array().unwrap();
        let sum =
            items.iter().map(|item| micros(&item["price"]) * i128::from(item["quantity"].as_u64().unwrap())).sum();
        assert_eq!(micros(&data["amount"]), sum, "{event}");
        orders += 1;
    }
    assert!(orders > CUSTOMERS / 2);
}

/// Mean scores in thousandths, of answers that pass.
fn mean_score(events: &[Value], passes: impl Fn(&Value) -> bool) -> u64 {
    let answers = events.iter().filter(|event| event["type"] == "survey.answered" && passes(event));
    let scores: Vec<_> = answers.map(|event| event["data"]["score"].as_u64().unwrap()).collect();
    scores.iter().sum::<u64>() * 1_000 / scores.len().max(1) as u64
}

#[test]
fn what_happens_shows_in_the_scores() {
    let events: Vec<_> = population(CUSTOMERS, 1).events().collect();
    let csat = |channel: &str| mean_score(&events, |e| e["channel"] == channel && e["data"]["metric"] == "csat");
    assert!(csat("store") > csat("email") + 300, "{} {}", csat("store"), csat("email"));
    let grew = population(CUSTOMERS, 1).year.timestamp(CALL_CENTRE_GREW).to_string();
    let by_phone = |e: &Value| e["channel"] == "phone" && e["time"].as_str() < Some(grew.as_str());
    assert!(csat("store") > mean_score(&events, by_phone) + 700, "{}", mean_score(&events, by_phone));
    let delivered = |e: &Value| e["data"]["survey"] == "after_delivery";
    let late = mean_score(&events, |e| delivered(e) && e["data"]["comment"] == "It came late, and nobody told me.");
    assert!(late + 500 < mean_score(&events, delivered), "{late}");
}

#[test]
fn the_story_has_much_to_tell() {
    let story = population(CUSTOMERS, 1).story();
    let life = &lives(population(CUSTOMERS, 1))[&story.customer];
    let types: BTreeSet<_> = life.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for event_type in ["order.placed", "ticket.opened", "survey.answered", "customer.identified", "email.sent"] {
        assert!(types.contains(event_type), "{event_type} is not in {types:?}");
    }
    let channels: BTreeSet<_> = life.iter().map(|event| event["channel"].as_str().unwrap()).collect();
    assert!(channels.len() >= 6, "{channels:?}");
    let first = life.iter().min_by_key(|event| event["time"].as_str().unwrap()).unwrap();
    assert!(first["data"]["identifiers"]["user_id"].is_null());
    assert!(story.name.starts_with("user_id:"));
    assert!(!population(1, 3).story().name.is_empty());
}

#[test]
fn what_cannot_be_lived_is_refused() {
    let refused = |customers, until: &str| {
        Population::new(customers, 1, Timestamp::parse(until).unwrap()).unwrap_err().to_string()
    };
    assert!(refused(0, "2026-11-21T00:00:00Z").contains("1 to 1000000"));
    assert!(refused(1_000_001, "2026-11-21T00:00:00Z").contains("1000001 customers"));
    assert!(refused(1, "1970-06-01T00:00:00Z").contains("1971-01-01"));
    assert!(Population::new(1, 1, Timestamp::parse("1971-01-01T00:00:00Z").unwrap()).is_ok());
}
