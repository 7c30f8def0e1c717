//! What customers did, asked for on the command line: journeys, feedback, finding, watching.

use std::fs;

use serde_json::{Value, json};

use crate::support::happened::{Happened, happened, ordered, viewed};
use crate::support::program::{Running, Served};

/// Ann buys, is content and falls silent; Bob looks, and comes back no more.
fn events() -> Vec<Happened> {
    let asked = json!({"survey": "parcel", "instance": "o-1", "metric": "nps"});
    let answered = json!({"survey": "parcel", "instance": "o-1", "metric": "nps", "score": 9, "comment": "On time"});
    let ann = [
        viewed("v-1").at("01-01"),
        happened("product.viewed", "p-1").at("01-02").with(json!({"sku": "tea"})),
        ordered("o-1", "12.50 EUR").at("01-05"),
        happened("survey.sent", "s-1").at("01-06").with(asked).on("email"),
        happened("survey.answered", "a-1").at("01-07").with(answered).on("email"),
        happened("customer.identified", "i-1").at("01-05").with(json!({"traits": {"city": "Oslo"}})),
    ];
    let bob = viewed("v-2").by("user_id:2").on("app").at("02-03");
    ann.map(|event| event.by("user_id:1")).into_iter().chain([bob]).collect()
}

#[test]
fn what_customers_did_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let file = folder.path().join("events.ndjson");
    let lines: String = events().into_iter().map(|event| format!("{}\n", event.into_json())).collect();
    fs::write(&file, lines).unwrap();
    served.ask(&["import", file.to_str().unwrap()]).well();
    // All silence until today has fallen.
    served.ask(&["status", "--wait"]).well();
    of_one(&served);
    of_all(&served);
    feedback(&served);
    found(&served);
    watched(&served);
    refused(&served);
    then(&served);
}

fn then(served: &Served) {
    let customer = served.ask(&["customer", "user_id:1", "--as-of", "2024-01-05", "--json"]).json();
    assert_eq!(customer["customer"]["touchpoints"], "2");
    shows(
        &served.ask(&["customer", "user_id:1", "--as-of", "2024-01-06", "--timeline", "--history", "city"]).well(),
        &["As of 2024-01-06T00:00:00Z, from the log up to position 7", "History of city", "\"Oslo\"", "shop o-1"],
    );
    let journey = served.ask(&["journey", "user_id:1", "--as-of", "2024-01-06", "--json"]).json();
    assert_eq!(journey["journeys"][0]["stage"], "customer");
    assert_eq!(journey["transitions"].as_array().unwrap().len(), 3);
    let known = served.ask(&["totals", "--known-at", "2", "--json"]).json();
    assert_eq!((&known["touchpoints"], &known["orders"]), (&"2".into(), &"0".into()));
    for command in [&["totals"][..], &["journey", "funnel"], &["journey", "transitions"], &["feedback"], &["find"]] {
        let mut asked = command.to_vec();
        asked.extend(["--as-of", "2024-01-08"]);
        shows(&served.ask(&asked).well(), &["As of 2024-01-08T00:00:00Z, from the log up to position 7"]);
    }
    let found = served.ask(&["find", "--as-of", "2024-01-08", "--json"]).json();
    assert_eq!(found["customers"].as_array().unwrap().len(), 1, "Bob came later");
    let beyond = served.ask(&["totals", "--known-at", "8"]);
    assert!(beyond.code == Some(1) && beyond.err.contains("the log ends at 7"), "{beyond:?}");
    let to_come = served.ask(&["customer", "user_id:1", "--as-of", "2200-01-01"]);
    assert!(to_come.code == Some(64) && to_come.err.contains("which is to come"), "{to_come:?}");
}

#[track_caller]
fn shows(shown: &str, parts: &[&str]) {
    for part in parts {
        assert!(shown.contains(part), "{part:?} is not in: {shown}");
    }
}

fn of_one(served: &Served) {
    let journey = served.ask(&["journey", "user_id:1", "--json"]).json();
    assert_eq!(journey["journeys"][0]["stage"], "lapsed");
    let stages: Vec<&Value> = journey["transitions"].as_array().unwrap().iter().map(|change| &change["to"]).collect();
    assert_eq!(stages, ["lapsed", "at_risk", "advocate", "customer", "interested", "aware"]);
    shows(
        &served.ask(&["journey", "user_id:1"]).well(),
        &[
            "lapsed, before that at_risk",
            "advocate → at_risk",
            "30 days of silence",
            "survey.answered on email, shop a-1",
        ],
    );
    let newest = served.ask(&["journey", "user_id:1", "--limit", "2"]).well();
    shows(&newest, &["at_risk → lapsed", "There are more"]);
    assert!(!newest.contains("customer → advocate"), "{newest}");
    shows(&served.ask(&["customer", "user_id:1"]).well(), &["Journey main", "Feedback", "nps           9"]);
}

fn of_all(served: &Served) {
    let drawn = served.ask(&["journey", "funnel"]).well();
    shows(
        &drawn,
        &["Journey main: 2 customers set out", "██████████████████████████████  100.0 %", "50.0 %", "Fell silent"],
    );
    let monthly = served.ask(&["journey", "funnel", "--by", "month", "--json"]).json();
    let months: Vec<&Value> = monthly["rows"].as_array().unwrap().iter().map(|row| &row["period"]).collect();
    assert_eq!(months, ["2024-01-01", "2024-02-01"]);
    shows(&served.ask(&["journey", "funnel", "--by", "month", "--by-channel"]).well(), &["set out", "2024-02-01  app"]);
    shows(&served.ask(&["journey", "funnel", "--until", "2024-01-01"]).well(), &["nobody set out so"]);
    let lapsed = served.ask(&["journey", "transitions", "--to", "lapsed", "--json"]).json();
    assert_eq!(lapsed["transitions"].as_array().unwrap().len(), 1);
    let in_february = ["journey", "transitions", "--from", "2024-02-01", "--until", "2024-02-05"];
    shows(&served.ask(&in_february).well(), &["→ aware", "page.viewed on app", "cus_"]);
}

fn feedback(served: &Served) {
    let shown = served.ask(&["feedback", "--by", "month", "--slice", "stage"]).well();
    shows(&shown, &["NPS, ", "2024-01-01  customer  +100.0", "│███████████████", "100.0 %"]);
    let scores = served.ask(&["feedback", "--measure", "nps", "--only", "channel=email", "--json"]).json();
    assert_eq!((&scores["rows"][0]["score"], &scores["rows"][0]["asked"]), (&json!(100.0), &"1".into()));
    shows(&served.ask(&["feedback", "--only", "channel=store"]).well(), &["Nobody was asked or answered so"]);
    shows(
        &served.ask(&["feedback", "responses", "--lowest", "9"]).well(),
        &["nps  9  email  parcel  customer", "“On time”"],
    );
    shows(&served.ask(&["feedback", "responses", "--highest", "8"]).well(), &["Nobody answered so"]);
}

fn found(served: &Served) {
    let lapsed = served.ask(&["find", "--stage", "lapsed", "--trait", "city=Oslo", "--json"]).json();
    let [ann] = &lapsed["customers"].as_array().unwrap()[..] else { panic!("{lapsed}") };
    assert_eq!(ann["identifiers"][0]["value"], "1");
    shows(&served.ask(&["find", "--channel", "app"]).well(), &["aware", "2024-02-03"]);
    shows(&served.ask(&["find", "--seen-from", "2024-03-01"]).well(), &["Nobody is so"]);
    shows(&served.ask(&["find", "--limit", "1"]).well(), &["There are more"]);
}

fn watched(served: &Served) {
    let watch = Running::start(["watch", "user_id:1", "--from-position", "0", "--server", &served.url]);
    watch.until_told("up to date at position");
    watch.until_printed("lapsed  6 touchpoints");
    let ended = watch.interrupt();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    shows(&ended.err, &["go on with --from-position"]);

    let watch =
        Running::start(["watch", "--stage", "aware", "--from-position", "0", "--json", "--server", &served.url]);
    watch.until_printed("caughtUp");
    let ended = watch.interrupt();
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["changed"]["identifiers"][0]["value"], "2", "{ended:?}");
}

fn refused(served: &Served) {
    for (line, code, says) in [
        ("find --stage bought", 64, "\"bought\" is no stage of main; its stages are aware"),
        ("journey transitions --to bought", 64, "\"bought\" is no stage of main"),
        ("journey funnel --journey sales", 1, "journey: \"sales\" is not defined; there are main"),
        ("journey user_id:3", 1, "nobody is known as user_id:3"),
        ("watch user_id:3", 1, "nobody is known as user_id:3"),
        ("feedback responses --customer user_id:3", 1, "nobody is known as user_id:3"),
    ] {
        let ended = served.ask(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((ended.code, ended.out.as_str()), (Some(code), ""), "{ended:?}");
        shows(&ended.err, &[says]);
    }
}
