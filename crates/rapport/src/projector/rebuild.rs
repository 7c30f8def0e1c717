//! Building the read model anew beside the one that serves.

use rapport_readmodel::Reader;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
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
    pub reader: Reader,
    pub folded: watch::Receiver<Folded>,
    pub folding: JoinHandle<()>,
    pub stop: CancellationToken,
    pub waiting: Waiting,
    updates: mpsc::Sender<Result<RebuildProgress, RebuildError>>,
}

impl Building {
    /// Starts an empty file, which folds the whole log.
    pub async fn start(setup: &Setup, files: &Generations, generation: u32) -> Result<(Self, Updates), RebuildError> {
        let folding = Folding::open(setup, &files.path(generation), generation).await?;
        crash_point!("generation/opened");
        let reader = folding.reader(&setup.origin)?;
        let (progress, mut folded) = watch::channel(Folded { position: folding.position(), ..Folded::default() });
        // So that an empty log, on which nothing ever happens, is looked at too.
        folded.mark_changed();
        let (stop, waiting) = (CancellationToken::new(), folding.waiting());
        let folding = tokio::spawn(folding.keep_on(setup.clone(), progress, stop.clone()));
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        Ok((Self { generation, reader, folding, folded, stop, waiting, updates }, receiver))
    }

    /// Tells how far it is, if the asker keeps up.
    pub fn tell(&self, folded: &Folded) {
        let Folded { position, head, .. } = *folded;
        let _ = self.updates.try_send(Ok(RebuildProgress { generation: self.generation, position, head, done: false }));
    }

    /// Tells that it serves.
    pub async fn finish(self, folded: Folded) {
        let Folded { position, head, .. } = folded;
        let _ =
            self.updates.send(Ok(RebuildProgress { generation: self.generation, position, head, done: true })).await;
    }

    /// Gives it up; its file is left alone when this returns.
    pub async fn fail(self, fault: String) {
        self.stop.cancel();
        let _ = self.folding.await;
        let _ = self.updates.send(Err(RebuildError::Failed { fault })).await;
    }
}
