//! Given real processes, killed, frozen and restarted while clients publish, every acknowledged event is on the log, and
//! counts once.
//!
//! `just chaos` runs the same for longer.

mod audit;
mod experiment;
mod faults;
mod load;
mod outage;
mod plan;
mod short;
mod world;
