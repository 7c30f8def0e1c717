//! Fingerprints: one for what a read model says, one for the definitions that it says it under.

use std::fmt;

use rapport_touchpoint::OrderKey;

use crate::fact::{FactKey, FactKind};
use crate::identity::Rules;
use crate::journey::JourneyMaps;
use crate::{Model, Zone};

/// An order-free sum of 128-bit hashes of customers' states. A customer is named in it by its earliest event, so that the
/// digest is the same under every tenant key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// Of a model's state.
    pub fn of(earliest: &OrderKey, model: Model, encoded: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(model.name().as_bytes()).update(&[0]);
        hasher.update(&(earliest.as_bytes().len() as u64).to_be_bytes()).update(earliest.as_bytes()).update(encoded);
        Self::finish(&hasher)
    }

    /// Of a fact, and of what closed it.
    pub fn of_fact(
        earliest: &OrderKey,
        kind: FactKind,
        key: &FactKey,
        encoded: &[u8],
        closed_by: Option<&OrderKey>,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"fact").update(&[0, kind.number(), key.slot, u8::from(closed_by.is_some())]);
        for part in [earliest, &key.event].into_iter().chain(closed_by) {
            hasher.update(&(part.as_bytes().len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        hasher.update(encoded);
        Self::finish(&hasher)
    }

    fn finish(hasher: &blake3::Hasher) -> Self {
        let mut bits = [0; 16];
        bits.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(u128::from_be_bytes(bits))
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Changes whenever the same events could give other answers: other definitions, schemas, models or versions of models.
pub fn fingerprint(rules: &Rules, zone: &Zone, maps: &JourneyMaps, catalogue: [u8; 16], models: &[Model]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blake3::hash(&rules.canonical()).as_bytes()).update(&catalogue);
    hasher.update(blake3::hash(zone.name().as_bytes()).as_bytes());
    hasher.update(blake3::hash(&maps.canonical()).as_bytes());
    for model in models {
        hasher.update(model.name().as_bytes()).update(&[0]).update(&model.version().to_be_bytes());
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    hash
}
