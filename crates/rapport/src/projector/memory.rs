//! What a generation has in memory beside its file, for as long as it is folded on.

use std::sync::Arc;

use bytes::Bytes;
use rapport_readmodel::{Remembered, Standing};

use super::waiting::Waiting;

const MOST_REMEMBERED_BYTES: usize = 24 * 1024 * 1024;

/// Clones share it.
#[derive(Clone)]
pub(super) struct Memory {
    pub waiting: Waiting,
    /// Answers about customers as they go over the wire.
    pub answers: Arc<Remembered<Bytes>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { waiting: Waiting::default(), answers: Arc::new(Remembered::new(MOST_REMEMBERED_BYTES)) }
    }
}

impl Memory {
    /// The file was opened anew at this standing, and the log is read from there.
    pub fn start_over(&self, standing: Standing) {
        self.waiting.start_over();
        self.answers.start_over(standing);
    }
}
