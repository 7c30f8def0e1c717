//! One experiment: faults under load, and then the audit.

use std::fmt;
use std::time::{Duration, Instant};

use super::audit::{Audit, audit};
use super::faults::{Done, inject};
use super::load::{Load, Tally};
use super::plan::{Pace, Plan};
use super::world::{Layout, World};

/// Customers whose lives are published in a minute, more than can be.
const CUSTOMERS_A_MINUTE: u64 = 1_200;

/// How it ended.
#[derive(Debug)]
pub struct Experiment {
    layout: Layout,
    seed: u64,
    took: Duration,
    done: Done,
    tally: Tally,
    pub found: Audit,
    /// What the processes said of themselves, if something is wrong.
    pub said: String,
}

impl Experiment {
    /// For so long, and until each kind of fault has come.
    pub async fn run(layout: Layout, seed: u64, pace: Pace, time: Duration) -> Self {
        let mut world = World::start(layout).await;
        let began = Instant::now();
        let customers = u32::try_from(200 + time.as_secs() * CUSTOMERS_A_MINUTE / 60).unwrap_or(u32::MAX);
        let load = Load::start(world.addresses.clone(), customers, seed);
        let plan = Plan::new(layout, pace, seed);
        let (round, mut done) = (plan.round(), Done::default());
        for (injected, injection) in plan.enumerate() {
            if injected >= round && began.elapsed() >= time {
                break;
            }
            inject(&mut world, &injection, &mut done).await;
        }
        let published = load.stop().await;
        let found = audit(&mut world, &published).await;
        let said = if found.is_clean() { String::new() } else { world.said(60) };
        Self { layout, seed, took: began.elapsed(), done, tally: published.tally, found, said }
    }

    pub fn kills(&self) -> usize {
        self.done.kills()
    }
}

/// For people, a figure in each line.
impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layout, seed, took, done, tally, found, .. } = self;
        writeln!(f, "── {}, seed {seed}, {} s", layout.name(), took.as_secs())?;
        for (kind, count) in done.by_kind() {
            writeln!(f, "  {kind:<24} {count:>8}")?;
        }
        writeln!(f, "  {:<24} {:>8}", "calls of clients", tally.calls)?;
        for (why, count) in &tally.failed {
            writeln!(f, "    failed: {why:<14} {count:>8}")?;
        }
        let figures = [
            ("answered as accepted", tally.accepted),
            ("answered as duplicates", tally.duplicates),
            ("records on the log", found.records),
            ("distinct events", found.distinct),
            ("customers", usize::try_from(found.customers).unwrap_or(usize::MAX)),
        ];
        for (what, count) in figures {
            writeln!(f, "  {what:<24} {count:>8}")?;
        }
        found.wrong.iter().try_for_each(|wrong| writeln!(f, "  WRONG: {wrong}"))?;
        let Audit { acknowledged, lost, counted_twice, .. } = found;
        write!(f, "events acknowledged {acknowledged}, lost {lost}, counted twice {counted_twice}")
    }
}
