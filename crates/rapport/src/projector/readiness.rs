//! Whether a read model answers as it should: its projector goes on, and has folded what was there when it started.

use super::Live;

impl Live {
    /// Why it is not ready, if it is not. Ready it stays, however far it falls behind later, until a fault stops it.
    pub fn unready(&self) -> Option<String> {
        let Self { position, goal, fault, .. } = self;
        match fault {
            Some(fault) => Some(format!("the projector stopped: {fault}")),
            None if position < goal => Some(format!("the read model is at {position} and not yet at {goal}")),
            None => None,
        }
    }
}
