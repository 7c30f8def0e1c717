//! Which namespace is stronger than which: the order in which they stand, and what is wished otherwise.

use std::ops::Range;

use super::IdentityProblem;
use crate::identity::{Kind, Role};

/// `stronger_than`, as one namespace says it.
pub(super) struct Wish<'a> {
    pub(super) namespace: &'a str,
    pub(super) than: &'a str,
    pub(super) at: Range<usize>,
}

/// Where it is wrong, of which namespace, and what.
type Wrong = (Range<usize>, String, IdentityProblem);

/// The kinds, strongest first, persons before devices: each that wishes so directly before the one it names, those that
/// name the same in the order of their wishes.
pub(super) fn order(mut kinds: Vec<Kind>, wishes: &[Wish<'_>]) -> Result<Vec<Kind>, Wrong> {
    kinds.sort_by_key(|kind| kind.role == Role::Device);
    for wish in wishes {
        check(&kinds, wish).map_err(|problem| (wish.at.clone(), wish.namespace.to_owned(), problem))?;
    }
    let mut placed = vec![false; wishes.len()];
    for first in 0..wishes.len() {
        for next in chain(wishes, first)?.into_iter().rev() {
            if !std::mem::replace(&mut placed[next], true) {
                place(&mut kinds, &wishes[next]);
            }
        }
    }
    Ok(kinds)
}

fn check(kinds: &[Kind], wish: &Wish<'_>) -> Result<(), IdentityProblem> {
    let find = |name: &str| kinds.iter().find(|kind| kind.namespace == name);
    let ours = find(wish.namespace).map_or(Role::Person, |kind| kind.role);
    if wish.than == wish.namespace {
        return Err(IdentityProblem::StrongerItself { role: name(ours) });
    }
    let found = wish.than.to_owned();
    let Some(other) = find(wish.than) else {
        let known: Vec<&str> =
            kinds.iter().filter(|kind| kind.role == ours).map(|kind| kind.namespace.as_str()).collect();
        return Err(IdentityProblem::StrongerUnknown { found, known: known.join(", ") });
    };
    if other.role != ours {
        return Err(IdentityProblem::StrongerRole { found, theirs: name(other.role), ours: name(ours) });
    }
    Ok(())
}

/// A wish, the wish of the namespace that it names, and so on.
fn chain(wishes: &[Wish<'_>], first: usize) -> Result<Vec<usize>, Wrong> {
    let mut chain = vec![first];
    let mut last = first;
    while let Some(next) = wishes.iter().position(|wish| wish.namespace == wishes[last].than) {
        if let Some(begin) = chain.iter().position(|known| *known == next) {
            let circle: Vec<&str> = chain[begin..].iter().map(|wish| wishes[*wish].namespace).collect();
            let problem = IdentityProblem::StrongerCircle { circle: circle.join(", ") };
            return Err((wishes[next].at.clone(), wishes[next].namespace.to_owned(), problem));
        }
        chain.push(next);
        last = next;
    }
    Ok(chain)
}

fn place(kinds: &mut Vec<Kind>, wish: &Wish<'_>) {
    let find = |kinds: &[Kind], name: &str| kinds.iter().position(|kind| kind.namespace == name);
    if let Some(from) = find(kinds, wish.namespace) {
        let kind = kinds.remove(from);
        let to = find(kinds, wish.than).unwrap_or(from);
        kinds.insert(to, kind);
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Person => "person",
        Role::Device => "device",
    }
}
