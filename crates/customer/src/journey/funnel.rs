//! What one customer adds to the funnel: how far it came, and how fast.

use super::{JourneyMap, Progress};
use crate::{Totals, Zone};

/// Seconds below this are told apart exactly.
const EXACT: u64 = 64;
/// Classes in each doubling of time above that; a class is at most 1/32 of its time wide.
const IN_A_DOUBLING: u64 = 32;

/// One cell for how far the customer came and where it is, by the day on which the journey began and the channel that won
/// the customer; one cell for the time between each two stages of the path that it entered one after the other.
pub(super) fn contribute(map: &JourneyMap, progress: &Progress, channel: &str, zone: &Zone, totals: &mut Totals) {
    let Some(place) = progress.place else { return };
    let Some(began) = progress.first_entered.values().min() else { return };
    let day = zone.day_of(*began).to_string();
    let entered: String =
        map.indexed().map(|(stage, _)| if progress.first_entered.contains_key(&stage) { '1' } else { '0' }).collect();
    totals.add_cell(&["funnel", &map.name, &day, channel, &map.stage(place.stage).name, &entered], 1);
    let mut earlier = None;
    for (index, stage) in map.path() {
        let Some(time) = progress.first_entered.get(&index) else { continue };
        if let Some((from, since)) = earlier.replace((&stage.name, *time))
            && let Ok(nanos) = u64::try_from(time.nanos() - since.nanos())
        {
            let pace = pace_of(nanos / 1_000_000_000).0.to_string();
            totals.add_cell(&["pace", &map.name, &day, channel, from, &stage.name, &pace], 1);
        }
    }
}

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
