//! The numbered pairs of channel and type on one log, shared by its writer and its readers.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use rapport_touchpoint::{Channel, EventType};

use crate::Filter;

/// Only grows; a pair's number is its place.
#[derive(Clone)]
pub(super) struct Kinds(Arc<RwLock<Vec<(Channel, EventType)>>>);

impl Kinds {
    pub(super) fn new(pairs: Vec<(Channel, EventType)>) -> Self {
        Self(Arc::new(RwLock::new(pairs)))
    }

    pub(super) fn pairs(&self) -> Vec<(Channel, EventType)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over pairs that are on the log now.
    pub(super) fn extend(&self, pairs: Vec<(Channel, EventType)>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(pairs);
    }

    pub(super) fn of_touchpoints(&self) -> BTreeSet<(Channel, EventType)> {
        self.pairs().into_iter().filter(|(_, event_type)| !event_type.is_decision()).collect()
    }

    /// For each number, whether the filter lets it through.
    pub(super) fn passing(&self, filter: &Filter) -> Vec<bool> {
        let pairs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pairs.iter().map(|(channel, event_type)| filter.matches(channel, event_type)).collect()
    }
}
