//! The log folded into the scratch file: exactly up to a position, then silence up to a clock.

use std::path::Path;
use std::sync::Arc;

use rapport_log::{Filter, Position, Read, Record};
use rapport_readmodel::{Conflict, Definitions, MOST_SHOWN, Origin, Picture, ReadModel, Reader};
use rapport_touchpoint::Timestamp;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::{Goal, Phase, Scratch, ScratchError, Watched};
use crate::projector::batch::{Batch, Decoded};
use crate::projector::foresight;

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

/// The one writer of the scratch file, at work.
struct Applying<Done> {
    model: ReadModel,
    origin: Origin,
    definitions: Arc<Definitions>,
    goal: u64,
    met: Met,
    watched: Watched<Done>,
}

impl Scratch {
    pub(in crate::projector) async fn fold_anew<Done: Send + 'static>(
        &self,
        file: &Path,
        goal: Goal,
        watched: &Watched<Done>,
    ) -> Result<Anew, ScratchError> {
        let Goal { position: goal, clock, foreseen } = goal;
        watched.tell(Phase::Folding, 0, goal);
        let discards = tokio::select! {
            error = watched.over() => return Err(error),
            discards = foresight::discards(&self.log, Position(foreseen), &self.definitions) => discards?,
        };
        let (path, origin, definitions) = (file.to_owned(), self.origin.clone(), self.definitions.clone());
        let opened = spawn_blocking(move || {
            let mut model = ReadModel::open(&path, origin, definitions)?;
            model.foresee(&discards, foreseen)?;
            Ok(model)
        });
        let model = opened.await.map_err(|_| ScratchError::BrokenOff)?.map_err(ScratchError::Scratch)?;
        let (origin, definitions) = (self.origin.clone(), self.definitions.clone());
        let applying = Applying { model, origin, definitions, goal, met: Met::default(), watched: watched.clone() };
        let (work, queue) = mpsc::channel(1);
        let applying = spawn_blocking(move || applying.run(queue, clock));
        let gathered = self.gather(goal, work, watched).await;
        // Nothing may be at work on the file when its folder goes.
        let applied = applying.await.map_err(|_| ScratchError::BrokenOff)?;
        gathered?;
        applied
    }

    /// Reads the log up to the goal, in full batches.
    async fn gather<Done>(
        &self,
        goal: u64,
        work: mpsc::Sender<Decoded>,
        watched: &Watched<Done>,
    ) -> Result<(), ScratchError> {
        if goal == 0 {
            return Ok(());
        }
        let goal = Position(goal);
        let mut reader = self.log.read(Position::START, Filter::all()).await?;
        let (mut batch, mut before) = (Batch::default(), Position::START);
        while before < goal {
            let read = tokio::select! {
                error = watched.over() => return Err(error),
                read = reader.next() => read,
            };
            match read {
                Some(Ok(Read::Record(Record { position, .. }))) if position > goal => {
                    return Err(ScratchError::LogSkips { goal, before, found: position });
                }
                Some(Ok(Read::Record(record))) => {
                    before = record.position;
                    batch.push(record);
                }
                Some(Ok(Read::CaughtUp(head))) => return Err(ScratchError::LogEnds { goal, head }),
                Some(Err(error)) => return Err(error.into()),
                None => return Err(ScratchError::Stopping),
            }
            if batch.is_full() || before == goal {
                let (full, definitions) = (std::mem::take(&mut batch), self.definitions.clone());
                let decoded = spawn_blocking(move || full.decode(&definitions)).await;
                if work.send(decoded.map_err(|_| ScratchError::BrokenOff)?).await.is_err() {
                    // Applying failed, and says why.
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl<Done> Applying<Done> {
    /// Folds what comes, and lets silence fall when all has come. Blocks.
    fn run(mut self, mut queue: mpsc::Receiver<Decoded>, clock: Timestamp) -> Result<Anew, ScratchError> {
        while let Some(decoded) = queue.blocking_recv() {
            self.watched.check()?;
            self.met.events += decoded.records.len() as u64;
            let applied = self.model.apply(decoded.records).map_err(ScratchError::Scratch)?;
            self.met.conflicts += applied.conflicts.len() as u64;
            let room = MOST_SHOWN - self.met.shown_conflicts.len();
            self.met.shown_conflicts.extend(applied.conflicts.into_iter().take(room));
            self.watched.tell(Phase::Folding, applied.position, self.goal);
        }
        while self.model.let_pass(clock).map_err(ScratchError::Scratch)?.is_some() {
            self.watched.check()?;
        }
        let Self { model, origin, definitions, met, .. } = self;
        let held = Reader::open(model.path(), origin, definitions).and_then(|reader| reader.hold(clock));
        Ok(Anew { picture: held.map_err(ScratchError::Scratch)?, met })
    }
}
