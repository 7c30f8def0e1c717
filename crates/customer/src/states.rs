//! All that is known of one customer: the states of its models, and how an event goes through them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rapport_touchpoint::{Event, OrderKey, Timestamp};

use crate::fact::FactChange;
use crate::identity::Identity;
use crate::journey::JourneyMaps;
use crate::{Contribution, Feedback, Journey, Model, Profile, Totals, Zone};

/// The states after the customer's last event. What silence has changed since is in [`States::at`].
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    pub identity: Identity,
    pub profile: Option<Box<Profile>>,
    pub journey: Option<Box<Journey>>,
    pub feedback: Option<Box<Feedback>>,
}

impl States {
    /// A customer before its first event.
    pub fn new(models: &[Model], maps: &JourneyMaps) -> Self {
        Self {
            identity: Identity::default(),
            profile: models.contains(&Model::Profile).then(Box::default),
            journey: models.contains(&Model::Journey).then(|| Box::new(Journey::new(maps))),
            feedback: models.contains(&Model::Feedback).then(Box::default),
        }
    }

    /// Takes in the customer's next event, in the order of events, after the silence before it.
    pub fn fold(&mut self, event: &Event, key: &OrderKey, maps: &JourneyMaps, facts: &mut Vec<FactChange>) {
        let Self { identity: _, profile, journey, feedback } = self;
        if let Some(journey) = journey {
            journey.let_pass(key.time(), maps, facts);
        }
        if let Some(feedback) = feedback {
            let stage = journey.as_deref().and_then(|journey| journey.main_stage(maps));
            feedback.fold(event, key, stage, facts);
        }
        if let Some(profile) = profile {
            profile.fold(event);
            if let Some(journey) = journey {
                journey.fold(event, key, profile, maps, facts);
            }
        }
    }

    /// Lets silence fall up to and at a moment.
    pub fn let_pass(&mut self, until: Timestamp, maps: &JourneyMaps, facts: &mut Vec<FactChange>) {
        if let Some(journey) = &mut self.journey {
            journey.let_pass(until, maps, facts);
        }
    }

    /// The next moment at which silence changes something, if no event comes before.
    pub fn due(&self, maps: &JourneyMaps) -> Option<Timestamp> {
        self.journey.as_deref().and_then(|journey| journey.due(maps))
    }

    /// The states at a moment on the clock, with the facts that silence made since the last event.
    pub fn at(&self, clock: Timestamp, maps: &JourneyMaps, facts: &mut Vec<FactChange>) -> Cow<'_, Self> {
        if self.due(maps).is_none_or(|due| due > clock) {
            return Cow::Borrowed(self);
        }
        let mut later = self.clone();
        later.let_pass(clock, maps, facts);
        Cow::Owned(later)
    }

    /// A model's state as bytes, the same for equal states: postcard's wire format. `None` if the model is not folded.
    pub fn encode(&self, model: Model) -> Option<Vec<u8>> {
        let bytes = match model {
            Model::Identity => postcard::to_stdvec(&self.identity),
            Model::Profile => postcard::to_stdvec(self.profile.as_ref()?),
            Model::Journey => postcard::to_stdvec(self.journey.as_ref()?),
            Model::Feedback => postcard::to_stdvec(self.feedback.as_ref()?),
        };
        Some(bytes.expect("a state is plain data"))
    }

    /// Reads what [`States::encode`] wrote.
    pub fn decode(&mut self, model: Model, bytes: &[u8]) -> Result<(), postcard::Error> {
        match model {
            Model::Identity => self.identity = postcard::from_bytes(bytes)?,
            Model::Profile => self.profile = Some(postcard::from_bytes(bytes)?),
            Model::Journey => self.journey = Some(postcard::from_bytes(bytes)?),
            Model::Feedback => self.feedback = Some(postcard::from_bytes(bytes)?),
        }
        Ok(())
    }

    /// The folded states as one, the same for equal states; who the customer is, is not among them.
    pub fn encode_folds(&self) -> Vec<u8> {
        let Self { identity: _, profile, journey, feedback } = self;
        postcard::to_stdvec(&(profile, journey, feedback)).expect("a state is plain data")
    }

    /// Reads what [`States::encode_folds`] wrote.
    pub fn decode_folds(bytes: &[u8]) -> Result<Self, postcard::Error> {
        let (profile, journey, feedback) = postcard::from_bytes(bytes)?;
        Ok(Self { identity: Identity::default(), profile, journey, feedback })
    }

    /// What this customer adds to the tenant's totals; facts add their own.
    pub fn contributes(&self, maps: &JourneyMaps, zone: &Zone) -> Totals {
        Contribution::of(self).totals(maps, zone)
    }

    /// What the customer can be found by.
    pub fn labels(&self, maps: &JourneyMaps) -> BTreeSet<String> {
        Contribution::of(self).labels(maps)
    }
}
