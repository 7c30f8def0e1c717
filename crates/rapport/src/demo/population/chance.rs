//! Chance in whole numbers: the same seed draws the same on every machine, and no rounding can differ.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What is drawn for; each customer has a stream of its own for each.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// Who a customer is.
    Customer = 1,
    /// What happens, and when.
    Life = 2,
    /// When it arrives.
    Arrival = 3,
    /// What an event says beside what happened: how long a page was read.
    Telling = 4,
    /// What two customers of one home share.
    Household = 5,
}

/// Hundredths of the mean that pass until something happens that is as likely now as later: sixteen equal parts of the
/// exponential distribution, by their middles.
const PATIENCE: [i64; 16] = [3, 10, 17, 25, 33, 42, 52, 63, 76, 90, 107, 127, 152, 186, 237, 347];

pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Of a customer or household of the population with this seed; `index` tells the streams of one purpose apart.
    pub fn new(seed: u64, number: u32, purpose: Purpose, index: u16) -> Self {
        let mut key = [0; 32];
        let parts = [seed, u64::from(number), purpose as u64, u64::from(index)];
        for (place, part) in key.chunks_exact_mut(8).zip(parts) {
            place.copy_from_slice(&part.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(end)) >> 32) as u32
    }

    /// From `from` to below `to`; `from` where that is empty.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u128::from(to.saturating_sub(from).max(0).unsigned_abs());
        from + ((u128::from(self.0.next_u64()) * width) >> 64) as i64
    }

    pub fn per_mille(&mut self, share: u32) -> bool {
        self.below(1000) < share
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// One of these, each as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, of: &[(u32, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, found) in of {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *found,
            }
        }
        of[0].1
    }

    /// Between half of it and one and a half.
    pub fn about(&mut self, mean: i64) -> i64 {
        self.between(mean / 2, mean + mean / 2 + 1)
    }

    /// Mostly shorter than the mean, at times several times as long.
    pub fn waiting(&mut self, mean: i64) -> i64 {
        let mean = self.about(mean);
        mean * self.pick(&PATIENCE) / 100
    }

    /// Around 0, mostly near it, never as far as `width`.
    pub fn noise(&mut self, width: i32) -> i32 {
        let half = i64::from(width / 2);
        (self.between(-half, half) + self.between(-half, half)) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(number: u32) -> Chance {
        Chance::new(1, number, Purpose::Life, 0)
    }

    #[test]
    fn the_same_name_draws_the_same() {
        let draw = |number| (0..8).scan(chance(number), |chance, _| Some(chance.below(1_000_000))).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_eq!(chance(7).below(1_000_000), draw(7)[0]);
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut chance = chance(0);
        for _ in 0..2_000 {
            assert!(chance.below(3) < 3);
            assert!((-5..7).contains(&chance.between(-5, 7)));
            assert_eq!(chance.between(9, 9), 9);
            assert!((50..=150).contains(&chance.about(100)));
            assert!((0..=560).contains(&chance.waiting(100)));
            assert!(chance.noise(100).abs() <= 100);
            assert!([1, 2].contains(&chance.weighted(&[(3, 1), (1, 2), (0, 3)])));
        }
    }

    #[test]
    fn shares_are_what_they_say() {
        let mut chance = chance(1);
        let hits = (0..100_000).filter(|_| chance.per_mille(250)).count();
        assert!((24_000..26_000).contains(&hits), "{hits}");
        let mean = (0..100_000).map(|_| chance.waiting(1_000)).sum::<i64>() / 100_000;
        assert!((950..1_050).contains(&mean), "{mean}");
    }
}
