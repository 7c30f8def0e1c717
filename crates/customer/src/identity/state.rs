//! What a customer is made of, as a state like any model's: it is compared in the digest and shown in answers.

use rapport_touchpoint::Identifier;
use serde::{Deserialize, Serialize};

/// Devices beyond this many are counted and not named.
const MOST_DEVICES: usize = 100;

/// The identifiers of one customer, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub persons: Vec<Identifier>,
    /// Devices that the customer claimed at some time; at most 100 are named.
    pub devices: Vec<Identifier>,
    pub devices_in_all: u64,
}

impl Identity {
    pub fn new(mut persons: Vec<Identifier>, mut devices: Vec<Identifier>) -> Self {
        persons.sort_unstable();
        devices.sort_unstable();
        let devices_in_all = devices.len() as u64;
        devices.truncate(MOST_DEVICES);
        Self { persons, devices, devices_in_all }
    }

    /// Is the customer known by more than a device?
    pub fn is_identified(&self) -> bool {
        !self.persons.is_empty()
    }
}
