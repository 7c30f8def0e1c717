//! Building the read model anew beside the one that serves.

use std::path::PathBuf;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
use super::bulk::{Bulk, BulkFoldError, BulkStep, Goal};
use super::folding::{Folded, Folding};
use super::generations::Generations;
use super::projection::Setup;
use super::waiting::Waiting;

/// Messages of progress that wait for the client; it misses the ones in between.
const PROGRESS_AHEAD: usize = 4;

#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("a rebuild is under way already")]
    UnderWay,
    #[error("the projector is stopping")]
    Stopping,
    #[error(transparent)]
    Projector(#[from] ProjectorError),
    #[error("the new generation cannot be built: {fault}; the old one goes on serving")]
    Failed { fault: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    pub generation: u32,
    pub position: u64,
    pub head: u64,
    /// What it is at, until its file is whole.
    pub in_bulk: Option<BulkStep>,
    /// The new generation serves.
    pub done: bool,
}

/// Somebody asks for a rebuild.
pub(super) struct Request {
    pub answer: oneshot::Sender<Result<Updates, RebuildError>>,
}

/// What the asker is told, until the last one, which is done or an error.
pub type Updates = mpsc::Receiver<Result<RebuildProgress, RebuildError>>;

/// A generation in the making.
pub(super) struct Building {
    pub generation: u32,
    pub path: PathBuf,
    pub folded: watch::Receiver<Folded>,
    pub folding: JoinHandle<()>,
    pub stop: CancellationToken,
    pub waiting: Waiting,
    updates: mpsc::Sender<Result<RebuildProgress, RebuildError>>,
}

impl Building {
    /// Starts to fold the whole log into a file that is not there yet.
    pub async fn start(setup: &Setup, files: &Generations, generation: u32) -> Result<(Self, Updates), RebuildError> {
        let head = setup.log.head().await.map_err(ProjectorError::Log)?.0;
        let (path, scratch) = (files.path(generation), files.scratch());
        let (progress, folded) = watch::channel(Folded { head, ..Folded::default() });
        let (stop, waiting) = (CancellationToken::new(), Waiting::default());
        let making = Making { setup: setup.clone(), path: path.clone(), scratch, generation, head };
        let folding = tokio::spawn(making.run(progress, waiting.clone(), stop.clone()));
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        Ok((Self { generation, path, folding, folded, stop, waiting, updates }, receiver))
    }

    /// Tells how far it is, if the asker keeps up.
    pub fn tell(&self, folded: &Folded) -> RebuildProgress {
        let progress = self.progress(folded, false);
        let _ = self.updates.try_send(Ok(progress));
        progress
    }

    /// Tells that it serves.
    pub async fn finish(self, folded: Folded) {
        let _ = self.updates.send(Ok(self.progress(&folded, true))).await;
    }

    fn progress(&self, folded: &Folded, done: bool) -> RebuildProgress {
        let Folded { position, head, in_bulk, .. } = *folded;
        RebuildProgress { generation: self.generation, position, head, in_bulk, done }
    }

    /// Gives it up; its file is left alone when this returns.
    pub async fn fail(self, fault: String) {
        self.stop.cancel();
        let _ = self.folding.await;
        let _ = self.updates.send(Err(RebuildError::Failed { fault })).await;
    }
}

/// A generation from its first step to its last.
struct Making {
    setup: Setup,
    path: PathBuf,
    scratch: PathBuf,
    generation: u32,
    /// The end of the log when it began.
    head: u64,
}

impl Making {
    /// In bulk up to where the log ended, and then record by record. What keeps it from that is its last word.
    async fn run(self, progress: watch::Sender<Folded>, waiting: Waiting, stop: CancellationToken) {
        let built = self.build(&progress, &stop).await;
        let opened = match built {
            Err(BulkFoldError::Stopping) => return,
            Err(error) => Err(error.into()),
            Ok(()) => Folding::open(&self.setup, &self.path, self.generation).await,
        };
        match opened {
            Ok(folding) => {
                crash_point!("generation/opened");
                folding.with_waiting(waiting).keep_on(self.setup, progress, stop).await;
            }
            Err(error) => progress.send_modify(|folded| folded.fault = Some(error.to_string())),
        }
    }

    async fn build(&self, progress: &watch::Sender<Folded>, stop: &CancellationToken) -> Result<(), BulkFoldError> {
        let Setup { log, origin, definitions, clock, .. } = self.setup.clone();
        let (path, scratch, tenant) = (self.path.clone(), self.scratch.clone(), origin.tenant.clone());
        let goal = Goal { position: self.head, clock: clock.now(), foreseen: self.head, as_of: None };
        let told = progress.clone();
        let tell = move |step| {
            told.send_modify(|folded| {
                folded.in_bulk = Some(step);
                folded.position = step.as_position(goal.position);
            });
        };
        match (Bulk { log, origin, definitions, path, scratch, is_kept: true }).build(goal, stop, tell).await {
            Ok(built) => {
                let (generation, position) = (self.generation, built.position);
                self.setup.metrics.applied(built.touchpoints, built.duplicates, 0, 0);
                tracing::info!(%tenant, generation, position, "a generation was built in bulk");
                Ok(())
            }
            Err(BulkFoldError::Bulk(error)) if error.is_too_much() => {
                tracing::info!(%tenant, generation = self.generation, "folded record by record: {error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
