//! The two at one position and clock: as a whole first, and one by one where that differs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rapport_customer::{Digest, Model};
use rapport_readmodel::{Differences, Picture};
use rapport_touchpoint::Timestamp;
use tokio::task::spawn_blocking;

use super::conflicts::{ConflictingBodies, bodies};
use crate::projector::bulk::Goal;
use crate::projector::scratch::{Anew, Met, Phase, Scratch, ScratchError, Watched};

/// What came out.
#[derive(Debug)]
pub struct Verified {
    pub position: u64,
    pub clock: Timestamp,
    /// Records of the log that were folded anew.
    pub events: u64,
    pub customers: u64,
    pub took: Duration,
    pub models: Vec<ModelDigests>,
    /// States and facts of nobody in the serving read model.
    pub strays: u64,
    pub differences: Differences,
    /// All events on the log with a known source and id and another body; they make no difference.
    pub conflicts: u64,
    pub shown_conflicts: Vec<ConflictingBodies>,
}

/// Three ways to the digest of one model, which ought to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelDigests {
    pub model: Model,
    /// What the serving read model says of itself.
    pub stored: Digest,
    /// What its states and facts come to.
    pub recomputed: Digest,
    /// Of the log, folded anew.
    pub anew: Digest,
}

impl ModelDigests {
    pub fn is_equal(&self) -> bool {
        self.stored == self.anew && self.recomputed == self.anew
    }
}

impl Verified {
    pub fn is_equal(&self) -> bool {
        let Differences { customers, totals, .. } = self.differences;
        self.models.iter().all(ModelDigests::is_equal) && (customers, totals, self.strays) == (0, 0, 0)
    }
}

/// What comparing came to.
struct Compared {
    models: Vec<ModelDigests>,
    customers: u64,
    strays: u64,
    differences: Differences,
}

pub(super) async fn compare(
    scratch: &Scratch,
    file: &Path,
    watched: &Watched<Verified>,
) -> Result<Verified, ScratchError> {
    let began = Instant::now();
    let (serving, goal) = scratch.hold().await?;
    let Goal { position, clock, .. } = goal;
    let Anew { picture: anew, met } = scratch.fold_anew(file, goal, watched).await?;
    let Met { events, conflicts, shown_conflicts } = met;
    let still_watched = watched.clone();
    let compared = spawn_blocking(move || {
        let compared = side_by_side(&serving, &anew, &still_watched)?;
        Ok::<_, ScratchError>((compared, anew))
    });
    let (compared, anew) = compared.await.map_err(|_| ScratchError::BrokenOff)??;
    let shown_conflicts = bodies(scratch, shown_conflicts, anew, watched).await?;
    let Compared { models, customers, strays, differences } = compared;
    let took = began.elapsed();
    Ok(Verified { position, clock, events, customers, took, models, strays, differences, conflicts, shown_conflicts })
}

/// Blocks.
fn side_by_side(serving: &Picture, anew: &Picture, watched: &Watched<Verified>) -> Result<Compared, ScratchError> {
    let stored = serving.stored_digests().map_err(ScratchError::Serving)?;
    let of_log = anew.stored_digests().map_err(ScratchError::Scratch)?;
    let everyone = serving.roll().map_err(ScratchError::Serving)?;
    let in_log = anew.roll().map_err(ScratchError::Scratch)?;
    let total = everyone.customers;
    let mut reading = |done| {
        watched.tell(Phase::Reading, done, total);
        watched.check().is_ok()
    };
    let Some(recomputed) = serving.recompute(&mut reading).map_err(ScratchError::Serving)? else {
        watched.check()?;
        return Err(ScratchError::BrokenOff);
    };
    let of = |digests: &BTreeMap<Model, Digest>, model| digests.get(&model).copied().unwrap_or_default();
    let digests = |(model, anew): (&Model, &Digest)| ModelDigests {
        model: *model,
        stored: of(&stored, *model),
        recomputed: of(&recomputed.digests, *model),
        anew: *anew,
    };
    let models: Vec<ModelDigests> = of_log.iter().map(digests).collect();
    let mut differences = Differences::default();
    differences.add_totals(serving, anew).map_err(ScratchError::Serving)?;
    if everyone != in_log || models.iter().any(|digests| digests.recomputed != digests.anew) {
        let total = total.max(in_log.customers);
        let mut comparing = |done| {
            watched.tell(Phase::Comparing, done, total);
            watched.check().is_ok()
        };
        if !differences.add_customers(serving, anew, &mut comparing).map_err(ScratchError::Serving)? {
            watched.check()?;
            return Err(ScratchError::BrokenOff);
        }
    }
    Ok(Compared { models, customers: everyone.customers, strays: recomputed.strays, differences })
}
