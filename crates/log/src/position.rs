//! How far one has read: a tenant's records count upwards, with gaps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place on one tenant's log. The first record is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position(pub u64);

impl Position {
    /// Before everything.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
