//! The two at one position and clock: as a whole first, and one by one where that differs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rapport_customer::{Digest, Model};
use rapport_readmodel::{Differences, Picture, Reader};
use rapport_touchpoint::Timestamp;
use tokio::task::spawn_blocking;

use super::anew::Anew;
use super::conflicts::ConflictingBodies;
use super::watched::{Phase, Watched};
use super::{Verify, VerifyError};

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

impl Verify {
    pub(super) async fn compare(&self, file: &Path) -> Result<Verified, VerifyError> {
        let began = Instant::now();
        let (serving, now) = (self.serving.clone(), self.now);
        let held = spawn_blocking(move || serving.hold(now)).await;
        let serving = held.map_err(|_| VerifyError::BrokenOff)?.map_err(VerifyError::Serving)?;
        let (position, clock) = (serving.position(), serving.clock());
        let foreseen = serving.foreseen().map_err(VerifyError::Serving)?;
        self.watched.tell(Phase::Folding, 0, position);
        let Anew { model, events, conflicts, shown_conflicts } =
            self.fold_anew(file, (position, foreseen), clock).await?;
        let (origin, definitions, watched) = (self.origin.clone(), self.definitions.clone(), self.watched.clone());
        let compared = spawn_blocking(move || {
            let anew = Reader::open(model.path(), origin, definitions).and_then(|reader| reader.hold(clock));
            let anew = anew.map_err(VerifyError::Scratch)?;
            let compared = side_by_side(&serving, &anew, &watched)?;
            Ok::<_, VerifyError>((compared, anew))
        });
        let (compared, anew) = compared.await.map_err(|_| VerifyError::BrokenOff)??;
        let shown_conflicts = self.bodies(shown_conflicts, anew).await?;
        let Compared { models, customers, strays, differences } = compared;
        let took = began.elapsed();
        Ok(Verified {
            position,
            clock,
            events,
            customers,
            took,
            models,
            strays,
            differences,
            conflicts,
            shown_conflicts,
        })
    }
}

/// Blocks.
fn side_by_side(serving: &Picture, anew: &Picture, watched: &Watched) -> Result<Compared, VerifyError> {
    let stored = serving.stored_digests().map_err(VerifyError::Serving)?;
    let of_log = anew.stored_digests().map_err(VerifyError::Scratch)?;
    let everyone = serving.roll().map_err(VerifyError::Serving)?;
    let in_log = anew.roll().map_err(VerifyError::Scratch)?;
    let total = everyone.customers;
    let mut reading = |done| {
        watched.tell(Phase::Reading, done, total);
        watched.check().is_ok()
    };
    let Some(recomputed) = serving.recompute(&mut reading).map_err(VerifyError::Serving)? else {
        watched.check()?;
        return Err(VerifyError::BrokenOff);
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
    differences.add_totals(serving, anew).map_err(VerifyError::Serving)?;
    if everyone != in_log || models.iter().any(|digests| digests.recomputed != digests.anew) {
        let total = total.max(in_log.customers);
        let mut comparing = |done| {
            watched.tell(Phase::Comparing, done, total);
            watched.check().is_ok()
        };
        if !differences.add_customers(serving, anew, &mut comparing).map_err(VerifyError::Serving)? {
            watched.check()?;
            return Err(VerifyError::BrokenOff);
        }
    }
    Ok(Compared { models, customers: everyone.customers, strays: recomputed.strays, differences })
}
