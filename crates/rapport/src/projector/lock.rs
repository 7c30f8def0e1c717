//! The right to fold into a folder: two projectors would take each other's files for leftovers.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ProjectorError;

/// A projector that was told to stop may need as long to let go.
const PATIENCE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(20);

/// Nobody else gets it until this is dropped.
pub(super) struct Lock(File);

impl Lock {
    pub async fn of(folder: &Path) -> Result<Self, ProjectorError> {
        let path = folder.join("lock");
        let failed = |source| ProjectorError::File { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => sleep(STEP).await,
                Err(TryLockError::WouldBlock) => return Err(ProjectorError::Locked { folder: folder.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file alone would leave the lock to a process that was forked meanwhile, until it runs its program.
        let _ = self.0.unlock();
    }
}
