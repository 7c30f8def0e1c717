//! Whoever asked for a verify: is told how far it is, and when nobody is left the verify ends.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Verified, VerifyError};

/// What there is to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The log is folded anew; in positions.
    Folding,
    /// The serving read model is read through; in customers.
    Reading,
    /// The two differ and are compared; in customers.
    Comparing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress {
    pub phase: Phase,
    pub done: u64,
    pub total: u64,
}

#[derive(Debug)]
pub enum VerifyUpdate {
    Progress(VerifyProgress),
    Done(Box<Verified>),
}

/// Until the last one, which is done or an error.
pub type VerifyUpdates = mpsc::Receiver<Result<VerifyUpdate, VerifyError>>;

#[derive(Clone)]
pub(super) struct Watched {
    pub updates: mpsc::Sender<Result<VerifyUpdate, VerifyError>>,
    pub stopping: CancellationToken,
}

impl Watched {
    /// Tells how far it is, if the client keeps up.
    pub fn tell(&self, phase: Phase, done: u64, total: u64) {
        let _ = self.updates.try_send(Ok(VerifyUpdate::Progress(VerifyProgress { phase, done, total })));
    }

    /// Why it should end now, if it should.
    pub fn check(&self) -> Result<(), VerifyError> {
        match (self.stopping.is_cancelled(), self.updates.is_closed()) {
            (true, _) => Err(VerifyError::Stopping),
            (false, true) => Err(VerifyError::Unwatched),
            (false, false) => Ok(()),
        }
    }

    /// Returns when it should end.
    pub async fn over(&self) -> VerifyError {
        tokio::select! {
            () = self.stopping.cancelled() => VerifyError::Stopping,
            () = self.updates.closed() => VerifyError::Unwatched,
        }
    }

    pub async fn end(&self, update: Result<VerifyUpdate, VerifyError>) {
        // A client that went away needs no answer.
        let _ = self.updates.send(update).await;
    }
}
