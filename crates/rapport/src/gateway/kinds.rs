//! How many distinct types and channels a tenant's log may come to hold.
//!
//! Each is a subject on the server, a row in every total and a word in somebody's filter, so a producer that makes up
//! types (one per order, say) must be stopped. A kind counts from when it is on the log; while its event is on the way it
//! has a place reserved, so that no number of events at once gets past the cap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rapport_touchpoint::{Channel, EventType, Touchpoint, Violation};

use crate::config::Limits;

/// The kinds on one tenant's log, as far as this process knows: those at start, and those that it appended since.
#[derive(Clone)]
pub struct Kinds(Arc<Mutex<Seen>>);

struct Seen {
    types: Names<EventType>,
    channels: Names<Channel>,
}

struct Names<T> {
    on_log: BTreeSet<T>,
    /// With the number of events on the way that need the place.
    reserved: BTreeMap<T, usize>,
    cap: usize,
}

impl Kinds {
    pub fn new(on_log: BTreeSet<(Channel, EventType)>, limits: &Limits) -> Self {
        let (channels, types) = on_log.into_iter().unzip();
        Self(Arc::new(Mutex::new(Seen {
            types: Names { on_log: types, reserved: BTreeMap::new(), cap: limits.event_types },
            channels: Names { on_log: channels, reserved: BTreeMap::new(), cap: limits.channels },
        })))
    }

    /// Reserves places for what is new about the event. Types with a schema always have one: there are only so many.
    pub(super) fn reserve(&self, touchpoint: &Touchpoint) -> Result<Reservation, Vec<Violation>> {
        let (event_type, channel) = (&touchpoint.event_type, &touchpoint.channel);
        let mut seen = self.seen();
        let mut violations = Vec::new();
        if touchpoint.schema.is_none() && !seen.types.has_room_for(event_type) {
            let cap = seen.types.cap;
            let rule = format!("is {event_type}, a new one; a tenant has at most {cap} types, and has them already");
            violations.push(Violation::new("type", rule));
        }
        if !seen.channels.has_room_for(channel) {
            let cap = seen.channels.cap;
            let rule = format!("is {channel}, a new one; a tenant has at most {cap} channels, and has them already");
            violations.push(Violation::new("channel", rule));
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let event_type = seen.types.reserve(event_type);
        let channel = seen.channels.reserve(channel);
        drop(seen);
        Ok(Reservation { kinds: self.clone(), event_type, channel })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The places of one event on its way to the log; given back when it does not get there.
pub(super) struct Reservation {
    kinds: Kinds,
    event_type: Option<EventType>,
    channel: Option<Channel>,
}

impl Reservation {
    /// The event is on the log.
    pub(super) fn keep(self) {
        if self.is_needed() {
            let mut seen = self.kinds.seen();
            seen.types.on_log.extend(self.event_type.clone());
            seen.channels.on_log.extend(self.channel.clone());
        }
    }

    fn is_needed(&self) -> bool {
        self.event_type.is_some() || self.channel.is_some()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.is_needed() {
            let mut seen = self.kinds.seen();
            seen.types.give_back(self.event_type.as_ref());
            seen.channels.give_back(self.channel.as_ref());
        }
    }
}

impl<T: Ord + Clone> Names<T> {
    fn has_room_for(&self, name: &T) -> bool {
        let new_ones = || self.reserved.keys().filter(|name| !self.on_log.contains(name)).count();
        self.on_log.contains(name) || self.reserved.contains_key(name) || self.on_log.len() + new_ones() < self.cap
    }

    /// `None` where the name is on the log.
    fn reserve(&mut self, name: &T) -> Option<T> {
        if self.on_log.contains(name) {
            return None;
        }
        *self.reserved.entry(name.clone()).or_default() += 1;
        Some(name.clone())
    }

    fn give_back(&mut self, name: Option<&T>) {
        let Some(name) = name else { return };
        if let Some(events) = self.reserved.get_mut(name) {
            *events -= 1;
            if *events == 0 {
                self.reserved.remove(name);
            }
        }
    }
}
