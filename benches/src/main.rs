//! What is fast, measured against the limits of the machine, and how good identity is, against the truth: `cargo run --release -p rapport-benches -- import`.

mod evidence;
mod folded;
mod hot;
mod import;
mod quality;
mod random;
mod raw_limit;
mod report;
mod server;
mod touchpoint;
mod watch;
mod workload;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// As `rapport` has it, since `hot` folds in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What goes wrong in a measurement ends it, with a sentence for whoever started it.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measure Rapport on this machine
#[derive(Debug, Parser)]
#[command(name = "rapport-benches", version)]
enum Bench {
    Import(import::ImportArgs),
    Watch(watch::WatchArgs),
    Hot(hot::HotArgs),
    Evidence(evidence::EvidenceArgs),
    Touchpoint(touchpoint::TouchpointArgs),
    IdentityQuality(quality::QualityArgs),
}

fn main() -> ExitCode {
    let measured = match Bench::parse() {
        Bench::Import(args) => import::run(&args),
        Bench::Watch(args) => watch::run(&args),
        Bench::Hot(args) => hot::run(&args),
        Bench::Evidence(args) => evidence::run(&args),
        Bench::Touchpoint(args) => touchpoint::run(&args),
        Bench::IdentityQuality(args) => quality::run(&args),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rapport-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
