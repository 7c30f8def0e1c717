//! Facts one by one, the newest first, in pages; of one customer or of all.

use rapport_customer::identity::CustomerId;
use rapport_customer::{Fact, FactKind};
use rapport_touchpoint::{OrderKey, Timestamp};

use super::{Answer, CustomerName, Reader};
use crate::customers;
use crate::error::Result;
use crate::facts::{self, Place, Stored};
use crate::identifiers::IdentifierKey;

/// Rows that one page looks at; a page of a rare kind may be short, and be followed by others.
const MOST_LOOKED_AT: usize = 50_000;

/// Of whom, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Of everybody, without.
    pub customer: Option<CustomerName>,
    /// Included.
    pub from_time: Option<Timestamp>,
    /// Excluded.
    pub until_time: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FactsPage<T> {
    /// Newest first.
    pub entries: Vec<FactEntry<T>>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<FactPlace>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FactEntry<T> {
    pub customer: CustomerId,
    pub time: Timestamp,
    /// Source and id of the event that it comes from; `None` for silence.
    pub event: Option<(String, String)>,
    pub fact: T,
}

/// Where a page of facts ends; says nothing outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactPlace(Place);

impl FactPlace {
    pub fn to_bytes(&self) -> Vec<u8> {
        let Place { event, customer, slot } = &self.0;
        [&[*slot], &customer.0.to_be_bytes()[..], event.as_bytes()].concat()
    }

    /// What [`FactPlace::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (slot, rest) = bytes.split_first()?;
        let (customer, event) = rest.split_first_chunk::<8>()?;
        let customer = IdentifierKey(i64::from_be_bytes(*customer));
        Some(Self(Place { event: OrderKey::from_bytes(event.to_vec()), customer, slot: *slot }))
    }
}

impl Reader {
    /// The facts of a kind that are picked. `None` if there is no such customer.
    pub(super) fn list<T>(
        &self,
        kind: FactKind,
        listed: &Listed,
        after: Option<&FactPlace>,
        page_size: usize,
        pick: impl Fn(Fact, bool) -> Option<T>,
    ) -> Result<Answer<Option<FactsPage<T>>>> {
        self.ask(|connection| {
            let customer = match &listed.customer {
                None => None,
                Some(name) => match self.resolve(connection, name)? {
                    Some(known) if customers::exists(connection, known)? => Some(known),
                    Some(_) | None => return Ok(None),
                },
            };
            let from = listed.from_time.map_or(OrderKey::MIN, OrderKey::at);
            let until = listed.until_time.map(|time| Place::before(OrderKey::at(time)));
            let before = earlier(after.map(|place| &place.0), until.as_ref());
            let (mut picked, mut next) = (Vec::new(), None);
            let (mut last, mut looked_at) = (None, 0);
            facts::newest(connection, kind, customer, &from, before, |of, stored| {
                if picked.len() == page_size || looked_at == MOST_LOOKED_AT {
                    next = last.take().map(FactPlace);
                    return false;
                }
                looked_at += 1;
                let Stored { key, fact, closed_by, .. } = stored;
                last = Some(Place { event: key.event.clone(), customer: of, slot: key.slot });
                picked.extend(pick(fact, closed_by.is_some()).map(|fact| (of, key.event, fact)));
                true
            })?;
            let mut entries = Vec::with_capacity(picked.len());
            for (of, key, fact) in picked {
                let customer = self.id_of(connection, of)?;
                entries.push(FactEntry { customer, time: key.time(), event: key.source_and_id(), fact });
            }
            Ok(Some(FactsPage { entries, next }))
        })
    }
}

/// Of two places, pages being newest first, the one that leaves out more.
fn earlier<'p>(left: Option<&'p Place>, right: Option<&'p Place>) -> Option<&'p Place> {
    match (left, right) {
        (Some(left), Some(right)) => Some(if left.event <= right.event { left } else { right }),
        (place, None) | (None, place) => place,
    }
}
