//! The views of the read-model file, read by Python's own SQLite while the server writes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::json;

use super::python;
use crate::support::program::Served;
use crate::support::repository;

fn order(id: u32) -> String {
    json!({
        "specversion": "1.0", "id": id.to_string(), "source": "shop", "type": "order.placed", "channel": "web",
        "time": "2026-03-01T10:00:00.5Z", "subject": format!("user_id:{id}"),
        "data": {"order_id": id.to_string(), "amount": "0.10", "currency": "EUR"},
    })
    .to_string()
}

#[test]
fn the_views_are_read_while_the_server_writes_and_never_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::start(&data);
    let import = |name: &str, ids: std::ops::Range<u32>| {
        let file = folder.path().join(name);
        fs::write(&file, ids.map(|id| order(id) + "\n").collect::<String>()).unwrap();
        served.ask(&["import", file.to_str().unwrap()]).well();
    };
    import("first.ndjson", 1..31);

    let readmodel = data.join("default/readmodel");
    let current: u32 = fs::read_to_string(readmodel.join("current")).unwrap().trim().parse().unwrap();
    let script = repository().join("tests/analysts/views.py");
    let mut analyst = Command::new(python())
        .args([&script, &readmodel.join(format!("{current:06}.db"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(analyst.stdout.take().unwrap()).lines();
    let mut next = || said.next().expect("the analyst says more").unwrap();
    assert_eq!(next(), "30 customers, 3.000000 EUR, since 2026-03-01T10:00:00.500000000Z");
    import("second.ndjson", 31..41);
    writeln!(analyst.stdin.as_mut().unwrap(), "go on").unwrap();
    assert_eq!(next(), "30 customers, 3.000000 EUR, since 2026-03-01T10:00:00.500000000Z", "one moment");
    assert_eq!(next(), "40 customers, 4.000000 EUR, since 2026-03-01T10:00:00.500000000Z", "the next one");
    assert_eq!(next(), "attempt to write a readonly database");
    assert!(analyst.wait().unwrap().success());
    import("third.ndjson", 41..42);
    served.terminate().well();
}
