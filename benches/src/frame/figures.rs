//! What was measured: one document for all parts, as JSON and as tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::statistics::{highest, lowest, median};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub machine: Machine,
    pub settings: BTreeMap<String, String>,
    pub parts: Vec<PartFigures>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartFigures {
    pub name: String,
    pub measures: String,
    pub limit: String,
    pub settings: BTreeMap<String, String>,
    pub rows: Vec<Row>,
    /// What must be known to read the table.
    pub notes: Vec<String>,
    /// How long it took to measure all this.
    pub took_s: f64,
}

/// One thing that was measured, once in each run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub name: String,
    pub role: Role,
    pub unit: Unit,
    pub runs: Vec<f64>,
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
    /// The row that it is held against, and the median of the ratios of each run's pair.
    pub against: Option<String>,
    pub ratio: Option<f64>,
    pub floors: Vec<Judged>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What the machine, or a bare server on it, does at best.
    Limit,
    Rapport,
    Peer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Microseconds,
    Mebibytes,
    /// Of two other figures.
    Ratio,
    Count,
}

impl Unit {
    /// Is more better?
    pub fn is_speed(self) -> bool {
        matches!(self, Self::PerSecond)
    }
}

/// What a row must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Floor {
    AtLeast(f64),
    AtMost(f64),
    /// At least so many times what another row shows, in the median of the runs.
    TimesOf(f64, &'static str),
}

/// A floor, held against what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    pub floor: String,
    pub met: bool,
}

impl Row {
    pub fn new(name: String, role: Role, unit: Unit, runs: Vec<f64>) -> Self {
        Self {
            name,
            role,
            unit,
            median: median(&runs),
            lowest: lowest(&runs),
            highest: highest(&runs),
            runs,
            against: None,
            ratio: None,
            floors: Vec::new(),
        }
    }

    pub fn ratio_to(&self, other: &Self) -> f64 {
        let ratios: Vec<f64> = self.runs.iter().zip(&other.runs).map(|(own, other)| own / other).collect();
        median(&ratios)
    }

    /// Floors that name a row which was not measured are left out.
    pub fn judge(&self, floor: Floor, rows: &[Self]) -> Option<Judged> {
        let (floor, met) = match floor {
            Floor::AtLeast(least) => (format!("at least {}", self.unit.shown(least)), self.median >= least),
            Floor::AtMost(most) => (format!("at most {}", self.unit.shown(most)), self.median <= most),
            Floor::TimesOf(times, name) => {
                let other = rows.iter().find(|row| row.name == name)?;
                (format!("at least {times} x {name}"), self.ratio_to(other) >= times)
            }
        };
        Some(Judged { floor, met })
    }
}

impl Unit {
    pub fn shown(self, figure: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", grouped(figure)),
            Self::Milliseconds if figure < 10.0 => format!("{figure:.2} ms"),
            Self::Milliseconds => format!("{figure:.1} ms"),
            Self::Microseconds => format!("{figure:.1} us"),
            Self::Mebibytes => format!("{figure:.0} MiB"),
            Self::Ratio => format!("{figure:.2}"),
            Self::Count => grouped(figure),
        }
    }
}

/// With commas between the thousands.
fn grouped(figure: f64) -> String {
    let digits = format!("{:.0}", figure.max(0.0));
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, runs: &[f64]) -> Row {
        Row::new(name.to_owned(), Role::Rapport, Unit::PerSecond, runs.to_vec())
    }

    #[test]
    fn a_ratio_pairs_the_runs() {
        // The machine was twice as fast in the second run, for both.
        let (limit, own) = (row("limit", &[100.0, 200.0, 100.0]), row("own", &[50.0, 100.0, 60.0]));
        assert_eq!(own.ratio_to(&limit), 0.5);
    }

    #[test]
    fn floors_are_held_against_the_median() {
        let rows = [row("limit", &[100.0, 100.0, 100.0]), row("own", &[39.0, 61_000.0, 50.0])];
        let judge = |floor| rows[1].judge(floor, &rows);
        let says = |floor: &str, met| Some(Judged { floor: floor.to_owned(), met });
        assert_eq!(judge(Floor::AtLeast(60_000.0)), says("at least 60,000/s", false));
        assert_eq!(judge(Floor::AtMost(50.0)), says("at most 50/s", true));
        assert_eq!(judge(Floor::TimesOf(0.4, "limit")), says("at least 0.4 x limit", true));
        assert_eq!(judge(Floor::TimesOf(0.4, "nothing")), None);
    }

    #[test]
    fn figures_are_shown_in_their_unit() {
        assert_eq!(Unit::PerSecond.shown(1_234_567.4), "1,234,567/s");
        assert_eq!(Unit::PerSecond.shown(999.0), "999/s");
        assert_eq!(Unit::Milliseconds.shown(1.234), "1.23 ms");
        assert_eq!(Unit::Mebibytes.shown(499.6), "500 MiB");
    }
}
