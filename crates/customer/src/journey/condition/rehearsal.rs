//! A condition is tried on the examples of the schemas: CEL finds a number compared with a text only when it comes to it.
//!
//! So that nothing hides behind an operand that decides alone, each operand of `&&`, `||`, `!` and `?:` is tried by
//! itself. That a field is absent is no mistake: the same condition holds for other events of the type.

use cel::common::ast::{Expr, IdedExpr, operators};
use cel::{Context, ExecutionError, Program, Value};
use rapport_touchpoint::{Currency, Event};

use super::ConditionError;
use super::fields::{CustomerField, Needs};
use super::values;
use crate::{Consent, Profile};

pub(super) fn rehearse(program: &Program, needs: &Needs, examples: &[Event]) -> Result<(), ConditionError> {
    let mut parts = Vec::new();
    truths(program.expression(), &mut parts);
    for event in examples {
        let profile = example_of(needs, event);
        let data = values::data(needs, event);
        let context = values::context(needs, event, &data, &profile);
        parts.iter().try_for_each(|part| try_on(part, &context, event))?;
    }
    Ok(())
}

/// The parts that must be true or false, down to those that have no such parts.
fn truths<'e>(expression: &'e IdedExpr, found: &mut Vec<&'e IdedExpr>) {
    let parts: &[IdedExpr] = match &expression.expr {
        Expr::Call(call) => match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::CONDITIONAL => {
                &call.args
            }
            _ => &[],
        },
        _ => &[],
    };
    if parts.is_empty() {
        found.push(expression);
    }
    for part in parts {
        truths(part, found);
    }
}

/// A customer who has what the condition asks for, as far as its type is known. What a trait is, only the tenant knows.
fn example_of(needs: &Needs, event: &Event) -> Profile {
    let mut profile = Profile::default();
    profile.fold(event);
    for (field, part) in &needs.customer {
        for key in part.keys() {
            match field {
                CustomerField::Channels => profile.channels.count(key, usize::MAX),
                CustomerField::Types => profile.types.count(key, usize::MAX),
                CustomerField::Consents => {
                    let consent = Consent { granted: true, since: profile.last_seen };
                    profile.consents.insert(key.to_owned(), consent);
                }
                CustomerField::Revenue => {
                    if let Ok(currency) = Currency::parse(key) {
                        profile.orders.entry(currency).or_default();
                    }
                }
                CustomerField::Traits
                | CustomerField::Touchpoints
                | CustomerField::FirstChannel
                | CustomerField::LastChannel
                | CustomerField::FirstSeen
                | CustomerField::LastSeen
                | CustomerField::DaysKnown
                | CustomerField::Orders
                | CustomerField::Refunds
                | CustomerField::Units => {}
            }
        }
    }
    profile
}

fn try_on(part: &IdedExpr, context: &Context<'_, '_>, event: &Event) -> Result<(), ConditionError> {
    let event_type = || event.touchpoint.event_type.to_string();
    let error = match Value::resolve(part, context) {
        Ok(Value::Bool(_)) => return Ok(()),
        Ok(other) => {
            return Err(ConditionError::NoTruth { event_type: event_type(), found: kind(&other) });
        }
        Err(error) => error,
    };
    let found = match error {
        // What the data of another event may cure.
        ExecutionError::NoSuchKey(_)
        | ExecutionError::IndexOutOfBounds(_)
        | ExecutionError::DivisionByZero(_)
        | ExecutionError::RemainderByZero(_)
        | ExecutionError::Overflow(..)
        | ExecutionError::FunctionError { .. } => return Ok(()),
        ExecutionError::NoSuchOverload(overload) => {
            let name = overload.function().trim_matches(['_', '@']);
            format!("{name} does not go with {}", overload.argument_types().join(" and "))
        }
        ExecutionError::UnsupportedBinaryOperator(name, left, right) => {
            let sign = match name {
                "add" => "+",
                "sub" => "-",
                "mul" => "*",
                "div" => "/",
                "rem" => "%",
                other => other,
            };
            format!("{sign} does not go with {} and {}", kind(&left), kind(&right))
        }
        ExecutionError::UnexpectedType { got, want } => format!("finds {got} where {want} belongs"),
        other => other.to_string(),
    };
    Err(ConditionError::Types { event_type: event_type(), found })
}

fn kind(value: &Value) -> String {
    value.type_of().to_string()
}
