//! One customer as a picture shows it: the states at its clock, the facts, and the digests of both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rapport_customer::{Digest, Model, States};
use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::Row;

use super::facts::RawFact;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::Picture;
use crate::{Definitions, customers};

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
}

impl Look {
    /// From the customer's row, in which the states stand from this column on; without its facts yet.
    pub fn of_row(
        row: Option<&Row<'_>>,
        from: usize,
        earliest: &OrderKey,
        definitions: &Definitions,
        clock: Timestamp,
    ) -> Result<Self> {
        let mut stored: BTreeMap<Model, Vec<u8>> = BTreeMap::new();
        let mut broken = BTreeMap::new();
        let mut states = States::new(&definitions.models, &definitions.journeys);
        for model in &definitions.models {
            let bytes = row.map(|row| customers::state(row, from, *model)).transpose()?.flatten();
            let Some(bytes) = bytes else {
                broken.insert(*model, "there is no state".to_owned());
                continue;
            };
            match states.decode(*model, bytes) {
                Ok(()) => drop(stored.insert(*model, bytes.to_vec())),
                Err(error) => drop(broken.insert(*model, format!("the state cannot be read: {error}"))),
            }
        }
        let now = states.at(clock, &definitions.journeys, &mut Vec::new());
        let mut of_models = BTreeMap::new();
        for (model, stored) in stored {
            // What silence did not change is as it was written, to the last byte.
            let bytes = if matches!(now, Cow::Owned(_)) { now.encode(model).unwrap_or(stored) } else { stored };
            let state = Digest::of(earliest, model, &bytes);
            of_models.insert(model, OfModel { state, facts: Digest::default() });
        }
        Ok(Self { states: now.into_owned(), of_models, broken })
    }

    pub fn add(&mut self, fact: &RawFact, earliest: &OrderKey) {
        let of = self.of_models.entry(fact.kind.model());
        let of = of.or_insert(OfModel { state: Digest::default(), facts: Digest::default() });
        of.facts = of.facts.plus(fact.digest(earliest));
    }

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
        let mut read =
            self.connection.prepare_cached(&format!("SELECT {} FROM customers WHERE id = ?1", customers::STATES))?;
        let mut rows = read.query([customer])?;
        let mut look = Look::of_row(rows.next()?, 0, earliest, &self.definitions, self.clock())?;
        self.each_fact(customer, |fact| look.add(&fact, earliest))?;
        Ok(look)
    }
}
