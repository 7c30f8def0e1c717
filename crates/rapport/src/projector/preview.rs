//! What would other rules of identity do? The log is folded anew under other definitions, identity alone, and who would be who
//! is compared with the read model that serves.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_customer::Model;
use rapport_readmodel::{Census, Definitions, Example, Fates, Overlap, Picture};
use tokio::task::spawn_blocking;

use super::Projection;
use super::scratch::{Anew, Phase, Scratch, ScratchError, ScratchUpdates, Watched, Work};

/// What came out.
#[derive(Debug)]
pub struct Previewed {
    pub position: u64,
    /// Records of the log that were folded anew.
    pub events: u64,
    pub took: Duration,
    /// Are the other rules the same as those that are in force?
    pub same_rules: bool,
    pub today: Census,
    pub then: Census,
    pub fates: Fates,
    pub examples: Vec<Example>,
}

impl Projection {
    /// Starts to fold under other definitions; the last update is the result or an error. Shows at most so many examples.
    /// Ends early when nobody listens any more.
    pub fn preview(
        &self,
        definitions: Definitions,
        examples: usize,
    ) -> Result<ScratchUpdates<Previewed>, ScratchError> {
        let identity = Definitions { models: vec![Model::Identity], ..definitions };
        self.previewing.begin(Preview { examples }, self.scratch(Arc::new(identity)))
    }
}

struct Preview {
    examples: usize,
}

impl Work for Preview {
    type Done = Previewed;

    async fn done(
        &self,
        scratch: &Scratch,
        folder: &Path,
        watched: &Watched<Previewed>,
    ) -> Result<Previewed, ScratchError> {
        let began = Instant::now();
        let (today, goal) = scratch.hold().await?;
        let Anew { picture: then, met } = scratch.fold_anew(&folder.join("anew.db"), goal, watched).await?;
        let (file, watched, examples) = (folder.join("overlap.db"), watched.clone(), self.examples);
        let compared = spawn_blocking(move || {
            let previewed = compare((&today, &then), &file, examples, &watched)?;
            Ok(Previewed { events: met.events, took: began.elapsed(), ..previewed })
        });
        compared.await.map_err(|_| ScratchError::BrokenOff)?
    }

    fn log(&self, tenant: &str, ended: &Result<Previewed, ScratchError>) {
        match ended {
            Ok(Previewed { position, fates, .. }) => {
                tracing::info!(%tenant, position, changed = fates.changed(), "other definitions were tried");
            }
            Err(error) => tracing::warn!(%tenant, %error, "a preview ended without an answer"),
        }
    }
}

/// Blocks.
pub(super) fn compare<Done>(
    (today, then): (&Picture, &Picture),
    file: &Path,
    examples: usize,
    watched: &Watched<Done>,
) -> Result<Previewed, ScratchError> {
    let of_today = today.census().map_err(ScratchError::Serving)?;
    watched.check()?;
    let of_then = then.census().map_err(ScratchError::Scratch)?;
    let total = of_today.touchpoints + of_then.touchpoints;
    let mut reading = |done| {
        watched.tell(Phase::Reading, done, total);
        watched.check().is_ok()
    };
    let overlap = Overlap::between(today, then, file, &mut reading).map_err(ScratchError::Scratch)?;
    let overlap = overlap.ok_or_else(|| why(watched))?;
    let customers = of_today.customers;
    let mut comparing = |done| {
        watched.tell(Phase::Comparing, done, customers);
        watched.check().is_ok()
    };
    let examples = overlap.examples(today, then, examples, &mut comparing).map_err(ScratchError::Scratch)?;
    Ok(Previewed {
        position: today.position(),
        events: 0,
        took: Duration::ZERO,
        same_rules: today.has_the_rules_of(then),
        today: of_today,
        then: of_then,
        fates: overlap.fates().map_err(ScratchError::Scratch)?,
        examples: examples.ok_or_else(|| why(watched))?,
    })
}

/// Why it ended early.
pub(super) fn why<Done>(watched: &Watched<Done>) -> ScratchError {
    watched.check().err().unwrap_or(ScratchError::BrokenOff)
}
