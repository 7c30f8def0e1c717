//! The `rapport` command.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use rapport::cli::{self, Cli, USAGE};

/// A third of the time from gateway to read model went into the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            let failed = help_or_error.use_stderr();
            // Nobody is left to tell if this fails.
            let _ = help_or_error.print();
            return ExitCode::from(if failed { USAGE } else { 0 });
        }
    };
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_silent() {
                eprintln!("rapport: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}
