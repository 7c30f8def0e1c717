//! Regrouping: the connected closure of some identifiers is resolved anew, and what changed is named.
//!
//! A closure is small: devices do not connect, and identifiers that many share are void.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::{KindIndex, Link, Usable, resolve};
use rapport_touchpoint::OrderKey;
use rusqlite::Transaction;

use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::identity::Settling;
use crate::{customers, links};

/// One connected closure: its identifiers by strength, and the links among them.
struct Closure {
    members: Vec<(Usable, IdentifierKey)>,
    links: Vec<Link>,
}

impl Settling<'_, '_> {
    /// Resolves every closure that one of the seeds lies in. `left` are identifiers that were members and are void now.
    pub(crate) fn regroup(&mut self, seeds: &BTreeSet<IdentifierKey>, left: &BTreeSet<IdentifierKey>) -> Result<()> {
        let mut roots_before: BTreeMap<IdentifierKey, u32> = BTreeMap::new();
        let mut lost: BTreeSet<IdentifierKey> = BTreeSet::new();
        for identifier in left {
            if let Some(root) = self.roots_of_void.get(identifier) {
                lost.insert(*root);
            }
        }
        let mut done = BTreeSet::new();
        let mut groups = Vec::new();
        for seed in seeds {
            if done.contains(seed) || self.ids.get(self.tx, *seed)?.void {
                continue;
            }
            let closure = self.closure_of(*seed)?;
            done.extend(closure.members.iter().map(|(_, key)| *key));
            for (_, key) in &closure.members {
                if let Some(root) = self.ids.get(self.tx, *key)?.root {
                    *roots_before.entry(root).or_default() += 1;
                }
            }
            groups.extend(self.resolve(&closure)?);
        }
        for group in groups {
            self.seat(&group, &roots_before, &lost)?;
        }
        for root in lost {
            self.changes.refold(root);
        }
        Ok(())
    }

    fn closure_of(&mut self, seed: IdentifierKey) -> Result<Closure> {
        let mut edges: BTreeMap<(IdentifierKey, IdentifierKey), OrderKey> = BTreeMap::new();
        let mut found = BTreeSet::from([seed]);
        let mut open = vec![seed];
        while let Some(identifier) = open.pop() {
            for (partner, first) in links::partners(self.tx, identifier)? {
                if self.ids.get(self.tx, partner)?.void {
                    continue;
                }
                edges.insert((identifier.min(partner), identifier.max(partner)), first);
                if found.insert(partner) {
                    open.push(partner);
                }
            }
        }
        let mut members = Vec::with_capacity(found.len());
        for key in found {
            members.push((self.ids.get(self.tx, key)?.usable.clone(), key));
        }
        members.sort_unstable();
        let place: BTreeMap<IdentifierKey, usize> =
            members.iter().enumerate().map(|(at, (_, key))| (*key, at)).collect();
        let links = edges
            .into_iter()
            .map(|((one, other), first)| {
                let (one, other) = (place[&one], place[&other]);
                Link { first, stronger: one.min(other), weaker: one.max(other) }
            })
            .collect();
        Ok(Closure { members, links })
    }

    /// The customers of a closure; refused links are recorded.
    fn resolve(&mut self, closure: &Closure) -> Result<Vec<Vec<IdentifierKey>>> {
        let kinds: Vec<KindIndex> = closure.members.iter().map(|(usable, _)| usable.kind).collect();
        let resolution = resolve(&kinds, closure.links.clone(), &self.definitions.rules);
        let key = |member: usize| closure.members[member].1;
        let refused: BTreeMap<(usize, usize), _> =
            resolution.refused.iter().map(|(link, limit)| ((link.stronger, link.weaker), *limit)).collect();
        for link in &closure.links {
            let limit = refused.get(&(link.stronger, link.weaker)).copied();
            links::judge(self.tx, key(link.stronger), key(link.weaker), limit)?;
        }
        Ok(resolution.clusters.iter().map(|cluster| cluster.iter().map(|member| key(*member)).collect()).collect())
    }

    /// Gives a group of identifiers its root, and says what that changes.
    ///
    /// The root says nothing to the world. It stays where the customer's rows are, so that joining an identifier that has
    /// no events of its own moves nothing; of several customers with the earliest event, whose snapshots before the first
    /// event of the others stay true.
    fn seat(
        &mut self,
        group: &[IdentifierKey],
        roots_before: &BTreeMap<IdentifierKey, u32>,
        lost: &BTreeSet<IdentifierKey>,
    ) -> Result<()> {
        let mut before: BTreeMap<IdentifierKey, u32> = BTreeMap::new();
        for key in group {
            if let Some(root) = self.ids.get(self.tx, *key)?.root {
                *before.entry(root).or_default() += 1;
            }
        }
        let whole = |root: &IdentifierKey, count: u32| roots_before.get(root) == Some(&count) && !lost.contains(root);
        if let [(root, count)] = before.iter().collect::<Vec<_>>()[..]
            && group.contains(root)
            && whole(root, *count)
        {
            return Ok(());
        }
        let mut with_rows = Vec::new();
        for root in before.keys() {
            if let Some(first) = customers::first(self.tx, *root)? {
                with_rows.push((first, *root));
            }
        }
        with_rows.sort_unstable();
        let root = with_rows.iter().map(|(_, root)| root).find(|root| group.contains(root)).or(group.iter().min());
        let Some(root) = root.copied() else { return Ok(()) };
        if with_rows.iter().all(|(_, other)| whole(other, before[other])) {
            for (first, other) in with_rows.iter().filter(|(_, other)| *other != root) {
                self.changes.refold_from(root, first);
                self.changes.refold(*other);
            }
        } else {
            for (_, other) in &with_rows {
                self.changes.refold(*other);
            }
            self.changes.refold(root);
        }
        for key in group {
            self.ids.set_root(self.tx, *key, Some(root))?;
        }
        self.changes.regrouped.insert(root);
        Ok(())
    }
}

/// Marks every link of a void identifier as not refused: it does not count at all.
pub(crate) fn forget_refusals(tx: &Transaction<'_>, identifier: IdentifierKey) -> Result<()> {
    tx.prepare_cached("UPDATE links SET refused = NULL WHERE identifier = ?1 OR partner = ?1")?
        .execute([identifier])?;
    Ok(())
}
