//! Programs that only know the contract: generated from `proto/`, or from what the server says of itself.

mod described;
mod python;

pub use described::services;
