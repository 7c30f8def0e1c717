//! Two read models of one log under two sets of rules: who would be who.
//!
//! Rules change what identifiers are, how they compare and whose they are; the touchpoints are the same under any. So
//! customers are compared by their touchpoints: each is somebody's, or nobody's, in both.

mod census;
mod example;
mod overlap;
mod placed;

pub use census::{Biggest, Census, Named, Rule};
pub use example::Example;
pub use overlap::{Fates, Overlap};
