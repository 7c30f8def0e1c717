//! The log folded into the scratch file: exactly up to a position, then silence up to a clock.

use std::path::Path;

use rapport_log::Position;
use rapport_readmodel::{Built, Conflict, MOST_SHOWN, Picture, ReadModel, Reader};
use rayon::ThreadPool;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{Phase, Scratch, ScratchError, Watched};
use crate::projector::batch::{Batch, Decoded, MOST_RECORDS};
use crate::projector::bulk::{Bulk, BulkFoldError, BulkStep, Decoding, Goal, gather};
use crate::projector::{background, foresight};

/// The file, folded and held still, and what was met on the way.
pub(in crate::projector) struct Anew {
    pub picture: Picture,
    pub met: Met,
}

#[derive(Default)]
pub(in crate::projector) struct Met {
    /// Records of the log.
    pub events: u64,
    /// All second bodies under a known source and id.
    pub conflicts: u64,
    /// The first of them.
    pub shown_conflicts: Vec<Conflict>,
}

impl Scratch {
    pub(in crate::projector) async fn fold_anew<Done: Send + 'static>(
        &self,
        file: &Path,
        goal: Goal,
        watched: &Watched<Done>,
    ) -> Result<Anew, ScratchError> {
        watched.tell(Phase::Folding, 0, goal.position);
        let stop = CancellationToken::new();
        let folded = async {
            match self.fold_in_bulk(file, goal, watched, &stop).await {
                Err(BulkFoldError::Bulk(error)) if error.is_too_much() => {
                    tracing::info!(tenant = %self.origin.tenant, "folded record by record: {error}");
                    self.fold_record_by_record(file, goal, watched, &stop).await
                }
                folded => Ok(folded?),
            }
        };
        tokio::pin!(folded);
        let met = tokio::select! {
            folded = &mut folded => folded?,
            error = watched.over() => {
                // Nothing may be at work on the file when its folder goes.
                stop.cancel();
                let _ = folded.await;
                return Err(error);
            }
        };
        let (file, origin, definitions) = (file.to_owned(), self.origin.clone(), self.definitions.clone());
        let held = spawn_blocking(move || Reader::open(&file, origin, definitions)?.hold(goal.clock));
        let held = held.await.map_err(|_| ScratchError::BrokenOff)?;
        Ok(Anew { picture: held.map_err(ScratchError::Scratch)?, met })
    }

    async fn fold_in_bulk<Done: Send + 'static>(
        &self,
        file: &Path,
        goal: Goal,
        watched: &Watched<Done>,
        stop: &CancellationToken,
    ) -> Result<Met, BulkFoldError> {
        let bulk = Bulk {
            log: self.log.clone(),
            origin: self.origin.clone(),
            definitions: self.definitions.clone(),
            path: file.to_owned(),
            scratch: file.with_extension("bulk"),
            is_kept: self.is_kept,
        };
        let watched = watched.clone();
        let tell = move |step: BulkStep| {
            watched.tell(Phase::Folding, step.as_position(goal.position), goal.position);
        };
        let Built { records, conflicts, first_conflicts, .. } = bulk.build(goal, stop, tell).await?;
        Ok(Met { events: records, conflicts, shown_conflicts: first_conflicts })
    }

    /// Of a log that is too much for memory.
    async fn fold_record_by_record<Done: Send + 'static>(
        &self,
        file: &Path,
        goal: Goal,
        watched: &Watched<Done>,
        stop: &CancellationToken,
    ) -> Result<Met, ScratchError> {
        let discards = foresight::discards(&self.log, Position(goal.foreseen), &self.definitions).await?;
        let threads = background::threads().map_err(BulkFoldError::from)?;
        let (path, origin, definitions) = (file.to_owned(), self.origin.clone(), self.definitions.clone());
        let (work, queue) = mpsc::channel(1);
        let (watched, of_work) = (watched.clone(), threads.clone());
        let applying = spawn_blocking(move || {
            let model = ReadModel::open(&path, origin, definitions).map_err(ScratchError::Scratch)?;
            let mut model = model.only_as_of(goal.as_of);
            model.foresee(&discards, goal.foreseen).map_err(ScratchError::Scratch)?;
            apply(model, queue, goal, (&of_work, &watched))
        });
        let definitions = self.definitions.clone();
        let decode = move |batch: Batch| batch.decode(&definitions);
        let gathered = gather(&self.log, (MOST_RECORDS, decode, &threads), Position(goal.position), work, stop).await;
        let applied = applying.await.map_err(|_| ScratchError::BrokenOff)?;
        gathered?;
        applied
    }
}

/// Folds what comes, and lets silence fall when all has come. Blocks.
fn apply<Done>(
    mut model: ReadModel,
    mut queue: mpsc::Receiver<Decoding<Decoded>>,
    goal: Goal,
    (threads, watched): (&ThreadPool, &Watched<Done>),
) -> Result<Met, ScratchError> {
    let mut met = Met::default();
    while let Some(decoding) = queue.blocking_recv() {
        let decoded = decoding.blocking_recv().map_err(|_| ScratchError::BrokenOff)?;
        watched.check()?;
        met.events += decoded.records.len() as u64;
        let applied = threads.install(|| model.apply(decoded.records)).map_err(ScratchError::Scratch)?;
        met.conflicts += applied.conflicts.len() as u64;
        let room = MOST_SHOWN - met.shown_conflicts.len();
        met.shown_conflicts.extend(applied.conflicts.into_iter().take(room));
        watched.tell(Phase::Folding, applied.position, goal.position);
    }
    while model.let_pass(goal.clock).map_err(ScratchError::Scratch)?.is_some() {
        watched.check()?;
    }
    Ok(met)
}
