//! What analysts have of the read model: an export in DuckDB, and the views of the file while it serves.

mod exported;
mod viewed;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::python::{environment, told};
use crate::support::repository;

const DUCKDB: &str = "2.0.1";

/// The interpreter of an environment with DuckDB.
fn python() -> PathBuf {
    environment(&format!("duckdb-{DUCKDB}"), &[format!("duckdb=={DUCKDB}")])
        .unwrap_or_else(|why| panic!("no export can be read back: {why}"))
}

/// What one of the scripts here prints.
#[track_caller]
fn script(name: &str, arguments: &[&Path]) -> String {
    let script = repository().join("tests/analysts").join(name);
    told(Command::new(python()).arg(script).args(arguments)).unwrap_or_else(|why| panic!("{name}: {why}"))
}
