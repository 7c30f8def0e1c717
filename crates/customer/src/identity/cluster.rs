//! Joining person identifiers into customers: links in the order of their first event, within the limits.

use std::collections::BTreeMap;

use rapport_touchpoint::OrderKey;

use super::{KindIndex, Rules};

/// Two person identifiers that stood in one event. The indices point into the members, which are sorted by strength.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The first event, in the order of events, that has both.
    pub first: OrderKey,
    pub stronger: usize,
    pub weaker: usize,
}

/// The limit that a refused link would have broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// More identifiers of this kind than one customer may have.
    OfKind(KindIndex),
    /// More person identifiers in all than one customer may have.
    InAll,
}

/// How many identifiers of each kind a customer has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members(BTreeMap<KindIndex, u32>);

impl Members {
    pub fn one(kind: KindIndex) -> Self {
        Self(BTreeMap::from([(kind, 1)]))
    }

    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }

    fn of(&self, kind: KindIndex) -> u32 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    fn in_all(&self) -> u32 {
        self.0.values().sum()
    }

    /// The limit that joining the two would break, if any. An excess that is there already blocks only what makes it worse.
    pub fn refusal(&self, other: &Self, rules: &Rules) -> Option<Limit> {
        let breaks = |left: u32, right: u32, most: u32| left + right > most && left > 0 && right > 0;
        let of_kind = self.0.keys().find(|kind| breaks(self.of(**kind), other.of(**kind), rules.kind(**kind).most));
        match of_kind {
            Some(kind) => Some(Limit::OfKind(*kind)),
            None => breaks(self.in_all(), other.in_all(), rules.most_persons).then_some(Limit::InAll),
        }
    }
}

/// What became of the links among some members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Member indices by customer, each rising; customers by their first member.
    pub clusters: Vec<Vec<usize>>,
    /// The refused links, in the order in which they were taken.
    pub refused: Vec<(Link, Limit)>,
}

/// One customer in the making; empty once it joined another.
#[derive(Default)]
struct Cluster {
    counts: Members,
    members: Vec<usize>,
}

impl Cluster {
    fn one(member: usize, kind: KindIndex) -> Self {
        Self { counts: Members::one(kind), members: vec![member] }
    }
}

/// Takes the links of a connected closure in order. `kinds` has one entry for each member, strongest member first.
pub fn resolve(kinds: &[KindIndex], mut links: Vec<Link>, rules: &Rules) -> Resolution {
    links.sort_unstable();
    let mut clusters: Vec<Cluster> =
        kinds.iter().enumerate().map(|(member, kind)| Cluster::one(member, *kind)).collect();
    let mut cluster_of: Vec<usize> = (0..kinds.len()).collect();
    let mut refused = Vec::new();
    for link in links {
        let (left, right) = (cluster_of[link.stronger], cluster_of[link.weaker]);
        if left == right {
            continue;
        }
        if let Some(limit) = clusters[left].counts.refusal(&clusters[right].counts, rules) {
            refused.push((link, limit));
            continue;
        }
        let (into, from) =
            if clusters[left].members.len() >= clusters[right].members.len() { (left, right) } else { (right, left) };
        let leaving = std::mem::take(&mut clusters[from]);
        for member in &leaving.members {
            cluster_of[*member] = into;
        }
        clusters[into].counts.add(&leaving.counts);
        clusters[into].members.extend(leaving.members);
    }
    let mut clusters: Vec<Vec<usize>> = clusters.into_iter().map(|cluster| cluster.members).collect();
    clusters.retain(|members| !members.is_empty());
    for members in &mut clusters {
        members.sort_unstable();
    }
    clusters.sort_unstable();
    Resolution { clusters, refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members are written `u1` (user_id), `e1` (e-mail), `p1` (phone); links `u1-e1`, in the order of their first events.
    fn check(members: &str, links: &str, clusters: &str, refused: &str) {
        let rules = Rules::default();
        let names: Vec<&str> = members.split_whitespace().collect();
        let kind = |name: &str| {
            let namespace = match &name[..1] {
                "u" => "user_id",
                "e" => "email",
                _ => "phone",
            };
            rules.find(namespace).unwrap().0
        };
        let place = |name: &str| names.iter().position(|n| *n == name).unwrap();
        let links = links
            .split_whitespace()
            .enumerate()
            .map(|(at, pair)| {
                let (left, right) = pair.split_once('-').unwrap();
                let first = OrderKey::from_bytes(vec![u8::try_from(at).unwrap()]);
                Link { first, stronger: place(left), weaker: place(right) }
            })
            .collect();
        let kinds: Vec<_> = names.iter().map(|name| kind(name)).collect();
        let found = resolve(&kinds, links, &rules);
        let shown: Vec<String> =
            found.clusters.iter().map(|c| c.iter().map(|m| names[*m]).collect::<Vec<_>>().join("+")).collect();
        assert_eq!(shown.join(" "), clusters);
        let shown: Vec<String> =
            found.refused.iter().map(|(l, _)| format!("{}-{}", names[l.stronger], names[l.weaker])).collect();
        assert_eq!(shown.join(" "), refused);
    }

    #[test]
    fn linked_identifiers_are_one_customer() {
        check("u1 e1 p1 p2", "u1-e1 e1-p1", "u1+e1+p1 p2", "");
    }

    #[test]
    fn no_chain_joins_two_user_ids() {
        check("u1 u2 e1", "u1-e1 u2-e1", "u1+e1 u2", "u2-e1");
        check("u1 u2 e1 p1", "u1-e1 e1-p1 u2-p1", "u1+e1+p1 u2", "u2-p1");
    }

    #[test]
    fn the_earlier_link_wins() {
        check("u1 u2 e1", "u2-e1 u1-e1", "u1 u2+e1", "u1-e1");
    }

    #[test]
    fn a_sixth_e_mail_is_refused() {
        check(
            "u1 e1 e2 e3 e4 e5 e6",
            "u1-e1 u1-e2 u1-e3 u1-e4 u1-e5 u1-e6 e1-e6",
            "u1+e1+e2+e3+e4+e5 e6",
            "u1-e6 e1-e6",
        );
    }

    #[test]
    fn an_excess_blocks_only_what_makes_it_worse() {
        let rules = Rules::default();
        let (user, email) = (rules.find("user_id").unwrap().0, rules.find("email").unwrap().0);
        let mut two_users = Members::one(user);
        two_users.add(&Members::one(user));
        assert_eq!(two_users.refusal(&Members::one(email), &rules), None);
        assert_eq!(two_users.refusal(&Members::one(user), &rules), Some(Limit::OfKind(user)));
    }
}
