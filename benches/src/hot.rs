//! `hot`: one customer with a very long timeline, folded in process beside the same number of touchpoints of many customers.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::Result;
use crate::folded::Folded;
use crate::report::{Machine, median};
use crate::workload::{Shape, Workload};

/// Fold a customer with a very long timeline, and as many touchpoints of many customers
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- hot\n  \
    cargo run --release -p rapport-benches -- hot --touchpoints 1000000 --json\n\n\
    In process and without a server: what is timed is the fold alone, of records that are decoded already.")]
pub struct HotArgs {
    /// Touchpoints of the one customer, and of all the others together; one in a hundred comes up to a day late
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..))]
    touchpoints: u64,
    /// Touchpoints of each of the two customers that are joined
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    joined: u64,
    /// Records that are folded in one transaction
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
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

/// Of the one customer: as if a million touchpoints were a year's.
const PER_DAY: u64 = 1_000_000 / 366;
const DAY_S: u64 = 86_400;
/// Of the many.
const PER_CUSTOMER: u64 = 20;
/// How often the join is measured; the median counts.
const JOINS: u64 = 5;

/// What is promised: the one customer is folded at no less than this share of the rate of the many,
const LEAST_RATE: f64 = 0.5;
/// and two customers of 10,000 become one in this time.
const LONGEST_JOIN_MS: f64 = 100.0;

pub fn run(args: &HotArgs) -> Result<()> {
    let program = std::env::current_exe()?;
    let parent = args.data.clone().unwrap_or_else(|| program.parent().unwrap_or(Path::new(".")).to_owned());
    std::fs::create_dir_all(&parent)?;
    let folder = tempfile::Builder::new().prefix("rapport-bench-").tempdir_in(parent)?;
    let shape = |customers| Shape {
        touchpoints: args.touchpoints,
        customers,
        seconds: (args.touchpoints * DAY_S / PER_DAY).max(1),
        latest_s: DAY_S,
    };
    let of = |shape| Workload::shaped(args.seed, shape);
    eprintln!("many customers");
    let many = fold(folder.path(), of(shape(args.touchpoints.div_ceil(PER_CUSTOMER))), args.batch)?;
    eprintln!("one customer");
    let one = fold(folder.path(), of(shape(1)), args.batch)?;
    eprintln!("two customers become one");
    let mut joins = Vec::new();
    for seed in 0..JOINS {
        joins.push(join(folder.path(), args.seed + seed, args.joined)?);
    }
    let join_ms = median(joins);
    let report = Report {
        touchpoints: args.touchpoints,
        batch: args.batch,
        rate_to_promise: one.per_s / many.per_s / LEAST_RATE,
        one_to_many: one.per_s / many.per_s,
        many,
        one,
        joined: args.joined,
        join_ms,
        join_to_promise: join_ms / LONGEST_JOIN_MS,
        machine: Machine::look(&program),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

fn fold(parent: &Path, mut workload: Workload, most: u64) -> Result<Fold> {
    let mut folded = Folded::new(parent)?;
    let (mut took, mut reread) = (Vec::new(), 0);
    loop {
        let batch = folded.decode(workload.by_ref().take(usize::try_from(most)?))?;
        if batch.is_empty() {
            break;
        }
        let (of_batch, read) = folded.apply(batch)?;
        took.push(of_batch.as_secs_f64() * 1_000.0);
        reread += read;
    }
    let in_all_ms: f64 = took.iter().sum();
    let tenth = took.len().div_ceil(10);
    let (first, last) = (took[..tenth].to_vec(), took[took.len() - tenth..].to_vec());
    let last_to_first = median(last) / median(first);
    took.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| took.get((took.len() - 1) * percent / 100).copied().unwrap_or_default();
    Ok(Fold {
        per_s: folded.position as f64 * 1_000.0 / in_all_ms.max(1e-6),
        p50_ms: at(50),
        p99_ms: at(99),
        longest_ms: at(100),
        last_to_first,
        reread,
    })
}

/// The milliseconds of the batch that says that two customers are one; their touchpoints alternate.
fn join(parent: &Path, seed: u64, touchpoints: u64) -> Result<f64> {
    let names = [json!({"user_id": "u-0"}), json!({"email": "customer0@example.com"})];
    let shape = Shape { touchpoints: touchpoints * 2, customers: 1, seconds: 366 * DAY_S, latest_s: DAY_S };
    let mut turns = names.iter().cycle();
    let mut alternating = Workload::shaped(seed, shape).map(|mut event| {
        event["data"]["identifiers"] = turns.next().cloned().unwrap_or_default();
        event
    });
    let mut folded = Folded::new(parent)?;
    loop {
        let batch = folded.decode(alternating.by_ref().take(1_000))?;
        if batch.is_empty() {
            break;
        }
        folded.apply(batch)?;
    }
    let both = json!({
        "specversion": "1.0", "id": "both", "source": "shop", "type": "customer.linked", "channel": "web",
        "time": "2025-01-02T00:00:00Z",
        "data": {"identifiers": {"user_id": "u-0", "email": "customer0@example.com"}},
    });
    let batch = folded.decode([both].into_iter())?;
    Ok(folded.apply(batch)?.0.as_secs_f64() * 1_000.0)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    touchpoints: u64,
    batch: u64,
    many: Fold,
    one: Fold,
    one_to_many: f64,
    /// 1 and more keeps the promise.
    rate_to_promise: f64,
    joined: u64,
    join_ms: f64,
    /// 1 and less keeps the promise, for customers of 10,000 touchpoints.
    join_to_promise: f64,
    machine: Machine,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fold {
    per_s: f64,
    /// Of a batch.
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    /// How long a batch takes in the last tenth of them against the first, by their medians.
    last_to_first: f64,
    /// Stored touchpoints that late ones made it read again.
    reread: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { touchpoints, batch, many, one, one_to_many, joined, join_ms, machine, .. } = self;
        writeln!(f, "{touchpoints} touchpoints, one in a hundred up to a day late, in batches of {batch}")?;
        writeln!(f)?;
        writeln!(f, "                           per s   batch p50      p99  longest  last/first  read again")?;
        for (name, fold) in [("many customers", many), ("one customer", one)] {
            let Fold { per_s, p50_ms, p99_ms, longest_ms, last_to_first, reread } = fold;
            write!(f, "  {name:<20} {per_s:>9.0} {p50_ms:>8.1} ms {p99_ms:>5.1} ms ")?;
            writeln!(f, "{longest_ms:>5.1} ms {last_to_first:>11.2} {reread:>11}")?;
        }
        write!(f, "  one / many           {one_to_many:>9.2}, promised is {LEAST_RATE} and more: ")?;
        writeln!(f, "{:.2} of the promise", self.rate_to_promise)?;
        write!(
            f,
            "  two customers of {joined} become one in {join_ms:.1} ms, promised is {LONGEST_JOIN_MS} ms for 10000: "
        )?;
        writeln!(f, "{:.2} of the promise", self.join_to_promise)?;
        write!(f, "\n{machine}")
    }
}
