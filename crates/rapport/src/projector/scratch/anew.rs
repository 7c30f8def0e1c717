//! The log folded anew into the scratch file: exactly up to a position, then silence up to a clock.

use std::path::Path;

use rapport_log::{Filter, Position, Read, Record};
use rapport_readmodel::{Conflict, MOST_SHOWN, ReadModel};
use rapport_touchpoint::Timestamp;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::watched::{Phase, Watched};
use super::{Verify, VerifyError};
use crate::projector::batch::{Batch, Decoded};

/// The file, folded, and what was met on the way.
pub(super) struct Anew {
    pub model: ReadModel,
    /// Records of the log.
    pub events: u64,
    /// All second bodies under a known source and id.
    pub conflicts: u64,
    /// The first of them.
    pub shown_conflicts: Vec<Conflict>,
}

/// The one writer of the scratch file, at work.
struct Applying {
    anew: Anew,
    goal: u64,
    watched: Watched,
}

impl Verify {
    pub(super) async fn fold_anew(&self, file: &Path, goal: u64, clock: Timestamp) -> Result<Anew, VerifyError> {
        let (file, origin, definitions) = (file.to_owned(), self.origin.clone(), self.definitions.clone());
        let opened = spawn_blocking(move || ReadModel::open(&file, origin, definitions)).await;
        let model = opened.map_err(|_| VerifyError::BrokenOff)?.map_err(VerifyError::Scratch)?;
        let anew = Anew { model, events: 0, conflicts: 0, shown_conflicts: Vec::new() };
        let applying = Applying { anew, goal, watched: self.watched.clone() };
        let (work, queue) = mpsc::channel(1);
        let applying = spawn_blocking(move || applying.run(queue, clock));
        let gathered = self.gather(goal, work).await;
        // Nothing may be at work on the file when its folder goes.
        let applied = applying.await.map_err(|_| VerifyError::BrokenOff)?;
        gathered?;
        applied
    }

    /// Reads the log up to the goal, in full batches.
    async fn gather(&self, goal: u64, work: mpsc::Sender<Decoded>) -> Result<(), VerifyError> {
        if goal == 0 {
            return Ok(());
        }
        let goal = Position(goal);
        let mut reader = self.log.read(Position::START, Filter::all()).await?;
        let (mut batch, mut before) = (Batch::default(), Position::START);
        while before < goal {
            let read = tokio::select! {
                error = self.watched.over() => return Err(error),
                read = reader.next() => read,
            };
            match read {
                Some(Ok(Read::Record(Record { position, .. }))) if position > goal => {
                    return Err(VerifyError::LogSkips { goal, before, found: position });
                }
                Some(Ok(Read::Record(record))) => {
                    before = record.position;
                    batch.push(record);
                }
                Some(Ok(Read::CaughtUp(head))) => return Err(VerifyError::LogEnds { goal, head }),
                Some(Err(error)) => return Err(error.into()),
                None => return Err(VerifyError::Stopping),
            }
            if batch.is_full() || before == goal {
                let (full, definitions) = (std::mem::take(&mut batch), self.definitions.clone());
                let decoded = spawn_blocking(move || full.decode(&definitions)).await;
                if work.send(decoded.map_err(|_| VerifyError::BrokenOff)?).await.is_err() {
                    // Applying failed, and says why.
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Applying {
    /// Folds what comes, and lets silence fall when all has come. Blocks.
    fn run(mut self, mut queue: mpsc::Receiver<Decoded>, clock: Timestamp) -> Result<Anew, VerifyError> {
        while let Some(decoded) = queue.blocking_recv() {
            self.watched.check()?;
            self.anew.events += decoded.records.len() as u64;
            let applied = self.anew.model.apply(decoded.records).map_err(VerifyError::Scratch)?;
            self.anew.conflicts += applied.conflicts.len() as u64;
            let room = MOST_SHOWN - self.anew.shown_conflicts.len();
            self.anew.shown_conflicts.extend(applied.conflicts.into_iter().take(room));
            self.watched.tell(Phase::Folding, applied.position, self.goal);
        }
        while self.anew.model.let_pass(clock).map_err(VerifyError::Scratch)?.is_some() {
            self.watched.check()?;
        }
        Ok(self.anew)
    }
}
