//! Touchpoints by customer: all that one customer's fold needs lies together, in the order of the timeline.

use rapport_touchpoint::OrderKey;
use rusqlite::Transaction;

use super::error::{BulkError, Result};
use super::placing::{Placed, Shared, as_key};
use super::scratch::Scratch;
use super::settling::Settled;
use super::sorting::{Merge, Record, Sorted, Sorter};
use super::taken::{Taken, Watched};
use super::told::Told;
use crate::identifiers::IdentifierKey;
use crate::timeline::{self, TimelineRow};

/// Arranges touchpoints, in any order.
struct Arranging<'a> {
    placed: &'a Placed,
    shared: &'a Shared,
    by_customer: Sorter,
    /// Those whose anchors are no one customer's, for the timeline alone.
    by_anchor: Sorter,
}

impl Arranging<'_> {
    /// An event that counts.
    fn take(&mut self, told: &Told<'_>, json: &[u8]) -> Result<()> {
        let Some(anchor) = self.placed.owners.anchor(told.named.iter()) else { return Ok(()) };
        let anchor_key = self.placed.key(anchor).to_be_bytes();
        let position = told.position.to_be_bytes();
        let is_shared = self.placed.is_shared(anchor);
        let customer = self.placed.customer_at(anchor, told.key, self.shared);
        let customer = customer.to_be_bytes();
        if is_shared {
            self.by_anchor.push(&[&anchor_key, told.key], &[&position, json])?;
        }
        self.by_customer.push(&[&customer, &anchor_key, told.key], &[&[u8::from(is_shared)], &position, json])
    }

    fn arranged(self) -> Result<Arranged> {
        Ok(Arranged { by_customer: self.by_customer.sorted()?, by_anchor: self.by_anchor.sorted()? })
    }
}

/// All touchpoints that count and are somebody's.
pub(super) struct Arranged {
    pub by_customer: Sorted,
    /// Those whose anchors are no one customer's, once more.
    pub by_anchor: Sorted,
}

pub(super) fn arrange(
    taken: &Taken,
    settled: &Settled,
    scratch: &Scratch,
    watched: &mut Watched<'_>,
) -> Result<Arranged> {
    let (by_customer, by_anchor) = (scratch.sorter("by-customer"), scratch.sorter("by-anchor"));
    let mut arranging = Arranging { placed: &settled.placed, shared: &settled.shared, by_customer, by_anchor };
    taken.each_touchpoint(watched, |told, json| arranging.take(told, json))?;
    arranging.arranged()
}

/// A touchpoint and the identifier that it is stored under.
#[derive(Debug, Clone)]
pub(super) struct Anchored {
    pub anchor: u32,
    /// Among the timelines of anchors that are no one customer's, it is written already.
    pub is_written: bool,
    pub row: TimelineRow,
}

fn timeline_row(event: &[u8], rest: &[u8]) -> Option<TimelineRow> {
    let (position, json) = rest.split_first_chunk()?;
    let (event, position) = (OrderKey::from_bytes(event.to_vec()), u64::from_be_bytes(*position));
    Some(TimelineRow { event, position, json: json.to_vec() })
}

/// Writes the timelines of anchors that are no one customer's.
pub(super) fn write_shared(tx: &Transaction<'_>, by_anchor: &Sorted) -> Result<()> {
    let mut merge = by_anchor.read()?;
    let mut rows = timeline::Inserting::into(tx)?;
    while let Some(Record { key, rest }) = merge.next()? {
        let parts = || {
            let (anchor, event) = key.split_first_chunk()?;
            Some((u32::from_be_bytes(*anchor), timeline_row(event, rest)?))
        };
        let (anchor, row) = parts().ok_or_else(|| BulkError::torn("a touchpoint"))?;
        rows.insert(as_key(anchor), &row.event, row.position, &row.json)?;
    }
    Ok(())
}

/// Writes the timelines of the others.
pub(super) fn write(tx: &Transaction<'_>, touchpoints: &[Anchored]) -> Result<()> {
    let mut rows = timeline::Inserting::into(tx)?;
    for Anchored { anchor, row, .. } in touchpoints.iter().filter(|touchpoint| !touchpoint.is_written) {
        rows.insert(as_key(*anchor), &row.event, row.position, &row.json)?;
    }
    Ok(())
}

/// A customer's touchpoints, or a stretch of them, by anchor and in the order of events.
#[derive(Debug)]
pub(super) struct Gathered {
    pub customer: IdentifierKey,
    pub touchpoints: Vec<Anchored>,
    pub bytes: usize,
    /// There are more than are held in memory.
    pub is_part: bool,
}

/// Reads one customer after the other.
pub(super) struct Customers<'a> {
    merge: Merge<'a>,
    most_bytes: usize,
    next: Option<(u32, Anchored)>,
    /// The customer that was given in part last.
    in_parts: Option<u32>,
}

impl<'a> Customers<'a> {
    /// Of one customer no more than about so many bytes are held at once.
    pub fn read(by_customer: &'a Sorted, most_bytes: usize) -> Result<Self> {
        let mut customers = Self { merge: by_customer.read()?, most_bytes, next: None, in_parts: None };
        customers.step()?;
        Ok(customers)
    }

    pub fn next(&mut self) -> Result<Option<Gathered>> {
        let Some((customer, first)) = self.next.take() else { return Ok(None) };
        let mut bytes = first.row.json.len();
        let mut touchpoints = vec![first];
        self.step()?;
        while bytes < self.most_bytes
            && let Some((_, more)) = self.next.take_if(|(next, _)| *next == customer)
        {
            bytes += more.row.json.len();
            touchpoints.push(more);
            self.step()?;
        }
        let goes_on = self.next.as_ref().is_some_and(|(next, _)| *next == customer);
        let is_part = goes_on || self.in_parts == Some(customer);
        self.in_parts = is_part.then_some(customer);
        Ok(Some(Gathered { customer: as_key(customer), touchpoints, bytes, is_part }))
    }

    fn step(&mut self) -> Result<()> {
        self.next = match self.merge.next()? {
            None => None,
            Some(Record { key, rest }) => {
                let parts = || {
                    let (customer, key) = key.split_first_chunk()?;
                    let (anchor, event) = key.split_first_chunk()?;
                    let (is_written, rest) = rest.split_first()?;
                    let anchored = Anchored {
                        anchor: u32::from_be_bytes(*anchor),
                        is_written: *is_written == 1,
                        row: timeline_row(event, rest)?,
                    };
                    Some((u32::from_be_bytes(*customer), anchored))
                };
                Some(parts().ok_or_else(|| BulkError::torn("a touchpoint"))?)
            }
        };
        Ok(())
    }
}
