//! What stands of a customer outside its own row: what it adds to totals and digests, what it is found by, when it is due.

use rapport_customer::{Contribution, Digest, LabelChange, Model, States};
use rapport_touchpoint::{OrderKey, Timestamp};

use crate::Definitions;
use crate::totals::Difference;

/// At the clock of the read model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// What the customer is named by in the digests; `None` for nobody.
    earliest: Option<OrderKey>,
    contribution: Contribution,
    pub encoded: Vec<Encoded>,
    /// At or before the next silence.
    pub due: Option<Timestamp>,
}

/// A model's state as bytes, and what it adds to the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub model: Model,
    pub bytes: Vec<u8>,
    digest: Digest,
}

impl Shown {
    /// Of states at the clock.
    pub fn of(states: &States, earliest: &OrderKey, definitions: &Definitions) -> Self {
        Self::default().followed_by(states, earliest, definitions)
    }

    /// Of states that come after these; what did not change is not hashed again.
    pub fn followed_by(&self, states: &States, earliest: &OrderKey, definitions: &Definitions) -> Self {
        let known = if self.earliest.as_ref() == Some(earliest) { &self.encoded[..] } else { &[] };
        let encoded = definitions.models.iter().filter_map(|model| {
            let bytes = states.encode(*model)?;
            let unchanged = known.iter().find(|known| known.model == *model && known.bytes == bytes);
            let digest = unchanged.map_or_else(|| Digest::of(earliest, *model, &bytes), |known| known.digest);
            Some(Encoded { model: *model, bytes, digest })
        });
        Self {
            earliest: Some(earliest.clone()),
            contribution: Contribution::of(states),
            encoded: encoded.collect(),
            due: states.due(&definitions.journeys),
        }
    }

    /// Adds what changes in totals and digests when this one is followed by another, and tells what changes in the labels.
    pub fn change_to(&self, after: &Self, definitions: &Definitions, difference: &mut Difference) -> LabelChange {
        let Definitions { journeys, zone, .. } = definitions;
        self.contribution.add_difference(&after.contribution, journeys, zone, &mut difference.totals);
        let changed =
            |encoded: &Encoded, other: &Self| other.encoded.iter().all(|other| other.digest != encoded.digest);
        for Encoded { model, digest, .. } in self.encoded.iter().filter(|before| changed(before, after)) {
            difference.digest_loses(*model, *digest);
        }
        for Encoded { model, digest, .. } in after.encoded.iter().filter(|after| changed(after, self)) {
            difference.digest_gains(*model, *digest);
        }
        self.contribution.label_change(&after.contribution, journeys)
    }
}
