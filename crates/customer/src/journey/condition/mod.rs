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

/// Characters of a condition's source.
pub const MOST_CONDITION_CHARS: usize = 1_000;

/// The parser recurses once for each bracket and operator, in large frames; this holds the worst that
/// [`MOST_CONDITION_CHARS`] can say.
const PARSER_STACK_BYTES: usize = 128 * 1024 * 1024;

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
        let condition = compile(source)?;
        rehearsal::rehearse(&condition.program, &condition.needs, examples)?;
        Ok(condition)
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// What cannot be told, for instance because the data lacks a field, does not hold.
    pub fn holds(&self, event: &Event, profile: &Profile) -> bool {
        let context = values::context(&self.needs, event, profile);
        matches!(self.program.execute(&context), Ok(Value::Bool(true)))
    }
}

/// On a thread of its own, for its stack: what was parsed and is too deep must also be dropped there.
fn compile(source: &str) -> Result<Condition, ConditionError> {
    let compile = || {
        let program = Program::compile(source).map_err(|errors| ConditionError::syntax(&errors))?;
        let needs = walk::walk(&program)?;
        Ok(Condition { source: source.to_owned(), program, needs })
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(PARSER_STACK_BYTES).spawn_scoped(scope, compile);
        // A panic of the parser is a condition that it cannot read, not the end of the server.
        thread.map_err(|_| ConditionError::Unparsed)?.join().unwrap_or(Err(ConditionError::Unparsed))
    })
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
