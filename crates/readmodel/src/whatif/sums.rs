//! What all customers add up to: scores and funnels over all days.

use rapport_customer::journey::{FunnelQuestion, FunnelRow};
use rapport_customer::{Bucket, Days, Measure, Model, ScoreRow, ScoresQuestion};

use crate::error::Result;
use crate::picture::Picture;
use crate::query;

/// Of one measure, over all days and slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreOf {
    pub measure: Measure,
    pub row: ScoreRow,
}

/// Of one journey, over all days and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelOf {
    pub journey: String,
    /// In the order of the definitions.
    pub stages: Vec<String>,
    /// One count for each stage.
    pub row: FunnelRow,
}

impl Picture {
    /// One for each measure, answered or not; none where feedback is not folded.
    pub fn scores(&self) -> Result<Vec<ScoreOf>> {
        if !self.definitions.models.contains(&Model::Feedback) {
            return Ok(Vec::new());
        }
        let of_measure = |measure: Measure| {
            let (days, bucket) = (Days::default(), Bucket::Whole);
            let question = ScoresQuestion { measure, days, bucket, slice: None, only: Vec::new(), most_slices: 1 };
            let mut rows = query::scores(&self.connection, &question)?.rows(&question);
            let row = rows.pop().map(|(_, _, row)| row).unwrap_or_default();
            Ok(ScoreOf { measure, row })
        };
        Measure::ALL.into_iter().map(of_measure).collect()
    }

    /// One for each journey; none where journeys are not folded.
    pub fn funnels(&self) -> Result<Vec<FunnelOf>> {
        if !self.definitions.models.contains(&Model::Journey) {
            return Ok(Vec::new());
        }
        let mut funnels = Vec::new();
        for map in self.definitions.journeys.iter() {
            let (days, bucket) = (Days::default(), Bucket::Whole);
            let question = FunnelQuestion { map, days, bucket, by_channel: false, channel: None };
            let mut row = query::funnel(&self.connection, &question)?.rows.into_values().next().unwrap_or_default();
            row.stages.resize(map.stages.len(), rapport_customer::journey::StageCount::default());
            let stages = map.stages.iter().map(|stage| stage.name.clone()).collect();
            funnels.push(FunnelOf { journey: map.name.clone(), stages, row });
        }
        Ok(funnels)
    }
}
