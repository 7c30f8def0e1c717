//! Facts: what a fold finds worth telling of a customer one by one, beside its state: changes of stage, answers, askings.
//!
//! A fact is named by the event that it comes from. It is never changed, but a later event may close it: an answer is
//! closed by the answer that replaces it, an asking by the answer that it got.

use rapport_touchpoint::OrderKey;
use serde::{Deserialize, Serialize};

use crate::feedback::{Asking, Response};
use crate::journey::Transition;
use crate::{Model, Totals, Zone};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    Transition,
    Response,
    Asking,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Transition(Transition),
    Response(Response),
    Asking(Asking),
}

/// A fact's place among the facts of one kind of one customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactKey {
    /// The event that it comes from; for silence, the moment alone.
    pub event: OrderKey,
    /// Tells apart what one event makes in several journeys.
    pub slot: u8,
}

/// What a fold says of its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactChange {
    Put(FactKey, Fact),
    Close { kind: FactKind, key: FactKey, by: OrderKey },
}

impl FactKind {
    pub const ALL: [Self; 3] = [Self::Transition, Self::Response, Self::Asking];

    /// The number under which a read model stores facts of this kind. Never reused.
    pub fn number(self) -> u8 {
        match self {
            Self::Transition => 1,
            Self::Response => 2,
            Self::Asking => 3,
        }
    }

    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    pub fn model(self) -> Model {
        match self {
            Self::Transition => Model::Journey,
            Self::Response | Self::Asking => Model::Feedback,
        }
    }

    /// Reads what [`Fact::encode`] wrote.
    pub fn decode(self, json: &[u8]) -> Result<Fact, serde_json::Error> {
        Ok(match self {
            Self::Transition => Fact::Transition(serde_json::from_slice(json)?),
            Self::Response => Fact::Response(serde_json::from_slice(json)?),
            Self::Asking => Fact::Asking(serde_json::from_slice(json)?),
        })
    }
}

impl Fact {
    pub fn kind(&self) -> FactKind {
        match self {
            Self::Transition(_) => FactKind::Transition,
            Self::Response(_) => FactKind::Response,
            Self::Asking(_) => FactKind::Asking,
        }
    }

    /// JSON, the same for equal facts, so that SQL can read it too.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Transition(transition) => serde_json::to_vec(transition),
            Self::Response(response) => serde_json::to_vec(response),
            Self::Asking(asking) => serde_json::to_vec(asking),
        }
        .expect("a fact is plain data")
    }

    /// What the fact adds to the tenant's totals.
    pub fn contributes(&self, key: &FactKey, closed: bool, zone: &Zone) -> Totals {
        let mut totals = Totals::default();
        match self {
            // The funnel counts customers, not changes.
            Self::Transition(_) => {}
            Self::Response(response) => response.contribute(key, closed, zone, &mut totals),
            Self::Asking(asking) => asking.contribute(key, closed, zone, &mut totals),
        }
        totals
    }
}
