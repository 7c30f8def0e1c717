//! A past moment, in either of two senses or in both.

use rapport_touchpoint::{OrderKey, Timestamp};

/// Which events and decisions are meant. Touchpoints count by their own time and by what the log held, decisions by what
/// the log held alone: they hold for all times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    as_of: Option<Timestamp>,
    known_at: Option<KnownAt>,
}

/// How far the log had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAt {
    pub position: u64,
    /// When what stands there was recorded.
    pub recorded_at: Timestamp,
}

impl Moment {
    /// `None` if neither says when.
    pub fn new(as_of: Option<Timestamp>, known_at: Option<KnownAt>) -> Option<Self> {
        (as_of.is_some() || known_at.is_some()).then_some(Self { as_of, known_at })
    }

    /// What had happened by then is meant; at that very moment, too.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// What was on the log by then is meant.
    pub fn known_at(&self) -> Option<KnownAt> {
        self.known_at
    }

    /// Up to when silence has fallen.
    pub fn clock(&self) -> Timestamp {
        self.as_of.or(self.known_at.map(|known| known.recorded_at)).unwrap_or_default()
    }

    /// No event of the moment stands here or further.
    pub(super) fn end(&self) -> OrderKey {
        let after = self.as_of.and_then(|as_of| as_of.nanos().checked_add(1)).and_then(Timestamp::from_nanos);
        after.map_or_else(OrderKey::beyond, OrderKey::at)
    }

    /// The last position that counts.
    pub(super) fn last(&self) -> u64 {
        self.known_at.map_or(u64::MAX, |known| known.position)
    }
}
