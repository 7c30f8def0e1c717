//! Touchpoints by customer: all that one customer's fold needs lies together, in the order of the timeline.

use rapport_touchpoint::OrderKey;
use rusqlite::Transaction;

use super::error::{BulkError, Result};
use super::kept::Kept;
use super::label::Labels;
use super::parking::Parking;
use super::placing::{Placed, Shared, as_key};
use super::scratch::Scratch;
use super::settling::Settled;
use super::sorting::{Merge, Record, Sorted, Sorter};
use super::standing::Verdict;
use super::taken::{Taken, Watched};
use super::told::Told;
use super::writer::Writer;
use crate::identifiers::IdentifierKey;
use crate::rows;
use crate::timeline::{self, Stored, TimelineRow};

/// Arranges touchpoints, in any order.
struct Arranging<'a> {
    placed: &'a Placed,
    shared: &'a Shared,
    by_customer: Sorter,
    /// Those whose anchors are no one customer's, for the timeline alone.
    by_anchor: Sorter,
}

impl Arranging<'_> {
    /// An event that counts, as it was kept.
    fn take(&mut self, told: &Told<'_>, kept: &[u8]) -> Result<()> {
        let Some(anchor) = self.placed.owners.anchor(told.named.iter()) else { return Ok(()) };
        let anchor_key = self.placed.key(anchor).to_be_bytes();
        let position = told.position.to_be_bytes();
        let is_shared = self.placed.is_shared(anchor);
        let customer = self.placed.customer_at(anchor, told.key, self.shared);
        let customer = customer.to_be_bytes();
        if is_shared {
            self.by_anchor.push(&[&anchor_key, told.key], &[&position, Kept::json(kept)?])?;
        }
        self.by_customer.push(&[&customer, &anchor_key, told.key], &[&[u8::from(is_shared)], &position, kept])
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
    labels: &Labels,
    scratch: &Scratch,
    (watched, writer): (&mut Watched<'_>, &mut Writer),
) -> Result<Arranged> {
    let (by_customer, by_anchor) = (scratch.sorter("by-customer"), scratch.sorter("by-anchor"));
    let mut arranging = Arranging { placed: &settled.placed, shared: &settled.shared, by_customer, by_anchor };
    let mut parking = Parking::new(writer);
    taken.each_touchpoint(watched, |told, verdict, kept| match verdict.reason() {
        Some(reason) => parking.park(told, Kept::json(kept)?, labels.event_type(told.label)?, reason),
        None if verdict == Verdict::Stands => arranging.take(told, kept),
        None => Ok(()),
    })?;
    parking.write()?;
    arranging.arranged()
}

/// A touchpoint and the identifier that it is stored under.
#[derive(Debug, Clone)]
pub(super) struct Anchored {
    pub anchor: u32,
    /// Among the timelines of anchors that are no one customer's, it is written already.
    pub is_written: bool,
    pub row: TimelineRow,
    /// What its fold asks for.
    pub gist: Vec<u8>,
}

/// A touchpoint, and whose it is.
fn anchored(key: &[u8], rest: &[u8]) -> Option<(u32, Anchored)> {
    let (customer, key) = key.split_first_chunk()?;
    let (anchor, event) = key.split_first_chunk()?;
    let ([is_written], rest) = rest.split_first_chunk()?;
    let (position, kept) = rest.split_first_chunk()?;
    let Kept { gist, json } = Kept::read(kept)?;
    let (event, position) = (OrderKey::from_bytes(event.to_vec()), u64::from_be_bytes(*position));
    let anchored = Anchored {
        anchor: u32::from_be_bytes(*anchor),
        is_written: *is_written == 1,
        row: TimelineRow { event, position, json: json.to_vec() },
        gist: gist.to_vec(),
    };
    Some((u32::from_be_bytes(*customer), anchored))
}

/// Writes the timelines of anchors that are no one customer's.
pub(super) fn write_shared(tx: &Transaction<'_>, by_anchor: &Sorted) -> Result<()> {
    let mut merge = by_anchor.read()?;
    let mut read = Vec::with_capacity(rows::GATHERED);
    while let Some(Record { key, rest }) = merge.next()? {
        read.push((key.to_vec(), rest.to_vec()));
        if read.len() == rows::GATHERED {
            insert_shared(tx, &read)?;
            read.clear();
        }
    }
    insert_shared(tx, &read)
}

fn insert_shared(tx: &Transaction<'_>, records: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    let stored = records.iter().map(|(key, rest)| {
        let (anchor, event) = key.split_first_chunk()?;
        let (position, json) = rest.split_first_chunk()?;
        let anchor = as_key(u32::from_be_bytes(*anchor));
        Some(Stored { anchor, event, position: u64::from_be_bytes(*position), json })
    });
    let stored = stored.collect::<Option<Vec<_>>>().ok_or_else(|| BulkError::torn("a touchpoint"))?;
    Ok(timeline::insert_all(tx, &stored)?)
}

/// Writes the timelines of the others.
pub(super) fn write<'a>(tx: &Transaction<'_>, touchpoints: impl IntoIterator<Item = &'a Anchored>) -> Result<()> {
    let stored = |Anchored { anchor, row, .. }: &'a Anchored| Stored {
        anchor: as_key(*anchor),
        event: row.event.as_bytes(),
        position: row.position,
        json: &row.json,
    };
    let unwritten = touchpoints.into_iter().filter(|touchpoint| !touchpoint.is_written);
    Ok(timeline::insert_all(tx, &unwritten.map(stored).collect::<Vec<_>>())?)
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
            Some(Record { key, rest }) => Some(anchored(key, rest).ok_or_else(|| BulkError::torn("a touchpoint"))?),
        };
        Ok(())
    }
}
