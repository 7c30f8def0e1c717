//! The `rapport` command with points at which it crashes when `FAILPOINTS` says so: for the tests.

use std::process::ExitCode;

use clap::Parser;
use rapport::cli::{self, Cli};

fn main() -> ExitCode {
    let _scenario = fail::FailScenario::setup();
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rapport: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
