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
use super::standing::Verdict;
use super::taken::{Taken, Watched};
use super::told::Told;
use super::writer::Writer;
use crate::Definitions;
use crate::identifiers::IdentifierKey;
use crate::parked::{self, ParkedEvent};
use crate::seen::Recorded;

/// Parked records that are written at a time.
const MOST_PARKED: usize = 1_000;

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

    /// Goes through all that was told once: what does not count is parked, what counts is evidence.
    fn gather(&mut self, interned: &Interned, labels: &mut Labels) -> Result<Sights> {
        let rules = &self.definitions.rules;
        let mut gathering = Gathering::new(interned, rules, self.scratch.sorter("sights"));
        let mut parking = Parking { writer: self.writer, parked: Vec::new() };
        self.taken.each(self.watched, |told, verdict| {
            if verdict == Verdict::Stands {
                labels.count(told.label)?;
                gathering.take(told.named.iter(), told.key)
            } else {
                verdict.reason().map_or(Ok(()), |reason| parking.park(told, labels.event_type(told.label)?, reason))
            }
        })?;
        parking.write()?;
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

/// Records that can be read and do not count.
struct Parking<'a> {
    writer: &'a mut Writer,
    parked: Vec<ParkedEvent>,
}

impl Parking<'_> {
    fn park(&mut self, told: &Told<'_>, event_type: &str, reason: String) -> Result<()> {
        let Told { position, recorded_at, hash, .. } = *told;
        let (source, id) = told.order_key().source_and_id().unwrap_or_default();
        let record = Recorded { position, recorded_at, hash };
        self.parked.push(record.as_parked((source, id), event_type.to_owned(), reason));
        if self.parked.len() == MOST_PARKED { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let parked = std::mem::take(&mut self.parked);
        self.writer.then(move |tx| Ok(parked.iter().try_for_each(|event| parked::park(tx, event))?))
    }
}
