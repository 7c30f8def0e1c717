//! Decisions by hand taken in: whose evidence is to be weighed anew, and whose devices.

use std::collections::BTreeSet;

use rapport_customer::identity::{Role, Usable};
use rapport_touchpoint::{Choice, EventName, Identifier, Merged, Split};

use crate::claims;
use crate::decisions::{self, Decided, Gift, Kind};
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::identity::Settling;

impl Settling<'_, '_> {
    /// Takes in new decisions, and gives the persons whose customers they may change. Their devices are looked at later.
    pub(crate) fn decide(&mut self, new: &[Decided]) -> Result<BTreeSet<IdentifierKey>> {
        let mut persons = BTreeSet::new();
        for Decided { decision, .. } in new {
            let (left, right, cancels) = match &decision.choice {
                Choice::Merged(Merged { left, right, .. }) => (left, right, &[][..]),
                Choice::Split(Split { left, right, cancels, .. }) => (left, right, &cancels[..]),
                Choice::Discarded(_) => continue,
            };
            let (left, right) = (self.named(left)?, self.named(right)?);
            let event = decision.order.key();
            let cancels: Vec<_> = cancels.iter().map(EventName::hash).collect();
            decisions::name(self.tx, &event, (&left, &right), &cancels)?;
            decisions::judge(self.tx, &event)?;
            for named in left.into_iter().chain(right) {
                self.sort_in(named, &mut persons)?;
            }
            for concerned in decisions::concerned(self.tx, &event)? {
                if decisions::judge(self.tx, &concerned)? {
                    for named in decisions::named_by(self.tx, &concerned)? {
                        self.sort_in(named, &mut persons)?;
                    }
                }
            }
        }
        Ok(persons)
    }

    /// The keys of the identifiers that the rules know; no event need have named them yet.
    fn named(&mut self, identifiers: &[Identifier]) -> Result<Vec<IdentifierKey>> {
        let mut keys = BTreeSet::new();
        for usable in identifiers.iter().filter_map(|named| Usable::of(named, &self.definitions.rules)) {
            keys.insert(self.ids.name(self.tx, &usable, &self.definitions.rules, self.tenant_key)?);
        }
        Ok(keys.into_iter().collect())
    }

    /// A person among those whose customer may change, a device among those to be looked at.
    fn sort_in(&mut self, identifier: IdentifierKey, persons: &mut BTreeSet<IdentifierKey>) -> Result<()> {
        let known = self.ids.get(self.tx, identifier)?;
        match known.usable.role(&self.definitions.rules) {
            Role::Device => self.devices_decided.insert(identifier),
            Role::Person => persons.insert(identifier),
        };
        Ok(())
    }

    /// Everyone whom decisions name together with an identifier that became void.
    pub(crate) fn decided_with(&mut self, void: IdentifierKey) -> Result<BTreeSet<IdentifierKey>> {
        let mut persons = BTreeSet::new();
        for standing in decisions::about(self.tx, void)? {
            for identifier in standing.named() {
                self.sort_in(identifier, &mut persons)?;
            }
        }
        Ok(persons)
    }

    /// Says anew to whom merges give the devices that decisions name, and whom splits keep them from. To be called when
    /// all customers are made.
    pub(crate) fn hand_devices(&mut self) -> Result<()> {
        for device in std::mem::take(&mut self.devices_decided) {
            let given = self.given(device)?;
            let mut barred = Vec::new();
            for anchor in claims::claimants(self.tx, device)? {
                barred.push((anchor, self.is_barred(device, anchor)?));
            }
            let before = claims::claimants(self.tx, device)?;
            let mut changed = decisions::give(self.tx, device, given.as_ref())?;
            for (anchor, barred) in barred {
                changed |= self.claims.bar(self.tx, device, anchor, barred)?;
            }
            if changed {
                self.disturb(&before)?;
                self.disturb_owners(device)?;
            }
        }
        Ok(())
    }

    /// The strongest person on the other side of the last merge that names a device.
    fn given(&mut self, device: IdentifierKey) -> Result<Option<Gift>> {
        if self.ids.get(self.tx, device)?.void {
            return Ok(None);
        }
        let mut given = None;
        for standing in decisions::about(self.tx, device)? {
            if standing.kind == Kind::Split || decisions::is_refused(self.tx, &standing.event)? {
                continue;
            }
            let others = if standing.left.contains(&device) { standing.right } else { standing.left };
            let mut persons = Vec::new();
            for other in others {
                let known = self.ids.get(self.tx, other)?;
                if known.root.is_some() {
                    persons.push((known.usable.clone(), other));
                }
            }
            let Some((_, strongest)) = persons.into_iter().min() else { continue };
            if !self.is_barred(device, strongest)? {
                given = Some(Gift { to: strongest, by: standing.event });
            }
        }
        Ok(given)
    }

    /// Does a split keep a device from the customer that this person is?
    pub(crate) fn is_barred(&mut self, device: IdentifierKey, person: IdentifierKey) -> Result<bool> {
        match self.ids.get(self.tx, person)?.root {
            Some(root) if self.any_decided => decisions::is_barred(self.tx, device, root),
            Some(_) | None => Ok(false),
        }
    }
}
