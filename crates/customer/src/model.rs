//! The models: what can be known of a customer. Each is a state, a fold and what it contributes to the totals.
//!
//! A new model is one file like `profile.rs` and one arm in each `match` here.

use rapport_touchpoint::Event;

use crate::identity::Identity;
use crate::{Profile, Totals};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// Made by the identity rules and not by a fold; always there.
    Identity,
    Profile,
}

impl Model {
    pub const ALL: [Self; 2] = [Self::Identity, Self::Profile];

    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Profile => "profile",
        }
    }

    /// Raised whenever the same events give another state; read models of an older version are then built anew.
    pub fn version(self) -> u32 {
        match self {
            Self::Identity => 1,
            Self::Profile => 1,
        }
    }

    /// The number under which a read model stores the model's states. Never reused.
    pub fn number(self) -> u8 {
        match self {
            Self::Identity => 0,
            Self::Profile => 1,
        }
    }

    /// A customer before its first event.
    pub fn empty(self) -> State {
        match self {
            Self::Identity => State::Identity(Identity::default()),
            Self::Profile => State::Profile(Box::default()),
        }
    }

    /// Reads what [`State::encode`] wrote.
    pub fn decode(self, bytes: &[u8]) -> Result<State, postcard::Error> {
        Ok(match self {
            Self::Identity => State::Identity(postcard::from_bytes(bytes)?),
            Self::Profile => State::Profile(postcard::from_bytes(bytes)?),
        })
    }
}

/// What one model knows of one customer.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Identity(Identity),
    Profile(Box<Profile>),
}

impl State {
    pub fn model(&self) -> Model {
        match self {
            Self::Identity(_) => Model::Identity,
            Self::Profile(_) => Model::Profile,
        }
    }

    /// Takes in the customer's next event, in the order of events.
    pub fn fold(&mut self, event: &Event) {
        match self {
            Self::Identity(_) => {}
            Self::Profile(profile) => profile.fold(event),
        }
    }

    /// What this customer adds to the tenant's totals.
    pub fn contributes(&self) -> Totals {
        match self {
            Self::Identity(identity) => {
                let mut totals = Totals::default();
                totals.add("customers", 1);
                totals.add("identified", i128::from(identity.is_identified()));
                totals
            }
            Self::Profile(profile) => profile.contributes(),
        }
    }

    /// The state as bytes, the same for equal states: postcard's wire format.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Identity(identity) => postcard::to_stdvec(identity),
            Self::Profile(profile) => postcard::to_stdvec(profile),
        }
        .expect("a state is plain data")
    }
}
