//! Who is who: from what all events told to every identifier's customer, written as soon as it is known.

use std::sync::Arc;

use rapport_customer::identity::{Identity, Rules};

use super::claiming::{self, Claiming};
use super::clusters::Clusters;
use super::error::Result;
use super::evidence::{Gathering, Sights};
use super::interned::Interned;
use super::label::Labels;
use super::naming;
use super::placing::{Owners, Placed, Shared};
use super::scratch::Scratch;
use super::taken::{Taken, Watched};
use super::writer::Writer;
use crate::Definitions;
use crate::identifiers::IdentifierKey;

pub(super) struct Settling<'a, 'w> {
    pub scratch: &'a Scratch,
    pub definitions: &'a Arc<Definitions>,
    pub tenant_key: [u8; 32],
    pub taken: &'a Taken,
    pub watched: &'a mut Watched<'w>,
    pub writer: &'a mut Writer,
}

/// Everybody in their places.
pub(super) struct Settled {
    pub placed: Arc<Placed>,
    pub shared: Shared,
}

impl Settled {
    /// What a customer is made of.
    pub fn identity(&self, customer: IdentifierKey, rules: &Rules) -> Identity {
        let key = u32::try_from(customer.0).expect("keys are small here");
        self.placed.identity(key, &self.shared, rules)
    }
}

impl Settling<'_, '_> {
    pub fn settle(mut self, mut interned: Interned, labels: &mut Labels) -> Result<Settled> {
        interned.close();
        let mut sights = self.gather(&interned, labels)?;
        crash_point!("bulk/gathered");
        let clusters = Clusters::of(&sights, &interned, &self.definitions.rules)?;
        let mut owners = Owners::new(interned, &mut sights, clusters, &self.definitions.rules);
        self.taken.each_standing(self.watched, |told| {
            owners.claim(told.named.iter());
            Ok(())
        })?;
        let placed = Arc::new(Placed::new(owners));
        self.name(sights, &placed)?;
        let shared = self.claim(&placed)?;
        Ok(Settled { placed, shared })
    }

    /// Goes through all that was told once: what counts is evidence.
    fn gather(&mut self, interned: &Interned, labels: &mut Labels) -> Result<Sights> {
        let rules = &self.definitions.rules;
        let mut gathering = Gathering::new(interned, rules, self.scratch.sorter("sights"));
        self.taken.each_standing(self.watched, |told| {
            labels.count(told.label)?;
            gathering.take(told.named.iter(), told.key)
        })?;
        let gathered = gathering.gathered()?;
        Sights::of(&gathered, self.scratch.spool("sights.once")?, interned, rules)
    }

    fn name(&mut self, sights: Sights, placed: &Arc<Placed>) -> Result<()> {
        let by_key = naming::by_key(&sights, placed, self.scratch.sorter("links"))?;
        let (placed, definitions, tenant_key) = (placed.clone(), self.definitions.clone(), self.tenant_key);
        self.writer.then(move |tx| naming::write(tx, &by_key, &placed, &definitions.rules, &tenant_key))
    }

    fn claim(&mut self, placed: &Placed) -> Result<Shared> {
        let (claims, on_shared) = (self.scratch.sorter("claims"), self.scratch.sorter("claims.shared"));
        let mut claiming = Claiming::new(placed, claims, on_shared);
        self.taken.each_standing(self.watched, |told| claiming.take(told.named, told.key))?;
        let (by_device, shared) = claiming.gathered(self.definitions.rules.visit)?;
        let claimants = self.scratch.sorter("claimants");
        self.writer.then(move |tx| claiming::write(tx, &by_device, claimants))?;
        Ok(shared)
    }
}
