//! The read model's customers held against the people: pairs of events by contingency, and what the wrong ones come from.

use std::collections::{BTreeMap, BTreeSet};

use super::folded::Folded;
use super::life::{Touch, Trouble};

/// What a wrong or a missing pair comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    SharedDevice,
    NeverIdentified,
    NeverLinked,
    Typo,
    TypoOfAnother,
    Office,
    Placeholder,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Self::SharedDevice => "not signed in on a shared device",
            Self::NeverIdentified => "on a device on which nobody ever said who they are",
            Self::NeverLinked => "known by what never stood beside the rest",
            Self::Typo => "an address or number typed wrong, nobody's",
            Self::TypoOfAnother => "an address or number typed wrong, another's",
            Self::Office => "a company's own address or number",
            Self::Placeholder => "a placeholder in the place of a value",
        }
    }
}

/// Pairs of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pairs {
    pub of_one_customer: u64,
    pub of_one_person: u64,
    pub of_both: u64,
}

impl Pairs {
    /// Of the pairs that are taken for one person's, those that are.
    pub fn precision(&self) -> f64 {
        ratio(self.of_both, self.of_one_customer)
    }

    /// Of the pairs that are one person's, those that are taken for it.
    pub fn recall(&self) -> f64 {
        ratio(self.of_both, self.of_one_person)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[derive(Debug, Default)]
pub struct Assessment {
    pub all: Pairs,
    pub identified: Pairs,
    /// Twice the pairs: one that two events share the blame for counts once for each.
    pub wrong_twice: BTreeMap<Cause, u64>,
    pub missing_twice: BTreeMap<Cause, u64>,
}

/// Where an event is: with a customer, or by itself if it is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Customer(u32),
    Alone(usize),
}

/// How many events of each person are with each customer.
struct Contingency {
    by_customer: BTreeMap<Place, BTreeMap<usize, u64>>,
    by_person: BTreeMap<usize, BTreeMap<Place, u64>>,
}

impl Contingency {
    fn new(touches: &[Touch], folded: &Folded, counts: impl Fn(usize) -> bool) -> Self {
        let mut found = Self { by_customer: BTreeMap::new(), by_person: BTreeMap::new() };
        for (at, touch) in touches.iter().enumerate().filter(|(at, _)| counts(*at)) {
            let place = place_of(folded, at);
            *found.by_customer.entry(place).or_default().entry(touch.person).or_default() += 1;
            *found.by_person.entry(touch.person).or_default().entry(place).or_default() += 1;
        }
        found
    }

    fn pairs(&self) -> Pairs {
        let of = |count: u64| count * count.saturating_sub(1) / 2;
        let in_all = |counts: Vec<u64>| of(counts.into_iter().sum());
        Pairs {
            of_one_customer: self.by_customer.values().map(|people| in_all(people.values().copied().collect())).sum(),
            of_one_person: self.by_person.values().map(|places| in_all(places.values().copied().collect())).sum(),
            of_both: self.by_customer.values().flat_map(BTreeMap::values).map(|count| of(*count)).sum(),
        }
    }
}

fn place_of(folded: &Folded, at: usize) -> Place {
    folded.customers[at].map_or(Place::Alone(at), Place::Customer)
}

pub fn assess(touches: &[Touch], folded: &Folded) -> Assessment {
    let all = Contingency::new(touches, folded, |_| true);
    let identified = Contingency::new(touches, folded, |at| folded.names_person[at]);
    let mut assessment = Assessment { all: all.pairs(), identified: identified.pairs(), ..Assessment::default() };
    let blame = Blame::new(touches, folded, &all);
    for (at, touch) in touches.iter().enumerate() {
        let place = place_of(folded, at);
        let people = &all.by_customer[&place];
        let wrong = blame.share(people, touch.person, blame.owner[&place]);
        if wrong > 0 {
            *assessment.wrong_twice.entry(blame.of_wrong(at)).or_default() += wrong;
        }
        let places = &all.by_person[&touch.person];
        let missing = blame.share(places, place, blame.home[&touch.person]);
        if missing > 0 {
            *assessment.missing_twice.entry(blame.of_missing(at)).or_default() += missing;
        }
    }
    assessment
}

/// Who is to blame: of a customer with several people, those who are not the most; of a person with several customers,
/// the events that are not with the one that has most of them.
struct Blame<'a> {
    touches: &'a [Touch],
    folded: &'a Folded,
    owner: BTreeMap<Place, usize>,
    home: BTreeMap<usize, Place>,
    /// What troubles there are with each customer.
    troubles: BTreeMap<Place, BTreeSet<Trouble>>,
    /// Customers of whom some event names a person.
    identified: BTreeSet<Place>,
}

impl<'a> Blame<'a> {
    fn new(touches: &'a [Touch], folded: &'a Folded, all: &Contingency) -> Self {
        let owner = all.by_customer.iter().map(|(place, people)| (*place, largest(people))).collect();
        let home = all.by_person.iter().map(|(person, places)| (*person, largest(places))).collect();
        let mut troubles: BTreeMap<Place, BTreeSet<Trouble>> = BTreeMap::new();
        let mut identified = BTreeSet::new();
        for (at, touch) in touches.iter().enumerate() {
            let place = place_of(folded, at);
            troubles.entry(place).or_default().insert(touch.trouble);
            if folded.names_person[at] {
                identified.insert(place);
            }
        }
        Self { touches, folded, owner, home, troubles, identified }
    }

    /// Twice the pairs that one event of a part answers for: whole with the largest part, half with the others.
    fn share<Part: Ord>(&self, parts: &BTreeMap<Part, u64>, own: Part, largest: Part) -> u64 {
        if own == largest {
            return 0;
        }
        let in_all: u64 = parts.values().sum();
        in_all - parts[&own] + parts[&largest]
    }

    fn of_wrong(&self, at: usize) -> Cause {
        let is_anonymous = !self.folded.names_person[at];
        match self.own(at) {
            Some(own) => own,
            None if is_anonymous && self.touches[at].on_shared_device => Cause::SharedDevice,
            None => self.around(at).unwrap_or(Cause::NeverLinked),
        }
    }

    fn of_missing(&self, at: usize) -> Cause {
        let place = place_of(self.folded, at);
        let is_with_another = self.owner[&place] != self.touches[at].person;
        match self.own(at) {
            Some(own) => own,
            None if is_with_another => self.of_wrong(at),
            None if !self.identified.contains(&place) => Cause::NeverIdentified,
            None => self.around(at).unwrap_or(Cause::NeverLinked),
        }
    }

    /// What troubles the event itself.
    fn own(&self, at: usize) -> Option<Cause> {
        cause(self.touches[at].trouble)
    }

    /// What troubles the customer that it is with; the worst first.
    fn around(&self, at: usize) -> Option<Cause> {
        let around = &self.troubles[&place_of(self.folded, at)];
        [Trouble::TypoOfAnother, Trouble::Office, Trouble::Typo]
            .into_iter()
            .find(|t| around.contains(t))
            .and_then(cause)
    }
}

fn cause(trouble: Trouble) -> Option<Cause> {
    match trouble {
        Trouble::None => None,
        Trouble::Typo => Some(Cause::Typo),
        Trouble::TypoOfAnother => Some(Cause::TypoOfAnother),
        Trouble::Office => Some(Cause::Office),
        Trouble::Placeholder => Some(Cause::Placeholder),
    }
}

/// The part with the most events; of equals the first.
fn largest<Part: Copy + Ord>(parts: &BTreeMap<Part, u64>) -> Part {
    let largest = parts.iter().max_by_key(|(part, count)| (**count, std::cmp::Reverse(**part)));
    *largest.expect("a part has an event").0
}
