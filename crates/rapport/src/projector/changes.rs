//! Who changed, told to whoever watches: bounded, and never waiting for a slow one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rapport_readmodel::CustomerKey;
use tokio::sync::broadcast;

/// Transactions that a watcher may be behind before it is told that it missed some.
const MOST_BEHIND: usize = 64;

/// What one transaction changed.
#[derive(Debug)]
pub struct ChangeSet {
    /// The keys belong to its file.
    pub generation: u32,
    pub position: u64,
    /// In rising order.
    pub customers: Vec<CustomerKey>,
}

/// Where the serving generation tells its changes.
#[derive(Debug)]
pub struct Changes {
    serving: AtomicU32,
    sender: broadcast::Sender<Arc<ChangeSet>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { serving: AtomicU32::new(0), sender: broadcast::Sender::new(MOST_BEHIND) }
    }
}

impl Changes {
    /// From now on this generation serves.
    pub(super) fn serve(&self, generation: u32) {
        self.serving.store(generation, Ordering::Release);
    }

    /// Tells what changed, if it is the serving generation that did.
    pub(super) fn tell(&self, changes: ChangeSet) {
        if !changes.customers.is_empty() && self.serving.load(Ordering::Acquire) == changes.generation {
            // Nobody may be watching.
            let _ = self.sender.send(Arc::new(changes));
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<ChangeSet>> {
        self.sender.subscribe()
    }
}
