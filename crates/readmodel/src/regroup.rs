//! Regrouping: the closures of some identifiers are resolved anew, and what changed is named.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::Role;
use rusqlite::Transaction;

use crate::closure::Closure;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::identity::Settling;
use crate::{customers, decisions, links};

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
            let Self { tx, ids, any_decided, .. } = self;
            let closure = Closure::load(tx, *seed, *any_decided, |key| ids.get(tx, key).cloned())?;
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

    /// The customers of a closure; refused links and merges are recorded. The devices that decisions name are to be looked
    /// at when the customers are made.
    fn resolve(&mut self, closure: &Closure) -> Result<Vec<Vec<IdentifierKey>>> {
        let resolved = closure.resolve(&self.definitions.rules);
        for (place, merge) in resolved.merges.iter().enumerate() {
            let refused = resolved.resolution.refused_merges.iter().find(|(refused, _)| *refused == place);
            decisions::set_refused(self.tx, &merge.event, refused.map(|(_, limit)| *limit))?;
        }
        for named in closure.decisions.iter().flat_map(decisions::Standing::named) {
            if self.ids.get(self.tx, named)?.usable.role(&self.definitions.rules) == Role::Device {
                self.devices_decided.insert(named);
            }
        }
        let refused: BTreeMap<(usize, usize), _> =
            resolved.resolution.refused.iter().map(|(link, limit)| ((link.stronger, link.weaker), *limit)).collect();
        for link in &closure.links {
            let limit = refused.get(&(link.stronger, link.weaker)).copied();
            links::judge(self.tx, closure.key(link.stronger), closure.key(link.weaker), limit)?;
        }
        let keys = |cluster: &Vec<usize>| cluster.iter().map(|member| closure.key(*member)).collect();
        Ok(resolved.resolution.clusters.iter().map(keys).collect())
    }

    /// Gives a group of identifiers its root, and says what that changes.
    ///
    /// The root says nothing to the world. It stays where the customer's rows are, so that joining an identifier that has
    /// no events of its own moves nothing; of several customers with the earliest event, whose snapshots before the first
    /// event of the others stay true.
    pub(crate) fn seat(
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
