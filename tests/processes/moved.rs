//! `rapport migrate`, `backup` and `restore` on the command line.

use std::fs;

use crate::support::cdnow;
use crate::support::nats::NatsServer;
use crate::support::program::{Served, rapport};

fn imported(served: &Served) -> serde_json::Value {
    let (file, mapping) = (cdnow::file(), cdnow::mapping());
    served.ask(&["import", file.to_str().unwrap(), "--mapping", mapping.to_str().unwrap()]).well();
    digests(served)
}

fn digests(served: &Served) -> serde_json::Value {
    served.ask(&["status", "--wait", "--json"]).json()["digests"].clone()
}

#[test]
fn a_log_goes_to_nats_and_back_with_the_same_digests() {
    let (folder, nats) = (tempfile::tempdir().unwrap(), NatsServer::start());
    let [here, back] = ["here", "back"].map(|name| folder.path().join(name));
    let served = Served::start(&here);
    let before = imported(&served);
    let [from, to] = [&here, &back].map(|data| format!("embedded:{}", data.display()));
    let busy = rapport(["migrate", "--from", &from, "--to", &nats.url()]);
    assert!(busy.code == Some(1) && busy.err.contains("in use by another process"), "{busy:?}");
    assert_eq!(served.terminate().code, Some(0));

    let told = rapport(["migrate", "--from", &from, "--to", &nats.url()]).well();
    assert!(told.contains(&format!("tenant default: {} records, the same on both logs", cdnow::ORDERS)), "{told}");
    rapport(["migrate", "--from", &nats.url(), "--to", &to]).well();
    let again = rapport(["migrate", "--from", &from, "--to", &to]);
    assert!(again.code == Some(1) && again.err.contains("there is a log at"), "{again:?}");
    for (data, log) in [(folder.path().join("fresh"), nats.url()), (back, "embedded".to_owned())] {
        let served = Served::start_with(&data, &["--listen", "127.0.0.1:0", "--log", &log]);
        assert_eq!(digests(&served), before, "{log}");
    }
}

#[test]
fn a_backup_brings_back_the_logs_and_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let [data, out, new] = ["data", "backup", "new"].map(|name| folder.path().join(name));
    let etc = folder.path().join("etc");
    fs::create_dir_all(etc.join("schemas/fitting.booked")).unwrap();
    let schema = r#"{"title": "Fitting", "description": "A fitting was booked.", "type": "object", "examples": [{}]}"#;
    fs::write(etc.join("schemas/fitting.booked/1.json"), schema).unwrap();
    fs::write(etc.join("rapport.toml"), "[tenants.default]\nschemas = \"schemas\"\n").unwrap();
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let config = text(&etc.join("rapport.toml"));
    let with_config = ["--listen", "127.0.0.1:0", "--config", &config];
    let served = Served::start_with(&data, &with_config);
    let before = imported(&served);

    let (kept, from, to) = (text(&out), text(&data), text(&new));
    let backup = ["backup", "--out", &kept, "--data", &from, "--config", &config];
    let told = rapport(backup).well();
    assert!(told.contains(&format!("tenant default: {} records", cdnow::ORDERS)), "{told}");
    let again = rapport(backup);
    assert!(again.code == Some(64) && again.err.contains("there is such a file or folder"), "{again:?}");
    let checked = rapport(["backup", "--verify", &kept]).well();
    assert!(checked.contains("all of it is as it was written"), "{checked}");
    let no_backup = rapport(["backup", "--verify", &text(&etc)]);
    assert!(no_backup.code == Some(64) && no_backup.err.contains("is no backup of Rapport"), "{no_backup:?}");

    rapport(["restore", &kept, "--data", &to]).well();
    let restored = text(&new.join("config/rapport.toml"));
    let served_anew = Served::start_with(&new, &["--listen", "127.0.0.1:0", "--config", &restored]);
    assert_eq!(digests(&served_anew), before);
    let full = rapport(["restore", &kept, "--data", &from]);
    assert!(full.code == Some(64) && full.err.contains("is not empty"), "{full:?}");
}
