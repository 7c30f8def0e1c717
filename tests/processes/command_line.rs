//! From an empty folder to answers, with nothing but the command line.

use std::fs;

use serde_json::Value;

use crate::support::cdnow;
use crate::support::program::{Served, rapport};

#[test]
fn the_demo_shows_the_known_totals_and_ends() {
    let shown = rapport(["demo", "--exit"]).well();
    for fact in [["customers", "2357"], ["orders", "6919"]] {
        let row = shown.lines().find(|line| line.split_whitespace().eq(fact));
        assert!(row.is_some(), "{fact:?} is not in: {shown}");
    }
    assert!(shown.contains(cdnow::REVENUE), "{shown}");
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
