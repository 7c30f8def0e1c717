//! The names that were appended lately, so that a retry or a conflict is told beyond the server's own duplicate window.

use std::collections::{HashMap, VecDeque};

use rapport_touchpoint::BodyHash;

use crate::Position;
use crate::name::{Bodies, Name, Standing};

const MAX_NAMES: usize = 100_000;
/// Under one name; more are still conflicts, only without the position of their earlier copies.
const MAX_BODIES: usize = 8;

/// Forgets the oldest name first.
#[derive(Default)]
pub(super) struct Recent {
    names: HashMap<Name, Bodies>,
    oldest: VecDeque<Name>,
}

impl Recent {
    pub(super) fn standing(&self, name: &Name, body: BodyHash) -> Standing {
        self.names.get(name).map_or(Standing::New { first: None }, |bodies| bodies.standing(body))
    }

    pub(super) fn add(&mut self, name: Name, body: BodyHash, position: Position) {
        let bodies = self.names.entry(name).or_default();
        if bodies.len() == 0 {
            self.oldest.push_back(name);
        }
        if bodies.len() < MAX_BODIES {
            bodies.add(body, position);
        }
        if self.oldest.len() > MAX_NAMES
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.oldest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_name_is_forgotten() {
        let (mut recent, body) = (Recent::default(), BodyHash([1; 16]));
        let name = |n: usize| (n as u128).to_be_bytes();
        for n in 0..=MAX_NAMES {
            recent.add(name(n), body, Position(n as u64 + 1));
        }
        assert_eq!(recent.standing(&name(0), body), Standing::New { first: None });
        assert!(matches!(recent.standing(&name(1), body), Standing::Known(_)));
        assert!(matches!(recent.standing(&name(MAX_NAMES), body), Standing::Known(_)));
    }
}
