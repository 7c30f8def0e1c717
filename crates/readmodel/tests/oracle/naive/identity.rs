//! Who, in the plainest words: every question looks at all events again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rapport_customer::identity::{Identity, Role, Rules, Usable};
use rapport_touchpoint::{Decision, Event, Identifier};

use super::decisions::{self, Decisions, Merge};

/// A distinct event and whom it names, strongest first.
pub struct Seen {
    pub event: Rc<Event>,
    /// Where it was first on the log.
    pub position: u64,
    pub named: Vec<Usable>,
}

fn moment(seen: &Seen) -> i64 {
    seen.event.touchpoint.order.time.nanos()
}

/// The usable ones of some identifiers, each once, strongest first.
pub fn named(identifiers: &[Identifier], rules: &Rules) -> Vec<Usable> {
    let usable: BTreeSet<Usable> = identifiers.iter().filter_map(|identifier| Usable::of(identifier, rules)).collect();
    usable.into_iter().collect()
}

/// The rules of identity over all events.
#[derive(Default)]
pub struct Who {
    /// In the order of events.
    pub events: Vec<Seen>,
    rules: Rules,
    pub void: BTreeSet<Usable>,
    /// The person identifiers of each customer.
    pub groups: Vec<BTreeSet<Usable>>,
    /// Links that would have broken a limit, the stronger first.
    pub refused: Vec<(Usable, Usable)>,
    /// Those that hold; of the merges, those that are not refused.
    pub decisions: Decisions,
    pub refused_merges: usize,
}

impl Who {
    pub fn of(events: Vec<Seen>, decisions: Vec<Rc<Decision>>, rules: Rules) -> Self {
        let decisions = decisions::that_hold(&decisions, &rules);
        let mut who = Self { events, rules, decisions, ..Self::default() };
        who.void = who.too_sociable();
        let mut persons: BTreeSet<Usable> = who.events.iter().flat_map(|seen| who.persons(seen)).collect();
        let decided = who.decisions.merges.iter().flat_map(|merge| merge.left.iter().chain(&merge.right));
        persons.extend(decided.filter(|one| who.is_person(one) && !who.void.contains(one)).cloned());
        who.groups = persons.into_iter().map(|person| BTreeSet::from([person])).collect();
        let merges = std::mem::take(&mut who.decisions.merges);
        let in_all = merges.len();
        who.decisions.merges = merges.into_iter().filter(|merge| who.merge(merge)).collect();
        who.refused_merges = in_all - who.decisions.merges.len();
        for (stronger, weaker) in who.links() {
            if !who.join(&[stronger.clone(), weaker.clone()], false) {
                who.refused.push((stronger, weaker));
            }
        }
        who
    }

    /// To whom the event at this place belongs: a customer's first identifier by strength, or a device that is nobody's.
    pub fn customer_of(&self, at: usize) -> Option<Usable> {
        let anchor = self.anchor(&self.events[at])?;
        if self.is_person(&anchor) {
            return Some(self.group_of(&anchor));
        }
        Some(self.owner(&anchor, at).map_or(anchor, |person| self.group_of(&person)))
    }

    /// Who has this name now: a person's is the customer's who has it, a device's that of the last claim.
    pub fn called(&self, name: &Usable) -> Option<Usable> {
        if self.void.contains(name) {
            return None;
        }
        if self.is_person(name) {
            return self.groups.iter().find(|group| group.contains(name))?.first().cloned();
        }
        let last = self.events.iter().rev().find_map(|seen| self.claimant(seen, name)).or_else(|| self.given(name));
        Some(last.map_or_else(|| name.clone(), |person| self.group_of(&person)))
    }

    /// The identifier that the customer's id is made of: the one with the first event, there the strongest.
    pub fn oldest(&self, customer: &Usable) -> Usable {
        if !self.is_person(customer) {
            return customer.clone();
        }
        let group = self.groups.iter().find(|group| group.contains(customer)).unwrap();
        let named = self.events.iter().flat_map(|seen| &seen.named).find(|named| group.contains(named));
        named.or(group.first()).unwrap().clone()
    }

    /// All that names a customer, and the devices it claimed.
    pub fn identity_of(&self, customer: &Usable) -> Identity {
        let named = |usable: &Usable| usable.to_identifier(&self.rules);
        if !self.is_person(customer) {
            return Identity::new(Vec::new(), vec![named(customer)]);
        }
        let group = self.groups.iter().find(|group| group.contains(customer)).unwrap();
        let theirs = |person: Option<Usable>| person.is_some_and(|person| group.contains(&person));
        let mut devices: BTreeSet<&Usable> = BTreeSet::new();
        for seen in &self.events {
            let claimed = seen.named.iter().filter(|one| self.is_device(one) && theirs(self.claimant(seen, one)));
            devices.extend(claimed);
        }
        let decided = self.decisions.merges.iter().flat_map(|merge| merge.left.iter().chain(&merge.right));
        devices.extend(decided.filter(|one| self.is_device(one) && theirs(self.given(one))));
        Identity::new(group.iter().map(named).collect(), devices.into_iter().map(named).collect())
    }

    /// An event's strongest identifier that is not void.
    pub fn anchor(&self, seen: &Seen) -> Option<Usable> {
        seen.named.iter().find(|usable| !self.void.contains(usable)).cloned()
    }

    pub fn is_person(&self, usable: &Usable) -> bool {
        usable.role(&self.rules) == Role::Person
    }

    /// Is it a device that is not void?
    pub fn is_device(&self, usable: &Usable) -> bool {
        !self.is_person(usable) && !self.void.contains(usable)
    }

    /// The persons of an event that are not void.
    pub fn persons(&self, seen: &Seen) -> Vec<Usable> {
        seen.named.iter().filter(|usable| self.is_person(usable) && !self.void.contains(usable)).cloned().collect()
    }

    /// Identifiers with too many different partners of one kind, if a customer may have several such identifiers.
    fn too_sociable(&self) -> BTreeSet<Usable> {
        let mut partners: BTreeMap<(&Usable, u8), BTreeSet<&Usable>> = BTreeMap::new();
        for seen in &self.events {
            for one in &seen.named {
                for other in seen.named.iter().filter(|other| self.is_person(other) && *other != one) {
                    partners.entry((one, other.kind.0)).or_default().insert(other);
                }
            }
        }
        let is_plural = |usable: &Usable| self.rules.kind(usable.kind).is_plural();
        let most = |usable: &Usable| self.rules.most_partners(usable.kind) as usize;
        let many = partners.iter().filter(|((usable, _), met)| is_plural(usable) && met.len() > most(usable));
        many.map(|((usable, _), _)| (*usable).clone()).collect()
    }

    /// Every pair of persons once, in the order of their first event and there the strongest first.
    pub fn links(&self) -> Vec<(Usable, Usable)> {
        let mut links = Vec::new();
        for seen in &self.events {
            let persons = self.persons(seen);
            for (at, stronger) in persons.iter().enumerate() {
                for weaker in &persons[at + 1..] {
                    let link = (stronger.clone(), weaker.clone());
                    if !links.contains(&link) {
                        links.push(link);
                    }
                }
            }
        }
        links
    }

    /// `false` if it is refused.
    fn merge(&mut self, merge: &Merge) -> bool {
        let named = merge.left.iter().chain(&merge.right);
        let persons: Vec<Usable> =
            named.filter(|one| self.is_person(one) && !self.void.contains(one)).cloned().collect();
        self.join(&persons, merge.forced)
    }

    /// Makes these one group, unless that is refused.
    fn join(&mut self, persons: &[Usable], forced: bool) -> bool {
        let has_any = |group: &&BTreeSet<Usable>| persons.iter().any(|person| group.contains(person));
        let joined: Vec<BTreeSet<Usable>> = self.groups.iter().filter(has_any).cloned().collect();
        if joined.len() < 2 {
            return true;
        }
        let meets = |group: &BTreeSet<Usable>, side: &[Usable]| side.iter().any(|one| group.contains(one));
        let parts = |one: &BTreeSet<Usable>, other: &BTreeSet<Usable>| {
            self.decisions.splits.iter().any(|split| meets(one, &split.left) && meets(other, &split.right))
        };
        let pairs = || (0..joined.len()).flat_map(|one| (0..joined.len()).map(move |other| (one, other)));
        if pairs().any(|(one, other)| one != other && parts(&joined[one], &joined[other])) {
            return false;
        }
        let all: BTreeSet<Usable> = joined.iter().flatten().cloned().collect();
        let of_kind = |group: &BTreeSet<Usable>, kind| group.iter().filter(|usable| usable.kind == kind).count();
        let too_many = self.rules.kinds().any(|(kind, rule)| {
            of_kind(&all, kind) > rule.most as usize
                && joined.iter().filter(|group| of_kind(group, kind) > 0).count() > 1
        });
        if !forced && (too_many || all.len() > self.rules.most_persons as usize) {
            return false;
        }
        self.groups.retain(|group| !joined.contains(group));
        self.groups.push(all);
        true
    }

    /// To whom merges give a device until somebody claims it.
    pub fn given(&self, device: &Usable) -> Option<Usable> {
        let mut given = None;
        for Merge { left, right, .. } in &self.decisions.merges {
            let others = match (left.contains(device), right.contains(device)) {
                (true, _) => right,
                (false, true) => left,
                (false, false) => continue,
            };
            let persons = others.iter().filter(|one| self.is_person(one) && !self.void.contains(one));
            given = persons.min().filter(|person| !self.is_barred(device, person)).cloned().or(given);
        }
        given.filter(|_| self.is_device(device))
    }

    /// Does a split keep a device from this person's customer?
    fn is_barred(&self, device: &Usable, person: &Usable) -> bool {
        let group = self.groups.iter().find(|group| group.contains(person)).unwrap();
        self.decisions.splits.iter().any(|split| {
            let bars = |ours: &[Usable], others: &[Usable]| {
                ours.contains(device) && others.iter().any(|one| group.contains(one))
            };
            bars(&split.left, &split.right) || bars(&split.right, &split.left)
        })
    }

    pub fn group_of(&self, person: &Usable) -> Usable {
        self.groups.iter().find(|group| group.contains(person)).unwrap().first().unwrap().clone()
    }

    /// Who has the device at this event: who claimed it last, or got it by hand; but if who claims it next is nearer in
    /// time and comes within the length of a visit, they have it. Before all claims the first one's.
    fn owner(&self, device: &Usable, at: usize) -> Option<Usable> {
        let next = self.events[at..].iter().find_map(|seen| self.claim(seen, device));
        let now = moment(&self.events[at]);
        match (self.last_claim(device, at), next) {
            (Some((last, then)), Some((next, later))) => {
                let is_theirs = later - now < now - then && later - now < self.rules.visit.nanos;
                Some(if is_theirs { next } else { last })
            }
            (last, next) => last.or(next).map(|(person, _)| person),
        }
    }

    fn last_claim(&self, device: &Usable, at: usize) -> Option<(Usable, i64)> {
        let last = self.events[..=at].iter().rev().find_map(|seen| self.claim(seen, device));
        last.or_else(|| self.given(device).map(|person| (person, 0)))
    }

    fn claim(&self, seen: &Seen, device: &Usable) -> Option<(Usable, i64)> {
        self.claimant(seen, device).map(|person| (person, moment(seen)))
    }

    /// Is the event on a device that somebody claimed before, and is theirs who claims it next?
    pub fn leads_up_to_a_claim(&self, at: usize) -> bool {
        let device = self.anchor(&self.events[at]).filter(|anchor| !self.is_person(anchor));
        let last = device.and_then(|device| self.last_claim(&device, at));
        last.is_some_and(|(last, _)| self.customer_of(at) != Some(self.group_of(&last)))
    }

    /// Who claims the device in this event.
    pub fn claimant(&self, seen: &Seen, device: &Usable) -> Option<Usable> {
        let person = self.anchor(seen).filter(|anchor| self.is_person(anchor) && seen.named.contains(device))?;
        (!self.is_barred(device, &person)).then_some(person)
    }
}
