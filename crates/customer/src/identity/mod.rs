//! Who: identity as a function of evidence.
//!
//! All identifiers of an event are one person's, by contract. Two person identifiers in one event are a [`Link`]; links
//! are taken in the order of their first event and joined unless that breaks a limit ([`resolve`]). An identifier that
//! meets too many others is void. A device is claimed by the person it is seen with, and so is the visit that leads up to it
//! ([`Visit`]). An event belongs to its anchor, its strongest usable identifier that is not void.
//!
//! Decisions by hand hold for all times: a [`Merge`] comes before all links and may be forced over a limit, an [`Apart`]
//! keeps two sides from ever being joined. A decision that a later one cancels is as if it had never been.

mod blocked;
mod cluster;
mod customer_id;
mod defaults;
mod device;
mod evidence;
mod rules;
mod state;

pub use blocked::Blocked;
pub use cluster::{Apart, Joint, Limit, Link, Members, Merge, Resolution, resolve};
pub use customer_id::CustomerId;
pub(crate) use defaults::MOST_OF_A_KIND;
pub use device::{Claim, Span, Visit, owner_at, spans};
pub use evidence::{Usable, evidence};
pub use rules::{Kind, KindIndex, Role, Rules};
pub use state::Identity;
