//! A connected closure: everyone who could be one customer with somebody, with the evidence and the decisions among them.
//!
//! A closure is small: devices do not connect, and identifiers that many share are void.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::{Apart, Link, Merge, Resolution, Rules, Usable, resolve};
use rapport_touchpoint::OrderKey;
use rusqlite::Connection;

use crate::decisions::{self, Kind, Standing};
use crate::error::Result;
use crate::identifiers::{Identifier, IdentifierKey};
use crate::links;

/// Its identifiers by strength, the links among them, and the decisions that name any of them.
pub(crate) struct Closure {
    pub members: Vec<(Usable, IdentifierKey)>,
    pub links: Vec<Link>,
    /// In the order of events.
    pub decisions: Vec<Standing>,
}

/// What became of the evidence in a closure.
pub(crate) struct Resolved {
    pub resolution: Resolution,
    /// The merges among the decisions, in the order in which the resolution counts them.
    pub merges: Vec<Standing>,
}

impl Closure {
    /// Everyone whom links and merges connect with a person who is not void. `with_decisions` says that there may be any.
    pub fn load(
        connection: &Connection,
        seed: IdentifierKey,
        with_decisions: bool,
        mut known: impl FnMut(IdentifierKey) -> Result<Identifier>,
    ) -> Result<Self> {
        let mut edges: BTreeMap<(IdentifierKey, IdentifierKey), OrderKey> = BTreeMap::new();
        let mut decisions: BTreeMap<OrderKey, Standing> = BTreeMap::new();
        let mut found = BTreeSet::from([seed]);
        let mut open = vec![seed];
        while let Some(identifier) = open.pop() {
            for (partner, first) in links::partners(connection, identifier)? {
                if known(partner)?.void {
                    continue;
                }
                edges.insert((identifier.min(partner), identifier.max(partner)), first);
                if found.insert(partner) {
                    open.push(partner);
                }
            }
            let about = if with_decisions { decisions::about(connection, identifier)? } else { Vec::new() };
            for standing in about {
                for named in standing.named().filter(|_| standing.kind != Kind::Split) {
                    if known(named)?.root.is_some() && found.insert(named) {
                        open.push(named);
                    }
                }
                decisions.insert(standing.event.clone(), standing);
            }
        }
        let mut members = Vec::with_capacity(found.len());
        for key in found {
            members.push((known(key)?.usable, key));
        }
        members.sort_unstable();
        let place = places(&members);
        let links = edges
            .into_iter()
            .map(|((one, other), first)| {
                let (one, other) = (place[&one], place[&other]);
                Link { first, stronger: one.min(other), weaker: one.max(other) }
            })
            .collect();
        Ok(Self { members, links, decisions: decisions.into_values().collect() })
    }

    /// Two closures as one, for what a decision between them would do.
    pub fn and(self, other: Self) -> Self {
        let members: BTreeSet<_> = self.members.iter().chain(&other.members).cloned().collect();
        let members: Vec<_> = members.into_iter().collect();
        let place = places(&members);
        let mut links = BTreeSet::new();
        for closure in [&self, &other] {
            let moved = |member: usize| place[&closure.members[member].1];
            links.extend(closure.links.iter().map(|link| Link {
                first: link.first.clone(),
                stronger: moved(link.stronger),
                weaker: moved(link.weaker),
            }));
        }
        let decisions: BTreeMap<OrderKey, Standing> =
            self.decisions.into_iter().chain(other.decisions).map(|known| (known.event.clone(), known)).collect();
        Self { members, links: links.into_iter().collect(), decisions: decisions.into_values().collect() }
    }

    pub fn resolve(&self, rules: &Rules) -> Resolved {
        let kinds: Vec<_> = self.members.iter().map(|(usable, _)| usable.kind).collect();
        let place = places(&self.members);
        let places = |keys: &[IdentifierKey]| keys.iter().filter_map(|key| place.get(key).copied()).collect();
        let (mut merges, mut taken, mut aparts) = (Vec::new(), Vec::new(), Vec::new());
        for standing in &self.decisions {
            let (mut left, right): (Vec<usize>, Vec<usize>) = (places(&standing.left), places(&standing.right));
            match standing.kind {
                Kind::Split => aparts.push(Apart { left, right }),
                Kind::Merge { forced } => {
                    left.extend(right);
                    taken.push(Merge { members: left, forced });
                    merges.push(standing.clone());
                }
            }
        }
        Resolved { resolution: resolve(&kinds, &taken, &aparts, self.links.clone(), rules), merges }
    }

    pub fn key(&self, member: usize) -> IdentifierKey {
        self.members[member].1
    }
}

fn places(members: &[(Usable, IdentifierKey)]) -> BTreeMap<IdentifierKey, usize> {
    members.iter().enumerate().map(|(at, (_, key))| (*key, at)).collect()
}
