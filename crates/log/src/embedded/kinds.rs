//! The numbered pairs of channel and type on one log, shared by its writer and its readers.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use rapport_touchpoint::{Channel, EventType, Place};

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

    /// For each number that the filter lets through, where its records stand.
    pub(super) fn passing(&self, filter: &Filter) -> Vec<Option<Place>> {
        let pairs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let passing = |(channel, event_type): &(Channel, EventType)| {
            let place = if event_type.is_decision() { Place::Decisions } else { Place::Touchpoints };
            filter.matches(channel, event_type).then_some(place)
        };
        pairs.iter().map(passing).collect()
    }
}

/// Decisions come through no channel; the table wants a word for each.
pub(super) fn no_channel() -> Channel {
    Channel::parse("control").expect("a word")
}
