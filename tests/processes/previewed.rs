//! `rapport preview`: what other rules would do, in words and as JSON, and that nothing is changed by asking.

use std::fs;

use crate::support::program::{Served, rapport};

/// Two who share a telephone, and one who does not.
const TOUCHPOINTS: &str = concat!(
    r#"{"specversion":"1.0","id":"1","source":"shop","type":"page.viewed","time":"2024-03-01T10:00:00Z","channel":"web","#,
    r#""data":{"url":"https://shop.example/","identifiers":{"email":"ann@shop.example","phone":"+4930901820"}}}"#,
    "\n",
    r#"{"specversion":"1.0","id":"2","source":"shop","type":"page.viewed","time":"2024-03-02T10:00:00Z","channel":"web","#,
    r#""data":{"url":"https://shop.example/","identifiers":{"email":"bob@shop.example","phone":"+4930901820"}}}"#,
    "\n",
    r#"{"specversion":"1.0","id":"3","source":"shop","type":"page.viewed","time":"2024-03-03T10:00:00Z","channel":"web","#,
    r#""data":{"url":"https://shop.example/","identifiers":{"email":"cy@shop.example"}}}"#,
    "\n",
);

#[test]
fn other_rules_are_tried_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("touchpoints.ndjson"), TOUCHPOINTS).unwrap();
    fs::write(path("other.toml"), "[identity]\nmost_partners = 1\n").unwrap();
    fs::write(path("wrong.toml"), "\n[identity]\nmost_partners = 0\n").unwrap();
    let served = Served::start(&folder.path().join("data"));
    served.ask(&["import", &path("touchpoints.ndjson")]).well();
    let before = served.ask(&["status", "--wait", "--json"]).json();

    let said = served.ask(&["preview", "--definitions", &path("other.toml")]).well();
    for part in [
        "customers                   2     3",
        "parted                              1  into 2",
        "unchanged                           1",
        "phone    0     1",
        "email:ann@shop.example phone:+4930901820 email:bob@shop.example  2 touchpoints",
        "Nothing was changed; 3 events were folded anew",
        "in rapport.toml and restart the server",
    ] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    let found = served.ask(&["preview", "--definitions", &path("other.toml"), "--examples", "1", "--json"]).json();
    assert_eq!((&found["now"]["customers"], &found["then"]["customers"]), (&"2".into(), &"3".into()));
    assert_eq!((&found["fates"]["parted"], &found["sameRules"]), (&"1".into(), &false.into()));
    assert_eq!(found["examples"][0]["then"].as_array().unwrap().len(), 2);

    let wrong = served.ask(&["preview", "--definitions", &path("wrong.toml")]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
    assert!(wrong.err.contains("wrong.toml:3: identity: most_partners is 0; it must be from 1"), "{wrong:?}");
    fs::write(path("large.toml"), "#".repeat(300_000)).unwrap();
    let large = rapport(["preview", "--definitions", &path("large.toml")]);
    assert_eq!(large.code, Some(64), "{large:?}");
    assert!(large.err.contains("has more than 262144 bytes"), "{large:?}");

    let after = served.ask(&["status", "--json"]).json();
    assert_eq!((&after["digest"], &after["generation"]), (&before["digest"], &before["generation"]));
    assert!(!folder.path().join("data/default/readmodel/preview").exists());
}
