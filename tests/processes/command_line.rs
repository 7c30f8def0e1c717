//! From an empty folder to answers, with nothing but the command line.

use std::fs;

use rapport::demo::population::{Census, Population};
use rapport_touchpoint::{Currency, Timestamp};
use serde_json::Value;

use crate::support::cdnow;
use crate::support::program::{Served, rapport};

const UNTIL: &str = "2026-11-21";

fn population(customers: u32) -> Population {
    Population::new(customers, 1, Timestamp::parse("2026-11-21T00:00:00Z").unwrap()).unwrap()
}

#[test]
fn the_demo_shows_what_its_population_holds_and_ends() {
    let population = population(150);
    let census = Census::of(population.events());
    let shown = rapport(["demo", "--customers", "150", "--until", UNTIL, "--exit"]).well();
    let in_yuan = &census.money["CNY"];
    let (sent, accepted, twice) = (census.arrivals, census.distinct(), census.duplicates);
    let taken = format!("{sent} touchpoints sent, {accepted} accepted, {twice} duplicates");
    assert!(shown.contains(&taken), "{taken:?} is not in: {shown}");
    let row = shown.lines().find(|line| line.trim_start().starts_with("CNY")).unwrap();
    let revenue = in_yuan.revenue.display_in(Currency::parse("CNY").unwrap());
    assert!(row.contains(&in_yuan.orders.to_string()) && row.contains(&revenue), "{in_yuan:?}: {row}");
    assert!(shown.contains(&population.story().name), "{shown}");
    for part in
        ["Journey main", "customers set out", "NPS, ", "CSAT, ", "Who is at_risk now?", "rapport journey funnel"]
    {
        assert!(shown.contains(part), "{part:?} is not in: {shown}");
    }
}

#[test]
fn the_demos_touchpoints_can_be_had_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("year.ndjson");
    let to = |out: &str| rapport(["demo", "--customers", "20", "--until", UNTIL, "--out", out]);
    let right: String = population(20).events().map(|event| format!("{event}\n")).collect();

    let said = to(file.to_str().unwrap());
    assert!(said.err.contains("touchpoints of 20 customers"), "{said:?}");
    assert_eq!((said.code, fs::read_to_string(&file).unwrap() == right), (Some(0), true));
    assert!(to("-").well() == right);

    let again = to(file.to_str().unwrap());
    assert_eq!(again.code, Some(64));
    assert!(again.err.contains("there is such a file"), "{again:?}");
    let nobody = rapport(["demo", "--customers", "0", "--exit"]);
    assert_eq!(nobody.code, Some(64));
    assert!(nobody.err.contains("--customers: 0 customers; a population has 1 to 1000000"), "{nobody:?}");
}

/// One server, imported into once; each step builds on it.
#[test]
fn a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    import(&served);
    totals(&served);
    most_faithful_customer(&served);
    march_1997(&served, &folder.path().join("march.ndjson"));
    rebuild(&served);
    served.terminate().well();
}

fn import(served: &Served) {
    let (file, mapping) = (cdnow::file(), cdnow::mapping());
    let arguments = ["import", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap(), "--json"];
    let summary = served.ask(&arguments).json();
    assert_eq!((&summary["read"], &summary["accepted"]), (&cdnow::ORDERS.into(), &cdnow::ORDERS.into()));
    let again = served.ask(&arguments).json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &cdnow::ORDERS.into()));
}

fn totals(served: &Served) {
    let totals = served.ask(&["totals", "--json"]).json();
    assert_eq!((&totals["customers"], &totals["orders"]), (&"2357".into(), &"6919".into()));
    let [in_dollars] = &totals["byCurrency"].as_array().unwrap()[..] else { panic!("{totals}") };
    assert_eq!((&in_dollars["currency"], &in_dollars["revenue"]), (&"USD".into(), &cdnow::REVENUE.into()));
}

/// What the file's own lines say of the customer 19339, in whole cents.
fn most_faithful_customer(served: &Served) {
    let text = cdnow::text();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|row: &Vec<&str>| row[0] == "19339")
        .collect();
    let cents: u64 = rows.iter().map(|row| row[4].replace('.', "").parse::<u64>().unwrap()).sum();

    let answer = served.ask(&["customer", "user_id:19339", "--timeline", "3", "--json"]).json();
    let customer = &answer["customer"];
    assert_eq!(customer["touchpoints"], rows.len().to_string());
    assert_eq!(customer["orders"][0]["revenue"], format!("{}.{:02}", cents / 100, cents % 100));
    assert_eq!(answer["timeline"].as_array().unwrap().len(), 3);
    let by_id = served.ask(&["customer", customer["id"].as_str().unwrap(), "--json"]).json();
    assert_eq!(&by_id["customer"], customer);
}

/// The replay of a month holds what the file's own lines say of it.
fn march_1997(served: &Served, out: &std::path::Path) {
    let range = ["--from", "1997-03-01", "--to", "1997-04-01", "--out", out.to_str().unwrap()];
    served.ask(&[&["replay", "--type", "order.placed"], &range[..]].concat()).well();
    let replayed = fs::read_to_string(out).unwrap();
    let events = replayed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<(String, String)> =
        events.map(|event| (text_of(&event["subject"]), text_of(&event["data"]["amount"]))).collect();

    let text = cdnow::text();
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let march: Vec<(String, String)> = rows
        .filter(|row| row[2].starts_with("199703"))
        .map(|row| (format!("user_id:{}", row[0]), row[4].to_owned()))
        .collect();
    assert!(march.len() > 100);
    assert_eq!(found, march);
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn rebuild(served: &Served) {
    let before = served.ask(&["status", "--wait", "--json"]).json();
    assert_eq!((&before["touchpoints"], &before["lag"]), (&"6919".into(), &"0".into()));
    let last = served.ask(&["rebuild", "--json"]).json();
    assert_eq!((&last["done"], &last["digest"]), (&true.into(), &before["digest"]));
    let after = served.ask(&["status", "--wait", "--json"]).json();
    assert_eq!(after["generation"].as_u64().unwrap(), before["generation"].as_u64().unwrap() + 1);
    assert_eq!((&after["digest"], &after["fingerprint"]), (&before["digest"], &before["fingerprint"]));
    totals(served);
}
