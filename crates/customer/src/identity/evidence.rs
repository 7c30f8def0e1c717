//! What one event says about who it was.

use rapport_touchpoint::{Identifier, Touchpoint};

use super::{KindIndex, Role, Rules};

/// An identifier that the rules know, normalised. Sorts by strength, strongest first; then by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usable {
    pub kind: KindIndex,
    pub value: String,
}

impl Usable {
    /// `None` if the kind is unknown or the value says nothing about anybody.
    pub fn of(identifier: &Identifier, rules: &Rules) -> Option<Self> {
        let (kind, rule) = rules.find(&identifier.namespace)?;
        let value = rules.comparable(rule, &identifier.value)?;
        Some(Self { kind, value })
    }

    pub fn role(&self, rules: &Rules) -> Role {
        rules.kind(self.kind).role
    }

    pub fn to_identifier(&self, rules: &Rules) -> Identifier {
        Identifier { namespace: rules.kind(self.kind).namespace.clone(), value: self.value.clone() }
    }
}

/// The usable identifiers of an event, strongest first, each once. Persons come before devices.
pub fn evidence(touchpoint: &Touchpoint, rules: &Rules) -> Vec<Usable> {
    let mut usable: Vec<_> = touchpoint.identifiers.iter().filter_map(|named| Usable::of(named, rules)).collect();
    usable.sort_unstable();
    usable.dedup();
    usable
}
