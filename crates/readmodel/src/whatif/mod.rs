//! Two read models of one log under two sets of definitions: where customers would be, and what would be counted.
//!
//! Customers are matched by their earliest event, which is the same under any definitions. Who would be joined or parted is
//! [`preview`](crate::preview)'s to say; here such a customer is in one of the two only.

mod moves;
mod sums;

pub use moves::{JourneyMoves, MoveExample, Moves, Whereabouts};
pub use sums::{FunnelOf, ScoreOf};
