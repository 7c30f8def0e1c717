//! The one writer of the file in the making: does one piece of work after the other while the next is made ready.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{BulkError, Result};

/// Pieces of work that wait. The writer makes indexes between them, and what folds customers need not wait for that.
const AHEAD: usize = 32;

type Work = Box<dyn FnOnce(&Transaction<'_>) -> Result<()> + Send>;

/// All that it writes is one transaction.
pub(super) struct Writer {
    work: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<Result<Connection>>>,
}

impl Writer {
    pub fn start(connection: Connection) -> Self {
        let (work, queue) = sync_channel::<Work>(AHEAD);
        let write = move || {
            let mut connection = connection;
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for work in queue {
                work(&tx)?;
            }
            tx.commit()?;
            Ok(connection)
        };
        let thread = std::thread::Builder::new().name("bulk-writer".to_owned()).spawn(write).ok();
        Self { work: Some(work), thread }
    }

    /// Waits while too much waits already.
    pub fn then(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<()> + Send + 'static) -> Result<()> {
        let sent = self.work.as_ref().is_some_and(|queue| queue.send(Box::new(work)).is_ok());
        if sent { Ok(()) } else { self.end().and(Err(BulkError::torn("the writer broke off"))) }
    }

    /// Commits when all is written.
    pub fn finish(mut self) -> Result<Connection> {
        self.end()
    }

    fn end(&mut self) -> Result<Connection> {
        drop(self.work.take());
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(std::result::Result::ok).unwrap_or_else(|| Err(BulkError::torn("the writer broke off")))
    }
}

impl Drop for Writer {
    /// Nothing may be at work on the file when its folder goes.
    fn drop(&mut self) {
        let _ = self.end();
    }
}
