//! What it means: who a touchpoint belongs to, and what the touchpoints of one customer add up to.
//!
//! Everything here is a pure function of events, decisions and definitions. No I/O, no clock, no float, no random order.

mod counts;
mod digest;
pub mod identity;
mod model;
mod profile;
mod totals;

pub use counts::Counts;
pub use digest::{Digest, fingerprint};
pub use model::{Model, State};
pub use profile::{Consent, Interest, Orders, Profile, RecentItem, Trait};
pub use totals::Totals;
