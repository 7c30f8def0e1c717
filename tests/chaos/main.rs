//! `just chaos`: the chaos of the tests for as long as one likes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]
#![allow(dead_code, reason = "the support of all tests, of which this is one")]

mod audit;
mod experiment;
mod faults;
mod load;
mod plan;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;

use crate::experiment::Experiment;
use crate::plan::Pace;
use crate::world::Layout;

/// Kill, freeze and restart real processes while clients publish, and then count
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Args {
    /// How long there are faults, over all layouts
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// The same seed plans the same faults; by the clock without it
    #[arg(long)]
    seed: Option<u64>,
    /// One of embedded, single, cluster; all without it
    #[arg(long)]
    layout: Option<String>,
}

fn main() -> ExitCode {
    let Args { minutes, seed, layout } = Args::parse();
    let by_clock = || SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() % 1_000_000);
    let seed = seed.unwrap_or_else(by_clock);
    let layouts: Vec<Layout> =
        Layout::ALL.into_iter().filter(|one| layout.as_ref().is_none_or(|name| name == one.name())).collect();
    if layouts.is_empty() {
        eprintln!("chaos: --layout is {layout:?}; it must be embedded, single or cluster");
        return ExitCode::from(64);
    }
    let each = Duration::from_secs(minutes * 60) / u32::try_from(layouts.len()).unwrap_or(1);
    println!("seed {seed}: {} s of faults in each layout", each.as_secs());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(layouts, seed, each))
}

async fn run(layouts: Vec<Layout>, seed: u64, each: Duration) -> ExitCode {
    let (mut acknowledged, mut lost, mut counted_twice, mut kills, mut clean) = (0, 0, 0, 0, true);
    for layout in layouts {
        let experiment = Experiment::run(layout, seed, Pace::LONG, each).await;
        println!("{experiment}\n");
        if !experiment.found.is_clean() {
            eprintln!("{}", experiment.said);
        }
        clean &= experiment.found.is_clean();
        acknowledged += experiment.found.acknowledged;
        lost += experiment.found.lost;
        counted_twice += experiment.found.counted_twice;
        kills += experiment.kills();
    }
    println!(
        "seed {seed}, {kills} kills: events acknowledged {acknowledged}, lost {lost}, counted twice {counted_twice}"
    );
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
