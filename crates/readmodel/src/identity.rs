//! Who the new events belong to: evidence in, anchors out, and which customers change by it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::{Claim, KindIndex, Role, Visit, evidence, owner_at};
use rapport_touchpoint::{OrderKey, Touchpoint};
use rusqlite::Transaction;

use crate::Definitions;
use crate::claims::{self, Claims, StoredClaim};
use crate::decisions::{self, Decided};
use crate::error::Result;
use crate::identifiers::{IdentifierKey, Identifiers};
use crate::incoming::Ready;
use crate::known::Known;
use crate::links::{self, Pairs, Sight};
use crate::regroup;
use crate::timeline::{self, Stored};

/// Customers that a batch of evidence changes beyond adding events at their end.
#[derive(Default)]
pub(crate) struct Changes {
    /// Whose events are not those before plus the new ones, and the first event at which that may be so.
    refolds: BTreeMap<IdentifierKey, OrderKey>,
    /// Whose identifiers changed.
    pub regrouped: BTreeSet<IdentifierKey>,
    /// Whose id may be another, since one of their identifiers is older than was known: by an event of theirs or, where they are
    /// kept apart from whom that event belongs to, by one that is not.
    renamed: BTreeSet<IdentifierKey>,
}

impl Changes {
    /// The customer's timeline may differ from this event on, and not before.
    pub fn refold_from(&mut self, customer: IdentifierKey, event: &OrderKey) {
        let known = self.refolds.entry(customer).or_insert_with(|| event.clone());
        if event < known {
            known.clone_from(event);
        }
    }

    pub fn refold(&mut self, customer: IdentifierKey) {
        self.refold_from(customer, &OrderKey::MIN);
    }

    /// From which event on this customer's timeline differs; `None` if it does not.
    pub fn refolded_from(&self, customer: IdentifierKey) -> Option<&OrderKey> {
        self.refolds.get(&customer)
    }

    /// Everyone who changes.
    pub fn customers(&self) -> impl Iterator<Item = IdentifierKey> {
        self.refolds.keys().chain(&self.regrouped).chain(&self.renamed).copied()
    }
}

/// A new event and the identifier it is stored under.
pub(crate) struct Placed {
    pub position: u64,
    pub ready: Ready,
    pub anchor: Option<IdentifierKey>,
}

/// One batch on its way through the identity rules.
pub(crate) struct Settling<'a, 'tx> {
    pub tx: &'a Transaction<'tx>,
    pub ids: &'a mut Identifiers,
    pub pairs: &'a mut Pairs,
    pub claims: &'a mut Claims,
    pub definitions: &'a Definitions,
    pub tenant_key: &'a [u8; 32],
    pub changes: Changes,
    /// What void identifiers stood for until this batch.
    pub roots_of_void: BTreeMap<IdentifierKey, IdentifierKey>,
    /// Is there any decision by hand? Few tenants have many, and most customers are in none.
    pub any_decided: bool,
    /// Devices whose owners decisions may have changed.
    pub devices_decided: BTreeSet<IdentifierKey>,
}

/// Takes in the evidence of new events, and new decisions, and says where each event belongs and what changed.
pub(crate) fn settle(
    tx: &Transaction<'_>,
    known: &mut Known,
    definitions: &Definitions,
    tenant_key: &[u8; 32],
    fresh: Vec<(u64, Ready)>,
    decided: &[Decided],
) -> Result<(Vec<Placed>, Changes)> {
    let Known { ids, pairs, claims } = known;
    let mut settling = Settling {
        tx,
        ids,
        pairs,
        claims,
        definitions,
        tenant_key,
        changes: Changes::default(),
        roots_of_void: BTreeMap::new(),
        any_decided: !decided.is_empty() || decisions::any(tx)?,
        devices_decided: BTreeSet::new(),
    };
    let mut named = Vec::with_capacity(fresh.len());
    let mut older = BTreeSet::new();
    for (_, ready) in &fresh {
        named.push(settling.meet(ready, &mut older)?);
    }
    let mut met = Met::default();
    let mut in_order: Vec<_> = fresh.iter().map(|(_, ready)| ready).zip(&named).collect();
    // Nearly in order as they come, and hardly two at the same moment.
    in_order
        .sort_by(|(left, _), (right, _)| left.key.time().cmp(&right.key.time()).then_with(|| left.key.cmp(&right.key)));
    for (ready, keys) in in_order {
        settling.see_pairs(ready, keys, &mut met)?;
    }
    let void = settling.find_void(&met.grown)?;
    let mut seeds: BTreeSet<IdentifierKey> = met.linked;
    seeds.extend(settling.decide(decided)?);
    for identifier in &void {
        seeds.extend(settling.void(*identifier)?);
    }
    settling.regroup(&seeds, &void)?;
    settling.hand_devices()?;
    for identifier in &void {
        settling.give_up_events(*identifier)?;
    }
    let mut placed = Vec::with_capacity(fresh.len());
    let mut claims = Vec::new();
    for ((position, ready), keys) in fresh.into_iter().zip(&named) {
        let anchor = settling.anchor(keys)?;
        if let Some(anchor) = anchor {
            let devices = settling.claimed(anchor, keys)?.into_iter();
            claims.extend(devices.map(|device| (device, Claim { event: ready.key.clone(), by: anchor })));
        }
        placed.push(Placed { position, ready, anchor });
    }
    // In key order: neighbours in the table are written together.
    claims.sort_unstable();
    for (device, claim) in claims {
        settling.claim(device, claim)?;
    }
    for identifier in older {
        let root = settling.ids.get(tx, identifier)?.root;
        settling.changes.renamed.extend(root);
    }
    Ok((placed, settling.changes))
}

/// What the pairs of a batch changed.
#[derive(Default)]
struct Met {
    /// Identifiers with a new partner, by the kind of partner that is new.
    grown: BTreeSet<(IdentifierKey, KindIndex)>,
    /// Ends of links that are new or older than was known, and could not be taken at once.
    linked: BTreeSet<IdentifierKey>,
}

impl Settling<'_, '_> {
    /// The keys of an event's usable identifiers, strongest first; and those that are older than was known.
    fn meet(&mut self, ready: &Ready, older: &mut BTreeSet<IdentifierKey>) -> Result<Vec<IdentifierKey>> {
        let mut keys = Vec::with_capacity(ready.evidence.len());
        for usable in &ready.evidence {
            let (key, was_later) =
                self.ids.meet(self.tx, usable, &ready.key, &self.definitions.rules, self.tenant_key)?;
            older.extend(was_later.then_some(key));
            keys.push(key);
        }
        Ok(keys)
    }

    /// Notes who stood in the event with whom. Links of persons are taken at once where that is the same.
    fn see_pairs(&mut self, ready: &Ready, keys: &[IdentifierKey], met: &mut Met) -> Result<()> {
        let mut links = BTreeMap::new();
        for (at, identifier) in keys.iter().enumerate() {
            if self.ids.get(self.tx, *identifier)?.void {
                continue;
            }
            for (with, partner) in keys.iter().enumerate() {
                let kind = ready.evidence[with].kind;
                if with == at || self.definitions.rules.kind(kind).role != Role::Person {
                    continue;
                }
                let sight = self.pairs.see(self.tx, *identifier, (*partner, kind), &ready.key)?;
                if sight == Sight::New {
                    met.grown.insert((*identifier, kind));
                }
                let is_person = ready.evidence[at].role(&self.definitions.rules) == Role::Person;
                if sight != Sight::Known && is_person {
                    links.insert((at.min(with), at.max(with)), sight);
                }
            }
        }
        // Stronger pairs first.
        for ((stronger, weaker), sight) in links {
            let (one, other) = (keys[stronger], keys[weaker]);
            if sight == Sight::Earlier || !self.join_in_place(one, other, &ready.key)? {
                met.linked.extend([one, other]);
            }
            for end in [one, other] {
                self.ids.linked(self.tx, end, &ready.key)?;
            }
        }
        Ok(())
    }

    /// Identifiers that met more partners of one kind than a person has.
    fn find_void(&mut self, grown: &BTreeSet<(IdentifierKey, KindIndex)>) -> Result<BTreeSet<IdentifierKey>> {
        let mut void = BTreeSet::new();
        for (identifier, kind) in grown {
            let own_kind = self.ids.get(self.tx, *identifier)?.usable.kind;
            if self.definitions.rules.kind(own_kind).is_plural()
                && links::partners_of_kind(self.tx, *identifier, *kind)?
                    > self.definitions.rules.most_partners(own_kind)
            {
                void.insert(*identifier);
            }
        }
        Ok(void)
    }

    /// Takes an identifier out of the evidence; its former partners are to be regrouped.
    fn void(&mut self, identifier: IdentifierKey) -> Result<Vec<IdentifierKey>> {
        let known = self.ids.get(self.tx, identifier)?;
        let is_person = self.definitions.rules.kind(known.usable.kind).role == Role::Person;
        if let Some(root) = known.root {
            self.roots_of_void.insert(identifier, root);
        }
        self.ids.set_void(self.tx, identifier)?;
        regroup::forget_refusals(self.tx, identifier)?;
        if !is_person {
            self.devices_decided.insert(identifier);
            self.changes.refold(identifier);
            self.disturb_owners(identifier)?;
            return Ok(Vec::new());
        }
        let mut partners: Vec<_> =
            links::partners(self.tx, identifier)?.into_iter().map(|(partner, _)| partner).collect();
        if self.any_decided {
            partners.extend(self.decided_with(identifier)?);
        }
        Ok(partners)
    }

    /// Moves the stored events of a void identifier to their next anchors.
    fn give_up_events(&mut self, identifier: IdentifierKey) -> Result<()> {
        for row in timeline::take_all(self.tx, identifier)? {
            let keys = self.keys_of(&row.read(self.definitions)?.touchpoint)?;
            for (device, _) in self.devices(&keys)? {
                self.claims.remove(self.tx, device, &row.event)?;
                self.disturb_owners(device)?;
            }
            let Some(anchor) = self.anchor(&keys)? else { continue };
            let stored = Stored { anchor, event: row.event.as_bytes(), position: row.position, json: &row.json };
            timeline::insert_all(self.tx, &[stored])?;
            for device in self.claimed(anchor, &keys)? {
                self.claim(device, Claim { event: row.event.clone(), by: anchor })?;
            }
            for (device, _) in self.devices(&keys)? {
                self.disturb_owners(device)?;
            }
            let owner = self.customer_of(anchor, &row.event)?;
            self.changes.refold(owner);
        }
        claims::forget_claimant(self.tx, identifier)
    }

    fn keys_of(&mut self, touchpoint: &Touchpoint) -> Result<Vec<IdentifierKey>> {
        let mut keys = Vec::new();
        for usable in evidence(touchpoint, &self.definitions.rules) {
            keys.extend(self.ids.find(self.tx, &usable)?);
        }
        Ok(keys)
    }

    /// An event's strongest identifier that is not void.
    fn anchor(&mut self, keys: &[IdentifierKey]) -> Result<Option<IdentifierKey>> {
        for key in keys {
            if !self.ids.get(self.tx, *key)?.void {
                return Ok(Some(*key));
            }
        }
        Ok(None)
    }

    /// The devices among an event's identifiers, and whether each is void.
    fn devices(&mut self, keys: &[IdentifierKey]) -> Result<Vec<(IdentifierKey, bool)>> {
        let mut devices = Vec::new();
        for key in keys {
            let known = self.ids.get(self.tx, *key)?;
            if self.definitions.rules.kind(known.usable.kind).role == Role::Device {
                devices.push((*key, known.void));
            }
        }
        Ok(devices)
    }

    /// The devices that an event claims: every one in it, if the anchor is a person.
    fn claimed(&mut self, anchor: IdentifierKey, keys: &[IdentifierKey]) -> Result<Vec<IdentifierKey>> {
        if self.ids.get(self.tx, anchor)?.root.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.devices(keys)?.into_iter().filter(|(_, void)| !void).map(|(device, _)| device).collect())
    }

    fn claim(&mut self, device: IdentifierKey, claim: StoredClaim) -> Result<()> {
        let Claim { event, by: anchor } = &claim;
        let Some(root) = self.ids.get(self.tx, *anchor)?.root else { return Ok(()) };
        if self.is_barred(device, *anchor)? {
            return self.claims.insert(self.tx, device, claim, (true, true));
        }
        let before = self.claims.before(self.tx, device, event)?;
        let next = self.claims.after(self.tx, device, event)?;
        let is_own = |claim: &StoredClaim| claim.by == *anchor && claim.event != OrderKey::MIN;
        let is_neighbour = [&before, &next].into_iter().flatten().any(is_own);
        let is_first = !is_neighbour && !claims::exists(self.tx, *anchor, device)?;
        if is_first {
            self.changes.regrouped.insert(root);
        }
        self.hand_over(device, root, event, before.as_ref(), next.as_ref())?;
        self.claims.insert(self.tx, device, claim, (false, is_first))
    }

    /// Stored events of a device that a new claim takes: from the claim before it what leads up to it and follows, and from
    /// the next claim what is nearer to the new one now.
    fn hand_over(
        &mut self,
        device: IdentifierKey,
        to: IdentifierKey,
        event: &OrderKey,
        before: Option<&StoredClaim>,
        next: Option<&StoredClaim>,
    ) -> Result<()> {
        let visit = self.definitions.rules.visit;
        let begins = before.map_or(OrderKey::MIN, |before| visit.handover(&before.event, event));
        let ends = next.map(|next| visit.handover(event, &next.event));
        match (before, next) {
            (Some(before), Some(next)) => {
                let until_now = visit.handover(&before.event, &next.event);
                self.take(device, Some(before.by), to, &begins, Some(&until_now))?;
                self.take(device, Some(next.by), to, &until_now, ends.as_ref())
            }
            (before, next) => self.take(device, before.or(next).map(|claim| claim.by), to, &begins, ends.as_ref()),
        }
    }

    /// Stored events of a device from here until there pass from an anchor's customer, or the device itself, to another.
    fn take(
        &mut self,
        device: IdentifierKey,
        from: Option<IdentifierKey>,
        to: IdentifierKey,
        begins: &OrderKey,
        ends: Option<&OrderKey>,
    ) -> Result<()> {
        let from = match from {
            Some(anchor) => self.ids.get(self.tx, anchor)?.root.unwrap_or(device),
            None => device,
        };
        if from == to {
            return Ok(());
        }
        if let Some(first) = timeline::first(self.tx, device, begins, ends)? {
            self.changes.refold_from(from, &first);
            self.changes.refold_from(to, &first);
        }
        Ok(())
    }

    /// Everyone who has a part of this device's time, as it stands.
    pub(crate) fn disturb_owners(&mut self, device: IdentifierKey) -> Result<()> {
        let claimants = claims::claimants(self.tx, device)?;
        self.disturb(&claimants)?;
        self.changes.refold(device);
        Ok(())
    }

    pub(crate) fn disturb(&mut self, anchors: &[IdentifierKey]) -> Result<()> {
        for anchor in anchors {
            if let Some(root) = self.ids.get(self.tx, *anchor)?.root {
                self.changes.refold(root);
                self.changes.regrouped.insert(root);
            }
        }
        Ok(())
    }

    /// The customer that an anchor's event belongs to.
    fn customer_of(&mut self, anchor: IdentifierKey, event: &OrderKey) -> Result<IdentifierKey> {
        customer_of(self.tx, self.ids, self.claims, self.definitions.rules.visit, anchor, event)
    }
}

/// The customer that an anchor's event belongs to: the person's, or whose the device was at that event.
pub(crate) fn customer_of(
    tx: &Transaction<'_>,
    ids: &mut Identifiers,
    claims: &mut Claims,
    visit: Visit,
    anchor: IdentifierKey,
    event: &OrderKey,
) -> Result<IdentifierKey> {
    if let Some(root) = ids.get(tx, anchor)?.root {
        return Ok(root);
    }
    let before = claims.before(tx, anchor, event)?;
    let next = claims.after(tx, anchor, event)?;
    match owner_at(event, before.as_ref(), next.as_ref(), visit) {
        Some(owner) => Ok(ids.get(tx, *owner)?.root.unwrap_or(anchor)),
        None => Ok(anchor),
    }
}
