//! What each crate's Cargo.toml may ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::repository;

/// What our crates ask of each other, by folder.
const DIRECTIONS: [(&str, &[&str]); 5] = [
    ("crates/rapport", &["rapport-customer", "rapport-log", "rapport-readmodel", "rapport-touchpoint"]),
    ("crates/readmodel", &["rapport-customer", "rapport-touchpoint"]),
    ("crates/customer", &["rapport-touchpoint"]),
    ("crates/log", &["rapport-touchpoint"]),
    ("crates/touchpoint", &[]),
];

/// Crates that reach out of the process, and who alone may use them. The tests may use any.
const AT_THE_EDGE: [(&str, &[&str]); 7] = [
    ("async-nats", &["crates/log"]),
    ("axum", &["crates/rapport"]),
    ("opentelemetry-otlp", &["crates/rapport"]),
    ("prometheus-client", &["crates/rapport"]),
    ("rusqlite", &["crates/log", "crates/readmodel"]),
    ("tokio", &["crates/log", "crates/rapport"]),
    ("tonic", &["crates/rapport"]),
];

/// All that the two crates without I/O use: text, numbers, hashes. What is new here must be looked at.
const PURE: [(&str, &[&str]); 2] = [
    (
        "crates/touchpoint",
        &[
            "blake3",
            "include_dir",
            "iso_currency",
            "jsonschema",
            "phonenumber",
            "postcard",
            "serde",
            "serde_json",
            "serde_json_canonicalizer",
            "serde_path_to_error",
            "thiserror",
            "time",
        ],
    ),
    (
        "crates/customer",
        &[
            "blake3",
            "cel",
            "jiff",
            "postcard",
            "rapport-touchpoint",
            "regex",
            "serde",
            "serde_json",
            "strsim",
            "thiserror",
            "toml",
        ],
    ),
];

/// The names under these tables of a manifest.
fn dependencies(folder: &str, tables: &[&str]) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

/// The folders under `crates/`.
fn crates() -> BTreeSet<String> {
    let folders = fs::read_dir(repository().join("crates")).unwrap();
    folders.map(|folder| format!("crates/{}", folder.unwrap().file_name().into_string().unwrap())).collect()
}

#[test]
fn our_crates_depend_on_each_other_in_one_direction() {
    let known: BTreeMap<&str, &[&str]> = DIRECTIONS.into();
    assert_eq!(crates(), known.keys().map(|folder| (*folder).to_owned()).collect());
    for (folder, right) in known {
        let found = dependencies(folder, &["dependencies"]);
        let ours: Vec<&str> = found.iter().map(String::as_str).filter(|name| name.starts_with("rapport")).collect();
        assert_eq!(ours, right, "{folder}");
    }
}

#[test]
fn only_the_edge_reaches_out() {
    for (name, allowed) in AT_THE_EDGE {
        for folder in crates() {
            let found = dependencies(&folder, &["dependencies", "build-dependencies"]).contains(name);
            assert_eq!(found, allowed.contains(&folder.as_str()), "{folder} and {name}");
        }
    }
}

#[test]
fn what_happened_and_what_it_means_need_no_io() {
    for (folder, right) in PURE {
        let found = dependencies(folder, &["dependencies"]);
        assert_eq!(found, right.iter().map(|name| (*name).to_owned()).collect(), "{folder}");
    }
}

#[test]
fn every_dependency_has_its_version_in_one_place() {
    for folder in crates().into_iter().chain(["tests".to_owned(), "benches".to_owned()]) {
        let text = fs::read_to_string(repository().join(&folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, wanted) in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                let inherited = wanted.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherited, "{folder}: {name} in [{table}] is not from the workspace");
            }
        }
    }
}

/// The tests write theirs out, for `forbid` could not be lifted for the one file that needs it.
#[test]
fn unsafe_code_is_forbidden_everywhere_but_in_the_tests() {
    let manifest = |folder: &str| -> toml::Table {
        toml::from_str(&fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap()).unwrap()
    };
    for folder in crates().into_iter().chain(["benches".to_owned()]) {
        assert_eq!(manifest(&folder)["lints"].get("workspace"), Some(&true.into()), "{folder}");
    }
    let mut of_all = manifest("")["workspace"]["lints"].clone();
    assert_eq!(of_all["rust"]["unsafe_code"].as_str(), Some("forbid"));
    of_all["rust"]["unsafe_code"] = "deny".into();
    assert_eq!(manifest("tests")["lints"], of_all);
}
