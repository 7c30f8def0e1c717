//! The past of everybody: the log folded as of a moment into a file beside the one that serves, which is kept and asked again.

mod kept;
mod known;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_readmodel::{Moment, Reader};
use rapport_touchpoint::Timestamp;
use tokio::task::spawn_blocking;

use super::bulk::Goal;
use super::scratch::{Anew, Scratch, ScratchError, ScratchUpdates, Watched, Work};
use super::{Live, Projection};

use self::kept::Generation;

pub(super) use kept::Kept;
pub use known::KnownBy;

/// What came out.
#[derive(Debug)]
pub struct PreparedPast {
    /// Everything on the log up to here was looked at.
    pub position: u64,
    pub clock: Timestamp,
    pub took: Duration,
}

impl Projection {
    /// The file of a moment that was folded before, and up to which position. It holds everything up to `min_position`, or to
    /// where the moment says that the log had come.
    pub fn past(&self, live: &Live, moment: &Moment, min_position: u64) -> Option<(Reader, u64)> {
        self.pasts.find(&Generation::of(live), moment, min_position)
    }

    /// Starts to fold the past of everybody at a moment; the last update is the result or an error. Ends early when nobody
    /// listens any more.
    pub fn prepare_past(&self, moment: Moment) -> Result<ScratchUpdates<PreparedPast>, ScratchError> {
        let of = Generation::of(&self.live());
        let scratch = self.scratch(of.definitions.clone());
        self.preparing.begin(Prepare { moment, of: Arc::new(of), pasts: self.pasts.clone() }, scratch)
    }
}

struct Prepare {
    moment: Moment,
    of: Arc<Generation>,
    pasts: Arc<Kept>,
}

impl Work for Prepare {
    type Done = PreparedPast;

    async fn done(
        &self,
        scratch: &Scratch,
        folder: &Path,
        watched: &Watched<PreparedPast>,
    ) -> Result<PreparedPast, ScratchError> {
        let began = Instant::now();
        let (serving, goal) = scratch.hold().await?;
        // Nothing is compared with what serves, so it need not be held still.
        drop(serving);
        let last = self.moment.known_at().map_or(u64::MAX, |known| known.position);
        let (position, clock) = (goal.position.min(last), self.moment.clock());
        let goal = Goal { position, clock, as_of: self.moment.as_of(), ..goal };
        let file = folder.join("past.db");
        let Anew { picture, .. } = scratch.fold_anew(&file, goal, watched).await?;
        drop(picture);
        let (pasts, moment, of) = (self.pasts.clone(), self.moment, self.of.clone());
        let kept = spawn_blocking(move || {
            let there = pasts.place(&of, &moment, position)?;
            put(&file, &there)?;
            pasts.keep(&of, &moment, position);
            Ok(())
        });
        kept.await
            .map_err(|_| ScratchError::BrokenOff)?
            .map_err(|source: std::io::Error| ScratchError::Folder { path: self.pasts.folder().to_owned(), source })?;
        Ok(PreparedPast { position, clock, took: began.elapsed() })
    }

    fn log(&self, tenant: &str, ended: &Result<PreparedPast, ScratchError>) {
        match ended {
            Ok(PreparedPast { position, clock, .. }) => {
                tracing::info!(%tenant, position, %clock, "the past of a moment is folded");
            }
            Err(error) => tracing::warn!(%tenant, %error, "the past of a moment is not folded"),
        }
    }
}

/// Whole and on the disk, or not at all.
fn put(file: &Path, there: &Path) -> std::io::Result<()> {
    File::open(file)?.sync_all()?;
    fs::rename(file, there)?;
    there.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
