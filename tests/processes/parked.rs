//! What is parked, on the command line: listed, shown, discarded, read again; and how that fails.

use std::fs;

use serde_json::json;

use crate::support::happened::ordered;
use crate::support::program::Served;

#[test]
fn what_is_parked_is_looked_after() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let file = folder.path().join("events.ndjson");
    let lines: String =
        ["1.00 EUR", "9.99 EUR"].map(|price| format!("{}\n", ordered("o-1", price).into_json())).concat();
    fs::write(&file, lines).unwrap();
    assert_eq!(served.ask(&["import", file.to_str().unwrap()]).code, Some(1), "a row is quarantined");

    let listed = served.ask(&["parked", "list", "--min-position", "2"]).well();
    assert!(listed.contains("shop o-1") && listed.contains("another body stands"), "{listed}");
    let shown = served.ask(&["parked", "show", "2"]).well();
    assert!(shown.contains("order.placed shop o-1") && shown.contains("\"amount\": \"9.99\""), "{shown}");
    let retried = served.ask(&["parked", "retry"]).well();
    assert!(retried.contains("1 read again, 0 let in") && retried.contains("Still parked"), "{retried}");
    refused(&served);

    let told = served.ask(&["parked", "discard", "2", "--reason", "a test till", "--by", "ann"]).well();
    assert!(told.contains("by ann, at position 3") && told.contains("a test till"), "{told}");
    assert!(served.ask(&["parked", "list"]).well().contains("Nothing is parked."));
    let discarded = served.ask(&["parked", "list", "--discarded", "--json"]).json();
    assert_eq!(discarded["events"][0]["discarded"]["by"], json!("ann"));
    assert!(served.ask(&["parked", "list", "--discarded"]).well().contains("ann  a test till"));
    assert!(served.ask(&["status"]).well().contains("0 events, 1 discarded beside them"));
}

fn refused(served: &Served) {
    for (line, code, says) in [
        ("parked show 1", 1, "nothing is parked at 1"),
        ("parked discard 1 --reason no", 1, "nothing is parked at 1"),
        ("parked discard 2", 64, "--reason"),
        ("parked discard 2 --reason=", 64, "reason: is \"\""),
        ("parked retry 0", 64, "0 is no position"),
    ] {
        let ended = served.ask(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((ended.code, ended.out.as_str()), (Some(code), ""), "{ended:?}");
        assert!(ended.err.contains(says), "{says:?} is not in {ended:?}");
    }
}
