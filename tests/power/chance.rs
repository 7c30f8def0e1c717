//! Chance that a failed test can have again: where power is cut and what is left, drawn from a seed.

use std::env;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }
}

/// `RAPPORT_SEED`, or the same every time.
pub fn seed() -> u64 {
    from_env("RAPPORT_SEED").unwrap_or(7)
}

/// `RAPPORT_CUTS`, or as many as fit into a run of all tests.
pub fn cuts(usual: usize) -> usize {
    from_env("RAPPORT_CUTS").map_or(usual, |cuts| cuts as usize)
}

fn from_env(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}
