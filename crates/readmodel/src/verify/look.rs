//! One customer as a picture shows it: the states at its clock, the facts, and the digests of both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rapport_customer::{Digest, Model, States};
use rapport_touchpoint::OrderKey;

use crate::customers;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::Picture;

/// One model of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OfModel {
    state: Digest,
    facts: Digest,
}

pub(super) struct Look {
    /// At the clock.
    pub states: States,
    of_models: BTreeMap<Model, OfModel>,
    /// Why a state is no state.
    pub broken: BTreeMap<Model, String>,
    /// How many facts it is made of.
    pub facts: u64,
}

impl Look {
    /// What each model adds to the digests.
    pub fn digests(&self) -> impl Iterator<Item = (Model, Digest)> {
        self.of_models.iter().map(|(model, of)| (*model, of.state.plus(of.facts)))
    }

    pub fn of(&self, model: Model) -> Option<OfModel> {
        self.of_models.get(&model).copied()
    }
}

impl Picture {
    pub(super) fn look(&self, customer: IdentifierKey, earliest: &OrderKey) -> Result<Look> {
        let definitions = &*self.definitions;
        let mut stored: BTreeMap<Model, Vec<u8>> = BTreeMap::new();
        let mut broken = BTreeMap::new();
        let mut states = States::new(&definitions.models, &definitions.journeys);
        let mut read =
            self.connection.prepare_cached(&format!("SELECT {} FROM customers WHERE id = ?1", customers::STATES))?;
        let mut rows = read.query([customer])?;
        let row = rows.next()?;
        for model in &definitions.models {
            let bytes = match row {
                Some(row) => customers::state(row, 0, *model)?,
                None => None,
            };
            let Some(bytes) = bytes else {
                broken.insert(*model, "there is no state".to_owned());
                continue;
            };
            match states.decode(*model, bytes) {
                Ok(()) => drop(stored.insert(*model, bytes.to_vec())),
                Err(error) => drop(broken.insert(*model, format!("the state cannot be read: {error}"))),
            }
        }
        let now = states.at(self.clock(), &definitions.journeys, &mut Vec::new());
        let mut of_models = BTreeMap::new();
        for (model, stored) in stored {
            // What silence did not change is as it was written, to the last byte.
            let bytes = if matches!(now, Cow::Owned(_)) { now.encode(model).unwrap_or(stored) } else { stored };
            let state = Digest::of(earliest, model, &bytes);
            of_models.insert(model, OfModel { state, facts: Digest::default() });
        }
        let states = now.into_owned();
        let mut facts = 0;
        self.each_fact(customer, |fact| {
            facts += 1;
            let of = of_models.entry(fact.kind.model());
            let of = of.or_insert(OfModel { state: Digest::default(), facts: Digest::default() });
            of.facts = of.facts.plus(fact.digest(earliest));
        })?;
        Ok(Look { states, of_models, broken, facts })
    }
}
