//! Two read models of one log held against each other: the one that serves, and one that was folded anew.
//!
//! Both are [`Picture`]s, at one position and one clock. First as a whole, by their digests; where these differ, customer by
//! customer, each named by its earliest event, since rows have other numbers in another file.

mod differences;
mod facts;
mod look;
mod recomputed;
mod side_by_side;
mod sound;
mod whole;

pub(crate) use side_by_side::side_by_side;

pub use differences::{CustomerDifference, Differences, MOST_SHOWN, Part, PartDifference, Presence, TotalDifference};
pub use recomputed::Recomputed;
pub use sound::Flaw;
pub use whole::Roll;
