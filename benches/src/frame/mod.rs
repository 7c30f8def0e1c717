//! Measuring in turns: the limit of the machine and Rapport one after the other in each run, as often as asked.

mod entry;
mod figures;
mod machine;
mod progress;
mod setting;
pub mod statistics;
mod table;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use entry::{Entry, Plan, Sample};
pub use figures::{Document, Floor, PartFigures, Role, Row, Unit};
pub use machine::{Machine, version_of};
pub use progress::Progress;
pub use setting::{Options, Setting};

use crate::Result;

/// What a part is called and what it is for.
pub struct About {
    pub name: &'static str,
    pub measures: &'static str,
    pub limit: &'static str,
}

/// Measures everything that is planned once in each run. Who goes first changes from run to run, so that nobody always
/// comes after the same one.
pub fn measure(about: &About, plan: Plan, runs: u32, setting: &Setting) -> Result<PartFigures> {
    let began = Instant::now();
    let Plan { settings, mut entries, notes } = plan;
    let mut progress = Progress::new(about.name, runs as usize * entries.len());
    let mut samples: Vec<Vec<Vec<Sample>>> = entries.iter().map(|_| Vec::new()).collect();
    for run in 0..runs as usize {
        for turn in 0..entries.len() {
            let number = (turn + run) % entries.len();
            let entry = &mut entries[number];
            progress.begin(run + 1, runs, &entry.name);
            let measured = (entry.run)(setting).map_err(|error| format!("{}, {}: {error}", about.name, entry.name))?;
            progress.done(&measured);
            samples[number].push(measured);
        }
    }
    let mut rows: Vec<Row> = entries.iter().zip(&samples).flat_map(|(entry, of_runs)| entry.rows(of_runs)).collect();
    for entry in &entries {
        entry.compare(&mut rows);
    }
    Ok(PartFigures {
        name: about.name.to_owned(),
        measures: about.measures.to_owned(),
        limit: about.limit.to_owned(),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        rows,
        notes,
        took_s: began.elapsed().as_secs_f64(),
    })
}
