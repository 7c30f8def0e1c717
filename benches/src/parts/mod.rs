//! What can be measured: one file for each part.

mod append;
mod fold;
mod freshness;
mod growth;
mod hot;
mod import;
mod peers;
mod query;
mod rebuild;
mod replay;
mod swap;
mod watch;

pub use import::Source;
pub use query::Query;

use clap::ValueEnum;

use crate::Result;
use crate::frame::{self, About, PartFigures, Plan, Setting};

/// What of a part is measured, and with what, where that can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub source: Source,
    /// All, if none is named.
    pub queries: Vec<Query>,
}

/// In the order in which `all` measures them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Append,
    Fold,
    Rebuild,
    Query,
    Freshness,
    Growth,
    Peers,
    Hot,
    Watch,
    Import,
    Swap,
    Replay,
}

impl Part {
    pub const ALL: [Self; 12] = [
        Self::Append,
        Self::Fold,
        Self::Rebuild,
        Self::Query,
        Self::Freshness,
        Self::Growth,
        Self::Peers,
        Self::Hot,
        Self::Watch,
        Self::Import,
        Self::Swap,
        Self::Replay,
    ];

    pub fn about(self) -> About {
        match self {
            Self::Append => append::ABOUT,
            Self::Fold => fold::ABOUT,
            Self::Rebuild => rebuild::ABOUT,
            Self::Query => query::ABOUT,
            Self::Freshness => freshness::ABOUT,
            Self::Growth => growth::ABOUT,
            Self::Peers => peers::ABOUT,
            Self::Hot => hot::ABOUT,
            Self::Watch => watch::ABOUT,
            Self::Import => import::ABOUT,
            Self::Swap => swap::ABOUT,
            Self::Replay => replay::ABOUT,
        }
    }

    /// Growth takes as long as all others together.
    fn runs(self, setting: &Setting) -> u32 {
        if self == Self::Growth { 1 } else { setting.runs }
    }

    fn plan(self, setting: &Setting, choice: &Choice) -> Result<Plan> {
        match self {
            Self::Append => append::plan(setting),
            Self::Fold => fold::plan(setting),
            Self::Rebuild => rebuild::plan(setting),
            Self::Query => query::plan(setting, &choice.queries),
            Self::Freshness => freshness::plan(setting),
            Self::Growth => growth::plan(setting),
            Self::Peers => peers::plan(setting),
            Self::Hot => hot::plan(setting),
            Self::Watch => watch::plan(setting),
            Self::Import => import::plan(setting, &choice.source),
            Self::Swap => swap::plan(setting),
            Self::Replay => replay::plan(setting),
        }
    }

    pub fn measure(self, setting: &Setting, choice: &Choice) -> Result<PartFigures> {
        let about = self.about();
        frame::Progress::note(about.name, "getting ready");
        let plan = self.plan(setting, choice).map_err(|error| format!("{}: {error}", about.name))?;
        frame::measure(&about, plan, self.runs(setting), setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Options, Unit};

    /// Those that need no other process: what they measure is nothing to go by, but that they can be measured.
    #[test]
    fn the_parts_in_this_process_give_every_figure() {
        let options = Options { runs: 1, events: None, seed: 1, quick: true, json: None, data: None };
        let setting = Setting::new(&options).unwrap();
        for part in [Part::Fold, Part::Hot] {
            let figures = part.measure(&setting, &Choice::default()).unwrap();
            assert!(figures.rows.len() > 3, "{figures}");
            for row in &figures.rows {
                // So little is folded that its CPU time may be none.
                let is_some = row.median.is_finite() && (row.median > 0.0 || row.unit == Unit::Microseconds);
                assert!(row.runs.len() == 1 && is_some, "{figures}");
            }
        }
    }
}
