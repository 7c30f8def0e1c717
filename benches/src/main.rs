//! What is fast, measured against the limits of the machine, and how good identity is, against the truth:
//! `cargo run --release -p rapport-benches -- all`.

mod driven;
mod flamegraph;
mod frame;
mod limits;
mod parts;
mod quality;
mod random;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser};
use mimalloc::MiMalloc;

use driven::program;
use frame::{Document, Machine, Options, Setting};
use limits::echo;
use parts::{Choice, Part, Query, Source};

/// As `rapport` has it, since some parts fold in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What goes wrong in a measurement ends it, with a sentence for whoever started it.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// Measure Rapport on this machine, beside what the machine does at best
#[derive(Debug, Parser)]
#[command(
    name = "rapport-benches",
    version,
    after_help = "Build the server first: cargo build --release -p rapport. \
    What is under way, and how long it may still take, is told on standard error."
)]
enum Bench {
    /// Every part, or those that --parts names
    All(AllArgs),
    /// Touchpoints through the gateway onto each log
    Append(Options),
    /// A read model catches up with a log, event by event
    Fold(Options),
    /// A server comes to its read model from the log alone
    Rebuild(Options),
    /// What a server answers, and how fast
    Query(QueryArgs),
    /// How soon a question sees what was published
    Freshness(Options),
    /// What becomes of it all as the log grows to ten million events
    Growth(Options),
    /// The same job done by Rapport, PostgreSQL, cqrs-es, emmett-sqlite, eventsourcing and UmaDB
    Peers(Options),
    /// One customer with a very long timeline
    Hot(Options),
    /// How soon whoever watches is told
    Watch(Options),
    /// A file onto the log and into the read model
    Import(ImportArgs),
    /// Queries while the read model is built anew and swapped in
    Swap(Options),
    /// The whole log out of a server into a file
    Replay(Options),
    IdentityQuality(quality::QualityArgs),
    /// Print the tables of figures that were written with --json
    Report {
        #[arg(value_name = "FILE")]
        figures: PathBuf,
        /// Put them into this page instead, between the two lines that mark their place
        #[arg(long, value_name = "MARKDOWN")]
        into: Option<PathBuf>,
    },
    Flamegraph(flamegraph::FlamegraphArgs),
    /// The empty service that queries are held against
    #[command(hide = true)]
    Echo {
        #[arg(long)]
        bytes: usize,
    },
}

#[derive(Debug, Args)]
struct AllArgs {
    #[command(flatten)]
    options: Options,
    /// Only these, with commas between them
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    parts: Vec<Part>,
}

#[derive(Debug, Args)]
struct QueryArgs {
    #[command(flatten)]
    options: Options,
    /// Ask only these, with commas between them
    #[arg(long, value_name = "QUERIES", value_delimiter = ',')]
    only: Vec<Query>,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    source: Source,
}

fn main() -> ExitCode {
    let measured = match Bench::parse() {
        Bench::All(AllArgs { options, parts }) if parts.is_empty() => measure(&Part::ALL, &options, &Choice::default()),
        Bench::All(AllArgs { options, parts }) => measure(&parts, &options, &Choice::default()),
        Bench::Append(options) => measure(&[Part::Append], &options, &Choice::default()),
        Bench::Fold(options) => measure(&[Part::Fold], &options, &Choice::default()),
        Bench::Rebuild(options) => measure(&[Part::Rebuild], &options, &Choice::default()),
        Bench::Query(QueryArgs { options, only }) => {
            measure(&[Part::Query], &options, &Choice { queries: only, ..Choice::default() })
        }
        Bench::Freshness(options) => measure(&[Part::Freshness], &options, &Choice::default()),
        Bench::Growth(options) => measure(&[Part::Growth], &options, &Choice::default()),
        Bench::Peers(options) => measure(&[Part::Peers], &options, &Choice::default()),
        Bench::Hot(options) => measure(&[Part::Hot], &options, &Choice::default()),
        Bench::Watch(options) => measure(&[Part::Watch], &options, &Choice::default()),
        Bench::Swap(options) => measure(&[Part::Swap], &options, &Choice::default()),
        Bench::Replay(options) => measure(&[Part::Replay], &options, &Choice::default()),
        Bench::Import(ImportArgs { options, source }) => {
            measure(&[Part::Import], &options, &Choice { source, ..Choice::default() })
        }
        Bench::IdentityQuality(args) => quality::run(&args),
        Bench::Report { figures, into } => report(&figures, into.as_deref()),
        Bench::Flamegraph(args) => flamegraph::run(&args),
        Bench::Echo { bytes } => echo::serve(bytes),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rapport-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The figures are written after each part, so that what was measured is not lost with what comes after it.
fn measure(parts: &[Part], options: &Options, choice: &Choice) -> Result<()> {
    let setting = Setting::new(options)?;
    let mut document =
        Document { machine: Machine::look(&program::rapport()?), settings: options.shown(), parts: Vec::new() };
    for part in parts {
        document.parts.push(part.measure(&setting, choice)?);
        if let Some(path) = &options.json {
            fs::write(path, serde_json::to_string_pretty(&document)? + "\n")?;
        }
    }
    print!("{document}");
    Ok(())
}

fn report(path: &Path, into: Option<&Path>) -> Result<()> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let document: Document =
        serde_json::from_str(&read(path)?).map_err(|error| format!("{} has no figures: {error}", path.display()))?;
    let Some(page) = into else {
        print!("{document}");
        return Ok(());
    };
    let with =
        document.put_into(&read(page)?).ok_or_else(|| format!("{}: no place is marked in it", page.display()))?;
    Ok(fs::write(page, with)?)
}
