//! How far one customer came in a journey, and the cells of the funnel that it counts in.

use std::collections::BTreeMap;

use rapport_touchpoint::Timestamp;

use super::{JourneyMap, Progress, StageIndex, pace_of};
use crate::{Totals, Zone};

/// What of a customer's progress the funnel tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where it is.
    pub stage: StageIndex,
    first_entered: BTreeMap<StageIndex, Timestamp>,
}

impl Reached {
    /// `None` before the journey begins.
    pub fn of(progress: &Progress) -> Option<Self> {
        Some(Self { stage: progress.place?.stage, first_entered: progress.first_entered.clone() })
    }

    /// One cell for how far the customer came and where it is, by the day on which the journey began and the channel that
    /// won the customer; one cell for the time between each two stages of the path that it entered one after the other.
    pub fn count_cells(&self, times: i128, map: &JourneyMap, channel: &str, zone: &Zone, totals: &mut Totals) {
        let Some(began) = self.first_entered.values().min() else { return };
        let day = zone.day_of(*began).to_string();
        let has_entered = |stage| if self.first_entered.contains_key(&stage) { '1' } else { '0' };
        let entered: String = map.indexed().map(|(stage, _)| has_entered(stage)).collect();
        totals.add_cell(&["funnel", &map.name, &day, channel, &map.stage(self.stage).name, &entered], times);
        let mut earlier = None;
        for (index, stage) in map.path() {
            let Some(time) = self.first_entered.get(&index) else { continue };
            if let Some((from, since)) = earlier.replace((&stage.name, *time))
                && let Ok(nanos) = u64::try_from(time.nanos() - since.nanos())
            {
                let pace = pace_of(nanos / 1_000_000_000).0.to_string();
                totals.add_cell(&["pace", &map.name, &day, channel, from, &stage.name, &pace], times);
            }
        }
    }
}
