//! What a merge or a split by hand would do, before it is decided.

use std::collections::BTreeSet;

use rapport_customer::identity::{CustomerId, Limit, Usable};
use rapport_touchpoint::{EventName, Identifier, OrderKey};
use rusqlite::Connection;

use super::{Answer, CustomerName, Reader};
use crate::closure::Closure;
use crate::decisions::{Kind, Standing};
use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::{customers, timeline};

/// Why nothing can be decided like that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Nobody is known by this name.
    Nobody(CustomerName),
    /// Too many share it, so that it is nobody's, by hand too.
    Void(Identifier),
    /// The two are one customer.
    One(CustomerId),
    /// Neither is known by more than a device, so that nobody could have both.
    Devices,
    /// The identifier is another customer's, or nobody's.
    NotHis(Identifier),
    /// All that the customer is known by would be parted from nothing.
    NothingLeft,
}

/// A merge that can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeForeseen {
    pub left: Vec<Identifier>,
    pub right: Vec<Identifier>,
    /// Would be broken.
    pub limit: Option<Limit>,
    /// The split that keeps the two apart, if that is the limit; no force breaks it.
    pub kept_apart_by: Option<EventName>,
}

/// A split that can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitForeseen {
    pub left: Vec<Identifier>,
    pub right: Vec<Identifier>,
    /// Merges by hand that hold and have something on either side.
    pub cancels: Vec<EventName>,
}

impl Reader {
    pub fn foresee_merge(
        &self,
        left: &CustomerName,
        right: &CustomerName,
    ) -> Result<Answer<std::result::Result<MergeForeseen, Unfit>>> {
        self.ask(|connection| {
            let mut sides = Vec::new();
            for name in [left, right] {
                match self.known(connection, name)? {
                    Ok(customer) => sides.push(customer),
                    Err(unfit) => return Ok(Err(unfit)),
                }
            }
            if sides[0] == sides[1] {
                return Ok(Err(Unfit::One(self.id_of(connection, sides[0])?)));
            }
            let persons = [identifiers::members(connection, sides[0])?, identifiers::members(connection, sides[1])?];
            if persons.iter().all(Vec::is_empty) {
                return Ok(Err(Unfit::Devices));
            }
            let (limit, kept_apart_by) = self.refuses(connection, &persons)?;
            let mut named = Vec::new();
            for (customer, persons) in sides.iter().zip(persons) {
                named.push(self.named(connection, if persons.is_empty() { vec![*customer] } else { persons })?);
            }
            let (right, left) = (named.pop().unwrap_or_default(), named.pop().unwrap_or_default());
            Ok(Ok(MergeForeseen { left, right, limit, kept_apart_by }))
        })
    }

    pub fn foresee_split(
        &self,
        of: &CustomerName,
        parted: &[Identifier],
    ) -> Result<Answer<std::result::Result<SplitForeseen, Unfit>>> {
        self.ask(|connection| {
            let customer = match self.known(connection, of)? {
                Ok(customer) => customer,
                Err(unfit) => return Ok(Err(unfit)),
            };
            let persons = identifiers::members(connection, customer)?;
            let devices = timeline::devices_of(connection, &persons)?;
            let mut right = BTreeSet::new();
            for identifier in parted {
                let usable = Usable::of(identifier, &self.shared.definitions.rules);
                let known = usable.map(|usable| identifiers::by_name(connection, &usable)).transpose()?.flatten();
                match known.filter(|known| persons.contains(&known.key) || devices.contains(&known.key)) {
                    Some(known) => right.insert(known.key),
                    None => return Ok(Err(Unfit::NotHis(identifier.clone()))),
                };
            }
            let left: Vec<IdentifierKey> = persons.iter().copied().filter(|person| !right.contains(person)).collect();
            if left.is_empty() || right.is_empty() {
                return Ok(Err(Unfit::NothingLeft));
            }
            let closure = self.closure(connection, left[0])?;
            let mut spanning = Vec::new();
            for standing in closure.decisions.iter().filter(|standing| standing.kind != Kind::Split) {
                let named: Vec<IdentifierKey> = standing.named().collect();
                if left.iter().any(|key| named.contains(key)) && right.iter().any(|key| named.contains(key)) {
                    spanning.extend(standing.event.source_and_id());
                }
            }
            let cancels = spanning.into_iter().map(|(source, id)| EventName { source, id }).collect();
            let right = right.into_iter().collect();
            Ok(Ok(SplitForeseen {
                left: self.named(connection, left)?,
                right: self.named(connection, right)?,
                cancels,
            }))
        })
    }

    /// The customer of that name, to whom something has happened.
    fn known(&self, connection: &Connection, name: &CustomerName) -> Result<std::result::Result<IdentifierKey, Unfit>> {
        if let Some(key) = self.resolve(connection, name)?
            && customers::exists(connection, key)?
        {
            return Ok(Ok(key));
        }
        let void = self
            .named_by(connection, name)?
            .filter(|known| known.void)
            .map(|known| known.usable.to_identifier(&self.shared.definitions.rules));
        Ok(Err(void.map_or_else(|| Unfit::Nobody(name.clone()), Unfit::Void)))
    }

    /// What refuses that these are one customer.
    fn refuses(
        &self,
        connection: &Connection,
        sides: &[Vec<IdentifierKey>; 2],
    ) -> Result<(Option<Limit>, Option<EventName>)> {
        let [left, right] = sides;
        let (Some(one), Some(other)) = (left.first(), right.first()) else { return Ok((None, None)) };
        let mut closure = self.closure(connection, *one)?;
        if closure.members.iter().all(|(_, key)| key != other) {
            closure = closure.and(self.closure(connection, *other)?);
        }
        let merge = Standing {
            event: OrderKey::beyond(),
            kind: Kind::Merge { forced: false },
            left: left.clone(),
            right: right.clone(),
        };
        closure.decisions.push(merge);
        let resolved = closure.resolve(&self.shared.definitions.rules);
        let place = resolved.merges.len() - 1;
        let limit =
            resolved.resolution.refused_merges.iter().find(|(refused, _)| *refused == place).map(|(_, limit)| *limit);
        let by = if limit == Some(Limit::Apart) {
            keeping_apart(&closure, &resolved.resolution.clusters, sides)
        } else {
            None
        };
        Ok((limit, by))
    }

    /// Strongest first.
    fn named(&self, connection: &Connection, keys: Vec<IdentifierKey>) -> Result<Vec<Identifier>> {
        let mut usable = Vec::with_capacity(keys.len());
        for key in keys {
            usable.push(identifiers::by_key(connection, key)?.usable);
        }
        usable.sort_unstable();
        Ok(usable.iter().map(|usable| usable.to_identifier(&self.shared.definitions.rules)).collect())
    }
}

/// The first split with somebody of one customer on either side.
fn keeping_apart(closure: &Closure, clusters: &[Vec<usize>], sides: &[Vec<IdentifierKey>; 2]) -> Option<EventName> {
    let together = |keys: &[IdentifierKey]| -> BTreeSet<IdentifierKey> {
        let clusters =
            clusters.iter().filter(|cluster| cluster.iter().any(|member| keys.contains(&closure.key(*member))));
        clusters.flatten().map(|member| closure.key(*member)).collect()
    };
    let [left, right] = sides.each_ref().map(|side| together(side));
    let any = |side: &BTreeSet<IdentifierKey>, keys: &[IdentifierKey]| keys.iter().any(|key| side.contains(key));
    let splits = closure.decisions.iter().filter(|standing| standing.kind == Kind::Split);
    let mut keeping = splits.filter(|split| {
        any(&left, &split.left) && any(&right, &split.right) || any(&left, &split.right) && any(&right, &split.left)
    });
    keeping.next().and_then(|split| split.event.source_and_id()).map(|(source, id)| EventName { source, id })
}
