//! Where power is cut.

use std::path::Path;

use super::chance::{Chance, cuts, seed};
use super::disk::{Disk, Unsynced};

/// A cut, as it is named when what it leaves is wrong.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// To be given as `RAPPORT_SEED`.
    #[allow(dead_code, reason = "it is shown")]
    seed: u64,
    pub after: usize,
    pub unsynced: Unsynced,
}

/// About this many cuts, spread over all that happened from an operation on; at each place all three ways.
pub fn sample(disk: &Disk, from: usize, usual: usize) -> Vec<Cut> {
    let (seed, mut chance) = (seed(), Chance::new(seed()));
    let (places, operations) = ((cuts(usual) / 3).max(1), disk.operations());
    let mut sampled = Vec::new();
    for place in 0..places {
        // One in each part, so that no part is passed over.
        let (begin, end) = (part(from, operations, place, places), part(from, operations, place + 1, places));
        let after = begin + chance.below((end - begin) as u64 + 1) as usize;
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(seed.wrapping_add(after as u64))] {
            sampled.push(Cut { seed, after, unsynced });
        }
    }
    sampled
}

fn part(from: usize, until: usize, place: usize, places: usize) -> usize {
    from + (until - from) * place / places
}

impl Cut {
    /// What it leaves, in a folder; how many events had been promised.
    pub fn of(self, disk: &Disk, into: &Path) -> usize {
        disk.cut(self.after, self.unsynced, into)
    }
}
