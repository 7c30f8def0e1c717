//! From counts of scores to NPS, CSAT, CES and stars, with their margins of error.
//!
//! Floats appear here, at the very end, and in no state.

use std::collections::BTreeMap;

use super::Measure;

/// 95 of 100 such intervals hold the true value: the 97.5 % quantile of the normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_964;

/// How often each score was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u32, u64>);

/// What a histogram says on its measure's own terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub responses: u64,
    /// NPS: % of 9-10 minus % of 0-6, from -100 to 100. CSAT: % of 4-5. CES: % of 5-7. Stars: the mean.
    pub value: f64,
    pub mean: f64,
    /// Half the width of the 95 % confidence interval of the value, in its unit. `None` with one response, or where all
    /// say the same: that tells nothing of how far the next ones will lie apart.
    pub margin: Option<f64>,
    /// NPS: 9-10. CSAT: 4-5. CES: 5-7. Stars: 4-5.
    pub high: u64,
    /// NPS: 0-6. CSAT and stars: 1-2. CES: 1-3.
    pub low: u64,
}

impl Histogram {
    pub fn add(&mut self, score: u32, count: u64) {
        *self.0.entry(score).or_default() += count;
    }

    pub fn add_all(&mut self, other: &Self) {
        for (score, count) in other.iter() {
            self.add(score, count);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().map(|(score, count)| (*score, *count))
    }

    pub fn responses(&self) -> u64 {
        self.0.values().sum()
    }

    fn within(&self, scores: std::ops::RangeInclusive<u32>) -> u64 {
        self.0.range(scores).map(|(_, count)| count).sum()
    }

    /// `None` without a response: no answers are no score of 0.
    pub fn score(&self, measure: Measure) -> Option<Score> {
        let responses = self.responses();
        if responses == 0 {
            return None;
        }
        let (high, low) = match measure {
            Measure::Nps => (self.within(9..=10), self.within(0..=6)),
            Measure::Csat | Measure::Stars => (self.within(4..=5), self.within(1..=2)),
            Measure::Ces => (self.within(5..=7), self.within(1..=3)),
        };
        let count = responses as f64;
        let mean = self.iter().map(|(score, times)| f64::from(score) * times as f64).sum::<f64>() / count;
        let (promoted, detracted) = (high as f64 / count, low as f64 / count);
        let (value, variance, unit) = match measure {
            // Each response is +1, 0 or -1; the NPS is their mean.
            Measure::Nps => {
                let net = promoted - detracted;
                (net, promoted + detracted - net * net, 100.0)
            }
            Measure::Csat | Measure::Ces => (promoted, promoted * (1.0 - promoted), 100.0),
            Measure::Stars => {
                let squares = self.iter().map(|(score, times)| (f64::from(score) - mean).powi(2) * times as f64);
                (mean, squares.sum::<f64>() / count, 1.0)
            }
        };
        // The variance of a sample, which is a little larger than that of its numbers.
        let margin = (variance > 0.0).then(|| NORMAL_QUANTILE * (variance / (count - 1.0)).sqrt() * unit);
        Some(Score { responses, value: value * unit, mean, margin, high, low })
    }
}
