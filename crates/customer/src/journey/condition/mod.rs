//! Conditions in CEL (<https://cel.dev>) on an event and on the customer's profile with that event in it.
//!
//! A condition is compiled and checked once, at start, and evaluated for each event that its entry names. What it may ask
//! for is in [`fields`]; [`walk`] lets through only what is cheap, needs no clock and has one answer; [`rehearsal`] tries
//! it on the examples of the schemas, since CEL finds most mistakes only when it is evaluated.

mod error;
mod fields;
mod rehearsal;
#[cfg(test)]
mod tests;
mod values;
mod walk;

use std::fmt;

use cel::{Program, Value};
use rapport_touchpoint::Event;
use serde::{Serialize, Serializer};

use self::fields::Needs;
use crate::Profile;

pub use error::ConditionError;

/// Characters of a condition's source. The parser recurses for each bracket and operator; the worst that can be said in so
/// many fits the stack of a thread, which is 2 MiB.
pub const MOST_CONDITION_CHARS: usize = 1_000;

/// A condition that was compiled and checked.
pub struct Condition {
    source: String,
    program: Program,
    needs: Needs,
}

impl Condition {
    /// Compiles a condition and checks it, also by evaluating it on examples of the events that it will be asked about.
    pub fn parse(source: &str, examples: &[Event]) -> Result<Self, ConditionError> {
        let source = source.trim();
        let chars = source.chars().count();
        if chars > MOST_CONDITION_CHARS {
            return Err(ConditionError::TooLong { chars });
        }
        let program = Program::compile(source).map_err(|errors| ConditionError::syntax(&errors))?;
        let needs = walk::walk(&program)?;
        rehearsal::rehearse(&program, &needs, examples)?;
        Ok(Self { source: source.to_owned(), program, needs })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// What cannot be told, for instance because the data lacks a field, does not hold.
    pub fn holds(&self, event: &Event, profile: &Profile) -> bool {
        let data = values::data(&self.needs, event);
        let context = values::context(&self.needs, event, &data, profile);
        matches!(self.program.execute(&context), Ok(Value::Bool(true)))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// A condition means what its source says.
impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}
