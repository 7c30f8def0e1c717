//! `rapport replay`: to lines, to tables, into another tenant, and what is left of one that fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::{self, Ended, Served};

/// Days in March 2024; one event says that it happened on none that can be read.
const EVENTS: usize = 40;

fn served(folder: &Path) -> Served {
    let config = folder.join("rapport.toml");
    fs::write(&config, "[tenants.default]\n[tenants.trial]\n").unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()];
    let served = Served::start_with(&folder.join("data"), &arguments);
    let lines: Vec<String> = (0..EVENTS).map(|n| event(n).to_string()).collect();
    let file = folder.join("events.ndjson");
    fs::write(&file, lines.join("\n")).unwrap();
    served.ask(&["import", file.to_str().unwrap()]).well();
    served
}

fn event(n: usize) -> Value {
    json!({
        "specversion": "1.0", "id": n.to_string(), "source": if n.is_multiple_of(2) { "shop" } else { "app" },
        "type": "order.placed", "channel": "web", "time": format!("2024-03-{:02}T10:00:00.5Z", n % 4 + 1),
        "subject": format!("user_id:{}", n % 7),
        "data": {"order_id": n.to_string(), "amount": format!("{n}.25"), "currency": "EUR", "items": []},
    })
}

fn path(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    (path.clone(), path.to_str().unwrap().to_owned())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn what_is_selected_goes_to_lines_that_go_on_from_any_position() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let all = served.ask(&["replay"]).well();
    assert_eq!(all.lines().count(), EVENTS);
    let first = served.ask(&["replay", "--until-position", "17"]).well();
    let rest = served.ask(&["replay", "--after-position", "17"]).well();
    assert_eq!(format!("{first}{rest}"), all);
    assert_eq!(served.ask(&["replay", "--source", "app"]).well().lines().count(), EVENTS / 2);
    assert_eq!(served.ask(&["replay", "--recorded-to", "2024-01-01"]).well(), "");
    assert_eq!(served.ask(&["replay", "--recorded-from", "2024-01-01"]).well(), all);
}

/// Every Parquet file begins and ends with these bytes.
#[track_caller]
fn is_table(file: &Path) {
    let bytes = fs::read(file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{}", file.display());
}

#[test]
fn a_table_and_a_folder_of_days_are_there_when_they_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let outputs = folder.path().join("outputs");
    fs::create_dir(&outputs).unwrap();
    let ((table, table_path), (days, days_path)) = (path(&outputs, "all.parquet"), path(&outputs, "days"));
    let told = served.ask(&["replay", "--out", &table_path]);
    assert!(told.err.contains(&format!("{EVENTS} touchpoints in")), "{told:?}");
    is_table(&table);
    served.ask(&["replay", "--out", &days_path, "--partition-by", "day"]).well();
    let found = names(&days);
    assert_eq!(found, ["day=2024-03-01", "day=2024-03-02", "day=2024-03-03", "day=2024-03-04"]);
    for day in found {
        assert_eq!(names(&days.join(&day)), ["part-0.parquet"]);
        is_table(&days.join(&day).join("part-0.parquet"));
    }
    for line in [
        &["replay", "--out", &table_path][..],
        &["replay", "--out", &days_path, "--partition-by", "day"],
        &["replay", "--out", &days_path, "--force"],
    ] {
        let refused = served.ask(line);
        assert_eq!(refused.code, Some(64), "{refused:?}");
        assert!(refused.err.contains("there is such a file or folder"), "{refused:?}");
    }
    assert_eq!(names(&outputs), ["all.parquet", "days"]);
}

/// Under a shell that lets no file grow beyond some blocks, as a disk that is full.
fn with_little_room(served: &Served, arguments: &str) -> Ended {
    let program = program::path().display();
    let line = format!("trap '' XFSZ; ulimit -f 4; exec '{program}' replay --server {} {arguments}", served.url);
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn what_finds_no_room_names_its_place_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let outputs = folder.path().join("outputs");
    fs::create_dir(&outputs).unwrap();
    for (name, more) in [("a.ndjson", ""), ("a.parquet", ""), ("days", "--partition-by day")] {
        let (_, out) = path(&outputs, name);
        let failed = with_little_room(&served, &format!("--out '{out}' {more}"));
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.err.contains(&format!("cannot write {out}")), "{failed:?}");
        assert_eq!(names(&outputs), [""; 0], "nothing half-written is left");
    }
    let (_, out) = path(&outputs, "nowhere/a.parquet");
    let failed = served.ask(&["replay", "--out", &out]);
    assert!(failed.code == Some(1) && failed.err.contains(&out), "{failed:?}");
    if Path::new("/dev/full").exists() {
        let line = format!("exec '{}' replay --server {} > /dev/full", program::path().display(), served.url);
        let failed = Command::new("sh").args(["-c", &line]).output().unwrap();
        let said = String::from_utf8(failed.stderr).unwrap();
        assert!(failed.status.code() == Some(1) && said.contains("cannot write the answer"), "{said}");
    }
}

#[test]
fn a_copy_into_another_tenant_gives_the_same_digests() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    served.ask(&["merge", "user_id:1", "user_id:2", "--force", "--reason", "one household"]).well();
    let half = served.ask(&["replay", "--into-tenant", "trial", "--until-position", "20"]);
    assert!(half.code == Some(0) && half.err.contains("20 touchpoints copied, 0 were there already"), "{half:?}");
    let all = served.ask(&["replay", "--into-tenant", "trial"]);
    assert!(all.err.contains(&format!("{} touchpoints copied, 20 were there already", EVENTS - 20)), "{all:?}");
    assert!(all.err.contains("1 decisions copied, 0 were there already"), "{all:?}");
    let again = served.ask(&["replay", "--into-tenant", "trial"]);
    assert!(again.err.contains("0 decisions copied, 1"), "{again:?}");
    let digests = |tenant| served.ask(&["status", "--wait", "--json", "--tenant", tenant]).json()["digests"].clone();
    assert_eq!(digests("trial"), digests("default"));
    let copied = served.ask(&["replay", "--tenant", "trial"]).well();
    assert_eq!(copied, served.ask(&["replay"]).well(), "with their times, ids and hashes, the decision last");
    let itself = served.ask(&["replay", "--into-tenant", "default"]);
    assert!(itself.code == Some(64) && itself.err.contains("is the tenant that is replayed"), "{itself:?}");
    let nobody = served.ask(&["replay", "--into-tenant", "nobody"]);
    assert!(nobody.code == Some(1) && nobody.err.contains("nobody"), "{nobody:?}");
}
