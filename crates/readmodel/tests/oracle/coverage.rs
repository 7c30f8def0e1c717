//! What the cases contained: a property that never met a refused link says nothing about refused links.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rapport_customer::identity::Usable;
use rapport_customer::{FactKey, FactKind};

use crate::naive::{Customer, Naive};
use crate::support::property::is_long;

macro_rules! kinds {
    ($($kind:ident $least:literal $text:literal,)*) => {
        /// Something that a case can contain.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($kind),* }

        /// Each kind with the least share of the cases that must contain it, in percent, and what it is.
        const KINDS: &[(Kind, usize, &str)] = &[$((Kind::$kind, $least, $text)),*];
    };
}

kinds! {
    Duplicate 30 "an event came again",
    StampedAgain 4 "an event without a time came again at another time",
    Conflict 20 "another body under a known name",
    Unreadable 20 "a record that cannot be read",
    OfNobody 30 "an event that names nobody",
    SameMoment 30 "events of one moment came in another order",
    RefusedLink 20 "a link was refused",
    VoidPerson 4 "a person identifier is void",
    VoidDevice 10 "a device is void",
    BecameVoid 6 "an identifier with events became void",
    OlderLink 4 "a link turned out to be older",
    Merged 15 "a merge by hand holds",
    RefusedMerge 2 "a merge by hand was refused",
    KeptApart 10 "a split by hand holds",
    Cancelled 3 "a decision is cancelled by a later one",
    Given 3 "a device is somebody's by hand",
    Joined 10 "two customers became one",
    Parted 4 "one customer became two",
    SeveralOwners 20 "a device had several owners",
    HandedOver 15 "events of a device went to another customer",
    BeforeSignIn 15 "a visit was theirs who signed in at its end",
    VisitMoved 3 "a visit turned out to be another's, not theirs who signed in at its end",
    SharedInBatch 7 "a device was claimed by two customers in one batch",
    Late 25 "an event was late",
    LateAcrossStage 20 "an event was late, and a change of stage was known after it",
    AnswerReplaced 15 "an answer was replaced",
    OpenedAgain 4 "what had been replaced or answered no longer was",
    SilenceFallen 30 "silence fell",
    SilenceTakenBack 15 "what silence had changed was taken back",
    FromSnapshot 7 "a timeline was folded anew from a snapshot",
    Remembered 60 "what was said of a customer was still true after other changes",
    Reopened 10 "the file was closed and opened again",
    CrashBetween 8 "a crash after a commit",
    CrashInside 10 "a crash inside a commit, or before it was on the disk",
    Failed 10 "a batch failed and was tried again",
    Raced 10 "another writer was first",
    Redefined 5 "the definitions changed",
}

/// New cases below which nothing can be said of rare kinds.
const ENOUGH_CASES: usize = 300;

#[derive(Default)]
pub struct Coverage {
    cases: usize,
    counts: BTreeMap<Kind, usize>,
}

impl Coverage {
    pub fn add(&mut self, kinds: &BTreeSet<Kind>) {
        self.cases += 1;
        for kind in kinds {
            *self.counts.entry(*kind).or_default() += 1;
        }
    }

    /// Fails if a kind is too rare.
    pub fn assert(&self) {
        let is_rare = |(kind, least, _): &&(Kind, usize, &str)| self.count(*kind) * 100 < least * self.cases;
        let rare: Vec<&str> = KINDS.iter().filter(is_rare).map(|(_, _, text)| *text).collect();
        let are_enough = !is_long() || self.cases >= ENOUGH_CASES;
        assert!(!are_enough || rare.is_empty(), "too few cases in which {}\n{self}", rare.join(", "));
    }

    fn count(&self, kind: Kind) -> usize {
        self.counts.get(&kind).copied().unwrap_or_default()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cases, of which in", self.cases)?;
        for (kind, least, text) in KINDS {
            let share = 100.0 * self.count(*kind) as f64 / self.cases.max(1) as f64;
            writeln!(f, "{share:5.1} %  {text} (at least {least} %)")?;
        }
        Ok(())
    }
}

/// What there is in a world as it stands.
pub fn of_world(naive: &Naive, kinds: &mut BTreeSet<Kind>) {
    let who = &naive.who;
    let mut note = |kind, holds: bool| holds.then(|| kinds.insert(kind));
    note(Kind::Duplicate, naive.duplicates > 0);
    note(Kind::StampedAgain, naive.restamped > 0);
    note(Kind::Conflict, naive.conflicts > 0);
    note(Kind::Unreadable, naive.unreadable > 0);
    note(Kind::OfNobody, who.events.iter().any(|seen| who.anchor(seen).is_none()));
    note(
        Kind::SameMoment,
        who.events.windows(2).any(|pair| {
            let time = |at: usize| pair[at].event.touchpoint.order.time;
            time(0) == time(1) && pair[0].position > pair[1].position
        }),
    );
    note(Kind::RefusedLink, !who.refused.is_empty());
    note(Kind::Merged, !who.decisions.merges.is_empty());
    note(Kind::RefusedMerge, who.refused_merges > 0);
    note(Kind::KeptApart, who.decisions.splits.iter().any(|split| !split.left.is_empty()));
    note(Kind::Cancelled, who.decisions.cancelled > 0);
    let mut decided = who.decisions.merges.iter().flat_map(|merge| merge.left.iter().chain(&merge.right));
    note(Kind::Given, decided.any(|one| who.given(one).is_some()));
    note(Kind::VoidPerson, who.void.iter().any(|void| who.is_person(void)));
    note(Kind::VoidDevice, who.void.iter().any(|void| !who.is_person(void)));
    let owners = |device: &Usable| -> BTreeSet<Usable> {
        let claimants = who.events.iter().filter_map(|seen| who.claimant(seen, device));
        claimants.map(|person| who.group_of(&person)).collect()
    };
    let mut devices = who.events.iter().flat_map(|seen| &seen.named).filter(|named| who.is_device(named));
    note(Kind::SeveralOwners, devices.any(|device| owners(device).len() > 1));
    note(Kind::BeforeSignIn, (0..who.events.len()).any(|at| who.leads_up_to_a_claim(at)));
    let replaced = |customer: &Customer| {
        customer.facts.iter().any(|((kind, _), (_, by))| *kind == FactKind::Response && by.is_some())
    };
    note(Kind::AnswerReplaced, naive.customers.values().any(replaced));
}

/// What a batch changed in a world. What is after it has all that was before.
pub fn of_batch(before: &Naive, after: &Naive, kinds: &mut BTreeSet<Kind>) {
    let mut note = |kind, holds: bool| holds.then(|| kinds.insert(kind));
    let last_position = before.who.events.iter().map(|seen| seen.position).max().unwrap_or_default();
    let new: Vec<usize> =
        (0..after.who.events.len()).filter(|at| after.who.events[*at].position > last_position).collect();

    let anchors = before.who.events.iter().filter_map(|seen| before.who.anchor(seen));
    note(Kind::BecameVoid, anchors.into_iter().any(|anchor| after.who.void.contains(&anchor)));
    let first_of = |naive: &Naive, link: &(Usable, Usable)| {
        let has_both = |at: &usize| [&link.0, &link.1].iter().all(|end| naive.who.events[*at].named.contains(end));
        (0..naive.who.events.len()).find(has_both).map(|at| naive.key(at))
    };
    let known = before.who.links();
    note(Kind::OlderLink, known.iter().any(|link| first_of(after, link) < first_of(before, link)));
    let now = |customer: &Usable, customer_before: &Customer| -> BTreeSet<Option<Usable>> {
        let persons = before.who.groups.iter().find(|group| group.contains(customer)).into_iter().flatten();
        let live = persons.filter(|person| !after.who.void.contains(person) && !customer_before.timeline.is_empty());
        live.map(|person| after.who.called(person)).collect()
    };
    let heirs: Vec<_> = before.customers.iter().map(|(customer, known)| now(customer, known)).collect();
    note(Kind::Parted, heirs.iter().any(|heirs| heirs.len() > 1));
    let one: Vec<_> = heirs.iter().flatten().collect();
    note(Kind::Joined, one.iter().enumerate().any(|(at, heir)| one[at + 1..].contains(heir)));

    // Of whom the event was, by a person of the customer.
    let owner = |naive: &Naive, position: u64| {
        let at = naive.who.events.iter().position(|seen| seen.position == position)?;
        let anchor = naive.who.anchor(&naive.who.events[at])?;
        (!naive.who.is_person(&anchor)).then(|| naive.who.customer_of(at)).flatten()
    };
    let is_handed_over = |at: &usize| {
        let position = before.who.events[*at].position;
        owner(before, position).zip(owner(after, position)).is_some_and(|(then, now)| {
            let then = if before.who.is_person(&then) { after.who.called(&then) } else { Some(then) };
            then.is_some_and(|then| then != now)
        })
    };
    let handed_over: Vec<usize> = (0..before.who.events.len()).filter(is_handed_over).collect();
    note(Kind::HandedOver, !handed_over.is_empty());
    note(Kind::VisitMoved, handed_over.iter().any(|at| before.who.leads_up_to_a_claim(*at)));
    let claims = |device: &Usable| -> BTreeSet<Usable> {
        let claimants = new.iter().filter_map(|at| after.who.claimant(&after.who.events[*at], device));
        claimants.map(|person| after.who.group_of(&person)).collect()
    };
    let mut devices = new.iter().flat_map(|at| &after.who.events[*at].named).filter(|one| after.who.is_device(one));
    note(Kind::SharedInBatch, devices.any(|device| claims(device).len() > 1));

    for at in &new {
        let Some(customer) = after.who.customer_of(*at) else { continue };
        let Some((_, known)) = before.customer(&customer) else { continue };
        let key = after.key(*at);
        note(Kind::Late, known.timeline.last().is_some_and(|last| before.key(*last) > key));
        let by_event = |(kind, place): &(FactKind, FactKey)| {
            *kind == FactKind::Transition && place.event > key && place.event.source_and_id().is_some()
        };
        note(Kind::LateAcrossStage, known.facts.keys().any(by_event));
    }
    for (customer, known) in &before.customers {
        let Some((_, now)) = after.customer(customer) else { continue };
        let taken_back = |place: &(FactKind, FactKey)| {
            let is_silence = place.0 == FactKind::Transition && place.1.event.source_and_id().is_none();
            is_silence && !now.facts.contains_key(place)
        };
        note(Kind::SilenceTakenBack, known.facts.keys().any(taken_back));
    }
    let places = |naive: &Naive, closed: bool| -> BTreeSet<(FactKind, FactKey)> {
        let facts = naive.customers.values().flat_map(|customer| &customer.facts);
        facts.filter(|(_, (_, by))| by.is_some() == closed).map(|(place, _)| place.clone()).collect()
    };
    note(Kind::OpenedAgain, !places(before, true).is_disjoint(&places(after, false)));
}
