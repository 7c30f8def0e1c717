//! Scores by period and slice, added up from cells.

use std::collections::BTreeMap;

use super::about::Cell;
use super::{Histogram, Measure, Slice};
use crate::{Bucket, CellRange, Day, Days};

/// What the slices beyond the limit are told as.
const OTHER: &str = "(other)";

/// What is asked of the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoresQuestion {
    pub measure: Measure,
    pub days: Days,
    pub bucket: Bucket,
    /// One row for each of its values.
    pub slice: Option<Slice>,
    /// Only what has these values; the empty one means that nothing was said.
    pub only: Vec<(Slice, String)>,
    /// Values of the slice that are told apart: those with the most responses; the rest is told together.
    pub most_slices: usize,
}

/// Rows in the order of period and slice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scores {
    rows: BTreeMap<(Option<Day>, Option<String>), ScoreRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreRow {
    pub histogram: Histogram,
    pub asked: u64,
    /// Of those that were asked then, how many have answered until now.
    pub answered: u64,
}

impl ScoresQuestion {
    /// The cells that have the scores.
    pub fn scores(&self) -> CellRange {
        CellRange::of_days(&["score", self.measure.name()], self.days)
    }

    /// The cells that have the askings.
    pub fn askings(&self) -> CellRange {
        CellRange::of_days(&["asked", self.measure.name()], self.days)
    }
}

impl Scores {
    /// Adds a cell of either kind. `None` if it is not one.
    pub fn add(&mut self, question: &ScoresQuestion, coordinates: &[&str], count: u64) -> Option<()> {
        let cell = Cell(coordinates);
        if question.only.iter().any(|(slice, value)| cell.slice(*slice) != value) {
            return Some(());
        }
        let period = question.bucket.start_of(cell.day()?);
        let slice = question.slice.map(|slice| cell.slice(slice).to_owned());
        let row = self.rows.entry((period, slice)).or_default();
        match (*coordinates.first()?, cell.value()) {
            ("score", score) => row.histogram.add(score.parse().ok()?, count),
            ("asked", "answered") => (row.asked, row.answered) = (row.asked + count, row.answered + count),
            ("asked", "open") => row.asked += count,
            _ => return None,
        }
        Some(())
    }

    /// All rows, those of the smallest slices put together.
    pub fn rows(self, question: &ScoresQuestion) -> Vec<(Option<Day>, Option<String>, ScoreRow)> {
        let mut responses: BTreeMap<&String, u64> = BTreeMap::new();
        for ((_, slice), row) in &self.rows {
            if let Some(slice) = slice {
                *responses.entry(slice).or_default() += row.histogram.responses() + row.asked;
            }
        }
        let mut largest: Vec<_> = responses.into_iter().map(|(slice, count)| (count, slice.clone())).collect();
        largest.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
        let beyond: Vec<String> = largest.into_iter().skip(question.most_slices).map(|(_, slice)| slice).collect();
        let mut rows: BTreeMap<(Option<Day>, Option<String>), ScoreRow> = BTreeMap::new();
        for ((period, slice), row) in self.rows {
            let slice = slice.map(|slice| if beyond.contains(&slice) { OTHER.to_owned() } else { slice });
            let sum = rows.entry((period, slice)).or_default();
            sum.histogram.add_all(&row.histogram);
            sum.asked += row.asked;
            sum.answered += row.answered;
        }
        rows.into_iter().map(|((period, slice), row)| (period, slice, row)).collect()
    }
}
