//! What identity refused: links that would have broken a limit, and identifiers that too many share.

use std::collections::BTreeMap;

use rapport_customer::identity::{CustomerId, Limit};
use rapport_touchpoint::{Identifier, OrderKey};
use rusqlite::Connection;

use super::{Answer, CustomerName, Reader};
use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::links::{self, RefusedLink};

/// A link that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub stronger: Identifier,
    pub weaker: Identifier,
    pub limit: Limit,
    /// The first event that names both.
    pub event: OrderKey,
    /// Whose the two are now.
    pub customers: (CustomerId, CustomerId),
}

#[derive(Debug, Clone, PartialEq)]
pub struct RefusalsPage {
    /// By limit, and then in the order of events.
    pub refusals: Vec<Refusal>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<RefusalPlace>,
    /// Of all that was asked for, on every page.
    pub by_limit: BTreeMap<Limit, u64>,
}

/// Where a page of refusals ends; says nothing outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalPlace(RefusedLink);

impl RefusalPlace {
    pub fn to_bytes(&self) -> Vec<u8> {
        let RefusedLink { limit, first, ends: (one, other) } = &self.0;
        let numbers = [links::limit_number(*limit), one.0, other.0];
        numbers.iter().flat_map(|number| number.to_be_bytes()).chain(first.as_bytes().iter().copied()).collect()
    }

    /// What [`RefusalPlace::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, first) = bytes.split_at_checked(24)?;
        let mut numbers = numbers.as_chunks::<8>().0.iter().map(|bytes| i64::from_be_bytes(*bytes));
        let limit = links::limit_of(numbers.next()?)?;
        let ends = (IdentifierKey(numbers.next()?), IdentifierKey(numbers.next()?));
        Some(Self(RefusedLink { limit, first: OrderKey::from_bytes(first.to_vec()), ends }))
    }
}

/// An identifier that is nobody's, since it met too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoidIdentifier {
    pub identifier: Identifier,
    /// The kind of person of whom it met too many, and how many different ones.
    pub met: (String, u64),
    /// The event with the first one too many.
    pub since: OrderKey,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VoidPage {
    /// In an order that says nothing and stays.
    pub identifiers: Vec<VoidIdentifier>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<VoidPlace>,
    /// By namespace, on every page.
    pub by_namespace: BTreeMap<String, u64>,
}

/// Where a page of void identifiers ends; says nothing outside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoidPlace(IdentifierKey);

impl VoidPlace {
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.0.to_be_bytes()
    }

    /// What [`VoidPlace::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(IdentifierKey(i64::from_be_bytes(bytes.try_into().ok()?))))
    }
}

impl Reader {
    /// Refused links, of a customer or of all. `None` if there is no such customer.
    pub fn refusals(
        &self,
        of: Option<&CustomerName>,
        after: Option<&RefusalPlace>,
        page_size: usize,
    ) -> Result<Answer<Option<RefusalsPage>>> {
        self.ask(|connection| {
            let (mut found, by_limit) = match of {
                None => {
                    let after = after.map(|after| &after.0);
                    (links::refused(connection, after, page_size + 1)?, links::refused_by_limit(connection)?)
                }
                Some(name) => {
                    let Some(customer) = self.resolve(connection, name)? else { return Ok(None) };
                    let members = identifiers::members(connection, customer)?;
                    let mut found = links::refused_among(connection, &members)?;
                    let mut by_limit = BTreeMap::new();
                    for link in &found {
                        *by_limit.entry(link.limit).or_default() += 1;
                    }
                    found.retain(|link| after.is_none_or(|after| after.0 < *link));
                    (found, by_limit)
                }
            };
            let more = found.len() > page_size;
            found.truncate(page_size);
            let next = found.last().filter(|_| more).cloned().map(RefusalPlace);
            let refusals = found.into_iter().map(|link| self.refusal(connection, link)).collect::<Result<_>>()?;
            Ok(Some(RefusalsPage { refusals, next, by_limit }))
        })
    }

    /// Identifiers that count for nothing because too many share them.
    pub fn void_identifiers(&self, after: Option<VoidPlace>, page_size: usize) -> Result<Answer<VoidPage>> {
        self.ask(|connection| {
            let rules = &self.shared.definitions.rules;
            let after = after.map_or(IdentifierKey(i64::MIN), |after| after.0);
            let mut found = identifiers::void_after(connection, after, page_size + 1)?;
            let more = found.len() > page_size;
            found.truncate(page_size);
            let next = found.last().filter(|_| more).map(|last| VoidPlace(last.key));
            let identifiers = found.iter().map(|void| self.why_void(connection, void)).collect::<Result<Vec<_>>>()?;
            let by_kind = identifiers::void_by_kind(connection)?;
            let by_namespace =
                by_kind.into_iter().map(|(kind, count)| (rules.kind(kind).namespace.clone(), count)).collect();
            Ok(VoidPage { identifiers, next, by_namespace })
        })
    }

    /// Refused links of these identifiers.
    pub(super) fn refused_of(&self, connection: &Connection, keys: &[IdentifierKey]) -> Result<Vec<Refusal>> {
        let found = links::refused_among(connection, keys)?;
        found.into_iter().map(|link| self.refusal(connection, link)).collect()
    }

    fn refusal(&self, connection: &Connection, link: RefusedLink) -> Result<Refusal> {
        let rules = &self.shared.definitions.rules;
        let one = identifiers::by_key(connection, link.ends.0)?;
        let other = identifiers::by_key(connection, link.ends.1)?;
        let (stronger, weaker) = if one.usable < other.usable { (one, other) } else { (other, one) };
        let customer = |end: &identifiers::Identifier| self.id_of(connection, end.root.unwrap_or(end.key));
        Ok(Refusal {
            customers: (customer(&stronger)?, customer(&weaker)?),
            stronger: stronger.usable.to_identifier(rules),
            weaker: weaker.usable.to_identifier(rules),
            limit: link.limit,
            event: link.first,
        })
    }

    pub(super) fn why_void(&self, connection: &Connection, void: &identifiers::Identifier) -> Result<VoidIdentifier> {
        let rules = &self.shared.definitions.rules;
        let (kind, met, since) = links::too_many(connection, void.key, rules.most_partners(void.usable.kind))?;
        let identifier = void.usable.to_identifier(rules);
        Ok(VoidIdentifier { identifier, met: (rules.kind(kind).namespace.clone(), met), since })
    }
}
