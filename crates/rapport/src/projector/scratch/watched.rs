//! Whoever asked: is told how far it is, and when nobody is left it ends.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ScratchError;

/// What there is to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The log is folded anew; in positions.
    Folding,
    /// What is to be compared is read through; in customers or touchpoints.
    Reading,
    /// The two are compared; in customers.
    Comparing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScratchProgress {
    pub phase: Phase,
    pub done: u64,
    pub total: u64,
}

#[derive(Debug)]
pub enum ScratchUpdate<Done> {
    Progress(ScratchProgress),
    Done(Box<Done>),
}

/// Until the last one, which is done or an error.
pub type ScratchUpdates<Done> = mpsc::Receiver<Result<ScratchUpdate<Done>, ScratchError>>;

pub(in crate::projector) struct Watched<Done> {
    pub(super) updates: mpsc::Sender<Result<ScratchUpdate<Done>, ScratchError>>,
    pub(super) stopping: CancellationToken,
}

impl<Done> Clone for Watched<Done> {
    fn clone(&self) -> Self {
        Self { updates: self.updates.clone(), stopping: self.stopping.clone() }
    }
}

impl<Done> Watched<Done> {
    /// Tells how far it is, if the client keeps up.
    pub fn tell(&self, phase: Phase, done: u64, total: u64) {
        let _ = self.updates.try_send(Ok(ScratchUpdate::Progress(ScratchProgress { phase, done, total })));
    }

    /// Why it should end now, if it should.
    pub fn check(&self) -> Result<(), ScratchError> {
        match (self.stopping.is_cancelled(), self.updates.is_closed()) {
            (true, _) => Err(ScratchError::Stopping),
            (false, true) => Err(ScratchError::Unwatched),
            (false, false) => Ok(()),
        }
    }

    /// Returns when it should end.
    pub async fn over(&self) -> ScratchError {
        tokio::select! {
            () = self.stopping.cancelled() => ScratchError::Stopping,
            () = self.updates.closed() => ScratchError::Unwatched,
        }
    }

    pub async fn end(&self, ended: Result<Done, ScratchError>) {
        // A client that went away needs no answer.
        let _ = self.updates.send(ended.map(|done| ScratchUpdate::Done(Box::new(done)))).await;
    }
}
