//! What became of an appended event.

use serde::Serialize;

use crate::Position;

/// The event is on the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Appended {
    /// It is new.
    Accepted(Position),
    /// It was there already, at this position, with the same body.
    Duplicate(Position),
    /// Another body came first under the same name. This one is on the log too, so that nothing is lost; it will be parked.
    Conflict { position: Position, first: Position },
}

impl Appended {
    /// Where the event stands.
    pub fn position(self) -> Position {
        match self {
            Self::Accepted(position) | Self::Duplicate(position) | Self::Conflict { position, .. } => position,
        }
    }
}
