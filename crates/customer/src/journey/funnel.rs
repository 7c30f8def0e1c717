//! The funnel: how far customers come, and how fast: what all of them add up to.

use std::collections::BTreeMap;

use super::JourneyMap;
use crate::{Bucket, CellRange, Day, Days};

/// Seconds below this are told apart exactly.
const EXACT: u64 = 64;
/// Classes in each doubling of time above that; a class is at most 1/32 of its time wide.
const IN_A_DOUBLING: u64 = 32;

/// A class of durations, at most 1/32 wide, so that medians can be read off counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace(pub u64);

pub fn pace_of(seconds: u64) -> Pace {
    if seconds < EXACT {
        return Pace(seconds);
    }
    let doubling = u64::from(seconds.ilog2());
    let class = (seconds >> (doubling - IN_A_DOUBLING.ilog2() as u64)) - IN_A_DOUBLING;
    Pace(EXACT + (doubling - u64::from(EXACT.ilog2())) * IN_A_DOUBLING + class)
}

impl Pace {
    /// The middle of the class: within 2 % of every duration in it.
    pub fn seconds(self) -> u64 {
        if self.0 < EXACT {
            return self.0;
        }
        let (above, class) = ((self.0 - EXACT) / IN_A_DOUBLING, (self.0 - EXACT) % IN_A_DOUBLING);
        let width = 1 << (above + 1);
        (IN_A_DOUBLING + class) * width + width / 2
    }
}

/// What is asked of the cells.
#[derive(Debug, Clone, Copy)]
pub struct FunnelQuestion<'a> {
    pub map: &'a JourneyMap,
    /// When the customers' journeys began.
    pub days: Days,
    pub bucket: Bucket,
    /// One row for each channel that won customers.
    pub by_channel: bool,
    /// Only the customers whom this channel won.
    pub channel: Option<&'a str>,
}

/// Rows in the order of period and channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Funnel {
    pub rows: BTreeMap<(Option<Day>, Option<String>), FunnelRow>,
}

/// Customers whose journey began in one period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunnelRow {
    pub began: u64,
    /// One for each stage of the map.
    pub stages: Vec<StageCount>,
    /// By the names of two stages of the path that were entered one after the other.
    pub paces: BTreeMap<(String, String), Paces>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageCount {
    /// Were in it at some time.
    pub entered: u64,
    /// Were in it or, further on the path, beyond it.
    pub reached: u64,
    /// Are in it now.
    pub now_in: u64,
}

/// How often each class of durations occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paces(BTreeMap<Pace, u64>);

impl Paces {
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// Within 2 %; of two in the middle the shorter.
    pub fn median_seconds(&self) -> Option<u64> {
        let middle = self.count().div_ceil(2);
        let mut passed = 0;
        self.0.iter().find_map(|(pace, count)| {
            passed += count;
            (passed >= middle).then(|| pace.seconds())
        })
    }
}

impl FunnelQuestion<'_> {
    /// The cells that say how far customers came.
    pub fn depths(&self) -> CellRange {
        CellRange::of_days(&["funnel", &self.map.name], self.days)
    }

    /// The cells that say how fast.
    pub fn paces(&self) -> CellRange {
        CellRange::of_days(&["pace", &self.map.name], self.days)
    }
}

impl Funnel {
    /// Adds a cell of either kind. `None` if it is not one of this journey.
    pub fn add(&mut self, question: &FunnelQuestion<'_>, coordinates: &[&str], count: u64) -> Option<()> {
        let [counter, _, day, channel, rest @ ..] = coordinates else { return None };
        if question.channel.is_some_and(|only| only != *channel) {
            return Some(());
        }
        let period = question.bucket.start_of(Day::parse(day)?);
        let row = self.rows.entry((period, question.by_channel.then(|| (*channel).to_owned()))).or_default();
        match (*counter, rest) {
            ("funnel", [stage, entered]) => row.add_customers(question.map, stage, entered, count),
            ("pace", [from, to, pace]) => row.add_pace((from, to), Pace(pace.parse().ok()?), count),
            _ => None,
        }
    }
}

impl FunnelRow {
    fn add_customers(&mut self, map: &JourneyMap, stage: &str, entered: &str, count: u64) -> Option<()> {
        self.began += count;
        self.stages.resize(map.stages.len(), StageCount::default());
        self.stages[usize::from(map.find(stage)?.0)].now_in += count;
        let mut further = false;
        for ((_, stage), (entered, counted)) in map.indexed().zip(entered.bytes().zip(&mut self.stages)).rev() {
            let entered = entered == b'1';
            further |= entered && !stage.is_quiet();
            counted.entered += if entered { count } else { 0 };
            counted.reached += if entered || further && !stage.is_quiet() { count } else { 0 };
        }
        Some(())
    }

    fn add_pace(&mut self, (from, to): (&str, &str), pace: Pace, count: u64) -> Option<()> {
        // A path has few stages.
        let known = self.paces.iter_mut().find(|((known_from, known_to), _)| known_from == from && known_to == to);
        let paces = match known {
            Some((_, paces)) => paces,
            None => self.paces.entry((from.to_owned(), to.to_owned())).or_default(),
        };
        *paces.0.entry(pace).or_default() += count;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_durations_is_within_two_percent() {
        for seconds in (0..100_000).chain((1..60).map(|bits| (1_u64 << bits) + 12_345)).chain([u64::MAX / 4]) {
            let middle = pace_of(seconds).seconds();
            assert!(middle.abs_diff(seconds) * 50 <= seconds, "{seconds} is told as {middle}");
        }
    }

    #[test]
    fn longer_is_never_a_lower_class() {
        for seconds in 0..100_000 {
            assert!(pace_of(seconds) <= pace_of(seconds + 1), "{seconds}");
        }
    }
}
