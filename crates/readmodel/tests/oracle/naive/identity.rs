//! Who, in the plainest words: every question looks at all events again.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::{Identity, Role, Rules, Usable};
use rapport_touchpoint::{Event, Touchpoint};

/// A distinct event and whom it names, strongest first.
pub struct Seen {
    pub event: Event,
    pub named: Vec<Usable>,
}

/// The usable identifiers of a touchpoint, each once, strongest first.
pub fn named(touchpoint: &Touchpoint, rules: &Rules) -> Vec<Usable> {
    let usable: BTreeSet<Usable> =
        touchpoint.identifiers.iter().filter_map(|identifier| Usable::of(identifier, rules)).collect();
    usable.into_iter().collect()
}

/// The rules of identity over all events, which are in the order of events.
pub struct Who<'a> {
    events: &'a [Seen],
    rules: &'a Rules,
    pub void: BTreeSet<Usable>,
    /// The person identifiers of each customer.
    pub groups: Vec<BTreeSet<Usable>>,
    /// Links that would have broken a limit, the stronger first.
    pub refused: Vec<(Usable, Usable)>,
}

impl<'a> Who<'a> {
    pub fn of(events: &'a [Seen], rules: &'a Rules) -> Self {
        let mut who = Self { events, rules, void: BTreeSet::new(), groups: Vec::new(), refused: Vec::new() };
        who.void = who.too_sociable();
        for seen in events {
            for person in who.persons(seen) {
                if who.groups.iter().all(|group| !group.contains(&person)) {
                    who.groups.push(BTreeSet::from([person]));
                }
            }
        }
        for (stronger, weaker) in who.links() {
            who.join(stronger, weaker);
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

    /// All that names a customer, and the devices it claimed.
    pub fn identity_of(&self, customer: &Usable) -> Identity {
        let named = |usable: &Usable| usable.to_identifier(self.rules);
        if !self.is_person(customer) {
            return Identity::new(Vec::new(), vec![named(customer)]);
        }
        let group = self.groups.iter().find(|group| group.contains(customer)).unwrap();
        let claims = |seen: &&Seen| self.anchor(seen).is_some_and(|anchor| group.contains(&anchor));
        let devices: BTreeSet<&Usable> =
            self.events.iter().filter(claims).flat_map(|seen| &seen.named).filter(|one| self.is_device(one)).collect();
        Identity::new(group.iter().map(named).collect(), devices.into_iter().map(named).collect())
    }

    /// An event's strongest identifier that is not void.
    pub fn anchor(&self, seen: &Seen) -> Option<Usable> {
        seen.named.iter().find(|usable| !self.void.contains(usable)).cloned()
    }

    pub fn is_person(&self, usable: &Usable) -> bool {
        usable.role(self.rules) == Role::Person
    }

    /// Is it a device that is not void?
    pub fn is_device(&self, usable: &Usable) -> bool {
        !self.is_person(usable) && !self.void.contains(usable)
    }

    /// The devices of an event that its anchor claims, and by whom.
    pub fn claims(&self, seen: &Seen) -> Option<(Usable, Vec<Usable>)> {
        let by = self.anchor(seen).filter(|anchor| self.is_person(anchor))?;
        Some((by, seen.named.iter().filter(|one| self.is_device(one)).cloned().collect()))
    }

    /// The persons of an event that are not void.
    fn persons(&self, seen: &Seen) -> Vec<Usable> {
        seen.named.iter().filter(|usable| self.is_person(usable) && !self.void.contains(usable)).cloned().collect()
    }

    /// Identifiers with too many different partners of one kind, if a customer may have several such identifiers.
    fn too_sociable(&self) -> BTreeSet<Usable> {
        let mut partners: BTreeMap<(&Usable, u8), BTreeSet<&Usable>> = BTreeMap::new();
        for seen in self.events {
            for one in &seen.named {
                for other in seen.named.iter().filter(|other| self.is_person(other) && *other != one) {
                    partners.entry((one, other.kind.0)).or_default().insert(other);
                }
            }
        }
        let most = self.rules.most_partners as usize;
        let is_plural = |usable: &Usable| self.rules.kind(usable.kind).is_plural();
        let many = partners.iter().filter(|((usable, _), met)| is_plural(usable) && met.len() > most);
        many.map(|((usable, _), _)| (*usable).clone()).collect()
    }

    /// Every pair of persons once, in the order of their first event and there the strongest first.
    fn links(&self) -> Vec<(Usable, Usable)> {
        let mut links = Vec::new();
        for seen in self.events {
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

    fn join(&mut self, stronger: Usable, weaker: Usable) {
        let left = self.groups.iter().position(|group| group.contains(&stronger)).unwrap();
        let right = self.groups.iter().position(|group| group.contains(&weaker)).unwrap();
        if left == right {
            return;
        }
        let both: BTreeSet<Usable> = self.groups[left].union(&self.groups[right]).cloned().collect();
        let of_kind = |group: &BTreeSet<Usable>, kind| group.iter().filter(|usable| usable.kind == kind).count();
        let too_many = self.rules.kinds().any(|(kind, rule)| {
            of_kind(&both, kind) > rule.most as usize
                && of_kind(&self.groups[left], kind) > 0
                && of_kind(&self.groups[right], kind) > 0
        });
        if too_many || both.len() > self.rules.most_persons as usize {
            self.refused.push((stronger, weaker));
            return;
        }
        self.groups[left] = both;
        self.groups.remove(right);
    }

    fn group_of(&self, person: &Usable) -> Usable {
        self.groups.iter().find(|group| group.contains(person)).unwrap().first().unwrap().clone()
    }

    /// Who has the device at this event: the last claim before, else the first one after.
    fn owner(&self, device: &Usable, at: usize) -> Option<Usable> {
        let by = |seen: &Seen| self.claims(seen).filter(|(_, devices)| devices.contains(device)).map(|(by, _)| by);
        let before = self.events[..=at].iter().rev().find_map(by);
        before.or_else(|| self.events[at..].iter().find_map(by))
    }
}
