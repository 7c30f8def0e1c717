//! Persons into customers: the closures that links make, resolved by the rules where these leave anything to decide.

use std::collections::{BTreeMap, HashMap};

use rapport_customer::identity::{Limit, Link, Members, Role, Rules, resolve};
use rapport_touchpoint::OrderKey;

use super::error::Result;
use super::evidence::{Sight, Sights};
use super::interned::{Interned, Number};

/// Whose somebody is: the smallest number of the customer's persons.
pub(super) type Root = Number;

pub(super) struct Clusters {
    /// By number; for persons that are not void. Others are themselves.
    pub root: Vec<Root>,
    /// Links that do not count, the smaller number first.
    pub refused: HashMap<(Number, Number), Limit>,
}

impl Clusters {
    pub fn of(sights: &Sights, interned: &Interned, rules: &Rules) -> Result<Self> {
        let mut closures = Closures { root: interned.numbers().collect() };
        let is_person = |number: Number| rules.kind(interned.kind(number)).role == Role::Person;
        // Persons have a sight in both directions.
        let link = |Sight { one, partner, .. }: &Sight<'_>| {
            let (one, other) = (*one, (*partner)?);
            let counts = is_person(one) && one < other && !sights.void[one as usize] && !sights.void[other as usize];
            counts.then_some((one, other))
        };
        sights.each(|sight| {
            if let Some((one, other)) = link(&sight) {
                closures.join(one, other);
            }
            Ok(())
        })?;
        let members = closures.contested(interned, rules);
        let mut clusters = Self { root: closures.root, refused: HashMap::new() };
        if members.is_empty() {
            return Ok(clusters);
        }
        let mut links: BTreeMap<Root, Vec<(Number, Number, OrderKey)>> = BTreeMap::new();
        sights.each(|sight| {
            if let Some((one, other)) = link(&sight) {
                let root = clusters.root[one as usize];
                if members.contains_key(&root) {
                    let first = OrderKey::from_bytes(sight.key.to_vec());
                    links.entry(root).or_default().push((one, other, first));
                }
            }
            Ok(())
        })?;
        for (root, links) in links {
            clusters.resolve(&members[&root], links, interned, rules);
        }
        Ok(clusters)
    }

    fn resolve(
        &mut self,
        members: &[Number],
        links: Vec<(Number, Number, OrderKey)>,
        interned: &Interned,
        rules: &Rules,
    ) {
        let mut members = members.to_vec();
        members.sort_unstable_by_key(|member| (interned.kind(*member), interned.value(*member)));
        let place: HashMap<Number, usize> = members.iter().enumerate().map(|(at, member)| (*member, at)).collect();
        let kinds: Vec<_> = members.iter().map(|member| interned.kind(*member)).collect();
        let placed = links.into_iter().map(|(one, other, first)| {
            let (one, other) = (place[&one], place[&other]);
            Link { first, stronger: one.min(other), weaker: one.max(other) }
        });
        let resolution = resolve(&kinds, &[], &[], placed.collect(), rules);
        for cluster in &resolution.clusters {
            let root = cluster.iter().map(|at| members[*at]).min();
            for at in cluster {
                self.root[members[*at] as usize] = root.expect("a cluster has a member");
            }
        }
        for (link, limit) in resolution.refused {
            let (one, other) = (members[link.stronger], members[link.weaker]);
            self.refused.insert((one.min(other), one.max(other)), limit);
        }
    }
}

/// Everyone whom links connect. The smallest number stands for each closure.
struct Closures {
    root: Vec<Root>,
}

impl Closures {
    fn find(&mut self, mut number: Number) -> Root {
        while self.root[number as usize] != number {
            let above = self.root[number as usize];
            self.root[number as usize] = self.root[above as usize];
            number = above;
        }
        number
    }

    fn join(&mut self, one: Number, other: Number) {
        let (one, other) = (self.find(one), self.find(other));
        self.root[one.max(other) as usize] = one.min(other);
    }

    /// The closures, with their members, in which a limit may refuse a link. In all others everyone is one customer,
    /// whatever the order of the links. From now on everybody's root is at hand.
    fn contested(&mut self, interned: &Interned, rules: &Rules) -> BTreeMap<Root, Vec<Number>> {
        let mut by_closure: Vec<Number> = Vec::new();
        for number in interned.numbers() {
            let root = self.find(number);
            self.root[number as usize] = root;
            if root != number {
                by_closure.push(number);
            }
        }
        by_closure.sort_unstable_by_key(|number| (self.root[*number as usize], *number));
        let same_closure = |one: &Number, other: &Number| self.root[*one as usize] == self.root[*other as usize];
        let mut contested = BTreeMap::new();
        for others in by_closure.chunk_by(same_closure) {
            let root = self.root[others[0] as usize];
            let mut together = Members::one(interned.kind(root));
            for other in others {
                together.add(&Members::one(interned.kind(*other)));
            }
            if !together.are_within(rules) {
                contested.insert(root, [&[root], others].concat());
            }
        }
        contested
    }
}
