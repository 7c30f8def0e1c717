//! What a decision must say, where it may stand, and that it reads as it was written.

#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

use std::sync::LazyLock;

use rapport_touchpoint::{
    Catalogue, Choice, Decision, Discarded, EventName, Identifier, Merged, Order, Place, RecordHash, Recorded, Split,
    Timestamp, Violation, read_record, receive,
};
use serde_json::{Value, json};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:00:00Z").unwrap()
}

fn order() -> Order {
    Order { time: now(), sequence: None, source: "rapport/admin".to_owned(), id: "d-1".to_owned() }
}

fn identifiers(texts: &str) -> Vec<Identifier> {
    texts.split_whitespace().map(|text| Identifier::parse(text).unwrap()).collect()
}

fn merged() -> Merged {
    Merged {
        left: identifiers("user_id:1 anonymous_id:a:7"),
        right: identifiers("email:ann@example.com"),
        forced: true,
        reason: "she called and said so".to_owned(),
        by: "support".to_owned(),
    }
}

fn split() -> Split {
    Split {
        left: identifiers("user_id:1"),
        right: identifiers("user_id:2"),
        cancels: vec![EventName { source: "rapport/admin".to_owned(), id: "d-0".to_owned() }],
        reason: "two sisters".to_owned(),
        by: "support".to_owned(),
    }
}

fn discarded() -> Discarded {
    Discarded {
        record: RecordHash::of(b"no JSON"),
        source: Some("shop".to_owned()),
        id: Some("1".to_owned()),
        reason: "a broken till".to_owned(),
        by: "ops".to_owned(),
    }
}

fn read(json: &[u8], place: Place) -> Result<Recorded, Vec<Violation>> {
    read_record(json, now(), place, &CATALOGUE)
}

/// What is wrong with it, as one text.
fn wrong(choice: Choice) -> String {
    let violations = Decision::new(order(), choice).unwrap_err();
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A merge as on the log, with another value at a pointer.
fn changed(pointer: &str, value: Value) -> String {
    let decision = Decision::new(order(), Choice::Merged(merged())).unwrap();
    let mut json: Value = serde_json::from_slice(decision.json()).unwrap();
    json.as_object_mut().unwrap().remove("bodyhash");
    match pointer.strip_prefix("data/") {
        Some(field) => json["data"][field] = value,
        None => json[pointer] = value,
    }
    let violations = read(json.to_string().as_bytes(), Place::Decisions).unwrap_err();
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_decision_reads_as_it_was_written() {
    let bare = Discarded { source: None, id: None, ..discarded() };
    let cancelling = Split { left: vec![], right: vec![], ..split() };
    for choice in [
        Choice::Merged(merged()),
        Choice::Split(split()),
        Choice::Split(cancelling),
        Choice::Discarded(discarded()),
        Choice::Discarded(bare),
    ] {
        let decision = Decision::new(order(), choice.clone()).unwrap();
        assert_eq!((&decision.choice, &decision.order), (&choice, &order()));
        assert_eq!(read(decision.json(), Place::Decisions), Ok(Recorded::Decision(Box::new(decision))));
    }
}

#[test]
fn a_merge_on_the_log_is_a_cloud_event_that_names_identifiers() {
    let decision = Decision::new(order(), Choice::Merged(merged())).unwrap();
    let json: Value = serde_json::from_slice(decision.json()).unwrap();
    let expected = json!({
        "specversion": "1.0", "id": "d-1", "source": "rapport/admin", "type": "customer.merged",
        "dataschema": "customer.merged/1", "time": "2026-11-21T10:00:00Z", "bodyhash": decision.body_hash.to_string(),
        "data": {
            "left": ["user_id:1", "anonymous_id:a:7"], "right": ["email:ann@example.com"], "forced": true,
            "reason": "she called and said so", "by": "support",
        },
    });
    assert_eq!(json, expected);
}

#[test]
fn the_gateway_takes_no_decision() {
    for choice in [Choice::Merged(merged()), Choice::Split(split()), Choice::Discarded(discarded())] {
        let mut json: Value = serde_json::from_slice(Decision::new(order(), choice).unwrap().json()).unwrap();
        json.as_object_mut().unwrap().remove("bodyhash");
        json["channel"] = json!("web");
        let refused = receive(json, now(), &CATALOGUE).unwrap_err();
        assert!(
            refused.iter().any(|violation| violation.rule.contains("only the admin services append")),
            "{refused:?}"
        );
    }
}

#[test]
fn a_decision_among_the_touchpoints_is_refused_and_a_touchpoint_among_the_decisions() {
    let decision = Decision::new(order(), Choice::Merged(merged())).unwrap();
    let refused = read(decision.json(), Place::Touchpoints).unwrap_err();
    assert!(refused.iter().any(|v| v.field == "type" && v.rule.contains("a decision that only")), "{refused:?}");
    assert!(changed("type", json!("page.viewed")).contains("which is no decision; only decisions stand here"));
}

#[test]
fn an_erasure_is_not_supported_yet() {
    assert!(
        changed("type", json!("customer.erased")).contains("customer.erased, a decision that this version does not")
    );
}

#[test]
fn a_merge_names_somebody_on_both_sides() {
    let one_sided = Merged { right: vec![], ..merged() };
    assert!(wrong(Choice::Merged(one_sided)).starts_with("data/right: is empty"));
    let itself = Merged { right: identifiers("user_id:1"), ..merged() };
    assert_eq!(wrong(Choice::Merged(itself)), "data/right: has \"user_id:1\", and so has left");
    let nobody = Merged { left: identifiers("user_id:1 email:null"), ..merged() };
    assert_eq!(wrong(Choice::Merged(nobody)), "data/left/1: is \"email:null\", which names nobody");
    let crowd: String = (1..=51).map(|n| format!("user_id:{n} ")).collect();
    let crowded = Merged { left: identifiers(&crowd), ..merged() };
    assert_eq!(wrong(Choice::Merged(crowded)), "data/left: has 51 identifiers; at most 50");
}

#[test]
fn a_split_names_two_sides_or_what_it_cancels() {
    let nothing = Split { left: vec![], right: vec![], cancels: vec![], ..split() };
    assert_eq!(wrong(Choice::Split(nothing)), "data/cancels: is empty, and so are left and right");
    let half = Split { right: vec![], ..split() };
    assert_eq!(wrong(Choice::Split(half)), "data/right: and left must both be named, or neither");
    let unnamed = EventName { source: String::new(), id: "d-0".to_owned() };
    let unnamed = Split { cancels: vec![unnamed], ..split() };
    assert!(wrong(Choice::Split(unnamed)).starts_with("data/cancels/0/source: is \"\"; must be 1 to 256 bytes"));
}

#[test]
fn a_decision_says_why_and_by_whom() {
    for (reason, by, field) in [("", "ops", "reason"), ("a\nb", "ops", "reason"), ("why", "", "by")] {
        let (reason, by) = (reason.to_owned(), by.to_owned());
        let told = wrong(Choice::Discarded(Discarded { reason, by, ..discarded() }));
        assert!(told.starts_with(&format!("data/{field}: is ")), "{told}");
    }
    let long = Discarded { reason: "x".repeat(1025), ..discarded() };
    assert!(wrong(Choice::Discarded(long)).contains("must be 1 to 1024 bytes"));
}

#[test]
fn what_is_malformed_is_named() {
    assert!(changed("data/left", json!(["ann"])).contains("data/left: \"ann\" must be namespace:value"));
    assert!(changed("data/left", json!("user_id:1")).starts_with("data/left: "));
    assert!(changed("data/surprise", json!(1)).contains("unknown field `surprise`"));
    assert!(changed("dataschema", json!("customer.merged/2")).contains("must be customer.merged/1"));
    assert!(changed("time", json!("2026-12-21T10:00:00Z")).contains("more than a day after"));
    assert!(changed("source", json!("")).starts_with("source: "));
    assert!(changed("specversion", json!("2.0")).starts_with("specversion: "));
}
