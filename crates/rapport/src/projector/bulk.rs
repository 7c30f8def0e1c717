//! The log folded in bulk into a file that nobody reads yet: from its beginning exactly up to a position.

use std::path::PathBuf;
use std::sync::Arc;

use rapport_log::{Filter, Log, Position, Read, ReadError, Record};
use rapport_readmodel::{Built, BulkBuild, BulkError, BulkPhase, BulkProgress, Definitions, Heard, Incoming, Origin};
use rapport_touchpoint::Timestamp;
use rayon::{ThreadPool, ThreadPoolBuildError};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::{background, foresight};

/// Of a log that ends before, a file that is empty is folded record by record: that is done as soon.
pub(super) const LEAST_RECORDS: u64 = 20_000;
/// Records that are read at a time: few enough that they are still in the cache when they are taken in.
const AT_A_TIME: usize = 1_000;
/// Batches that wait, read or not: while one is taken in, the next ones are made ready.
const AHEAD: usize = 4;

#[derive(Debug, Error)]
pub enum BulkFoldError {
    #[error(transparent)]
    Bulk(#[from] BulkError),
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
    #[error(
        "position {goal} of the log was its end and is beyond it: it ends at {head} now, so it lost its tail or is another one"
    )]
    LogEnds { goal: Position, head: Position },
    #[error(
        "after position {before} the log has nothing before {found}, though {goal} was on it: it was changed or replaced"
    )]
    LogSkips { goal: Position, before: Position, found: Position },
    #[error("there are no threads to build it with: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    #[error("the service is stopping")]
    Stopping,
    #[error("a step of the build broke off")]
    BrokenOff,
}

/// A batch of the log that is being decoded into this.
pub(super) type Decoding<T> = oneshot::Receiver<T>;

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkStep {
    /// The log is read up to this position.
    Read(u64),
    /// All of it is read.
    Folded(BulkProgress),
    /// The file is whole; so many customers are held against what it says of itself.
    Checked { done: u64, total: u64 },
}

impl BulkStep {
    /// The same as a share of the way to a position: what follows the reading takes about as long again.
    pub fn as_position(self, goal: u64) -> u64 {
        match self {
            Self::Read(position) => position / 2,
            Self::Folded(BulkProgress { phase, done, total }) => {
                // In sixths of what follows.
                let (before, of_phase) = match phase {
                    BulkPhase::Settling => (0, 1),
                    BulkPhase::Arranging => (1, 1),
                    BulkPhase::Folding => (2, 4),
                };
                let sixth = goal / 2 / 6;
                let done = u128::from(sixth * of_phase) * u128::from(done.min(total)) / u128::from(total.max(1));
                goal / 2 + sixth * before + u64::try_from(done).unwrap_or(sixth * of_phase)
            }
            Self::Checked { .. } => goal,
        }
    }
}

/// What is built, and where.
pub(super) struct Bulk {
    pub log: Log,
    pub origin: Origin,
    pub definitions: Arc<Definitions>,
    /// Where the file is in the end.
    pub path: PathBuf,
    /// For all files until then.
    pub scratch: PathBuf,
    /// Is it to survive a power cut?
    pub is_kept: bool,
}

/// Where the read model is to stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    pub position: u64,
    /// Up to which silence falls.
    pub clock: Timestamp,
    /// Discards up to here are known beforehand.
    pub foreseen: u64,
    /// Only what had happened by then counts, if that is said.
    pub as_of: Option<Timestamp>,
}

impl Bulk {
    /// Nothing of it is at work, and no scratch file is left, when this returns.
    pub async fn build(
        self,
        goal: Goal,
        stop: &CancellationToken,
        tell: impl Fn(BulkStep) + Send + 'static,
    ) -> Result<Built, BulkFoldError> {
        let (log, definitions) = (self.log.clone(), self.definitions.clone());
        let discards = tokio::select! {
            () = stop.cancelled() => return Err(BulkFoldError::Stopping),
            discards = foresight::discards(&log, Position(goal.foreseen), &definitions) => discards?,
        };
        let bytes = log.bytes().await?;
        let (work, queue) = mpsc::channel(AHEAD);
        let (stopping, threads) = (stop.clone(), background::threads()?);
        let (done, building) = oneshot::channel();
        threads.spawn(move || {
            // Whoever asked waits for it until the end.
            let _ = done.send(self.run((discards, bytes), queue, goal, &stopping, tell));
        });
        let hear = move |batch: Batch| batch.hear(&definitions);
        let gathered = gather(&log, (AT_A_TIME, hear, &threads), Position(goal.position), work, stop).await;
        let built = building.await.map_err(|_| BulkFoldError::BrokenOff)?;
        gathered?;
        built
    }

    /// Blocks.
    fn run(
        self,
        (discards, log_bytes): (Vec<Incoming>, u64),
        mut queue: mpsc::Receiver<Decoding<Vec<Heard>>>,
        goal: Goal,
        stop: &CancellationToken,
        tell: impl Fn(BulkStep),
    ) -> Result<Built, BulkFoldError> {
        let Self { origin, definitions, path, scratch, is_kept, .. } = self;
        let mut build = BulkBuild::begin(&path, origin, definitions, &scratch)?.only_as_of(goal.as_of);
        if !is_kept {
            build = build.for_now();
        }
        build.check_room(log_bytes)?;
        build.foresee(&discards, goal.foreseen)?;
        while let Some(decoding) = queue.blocking_recv() {
            build.take(decoding.blocking_recv().map_err(|_| BulkFoldError::BrokenOff)?)?;
            tell(BulkStep::Read(build.position()));
        }
        if build.position() < goal.position {
            // Reading ended early, and says why.
            return Err(BulkFoldError::Stopping);
        }
        let built = build.finish(goal.clock, &mut |progress| {
            tell(BulkStep::Folded(progress));
            !stop.is_cancelled()
        });
        match built {
            Err(BulkError::GivenUp) => Err(BulkFoldError::Stopping),
            built => Ok(built?),
        }
    }
}

/// Reads the log up to a position, in batches of so many records, which these threads decode while the next are read.
pub(super) async fn gather<T: Send + 'static>(
    log: &Log,
    (at_a_time, decode, threads): (usize, impl Fn(Batch) -> T + Clone + Send + 'static, &Arc<ThreadPool>),
    goal: Position,
    work: mpsc::Sender<Decoding<T>>,
    stop: &CancellationToken,
) -> Result<(), BulkFoldError> {
    if goal == Position::START {
        return Ok(());
    }
    let mut reader = log.read(Position::START, Filter::all()).await?;
    let (mut batch, mut before) = (Batch::default(), Position::START);
    while before < goal {
        let read = tokio::select! {
            () = stop.cancelled() => return Err(BulkFoldError::Stopping),
            read = reader.next() => read,
        };
        match read {
            Some(Ok(Read::Record(Record { position, .. }))) if position > goal => {
                return Err(BulkFoldError::LogSkips { goal, before, found: position });
            }
            Some(Ok(Read::Record(record))) => {
                before = record.position;
                batch.push(record);
            }
            Some(Ok(Read::CaughtUp(head))) => return Err(BulkFoldError::LogEnds { goal, head }),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(BulkFoldError::Stopping),
        }
        if batch.has(at_a_time) || before == goal {
            let (full, decode) = (std::mem::take(&mut batch), decode.clone());
            let (done, decoding) = oneshot::channel();
            // Where nobody waits for it any more, folding failed.
            threads.spawn(move || drop(done.send(decode(full))));
            if work.send(decoding).await.is_err() {
                // It says why.
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_comes_nearer_to_its_goal_with_every_step() {
        let folded = |phase, done| BulkStep::Folded(BulkProgress { phase, done, total: 10 });
        let phases = [BulkPhase::Settling, BulkPhase::Arranging, BulkPhase::Folding];
        let steps = (0..=12).map(|twelfth| BulkStep::Read(100 * twelfth));
        let steps = steps.chain(phases.into_iter().flat_map(|phase| (0..=10).map(move |done| folded(phase, done))));
        let way: Vec<u64> = steps.map(|step| step.as_position(1_200)).collect();
        assert!(way.is_sorted(), "{way:?}");
        assert_eq!((way.first(), way.last()), (Some(&0), Some(&1_200)));
    }
}
