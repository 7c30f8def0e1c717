//! A server that is killed in the middle of an import: what was acknowledged counts, and nothing counts twice.

use std::path::Path;

use crate::support::cdnow;
use crate::support::program::{Ended, Running, Served};
use crate::support::soon::wait_until;

/// Lines that the import gets before each kill: whole batches of 1,000, and half of one.
const BEFORE_A_KILL: [usize; 3] = [1_500, 3_500, 5_500];

#[test]
fn three_kills_in_one_import_lose_nothing_and_count_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path());
    let address = served.address().to_owned();
    let purchases = cdnow::text();
    let lines: Vec<&str> = purchases.split_inclusive('\n').collect();

    let mut import = start_import(&served);
    let mut given = 0;
    for until in BEFORE_A_KILL {
        import.write(&lines[given..until].concat());
        given = until;
        // All whole batches but perhaps the last: that one may be on its way.
        wait_for_head(&served, (until - 500 - 1_000) as u64 + 1);
        served.kill();
        served = Served::start_at(folder.path(), &address);
    }
    import.write(&lines[given..].concat());
    let summary = import.end().json();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((count("read"), count("accepted") + count("duplicates")), (cdnow::ORDERS, cdnow::ORDERS), "{summary}");
    assert_exact(&served);

    let again = start_whole_import(&served).json();
    assert_eq!(again["duplicates"], cdnow::ORDERS);
    assert_exact(&served);
    let digest = served.ask(&["status", "--wait", "--json"]).json()["digest"].clone();
    assert_eq!(served.ask(&["rebuild", "--json"]).json()["digest"], digest);
    assert_eq!(digest, undisturbed_digest(), "as if nothing had happened");
}

/// The import reads its rows from standard input.
fn start_import(served: &Served) -> Running {
    let mapping = cdnow::mapping();
    Running::start(["import", "-", "--mapping", mapping.to_str().unwrap(), "--json", "--server", &served.url])
}

fn start_whole_import(served: &Served) -> Ended {
    let mut import = start_import(served);
    import.write(&cdnow::text());
    import.end()
}

/// Of the same purchases in a folder where nobody was killed.
fn undisturbed_digest() -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    start_whole_import(&served).well();
    served.ask(&["status", "--wait", "--json"]).json()["digest"].clone()
}

/// Until this much is on the log.
fn wait_for_head(served: &Served, wanted: u64) {
    wait_until(&format!("the log's head at {wanted}"), || {
        let status = served.ask(&["status", "--wait", "--json"]).json();
        status["head"].as_str().unwrap().parse::<u64>().unwrap() >= wanted
    });
}

fn assert_exact(served: &Served) {
    let totals = served.ask(&["totals", "--json"]).json();
    assert_eq!((&totals["customers"], &totals["orders"]), (&"2357".into(), &"6919".into()));
    assert_eq!((&totals["touchpoints"], &totals["byCurrency"][0]["revenue"]), (&"6919".into(), &cdnow::REVENUE.into()));
    let status = served.ask(&["status", "--wait", "--json"]).json();
    assert_eq!((&status["parked"], &status["head"]), (&"0".into(), &"6919".into()));
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let file = folder.path().join("one.ndjson");
    import_one(&served, &file, 1);
    let address = served.address().to_owned();
    served.kill();
    for id in 2..=4 {
        let served = Served::start_at(&folder.path().join("data"), &address);
        import_one(&served, &file, id);
        assert_eq!(served.ask(&["customer", "user_id:42", "--json"]).json()["customer"]["touchpoints"], id.to_string());
        served.kill();
    }
}

fn import_one(served: &Served, file: &Path, id: u32) {
    let event = serde_json::json!({
        "specversion": "1.0", "id": id.to_string(), "source": "shop", "type": "fitting.booked", "channel": "store",
        "subject": "user_id:42", "time": "2024-03-01T10:00:00Z",
    });
    std::fs::write(file, event.to_string()).unwrap();
    served.ask(&["import", file.to_str().unwrap()]).well();
}
