//! What the writer remembers of identity from batch to batch: bounded, and never more than stands in the file.

use crate::claims::Claims;
use crate::identifiers::Identifiers;
use crate::links::Pairs;

#[derive(Default)]
pub(crate) struct Known {
    pub ids: Identifiers,
    pub pairs: Pairs,
    pub claims: Claims,
}

impl Known {
    /// After a failed batch: nothing that was not committed may be remembered.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
