//! What became of the rows so far: the counts, and the bad rows as they are shown.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rapport_touchpoint::Violation;
use serde::Serialize;

/// Bad rows that are printed in full; the others are counted.
const MAX_SHOWN: u64 = 20;

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub read: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub quarantined: u64,
    pub rejected: u64,
    /// Could not be parsed or mapped.
    pub bad_rows: u64,
    /// Sent again after the connection broke; those that had come through count as duplicates.
    pub sent_again: u64,
    /// The highest position that was acknowledged.
    pub position: u64,
    /// Until the last row was acknowledged.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Until the read model had them all, if that was waited for.
    #[serde(serialize_with = "maybe_seconds")]
    pub until_in_read_model: Option<Duration>,
}

fn seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(elapsed.as_secs_f64())
}

fn maybe_seconds<S: serde::Serializer>(elapsed: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| elapsed.as_secs_f64()).serialize(serializer)
}

impl Summary {
    /// Rows that are not on the log as touchpoints that count.
    pub fn bad(&self) -> u64 {
        self.quarantined + self.rejected + self.bad_rows
    }

    pub fn acknowledged(&self) -> u64 {
        self.accepted + self.duplicates
    }

    /// Touchpoints acknowledged per second of `elapsed`.
    pub fn rate(&self, elapsed: Duration) -> f64 {
        self.acknowledged() as f64 / elapsed.as_secs_f64().max(1e-9)
    }
}

#[derive(Debug, Clone)]
pub struct Origin {
    pub file: Arc<str>,
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    BadRow,
    Quarantined,
    Rejected,
}

#[derive(Debug)]
pub struct BadRow {
    pub origin: Origin,
    pub fate: Fate,
    pub reasons: Vec<Violation>,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::BadRow => "",
            Fate::Quarantined => "quarantined: ",
            Fate::Rejected => "rejected: ",
        };
        for (at, reason) in self.reasons.iter().enumerate() {
            let next = if at == 0 { "" } else { "\n" };
            write!(f, "{next}{}:{}: {fate}{reason}", self.origin.file, self.origin.line)?;
        }
        Ok(())
    }
}

/// The counts as they grow, and the screen that follows them.
pub struct Tally<'a> {
    pub summary: &'a mut Summary,
    pub bar: ProgressBar,
    began: Instant,
}

impl<'a> Tally<'a> {
    pub fn new(summary: &'a mut Summary, bar: ProgressBar) -> Self {
        Self { summary, bar, began: Instant::now() }
    }

    pub fn began(&self) -> Instant {
        self.began
    }

    pub fn bad(&mut self, row: &BadRow) {
        match row.fate {
            Fate::BadRow => self.summary.bad_rows += 1,
            Fate::Quarantined => self.summary.quarantined += 1,
            Fate::Rejected => self.summary.rejected += 1,
        }
        let bad = self.summary.bad();
        if bad <= MAX_SHOWN {
            self.bar.suspend(|| eprintln!("{row}"));
        }
        if bad == MAX_SHOWN + 1 {
            self.bar.suspend(|| eprintln!("more bad rows follow; from here on they are counted only"));
        }
    }

    pub fn show(&self) {
        let done = self.summary.acknowledged();
        self.bar.set_message(format!("{done} touchpoints, {:.0}/s", self.summary.rate(self.began.elapsed())));
    }
}
