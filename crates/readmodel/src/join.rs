//! Joining in place: a link that is later than all that touches its two customers changes nothing but these two.
//!
//! It is taken last of them, so what was taken before stands, and no closure need be resolved: not for the usual new e-mail
//! of a customer, and not for an account that thousands of others were refused to be.

use std::collections::{BTreeMap, BTreeSet};

use rapport_customer::identity::Members;
use rapport_touchpoint::OrderKey;

use crate::error::Result;
use crate::identifiers::{self, IdentifierKey};
use crate::identity::Settling;
use crate::{decisions, links};

impl Settling<'_, '_> {
    /// Takes a new link of two persons, if it is later than all links of their customers; `false` if it is not.
    pub(crate) fn join_in_place(&mut self, one: IdentifierKey, other: IdentifierKey, event: &OrderKey) -> Result<bool> {
        let (Some(left), Some(right)) = (self.root(one)?, self.root(other)?) else { return Ok(false) };
        let mut sides = vec![identifiers::members(self.tx, left)?];
        if left != right {
            sides.push(identifiers::members(self.tx, right)?);
        }
        let mut counts = Vec::with_capacity(2);
        for members in &sides {
            let mut side = Members::default();
            for member in members {
                let known = self.ids.get(self.tx, *member)?;
                if known.latest_link.as_ref().is_some_and(|latest| latest > event) {
                    return Ok(false);
                }
                side.add(&Members::one(known.usable.kind));
                if self.any_decided && decisions::names(self.tx, *member)? {
                    return Ok(false);
                }
            }
            counts.push(side);
        }
        let refused = if left == right { None } else { Members::refusal(&counts, &self.definitions.rules) };
        links::judge(self.tx, one, other, refused)?;
        if left != right && refused.is_none() {
            let roots_before = BTreeMap::from([(left, size(&sides[0])), (right, size(&sides[1]))]);
            self.seat(&sides.concat(), &roots_before, &BTreeSet::new())?;
        }
        Ok(true)
    }

    fn root(&mut self, person: IdentifierKey) -> Result<Option<IdentifierKey>> {
        Ok(self.ids.get(self.tx, person)?.root)
    }
}

fn size(members: &[IdentifierKey]) -> u32 {
    u32::try_from(members.len()).unwrap_or(u32::MAX)
}
