//! What takes its turn in each run of a part.

use super::Setting;
use super::figures::{Floor, Role, Row, Unit};
use crate::Result;

type Run = Box<dyn FnMut(&Setting) -> Result<Vec<Sample>>>;

/// All that a part measures, and what must be known of it.
#[derive(Default)]
pub struct Plan {
    pub settings: Vec<(&'static str, String)>,
    pub entries: Vec<Entry>,
    pub notes: Vec<String>,
}

/// One thing that is done once in each run, and gives a figure or several.
pub struct Entry {
    pub name: String,
    role: Role,
    pub run: Run,
    /// By what a figure is of: the row that it is held against.
    against: Vec<(&'static str, &'static str)>,
    floors: Vec<(String, Floor)>,
}

/// A figure; `of` is empty if the entry gives no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub of: String,
    pub unit: Unit,
    pub value: f64,
}

impl Sample {
    pub fn new(of: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self { of: of.into(), unit, value }
    }

    /// The only figure of its entry.
    pub fn rate(count: u64, seconds: f64) -> Vec<Self> {
        vec![Self::new("", Unit::PerSecond, count as f64 / seconds.max(1e-9))]
    }

    /// Beside a rate: what each of so many events took of the cores. It hardly changes with what else the machine does.
    pub fn cpu(events: u64, seconds: f64) -> Self {
        Self::new("CPU of an event", Unit::Microseconds, seconds * 1e6 / events.max(1) as f64)
    }
}

impl Entry {
    pub fn new(
        name: impl Into<String>,
        role: Role,
        run: impl FnMut(&Setting) -> Result<Vec<Sample>> + 'static,
    ) -> Self {
        Self { name: name.into(), role, run: Box::new(run), against: Vec::new(), floors: Vec::new() }
    }

    /// Holds the figure `of` against another row.
    pub fn against(mut self, of: &'static str, row: &'static str) -> Self {
        self.against.push((of, row));
        self
    }

    pub fn floor(mut self, of: impl Into<String>, floor: Floor) -> Self {
        self.floors.push((of.into(), floor));
        self
    }

    fn row_name(&self, of: &str) -> String {
        if of.is_empty() { self.name.clone() } else { format!("{}: {of}", self.name) }
    }

    /// One for each figure that the first run gave, in that order.
    pub(super) fn rows(&self, of_runs: &[Vec<Sample>]) -> Vec<Row> {
        let Some(first) = of_runs.first() else { return Vec::new() };
        let figures = |of: &str| {
            let of_all = of_runs.iter().flatten().filter(|sample| sample.of == of);
            of_all.map(|sample| sample.value).collect()
        };
        let row = |sample: &Sample| Row::new(self.row_name(&sample.of), self.role, sample.unit, figures(&sample.of));
        first.iter().map(row).collect()
    }

    pub(super) fn compare(&self, rows: &mut [Row]) {
        let all = rows.to_vec();
        for (of, against) in &self.against {
            let other = all.iter().find(|row| row.name == *against);
            let own = rows.iter_mut().find(|row| row.name == self.row_name(of));
            if let (Some(other), Some(own)) = (other, own) {
                own.ratio = Some(own.ratio_to(other));
                own.against = Some(other.name.clone());
            }
        }
        for (of, floor) in &self.floors {
            if let Some(own) = rows.iter_mut().find(|row| row.name == self.row_name(of)) {
                own.floors.extend(own.judge(*floor, &all));
            }
        }
    }
}
