//! `evidence`: what identity costs: touchpoints of which one in twenty carries a link or a claim, beside the same ones without.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Result;
use crate::folded::Folded;
use crate::random::Random;
use crate::report::{Machine, median};
use crate::workload::Workload;

/// Fold touchpoints of which one in twenty carries a link or a claim, and the same ones without
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- evidence\n  \
    cargo run --release -p rapport-benches -- evidence --touchpoints 1000000 --runs 1 --json\n\n\
    In process and without a server, in turns: what is timed is the fold alone, of records that are decoded already.")]
pub struct EvidenceArgs {
    /// Touchpoints of each fold
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    touchpoints: u64,
    /// Folds of each kind; the medians count
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Records that are folded in one transaction
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    batch: u64,
    /// The same seed makes the same touchpoints
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep all data below this folder while measuring; by default beside this program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// One touchpoint in so many says more than whose account it is.
const EVIDENCE_ONE_IN: u64 = 20;
/// E-mails and browsers of each customer.
const OF_EACH: u64 = 3;
/// What is promised: with evidence at no less than this share of the rate without.
const LEAST_RATE: f64 = 0.7;

pub fn run(args: &EvidenceArgs) -> Result<()> {
    let program = std::env::current_exe()?;
    let parent = args.data.clone().unwrap_or_else(|| program.parent().unwrap_or(Path::new(".")).to_owned());
    std::fs::create_dir_all(&parent)?;
    let folder = tempfile::Builder::new().prefix("rapport-bench-").tempdir_in(parent)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for run in 1..=args.runs {
        eprintln!("run {run} of {}", args.runs);
        without.push(fold(folder.path(), args, u64::MAX)?);
        with.push(fold(folder.path(), args, EVIDENCE_ONE_IN)?);
    }
    let ratios = without.iter().zip(&with).map(|(without, with)| with / without).collect();
    let with_to_without = median(ratios);
    let report = Report {
        touchpoints: args.touchpoints,
        runs: args.runs,
        batch: args.batch,
        without_per_s: median(without),
        with_per_s: median(with),
        with_to_without,
        rate_to_promise: with_to_without / LEAST_RATE,
        machine: Machine::look(&program),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

/// Touchpoints a second.
fn fold(parent: &Path, args: &EvidenceArgs, one_in: u64) -> Result<f64> {
    let mut random = Random::new(args.seed);
    let mut events = Workload::new(args.seed, args.touchpoints).map(|event| known(event, one_in, &mut random));
    let mut folded = Folded::new(parent)?;
    let mut seconds = 0.0;
    loop {
        let batch = folded.decode(events.by_ref().take(usize::try_from(args.batch)?))?;
        if batch.is_empty() {
            return Ok(args.touchpoints as f64 / seconds);
        }
        seconds += folded.apply(batch)?.0.as_secs_f64();
    }
}

/// By the account, and sometimes by an e-mail or a browser too.
fn known(mut event: Value, one_in: u64, random: &mut Random) -> Value {
    let said = &event["data"]["identifiers"];
    let name = said["user_id"].as_str().or(said["anonymous_id"].as_str()).unwrap_or_default();
    let customer = name.split('-').nth(1).unwrap_or_default().to_owned();
    let (chance, which, is_link) = (random.below(one_in.max(1)), random.below(OF_EACH), random.one_in(2));
    let mut identifiers = json!({"user_id": format!("u-{customer}")});
    if one_in != u64::MAX && chance == 0 {
        if is_link {
            identifiers["email"] = format!("customer{customer}.{which}@example.com").into();
        } else {
            identifiers["anonymous_id"] = format!("a-{customer}-{which}").into();
        }
    }
    event["data"]["identifiers"] = identifiers;
    event
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    touchpoints: u64,
    runs: u64,
    batch: u64,
    without_per_s: f64,
    with_per_s: f64,
    with_to_without: f64,
    /// 1 and more keeps the promise.
    rate_to_promise: f64,
    machine: Machine,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { touchpoints, runs, batch, without_per_s, with_per_s, with_to_without, .. } = self;
        writeln!(f, "{touchpoints} touchpoints in batches of {batch}, medians of {runs} runs in turns")?;
        writeln!(f, "  without evidence      {without_per_s:9.0} /s")?;
        writeln!(f, "  one in {EVIDENCE_ONE_IN} with evidence {with_per_s:9.0} /s")?;
        writeln!(f, "  with to without       {with_to_without:9.2}    (promised: at least {LEAST_RATE})")?;
        write!(f, "{}", self.machine)
    }
}
