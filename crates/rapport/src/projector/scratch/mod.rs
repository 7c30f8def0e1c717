//! The log folded anew into a scratch file beside the one that serves, to be compared with it and removed.
//!
//! The serving one goes on; what is compared is a read transaction on it, held from the beginning to the end. Whoever asked is
//! told how far it is, and when nobody is left it ends.

mod anew;
mod folder;
mod watched;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_log::{Log, Position, ReadError};
use rapport_readmodel::{BulkError, Definitions, Origin, Picture, ReadModelError, Reader};
use rapport_touchpoint::Timestamp;
use rayon::ThreadPoolBuildError;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::folder::Folder;
use super::bulk::{BulkFoldError, Goal};

pub(super) use anew::{Anew, Met};
pub(super) use watched::Watched;
pub use watched::{Phase, ScratchProgress, ScratchUpdate, ScratchUpdates};

/// Messages of progress that wait for the client; it misses the ones in between.
const PROGRESS_AHEAD: usize = 4;

/// `what` is a verify, a preview or a what-if.
#[derive(Debug, Error)]
pub enum ScratchError {
    #[error("a {what} is under way already; wait for its end, or end the client that asked for it")]
    UnderWay { what: &'static str },
    #[error("the service is stopping; ask again when it is back")]
    Stopping,
    #[error("nobody waits for the answer")]
    Unwatched,
    #[error("{} cannot be made, for the log to be folded into anew: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "the log cannot be folded anew beside the read model, which goes on serving: {0}; is there room on the disk?"
    )]
    Scratch(ReadModelError),
    #[error("the log cannot be folded anew beside the read model, which goes on serving: {0}")]
    Bulk(BulkError),
    #[error("the read model that serves cannot be read: {0}")]
    Serving(ReadModelError),
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
    #[error(
        "the read model was folded up to position {goal}, but the log ends at {head}: the log lost its tail or is another \
         one. Bring the log back, or rebuild the read model from what is left"
    )]
    LogEnds { goal: Position, head: Position },
    #[error(
        "the read model was folded up to position {goal}, but after {before} the log has nothing before {found}: the log \
         was changed or replaced. Bring the log back, or rebuild the read model from what is left"
    )]
    LogSkips { goal: Position, before: Position, found: Position },
    #[error("there are no threads to fold the log anew with: {0}")]
    Threads(ThreadPoolBuildError),
    #[error("a step of it broke off")]
    BrokenOff,
}

impl From<BulkFoldError> for ScratchError {
    fn from(error: BulkFoldError) -> Self {
        match error {
            BulkFoldError::Bulk(BulkError::ReadModel(error)) => Self::Scratch(error),
            BulkFoldError::Bulk(error) => Self::Bulk(error),
            BulkFoldError::Log(error) => Self::Log(error),
            BulkFoldError::LogEnds { goal, head } => Self::LogEnds { goal, head },
            BulkFoldError::LogSkips { goal, before, found } => Self::LogSkips { goal, before, found },
            BulkFoldError::Threads(error) => Self::Threads(error),
            BulkFoldError::Stopping => Self::Stopping,
            BulkFoldError::BrokenOff => Self::BrokenOff,
        }
    }
}

/// Where one kind of work is done, and the right to do it: one at a time.
pub(super) struct Place {
    what: &'static str,
    folder: PathBuf,
    one: Arc<Semaphore>,
    /// In which it is done; whoever asks for it may be in one that serves connections.
    runtime: Handle,
    stopping: CancellationToken,
}

impl Place {
    /// Whoever holds the lock of the folder of read models makes it; what a crash left behind is removed.
    pub fn new(what: &'static str, readmodels: &Path, stopping: CancellationToken) -> Self {
        let folder = readmodels.join(what);
        folder::remove(&folder);
        Self { what, folder, one: Arc::new(Semaphore::new(1)), runtime: Handle::current(), stopping }
    }

    /// Returns when none is under way, and nothing is left of the last one.
    pub async fn ended(&self) {
        let _ = self.one.acquire().await;
    }

    /// Starts it; the last update is the result or an error. Ends early when nobody listens any more.
    pub fn begin<W: Work>(&self, work: W, scratch: Scratch) -> Result<ScratchUpdates<W::Done>, ScratchError> {
        if self.stopping.is_cancelled() {
            return Err(ScratchError::Stopping);
        }
        let right = self.one.clone().try_acquire_owned();
        let right = right.map_err(|_| ScratchError::UnderWay { what: self.what })?;
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        let watched = Watched { updates, stopping: self.stopping.clone() };
        self.runtime.spawn(run(work, scratch, self.folder.clone(), watched, right));
        Ok(receiver)
    }
}

/// What is done with the log folded anew.
pub(super) trait Work: Send + 'static {
    type Done: Send + 'static;

    /// All files lie in the folder, which is removed afterwards.
    fn done(
        &self,
        scratch: &Scratch,
        folder: &Path,
        watched: &Watched<Self::Done>,
    ) -> impl Future<Output = Result<Self::Done, ScratchError>> + Send;

    /// For the service's own log.
    fn log(&self, tenant: &str, ended: &Result<Self::Done, ScratchError>);
}

/// Tells how it ended once nothing is left of it, so that another one may follow at once.
async fn run<W: Work>(
    work: W,
    scratch: Scratch,
    path: PathBuf,
    watched: Watched<W::Done>,
    right: OwnedSemaphorePermit,
) {
    let ended = match Folder::make(&path) {
        // Removed when it goes out of scope, which is after the files in it are closed.
        Ok(folder) => work.done(&scratch, folder.path(), &watched).await,
        Err(error) => Err(error),
    };
    work.log(&scratch.origin.tenant, &ended);
    drop(right);
    watched.end(ended).await;
}

/// A log, the read model that serves, and the definitions under which the log is folded anew.
pub(super) struct Scratch {
    pub log: Log,
    pub origin: Origin,
    pub definitions: Arc<Definitions>,
    pub serving: Reader,
    pub now: Timestamp,
    /// May the file be kept, so that it has to survive a power cut?
    pub is_kept: bool,
}

impl Scratch {
    /// What serves, held still, and so how far the log is to be folded anew.
    pub async fn hold(&self) -> Result<(Picture, Goal), ScratchError> {
        let (serving, now) = (self.serving.clone(), self.now);
        let held = spawn_blocking(move || {
            let held = serving.hold(now)?;
            let (position, clock) = (held.position(), held.clock());
            let foreseen = position.max(held.foreseen()?);
            Ok((held, Goal { position, clock, foreseen, as_of: None }))
        });
        held.await.map_err(|_| ScratchError::BrokenOff)?.map_err(ScratchError::Serving)
    }
}
