//! Is the read model what the log says? The log is folded anew into a scratch file beside the one that serves, up to where
//! that stood when it was asked, and the two are compared at that one position and clock.
//!
//! The serving one goes on; what is compared is a read transaction on it, held from the beginning to the end.

mod anew;
mod comparison;
mod conflicts;
mod scratch;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_log::{Log, Position, ReadError};
use rapport_readmodel::{Definitions, Origin, ReadModelError};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use self::scratch::Scratch;
use self::watched::Watched;
use super::{Projection, Setup};
use crate::clock::Clock;

pub use comparison::{ModelDigests, Verified};
pub use conflicts::ConflictingBodies;
pub use watched::{Phase, VerifyProgress, VerifyUpdate, VerifyUpdates};

/// Messages of progress that wait for the client; it misses the ones in between.
const PROGRESS_AHEAD: usize = 4;

#[derive(Debug, Error)]
pub enum VerifyError {
    #[error("a verify is under way already; wait for its end, or end the client that asked for it")]
    UnderWay,
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
    #[error("a step of the verify broke off")]
    BrokenOff,
}

/// What a verify needs, and the right to it: one at a time.
pub(super) struct Verifying {
    log: Log,
    origin: Origin,
    definitions: Arc<Definitions>,
    clock: Clock,
    folder: PathBuf,
    one: Arc<Semaphore>,
    stopping: CancellationToken,
}

impl Verifying {
    /// Whoever holds the lock of the folder makes it; what a crash left behind is removed.
    pub fn new(setup: &Setup, stopping: CancellationToken) -> Self {
        let Setup { log, origin, definitions, clock, folder, .. } = setup.clone();
        let folder = scratch::folder(&folder);
        scratch::remove(&folder);
        Self { log, origin, definitions, clock, folder, one: Arc::new(Semaphore::new(1)), stopping }
    }

    /// Returns when none is under way, and nothing is left of the last one.
    pub async fn ended(&self) {
        let _ = self.one.acquire().await;
    }
}

impl Projection {
    /// Starts to verify; the last update is the result or an error. Ends early when nobody listens any more.
    pub fn verify(&self) -> Result<VerifyUpdates, VerifyError> {
        let Verifying { log, origin, definitions, clock, folder, one, stopping } = &self.verifying;
        if stopping.is_cancelled() {
            return Err(VerifyError::Stopping);
        }
        let right = one.clone().try_acquire_owned().map_err(|_| VerifyError::UnderWay)?;
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        let verify = Verify {
            log: log.clone(),
            origin: origin.clone(),
            definitions: definitions.clone(),
            serving: self.live().reader,
            now: clock.now(),
            watched: Watched { updates, stopping: stopping.clone() },
        };
        tokio::spawn(verify.run(folder.clone(), right));
        Ok(receiver)
    }
}

/// One verify under way.
struct Verify {
    log: Log,
    origin: Origin,
    definitions: Arc<Definitions>,
    serving: rapport_readmodel::Reader,
    now: rapport_touchpoint::Timestamp,
    watched: Watched,
}

impl Verify {
    /// Tells how it ended once nothing is left of it, so that another one may follow at once.
    async fn run(self, folder: PathBuf, right: OwnedSemaphorePermit) {
        let ended = self.in_folder(&folder).await;
        let tenant = &self.origin.tenant;
        match &ended {
            Ok(verified) if verified.is_equal() => {
                tracing::info!(%tenant, position = verified.position, "the read model is what the log says");
            }
            Ok(verified) => {
                let (customers, totals) = (verified.differences.customers, verified.differences.totals);
                tracing::error!(%tenant, position = verified.position, customers, totals, "the read model differs from its log");
            }
            Err(error) => tracing::warn!(%tenant, %error, "a verify ended without an answer"),
        }
        drop(right);
        self.watched.end(ended.map(|verified| VerifyUpdate::Done(Box::new(verified)))).await;
    }

    async fn in_folder(&self, folder: &Path) -> Result<Verified, VerifyError> {
        // Removed when it goes out of scope, which is after the files in it are closed.
        let scratch = Scratch::make(folder)?;
        self.compare(&scratch.file()).await
    }
}
