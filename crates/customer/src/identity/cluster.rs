//! Joining person identifiers into customers: merges by hand first, then links in the order of their first event, within
//! the limits and never across a split by hand.

use std::collections::{BTreeMap, BTreeSet};

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

/// Members that are one customer, as somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    pub members: Vec<usize>,
    /// May it break a limit?
    pub forced: bool,
}

/// Members on two sides that are never one customer, as somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    pub left: Vec<usize>,
    pub right: Vec<usize>,
}

/// The limit that a refused link or merge would have broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// More identifiers of this kind than one customer may have.
    OfKind(KindIndex),
    /// More person identifiers in all than one customer may have.
    InAll,
    /// A split by hand keeps the two apart.
    Apart,
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

    /// Is no limit broken? Then none was on the way here either, whatever was joined first.
    pub fn are_within(&self, rules: &Rules) -> bool {
        let within = |(kind, count): (&KindIndex, &u32)| *count <= rules.kind(*kind).most;
        self.0.iter().all(within) && self.in_all() <= rules.most_persons
    }

    /// The limit that joining these would break, if any. An excess that is there already blocks only what makes it worse.
    pub fn refusal<'a>(groups: impl IntoIterator<Item = &'a Self>, rules: &Rules) -> Option<Limit> {
        let (mut together, mut holders) = (Self::default(), BTreeMap::<KindIndex, u32>::new());
        let mut groups_in_all = 0;
        for group in groups {
            together.add(group);
            groups_in_all += 1;
            for kind in group.0.keys() {
                *holders.entry(*kind).or_default() += 1;
            }
        }
        let breaks = |kind: &KindIndex| holders[kind] > 1 && together.of(*kind) > rules.kind(*kind).most;
        match together.0.keys().find(|kind| breaks(kind)) {
            Some(kind) => Some(Limit::OfKind(*kind)),
            None => (groups_in_all > 1 && together.in_all() > rules.most_persons).then_some(Limit::InAll),
        }
    }
}

/// What became of the merges and links among some members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Member indices by customer, each rising; customers by their first member.
    pub clusters: Vec<Vec<usize>>,
    /// The refused links, in the order in which they were taken.
    pub refused: Vec<(Link, Limit)>,
    /// The refused merges, by their place.
    pub refused_merges: Vec<(usize, Limit)>,
    /// What made one customer of several, in the order in which it was taken. There is a way along these from any member
    /// of a customer to any other.
    pub joints: Vec<Joint>,
}

/// Evidence that joined customers, and not only said again what was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joint {
    /// By its place.
    Merge(usize),
    Link(Link),
}

/// Takes the merges and then the links of a connected closure in order. `kinds` has one entry for each member, strongest
/// member first; the merges are in the order of events.
pub fn resolve(
    kinds: &[KindIndex],
    merges: &[Merge],
    aparts: &[Apart],
    mut links: Vec<Link>,
    rules: &Rules,
) -> Resolution {
    let mut joining = Joining::new(kinds, aparts, rules);
    let (mut refused_merges, mut refused, mut joints) = (Vec::new(), Vec::new(), Vec::new());
    for (place, merge) in merges.iter().enumerate() {
        match joining.join(&merge.members, merge.forced) {
            Ok(true) => joints.push(Joint::Merge(place)),
            Ok(false) => {}
            Err(limit) => refused_merges.push((place, limit)),
        }
    }
    links.sort_unstable();
    for link in links {
        match joining.join(&[link.stronger, link.weaker], false) {
            Ok(true) => joints.push(Joint::Link(link)),
            Ok(false) => {}
            Err(limit) => refused.push((link, limit)),
        }
    }
    Resolution { clusters: joining.into_clusters(), refused, refused_merges, joints }
}

/// One customer in the making; empty once it joined another.
struct Cluster {
    counts: Members,
    members: Vec<usize>,
    /// The sides of splits that its members are on.
    sides: BTreeSet<(usize, Side)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

struct Joining<'a> {
    rules: &'a Rules,
    clusters: Vec<Cluster>,
    /// By member.
    cluster_of: Vec<usize>,
}

impl<'a> Joining<'a> {
    fn new(kinds: &[KindIndex], aparts: &[Apart], rules: &'a Rules) -> Self {
        let one = |(member, kind): (usize, &KindIndex)| Cluster {
            counts: Members::one(*kind),
            members: vec![member],
            sides: BTreeSet::new(),
        };
        let mut clusters: Vec<Cluster> = kinds.iter().enumerate().map(one).collect();
        for (place, Apart { left, right }) in aparts.iter().enumerate() {
            for (side, members) in [(Side::Left, left), (Side::Right, right)] {
                for member in members {
                    clusters[*member].sides.insert((place, side));
                }
            }
        }
        Self { rules, cluster_of: (0..clusters.len()).collect(), clusters }
    }

    /// Makes one customer of these members, `true` if they were several; or leaves all as it is.
    fn join(&mut self, members: &[usize], forced: bool) -> Result<bool, Limit> {
        let joined: BTreeSet<usize> = members.iter().map(|member| self.cluster_of[*member]).collect();
        if joined.len() < 2 {
            return Ok(false);
        }
        if self.are_apart(&joined) {
            return Err(Limit::Apart);
        }
        let counts = joined.iter().map(|cluster| &self.clusters[*cluster].counts);
        if let Some(limit) = Members::refusal(counts, self.rules).filter(|_| !forced) {
            return Err(limit);
        }
        let largest = joined.iter().copied().max_by_key(|cluster| self.clusters[*cluster].members.len());
        let Some(into) = largest else { return Ok(false) };
        for from in joined.into_iter().filter(|from| *from != into) {
            let leaving = std::mem::replace(&mut self.clusters[from], Cluster::gone());
            for member in &leaving.members {
                self.cluster_of[*member] = into;
            }
            let staying = &mut self.clusters[into];
            staying.counts.add(&leaving.counts);
            staying.members.extend(leaving.members);
            staying.sides.extend(leaving.sides);
        }
        Ok(true)
    }

    /// Is one of these on a side of a split whose other side another one is on?
    fn are_apart(&self, clusters: &BTreeSet<usize>) -> bool {
        let mut met: BTreeSet<(usize, Side)> = BTreeSet::new();
        for cluster in clusters {
            let sides = &self.clusters[*cluster].sides;
            let other = |side| if side == Side::Left { Side::Right } else { Side::Left };
            if sides.iter().any(|(split, side)| met.contains(&(*split, other(*side)))) {
                return true;
            }
            met.extend(sides);
        }
        false
    }

    fn into_clusters(self) -> Vec<Vec<usize>> {
        let mut clusters: Vec<Vec<usize>> = self.clusters.into_iter().map(|cluster| cluster.members).collect();
        clusters.retain(|members| !members.is_empty());
        for members in &mut clusters {
            members.sort_unstable();
        }
        clusters.sort_unstable();
        clusters
    }
}

impl Cluster {
    fn gone() -> Self {
        Self { counts: Members::default(), members: Vec::new(), sides: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members are written `u1` (user_id), `e1` (e-mail), `p1` (phone); links `u1-e1`, in the order of their first events.
    fn check(members: &str, links: &str, clusters: &str, refused: &str) {
        decided(members, "", "", links, clusters, refused);
    }

    /// Merges are written `u1+e1`, with a `!` at the end if they are forced; splits `u1+e1|e2`.
    fn decided(members: &str, merges: &str, splits: &str, links: &str, clusters: &str, refused: &str) {
        let rules = Rules::default();
        let names: Vec<&str> = members.split_whitespace().collect();
        let kind = |name: &&str| {
            let namespace = match &name[..1] {
                "u" => "user_id",
                "e" => "email",
                _ => "phone",
            };
            rules.find(namespace).unwrap().0
        };
        let place = |name: &str| names.iter().position(|n| *n == name).unwrap();
        let places = |names: &str| names.split('+').map(place).collect::<Vec<_>>();
        let merge = |text: &str| match text.strip_suffix('!') {
            Some(names) => Merge { members: places(names), forced: true },
            None => Merge { members: places(text), forced: false },
        };
        let merges: Vec<Merge> = merges.split_whitespace().map(merge).collect();
        let split = |text: &str| {
            let (left, right) = text.split_once('|').unwrap();
            Apart { left: places(left), right: places(right) }
        };
        let splits: Vec<Apart> = splits.split_whitespace().map(split).collect();
        let link = |(at, pair): (usize, &str)| {
            let (left, right) = pair.split_once('-').unwrap();
            let first = OrderKey::from_bytes(vec![u8::try_from(at).unwrap()]);
            Link { first, stronger: place(left), weaker: place(right) }
        };
        let links = links.split_whitespace().enumerate().map(link).collect();
        let kinds: Vec<_> = names.iter().map(kind).collect();
        let found = resolve(&kinds, &merges, &splits, links, &rules);
        let shown = |places: &[usize]| places.iter().map(|m| names[*m]).collect::<Vec<_>>().join("+");
        assert_eq!(found.clusters.iter().map(|c| shown(c)).collect::<Vec<_>>().join(" "), clusters);
        let refused_merges = found.refused_merges.iter().map(|(place, _)| shown(&merges[*place].members));
        let refused_links = found.refused.iter().map(|(l, _)| format!("{}-{}", names[l.stronger], names[l.weaker]));
        assert_eq!(refused_merges.chain(refused_links).collect::<Vec<_>>().join(" "), refused);
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
    fn a_merge_by_hand_comes_before_all_links() {
        decided("u1 u2 e1", "u2+e1", "", "u1-e1", "u1 u2+e1", "u1-e1");
        decided("u1 e1 e2 p1", "e1+e2 e2+p1", "", "u1-e1", "u1+e1+e2+p1", "");
    }

    #[test]
    fn a_merge_against_a_limit_is_refused_as_a_whole_unless_it_is_forced() {
        decided("u1 u2 e1", "u1+e1+u2", "", "", "u1 u2 e1", "u1+e1+u2");
        decided("u1 u2 e1", "u1+e1+u2!", "", "", "u1+u2+e1", "");
        decided("u1 u2 u3 e1", "u1+u2!", "", "u1-e1 u3-e1", "u1+u2+e1 u3", "u3-e1");
    }

    #[test]
    fn what_a_split_keeps_apart_no_chain_joins() {
        decided("u1 e1 e2 p1", "", "u1+e1|e2", "u1-e1 u1-e2 e2-p1 e1-p1", "u1+e1 e2+p1", "u1-e2 e1-p1");
        decided("u1 e1 e2", "u1+e2!", "u1|e2", "u1-e1", "u1+e1 e2", "u1+e2");
    }

    #[test]
    fn two_splits_part_what_they_name_and_nothing_else() {
        decided("u1 e1 e2 e3", "", "u1|e1 e2|e3", "u1-e2 e1-e3 u1-e3", "u1+e2 e1+e3", "u1-e3");
        decided("u1 e1 e2 e3", "", "u1|e1 e2|e3", "u1-e2 e3-e1", "u1+e2 e1+e3", "");
    }

    #[test]
    fn an_excess_blocks_only_what_makes_it_worse() {
        let rules = Rules::default();
        let (user, email) = (rules.find("user_id").unwrap().0, rules.find("email").unwrap().0);
        let mut two_users = Members::one(user);
        two_users.add(&Members::one(user));
        assert_eq!(Members::refusal([&two_users, &Members::one(email)], &rules), None);
        assert_eq!(Members::refusal([&two_users, &Members::one(user)], &rules), Some(Limit::OfKind(user)));
    }
}
