//! Why an identifier is on a customer: the links, claims and decisions that brought it there, and what there would be
//! without one of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rapport_customer::identity::{CustomerId, Joint, Usable};
use rapport_touchpoint::{EventName, Identifier, OrderKey};
use rusqlite::Connection;

use super::refused::{Refusal, VoidIdentifier};
use super::{Answer, CustomerName, DecisionEntry, Reader};
use crate::claims::HandOver;
use crate::closure::{Closure, Resolved};
use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::{claims, decisions};

/// Changes of hand that an explanation shows, the newest.
const MOST_HANDS: usize = 50;

/// Evidence, or a decision, that is thought away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    Link(Identifier, Identifier),
    Decision(EventName),
}

/// What an identifier is, now.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Normalised.
    pub identifier: Identifier,
    /// The first event that names it; `None` if only decisions do.
    pub first: Option<OrderKey>,
    /// Why it is nobody's, if it is.
    pub void: Option<VoidIdentifier>,
    /// Whose it is now; `None` if it is void, or nothing has happened to whoever it names.
    pub customer: Option<CustomerId>,
    /// From the identifier to the one that the customer's id is made from.
    pub way: Vec<Step>,
    /// Which step of the way happened last: since then it is this customer's.
    pub since: Option<usize>,
    /// Of a device: into whose hands it passed, the newest last.
    pub hands: Vec<Hand>,
    /// Links of it that were refused.
    pub refused: Vec<Refusal>,
    /// Decisions that name it, in the order of events.
    pub decisions: Vec<DecisionEntry>,
    /// The customers that there would be of all that could be one with it; as asked for.
    pub without: Option<Vec<Vec<Identifier>>>,
}

/// Two identifiers that are one customer's, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub from: Identifier,
    pub to: Identifier,
    pub by: Evidence,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The first event that names both.
    Link(OrderKey),
    /// The event in which the person was seen with the device last.
    Claim(OrderKey),
    /// A merge by hand.
    Decision(OrderKey),
}

impl Evidence {
    /// Where it stands in the order of events.
    pub fn event(&self) -> &OrderKey {
        match self {
            Self::Link(event) | Self::Claim(event) | Self::Decision(event) => event,
        }
    }
}

/// A device was in this person's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// Since then, with the visit that led up to the claim; from the beginning of time without.
    pub since: Option<OrderKey>,
    /// The event in which they claimed it; without, a merge by hand gave it to them.
    pub claim: Option<OrderKey>,
    pub of: Identifier,
    /// Who that is now.
    pub customer: Option<CustomerId>,
}

impl Reader {
    /// Of an id, the identifier that gives it. `None` if nothing ever named it. `without` is thought away for
    /// [`Explanation::without`].
    pub fn explain(&self, name: &CustomerName, without: Option<&Without>) -> Result<Answer<Option<Explanation>>> {
        self.ask(|connection| {
            let rules = &self.shared.definitions.rules;
            let Some(known) = self.named_by(connection, name)? else { return Ok(None) };
            let mut explanation = Explanation {
                identifier: known.usable.to_identifier(rules),
                first: (known.first != OrderKey::beyond()).then(|| known.first.clone()),
                void: None,
                customer: None,
                way: Vec::new(),
                since: None,
                hands: self.hands(connection, known.key)?,
                refused: self.refused_of(connection, &[known.key])?,
                decisions: self.decisions_naming(connection, known.key)?,
                without: None,
            };
            if known.void {
                explanation.void = Some(self.why_void(connection, &known)?);
                return Ok(Some(explanation));
            }
            let mut person = known.clone();
            if known.root.is_none() {
                match claims::last(connection, known.key)? {
                    None => explanation.customer = self.customer_id(connection, known.key)?,
                    Some(claim) => {
                        person = identifiers::by_key(connection, claim.by)?;
                        let by = match decisions::gift(connection, known.key)? {
                            Some(gift) if claim.event == OrderKey::MIN => Evidence::Decision(gift.by),
                            Some(_) | None => Evidence::Claim(claim.event),
                        };
                        let to = person.usable.to_identifier(rules);
                        explanation.way.push(Step { from: explanation.identifier.clone(), to, by });
                    }
                }
            }
            if let Some(root) = person.root {
                let closure = self.closure(connection, person.key)?;
                let resolved = closure.resolve(rules);
                explanation.customer = self.customer_id(connection, root)?;
                let oldest = identifiers::of_customer(connection, root)?[0].key;
                self.find_way(&closure, &resolved, (person.key, oldest), &mut explanation);
                explanation.without = without.map(|without| self.without(connection, closure, without)).transpose()?;
            }
            Ok(Some(explanation))
        })
    }

    pub(super) fn closure(&self, connection: &Connection, person: IdentifierKey) -> Result<Closure> {
        let any = decisions::any(connection)?;
        Closure::load(connection, person, any, |key| identifiers::by_key(connection, key))
    }

    /// `None` if nothing has happened to it.
    pub(super) fn customer_id(&self, connection: &Connection, customer: IdentifierKey) -> Result<Option<CustomerId>> {
        let exists = crate::customers::exists(connection, customer)?;
        exists.then(|| self.id_of(connection, customer)).transpose()
    }

    /// Along what joined customers there is one way from one member to another.
    fn find_way(
        &self,
        closure: &Closure,
        resolved: &Resolved,
        (from, to): (IdentifierKey, IdentifierKey),
        explanation: &mut Explanation,
    ) {
        let rules = &self.shared.definitions.rules;
        let place = |key| closure.members.iter().position(|(_, member)| *member == key);
        let (Some(from), Some(to)) = (place(from), place(to)) else { return };
        let mut taken_by: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        let (mut open, mut done) = (VecDeque::from([to]), BTreeSet::from([to]));
        let ends: Vec<Vec<usize>> =
            resolved.resolution.joints.iter().map(|joint| resolved.ends(closure, joint)).collect();
        while let Some(member) = open.pop_front() {
            for (joint, ends) in ends.iter().enumerate().filter(|(_, ends)| ends.contains(&member)) {
                for next in ends {
                    if done.insert(*next) {
                        taken_by.insert(*next, (joint, member));
                        open.push_back(*next);
                    }
                }
            }
        }
        let mut at = from;
        while let Some((joint, next)) = taken_by.get(&at) {
            let by = match &resolved.resolution.joints[*joint] {
                Joint::Link(link) => Evidence::Link(link.first.clone()),
                Joint::Merge(merge) => Evidence::Decision(resolved.merges[*merge].event.clone()),
            };
            let named = |member: usize| closure.members[member].0.to_identifier(rules);
            explanation.way.push(Step { from: named(at), to: named(*next), by });
            at = *next;
        }
        explanation.since =
            explanation.way.iter().enumerate().max_by_key(|(_, step)| step.by.event()).map(|(at, _)| at);
    }

    /// The customers of a closure from which one link or decision is taken out.
    fn without(&self, connection: &Connection, closure: Closure, without: &Without) -> Result<Vec<Vec<Identifier>>> {
        let rules = &self.shared.definitions.rules;
        let mut closure = closure;
        match without {
            Without::Link(one, other) => {
                let usable = [Usable::of(one, rules), Usable::of(other, rules)];
                let place = |usable: &Option<Usable>| {
                    closure.members.iter().position(|(member, _)| Some(member) == usable.as_ref())
                };
                let ends = usable.each_ref().map(place);
                closure.links.retain(|link| {
                    ends != [Some(link.stronger), Some(link.weaker)] && ends != [Some(link.weaker), Some(link.stronger)]
                });
            }
            Without::Decision(name) => {
                let found = decisions::by_name(connection, name)?.map(|stored| stored.event);
                closure.decisions.retain(|standing| Some(&standing.event) != found.as_ref());
            }
        }
        let named = |member: &usize| closure.members[*member].0.to_identifier(rules);
        let clusters = closure.resolve(rules).resolution.clusters;
        Ok(clusters.iter().map(|cluster| cluster.iter().map(named).collect()).collect())
    }

    fn hands(&self, connection: &Connection, device: IdentifierKey) -> Result<Vec<Hand>> {
        let mut hands = Vec::new();
        let rules = &self.shared.definitions.rules;
        for HandOver { since, claim, to } in claims::hands(connection, device, MOST_HANDS, rules.visit)? {
            let person = identifiers::by_key(connection, to)?;
            let customer = match person.root {
                Some(root) => self.customer_id(connection, root)?,
                None => None,
            };
            hands.push(Hand { since, claim, of: person.usable.to_identifier(rules), customer });
        }
        Ok(hands)
    }
}

impl Resolved {
    /// The members that a joint made one.
    fn ends(&self, closure: &Closure, joint: &Joint) -> Vec<usize> {
        match joint {
            Joint::Link(link) => vec![link.stronger, link.weaker],
            Joint::Merge(merge) => {
                let place = |key| closure.members.iter().position(|(_, member)| *member == key);
                self.merges[*merge].named().filter_map(place).collect()
            }
        }
    }
}
