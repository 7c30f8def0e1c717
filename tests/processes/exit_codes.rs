//! 0 when all went well, 64 for wrong usage or configuration, 1 for anything else; standard error says what is wrong.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::support::cdnow;
use crate::support::nats::NatsServer;
use crate::support::program::{Ended, Served, rapport};

const USAGE: i32 = 64;

#[track_caller]
fn assert_fails(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.err.contains(says), "{says:?} is not in: {}", ended.err);
    assert_eq!(ended.out, "", "what is wrong goes to standard error");
}

#[test]
fn wrong_usage_is_64_and_named() {
    let file = cdnow::file();
    let file = file.to_str().unwrap();
    for (line, says) in [
        ("", "Usage: rapport"),
        ("sreve", "unrecognized subcommand 'sreve'"),
        ("serve --port 7700", "unexpected argument '--port'"),
        ("serve --listen 7700", "--listen is \"7700\"; it must be an IP address and a port"),
        ("serve --listen 0.0.0.0:0", "listen on 127.0.0.1, or add --insecure"),
        ("serve --log kafka://127.0.0.1:9092", "--log is \"kafka://127.0.0.1:9092\"; it must be embedded"),
        ("serve --data Cargo.toml", "--data is \"Cargo.toml\"; it must be a folder"),
        ("serve --config nowhere.toml", "nowhere.toml cannot be read"),
        ("serve --roles gatekeeper", "--roles is \"gatekeeper\"; there is no gatekeeper; it must be one or more of"),
        ("serve --models profile,prophet", "--models is \"profile,prophet\"; there is no prophet"),
        ("serve --roles gateway --models profile", "a process with --roles gateway folds no models"),
        ("serve --log-format xml", "--log-format is \"xml\"; it must be text, for people, or json"),
        ("serve --otlp-endpoint 127.0.0.1:4317", "--otlp-endpoint is \"127.0.0.1:4317\"; it must be a collector"),
        ("verify --server 127.0.0.1:7700", "must be http://HOST:PORT"),
        ("verify --fast", "unexpected argument '--fast'"),
        ("preview", "--definitions <FILE>"),
        ("whatif", "--definitions <FILE>"),
        ("whatif --definitions Cargo.toml --examples 0", "0 is not in 1..=100"),
        ("preview --definitions nowhere.toml", "--definitions nowhere.toml cannot be read"),
        ("preview --definitions Cargo.toml --examples 0", "0 is not in 1..=100"),
        ("totals --server 127.0.0.1:7700", "must be http://HOST:PORT"),
        ("customer ann", "namespace:value"),
        ("replay --from yesterday", "RFC 3339"),
        ("replay --from 1997-04-01 --to 1997-03-01", "--to 1997-03-01T00:00:00Z lies before --from"),
        ("replay --out Cargo.toml", "--force"),
        ("replay --out history.csv", "--out history.csv: its ending names no format"),
        ("replay --format avro", "[possible values: ndjson, parquet]"),
        (
            "replay --recorded-from 2026-03-02 --recorded-to 2026-03-01",
            "--recorded-to 2026-03-01T00:00:00Z lies before",
        ),
        ("migrate --from here --to nats://127.0.0.1", "--from is \"here\"; it must be embedded:FOLDER"),
        ("migrate --from embedded:a --to embedded:a", "--to is where the log is already"),
        ("backup", "--out <DIR>"),
        ("backup --out Cargo.toml", "--out Cargo.toml: there is such a file or folder"),
        ("restore Cargo.toml --data Cargo.toml", "Cargo.toml is not empty"),
        ("export", "--out <FOLDER>"),
        (
            "export --out Cargo.toml",
            "--out Cargo.toml: that is there already; name another, or replace it with --force",
        ),
        ("export --out Cargo.toml --force", "--out Cargo.toml: is no folder"),
        ("export --out nowhere --format xlsx", "[possible values: parquet]"),
        ("journey", "<NAME>"),
        ("journey funell", "there are funnel and transitions"),
        ("journey funnel --by year", "[possible values: day, week, month, quarter]"),
        (
            "journey funnel --from 2026-03-02 --until 2026-03-01",
            "--until 2026-03-01 does not come after --from 2026-03-02",
        ),
        ("journey transitions --from yesterday", "RFC 3339"),
        ("feedback --measure happiness", "[possible values: nps, csat, ces, stars]"),
        ("feedback --slice country", "[possible values: channel, survey, touchpoint, agent, team, stage]"),
        ("feedback --from 2026-02-30", "must be a day such as 2026-03-01"),
        ("feedback --only country=NO", "of channel, survey, touchpoint, agent, team, stage"),
        ("feedback responses --lowest 7 --highest 6", "--highest 6 is below --lowest 7"),
        ("find --trait Oslo", "must be NAME=VALUE such as city=Oslo"),
        ("find --journey main", "--stage <STAGE>"),
        ("watch user_id:42 --stage loyal", "cannot be used with"),
        ("import", "<FILE>"),
        ("import nowhere.ndjson", "cannot read nowhere.ndjson"),
        ("import Cargo.toml --mapping nowhere.toml", "nowhere.toml: cannot be read"),
        (&format!("import {file} --mapping Cargo.toml"), "Cargo.toml: "),
    ] {
        assert_fails(&rapport(line.split_whitespace()), USAGE, says);
    }
}

#[test]
fn a_wrong_configuration_is_64_and_named_with_its_file_before_any_port_opens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rapport.toml");
    for (text, says) in [
        ("[tenants.acme]\ncountry = \"China\"", "tenants.acme.country is \"China\"; it must be a country code"),
        ("[tenants.Acme]", "the key under tenants is \"Acme\""),
        ("[limits]\nevent_types = 0", "limits.event_types is 0; it must be from 1 to 4096"),
        ("[limit]", "unknown field `limit`"),
        ("[tenants.acme]\nschemas = \"own\"", "tenants.acme.schemas is \"own\", which cannot be read"),
        ("[jetstream]\nreplicas = 2", "jetstream.replicas is 2; it must be 1, 3 or 5"),
        ("tenants", "rapport.toml"),
    ] {
        fs::write(&file, text).unwrap();
        let data = folder.path().join("data");
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let ended = rapport(["serve", "--config", file, "--data", data]);
        assert_fails(&ended, USAGE, says);
        assert!(ended.err.contains(file), "{}", ended.err);
        assert!(!Path::new(data).exists(), "nothing was begun");
    }
}

#[test]
fn without_a_server_it_is_1_and_says_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{free}");
    let file = cdnow::file();
    let commands: [&[&str]; 12] = [
        &["totals"],
        &["status"],
        &["rebuild"],
        &["replay"],
        &["customer", "user_id:42"],
        &["journey", "user_id:42"],
        &["journey", "funnel"],
        &["journey", "transitions"],
        &["feedback"],
        &["find"],
        &["watch"],
        &["import", file.to_str().unwrap()],
    ];
    for command in commands {
        let ended = rapport(command.iter().copied().chain(["--server", &server]));
        assert_fails(&ended, 1, &format!("cannot reach {server}"));
        assert!(ended.err.contains("is `rapport serve` running?"), "{}", ended.err);
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Served::start(folder.path());
    let second = rapport(["serve", "--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("log.db is in use by another process"), "{}", second.err);
    assert!(second.err.contains("Several share a log that is kept on a NATS server"), "{}", second.err);
    first.ask(&["status"]).well();
}

#[test]
fn a_second_projector_of_the_same_read_model_is_refused() {
    let (folder, nats) = (tempfile::tempdir().unwrap(), NatsServer::start());
    let url = nats.url();
    let arguments = ["--log", &url, "--roles", "projector", "--listen", "127.0.0.1:0"];
    let first = Served::start_with(folder.path(), &arguments);
    let second = rapport(["serve", "--data", folder.path().to_str().unwrap()].into_iter().chain(arguments));
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("default/readmodel is in use by another process"), "{}", second.err);
    assert!(second.err.contains("give each projector models of its own (--models)"), "{}", second.err);
    first.ask(&["status"]).well();
}

#[test]
fn a_second_server_on_the_same_port_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Served::start(one.path());
    let second = rapport(["serve", "--data", other.path().to_str().unwrap(), "--listen", first.address()]);
    assert_eq!(second.code, Some(1), "{second:?}");
    let says = format!("--listen is {}, which cannot be listened on", first.address());
    assert!(second.err.contains(&says), "{}", second.err);
}

#[test]
fn a_server_that_is_told_to_stop_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Served::start(folder.path()).terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn nobody_by_that_name_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    assert_fails(&served.ask(&["customer", "user_id:42"]), 1, "nobody is known as user_id:42");
    assert_fails(&served.ask(&["totals", "--tenant", "globex"]), 1, "globex");
}

#[test]
fn bad_rows_are_told_with_their_line_and_do_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let file = folder.path().join("events.ndjson");
    let event = |id: u32| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"fitting.booked","channel":"web"}}"#)
    };
    fs::write(&file, format!("{}\nno JSON\n{{\"id\": \"x\"}}\n\n{}\n", event(1), event(2))).unwrap();
    let ended = served.ask(&["import", file.to_str().unwrap(), "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for says in
        ["events.ndjson:2: event: is not JSON", "events.ndjson:3: rejected: source: is missing", "2 of 4 rows were bad"]
    {
        assert!(ended.err.contains(says), "{says:?} is not in: {}", ended.err);
    }
    let summary: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&summary["accepted"], &summary["badRows"], &summary["rejected"]), (&2.into(), &1.into(), &1.into()));
}
