//! Snapshots: the states of a long timeline along the way, so that a late event costs what comes after it.
//!
//! They lie dense near the end, where late events are, and ever sparser before: about two for each doubling of the distance,
//! so that their number grows with the logarithm of the timeline. They are no part of what is known: a timeline folded from a
//! snapshot gives the same states and facts as one folded from its beginning.

use std::collections::VecDeque;

use rapport_customer::States;
use rapport_touchpoint::OrderKey;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;

/// Which timelines keep snapshots, and how dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// A timeline of fewer events keeps none.
    pub from: u64,
    /// Events from one to the next, near the end of the timeline.
    pub every: u64,
}

impl Default for Spacing {
    fn default() -> Self {
        Self { from: 512, every: 256 }
    }
}

impl Spacing {
    fn is_due(self, events: u64) -> bool {
        events >= self.from && events.is_multiple_of(self.every.max(1))
    }

    /// Is the snapshot after so many events kept, once the timeline has `events`? One that is not, is never again.
    fn keeps(self, snapshot: u64, events: u64) -> bool {
        let every = self.every.max(1);
        let behind = events.saturating_sub(snapshot) / every;
        let doublings = behind.checked_ilog2().unwrap_or_default().saturating_sub(1);
        snapshot.is_multiple_of(every << doublings)
    }
}

/// A customer as it was after one of its events.
pub(crate) struct Snapshot {
    pub event: OrderKey,
    pub events: u64,
    pub states: States,
}

/// The snapshots of one customer while it is folded.
pub(crate) struct Snapshots<'a, 'tx> {
    tx: &'a Transaction<'tx>,
    customer: IdentifierKey,
    spacing: Spacing,
    /// `None` as long as nobody asked.
    marks: Option<Marks>,
}

/// The snapshots that there are, and those that are to be written or removed.
#[derive(Default)]
pub(crate) struct Marks {
    /// In the order of events.
    kept: VecDeque<Mark>,
    gone: Vec<OrderKey>,
}

struct Mark {
    event: OrderKey,
    events: u64,
    /// Encoded states that are still to be written.
    states: Option<Vec<u8>>,
}

impl<'a, 'tx> Snapshots<'a, 'tx> {
    pub fn of(tx: &'a Transaction<'tx>, customer: IdentifierKey, spacing: Spacing) -> Self {
        Self { tx, customer, spacing, marks: None }
    }

    /// The newest snapshot before an event; those at and after it are no longer true.
    pub fn back_to(&mut self, event: &OrderKey) -> Result<Option<Snapshot>> {
        self.marks = None;
        self.tx
            .prepare_cached("DELETE FROM snapshots WHERE customer = ?1 AND event >= ?2")?
            .execute(params![self.customer, event.as_bytes()])?;
        let mut find = self.tx.prepare_cached(
            "SELECT event, events, states FROM snapshots WHERE customer = ?1 ORDER BY event DESC LIMIT 1",
        )?;
        let row = find.query_row([self.customer], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?)));
        let Some((event, events, bytes)) = row.optional()? else { return Ok(None) };
        let states = States::decode_folds(&bytes)
            .map_err(|error| ReadModelError::corrupt(format!("a snapshot of customer {}: {error}", self.customer.0)))?;
        Ok(Some(Snapshot { event: OrderKey::from_bytes(event), events, states }))
    }

    /// The fold has taken in one more event: the timeline's `events`-th.
    pub fn pass(&mut self, event: &OrderKey, events: u64, states: &States) -> Result<()> {
        if !self.spacing.is_due(events) {
            return Ok(());
        }
        let mut marks = match self.marks.take() {
            Some(marks) => marks,
            None => Marks { kept: self.load()?, gone: Vec::new() },
        };
        marks.pass(self.spacing, event, events, states);
        self.marks = Some(marks);
        Ok(())
    }

    /// Writes what the fold left behind.
    pub fn write(self) -> Result<()> {
        self.marks.map_or(Ok(()), |marks| marks.write(self.tx, self.customer))
    }

    fn load(&self) -> Result<VecDeque<Mark>> {
        let mut find =
            self.tx.prepare_cached("SELECT event, events FROM snapshots WHERE customer = ?1 ORDER BY event")?;
        let marks = find.query_map([self.customer], |row| {
            Ok(Mark { event: OrderKey::from_bytes(row.get(0)?), events: row.get(1)?, states: None })
        })?;
        Ok(marks.collect::<rusqlite::Result<_>>()?)
    }
}

impl Marks {
    /// The fold has taken in one more event: the timeline's `events`-th.
    pub fn pass(&mut self, spacing: Spacing, event: &OrderKey, events: u64, states: &States) {
        if !spacing.is_due(events) {
            return;
        }
        let Self { kept, gone } = self;
        kept.push_back(Mark { event: event.clone(), events, states: Some(states.encode_folds()) });
        kept.retain(|mark| {
            let is_kept = spacing.keeps(mark.events, events);
            if !is_kept && mark.states.is_none() {
                gone.push(mark.event.clone());
            }
            is_kept
        });
    }

    pub fn write(&self, tx: &Transaction<'_>, customer: IdentifierKey) -> Result<()> {
        let mut delete = tx.prepare_cached("DELETE FROM snapshots WHERE customer = ?1 AND event = ?2")?;
        for event in &self.gone {
            delete.execute(params![customer, event.as_bytes()])?;
        }
        let mut insert = tx.prepare_cached("INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4)")?;
        for mark in &self.kept {
            if let Some(states) = &mark.states {
                insert.execute(params![customer, mark.event.as_bytes(), mark.events, states])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where snapshots are left after a timeline grew to `events`.
    fn left(spacing: Spacing, events: u64) -> Vec<u64> {
        let mut kept: Vec<u64> = Vec::new();
        for event in 1..=events {
            if spacing.is_due(event) {
                kept.push(event);
                kept.retain(|mark| spacing.keeps(*mark, event));
            }
        }
        kept
    }

    #[test]
    fn they_are_dense_at_the_end_and_sparse_at_the_beginning() {
        let kept = left(Spacing { from: 2, every: 1 }, 100);
        assert_eq!(kept, [32, 48, 64, 72, 80, 88, 92, 94, 96, 97, 98, 99, 100]);
    }

    #[test]
    fn a_million_events_keep_two_dozen() {
        assert!(left(Spacing::default(), 1_000_000).len() <= 26);
    }

    #[test]
    fn going_back_costs_at_most_twice_the_way_and_one_spacing_more() {
        let kept = left(Spacing { from: 1, every: 1 }, 1_000);
        for way in 1..500 {
            let start = kept.iter().rev().find(|mark| **mark <= 1_000 - way).unwrap();
            assert!(1_000 - start <= 2 * way + 1, "{way} from {start}");
        }
    }
}
