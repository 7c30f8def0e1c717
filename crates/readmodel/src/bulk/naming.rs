//! Identifiers and links, written in the order of their keys.

use rapport_customer::identity::{CustomerId, Rules};
use rapport_touchpoint::OrderKey;
use rusqlite::Transaction;

use super::error::{BulkError, Result};
use super::evidence::Sights;
use super::placing::{Placed, as_key};
use super::sorting::{Record, Sorted, Sorter};
use crate::identifiers::{self, Identifier};
use crate::links;

/// In place of a partner: the identifier itself.
const ITSELF: u32 = 0;

/// By the keys of identifier and partner.
pub(super) fn by_key(sights: &Sights, placed: &Placed, mut sorter: Sorter) -> Result<Sorted> {
    sights.each(|sight| {
        let (one, partner) = (placed.key(sight.one), sight.partner.map_or(ITSELF, |partner| placed.key(partner)));
        sorter.push(&[&one.to_be_bytes(), &partner.to_be_bytes()], &[sight.key])
    })?;
    sorter.sorted()
}

pub(super) fn write(
    tx: &Transaction<'_>,
    by_key: &Sorted,
    placed: &Placed,
    rules: &Rules,
    tenant_key: &[u8; 32],
) -> Result<()> {
    let naming = Naming { tx, placed, rules, tenant_key };
    let mut merge = by_key.read()?;
    let mut last: Option<Identifier> = None;
    while let Some(Record { key, rest }) = merge.next()? {
        let (one, partner) = ends(key).ok_or_else(|| BulkError::torn("a link"))?;
        let first = OrderKey::from_bytes(rest.to_vec());
        if partner == ITSELF {
            let before = last.replace(naming.identifier(one, first));
            before.map_or(Ok(()), |before| naming.write(&before))?;
        } else if let Some(identifier) = &mut last {
            naming.link((one, partner), &first)?;
            let are_persons = [one, partner].iter().all(|key| placed.is_person(placed.number(*key)));
            if are_persons && identifier.latest_link.as_ref().is_none_or(|latest| *latest < first) {
                identifier.latest_link = Some(first);
            }
        }
    }
    last.map_or(Ok(()), |last| naming.write(&last))
}

fn ends(key: &[u8]) -> Option<(u32, u32)> {
    let (one, partner) = key.split_first_chunk()?;
    Some((u32::from_be_bytes(*one), u32::from_be_bytes(partner.try_into().ok()?)))
}

struct Naming<'a, 'tx> {
    tx: &'a Transaction<'tx>,
    placed: &'a Placed,
    rules: &'a Rules,
    tenant_key: &'a [u8; 32],
}

impl Naming<'_, '_> {
    fn identifier(&self, key: u32, first: OrderKey) -> Identifier {
        let number = self.placed.number(key);
        Identifier {
            key: as_key(key),
            usable: self.placed.owners.interned.usable(number),
            first,
            root: self.placed.customer_of_person(number).map(as_key),
            void: self.placed.owners.is_void(number),
            latest_link: None,
        }
    }

    fn write(&self, identifier: &Identifier) -> Result<()> {
        let alias = CustomerId::of(&identifier.usable.to_identifier(self.rules), self.tenant_key);
        Ok(identifiers::insert(self.tx, identifier, alias)?)
    }

    fn link(&self, (one, partner): (u32, u32), first: &OrderKey) -> Result<()> {
        let Placed { owners, .. } = self.placed;
        let (number, other) = (self.placed.number(one), self.placed.number(partner));
        let refused = owners.refused.get(&(number.min(other), number.max(other))).copied();
        let partner = (as_key(partner), owners.interned.kind(other));
        Ok(links::insert(self.tx, as_key(one), partner, first, refused)?)
    }
}
