//! What the sources may name. Comments do not count, and neither do the tests beside the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// The Rust files under a folder, their paths from there, without their tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let folder = repository().join(folder);
    let mut found = Vec::new();
    collect(&folder, &folder, &mut found);
    assert!(!found.is_empty());
    found.sort();
    found
}

fn collect(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, root, found);
        } else if path.extension() == Some("rs".as_ref()) && path.file_stem() != Some("tests".as_ref()) {
            let name: PathBuf = path.strip_prefix(root).unwrap().components().collect();
            found.push((name.to_str().unwrap().replace('\\', "/"), code(&fs::read_to_string(&path).unwrap())));
        }
    }
}

/// The lines that are code, up to the tests at the end of the file.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The files under a folder that hold this text.
fn files_with(folder: &str, text: &str) -> Vec<String> {
    sources(folder).into_iter().filter(|(_, code)| code.contains(text)).map(|(file, _)| file).collect()
}

/// What a file takes from a crate: `A` and `B` for `use name::{A, B}`, `C` for `name::C`.
fn taken(code: &str, from: &str) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for rest in code.split(&format!("{from}::")).skip(1) {
        let listed = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default(),
        };
        taken.extend(listed.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()));
    }
    taken
}

#[test]
fn the_pure_crates_touch_no_file_no_net_no_clock_and_no_thread() {
    for folder in ["crates/touchpoint/src", "crates/customer/src"] {
        for forbidden in ["std::fs", "std::net", "std::env", "std::process", "std::thread", "std::io"] {
            assert_eq!(files_with(folder, forbidden), [""; 0], "{forbidden} in {folder}");
        }
        for forbidden in ["SystemTime", "Instant", "now_utc", "now_local", "thread_rng", "unsafe"] {
            assert_eq!(files_with(folder, forbidden), [""; 0], "{forbidden} in {folder}");
        }
    }
}

#[test]
fn the_read_model_reads_no_clock() {
    for forbidden in ["SystemTime", "Instant", "now_utc", "strftime", "CURRENT_TIMESTAMP", "datetime('now"] {
        assert_eq!(files_with("crates/readmodel/src", forbidden), [""; 0], "{forbidden}");
    }
}

/// A table of C functions for SQLite, in the tests of power cuts; the compiler holds the rest to it.
#[test]
fn one_file_of_the_tests_is_unsafe() {
    let is_unsafe = |(_, code): &(String, String)| {
        ["{", "fn", "extern", "impl", "trait"].iter().any(|what| code.contains(&["unsafe", what].join(" ")))
    };
    let found: Vec<String> = ["crates", "tests", "benches"]
        .into_iter()
        .flat_map(|folder| {
            sources(folder).into_iter().filter(is_unsafe).map(move |(file, _)| format!("{folder}/{file}"))
        })
        .collect();
    assert_eq!(found, ["tests/power/vfs.rs"]);
}

#[test]
fn the_gateway_knows_no_read_model() {
    for forbidden in ["readmodel", "crate::query", "crate::projector", "crate::replay"] {
        assert_eq!(files_with("crates/rapport/src/gateway", forbidden), [""; 0], "{forbidden}");
    }
}

/// The projector writes it, the queries read it, and the replays of customers read their histories there.
#[test]
fn only_projector_and_queries_know_the_read_model() {
    let files = files_with("crates/rapport/src", "rapport_readmodel");
    let others: Vec<_> =
        files.into_iter().filter(|file| !file.starts_with("projector/") && !file.starts_with("query/")).collect();
    assert_eq!(others, ["replay/by_customer.rs", "replay/of_customer.rs"]);
}

/// The queries take three things from the log and no more: its tenant's name as a key, its kind, epoch and end for the
/// status, and the error of looking that up.
#[test]
fn queries_take_their_answers_from_the_read_model() {
    let allowed = [("admin.rs", "Log"), ("mod.rs", "ReadError"), ("projections.rs", "Tenant")];
    let found: Vec<(String, String)> = sources("crates/rapport/src/query")
        .into_iter()
        .flat_map(|(file, code)| taken(&code, "rapport_log").into_iter().map(move |name| (file.clone(), name)))
        .collect();
    assert_eq!(found, allowed.map(|(file, name)| (file.to_owned(), name.to_owned())));
    for forbidden in [".log.read", ".log.append", ".log.close", ".log.kinds"] {
        assert_eq!(files_with("crates/rapport/src/query", forbidden), [""; 0], "{forbidden}");
    }
    assert_eq!(files_with("crates/rapport/src/query", ".log."), ["admin.rs", "projections.rs"]);
}

#[test]
fn only_the_gateway_and_the_admins_decisions_append() {
    assert_eq!(files_with("crates/rapport/src", ".log.append("), ["deciding.rs", "gateway/batch.rs"]);
}

/// What the wire carries is turned into our own types at the doors, and nowhere behind them.
#[test]
fn wire_types_stay_at_the_doors() {
    for folder in ["crates/rapport/src/projector", "crates/log/src", "crates/readmodel/src", "crates/customer/src"] {
        for forbidden in ["wire::", "tonic", "prost"] {
            assert_eq!(files_with(folder, forbidden), [""; 0], "{forbidden} in {folder}");
        }
    }
}

#[test]
fn one_file_says_which_status_an_error_is() {
    let made: Vec<_> = files_with("crates/rapport/src", " Code::")
        .into_iter()
        .filter(|file| !file.starts_with("import/") && file != "client.rs")
        .collect();
    assert_eq!(made, ["status_code.rs"], "clients read codes; only this file gives them");
}

/// Names of metrics and spans, and the libraries behind them, stay in one place each.
#[test]
fn one_folder_measures_and_one_traces() {
    for (library, folder) in [("prometheus_client", "metrics/"), ("opentelemetry", "traces/")] {
        let files = files_with("crates/rapport/src", library);
        assert!(!files.is_empty() && files.iter().all(|file| file.starts_with(folder)), "{library} in {files:?}");
    }
}

#[test]
fn taken_names_are_found() {
    let code = "use rapport_log::{Log,\n    Tenant};\nfn f(e: rapport_log::ReadError) {}\n";
    assert_eq!(taken(code, "rapport_log").into_iter().collect::<Vec<_>>(), ["Log", "ReadError", "Tenant"]);
}
