//! What a condition may say, found by walking its expression once.
//!
//! Every value of the language has one answer, but for the order in which a map is gone through, since CEL's maps are hash
//! maps. `all`, `exists` and `exists_one` say the same in any order: an error counts only if no element decides, and for
//! `exists_one` it always does. `map` and `filter` make a list in that order, so they are refused, over anything: whether
//! data is a list or a map is not known here. What remains, `size`, `in`, `==` and keys, knows no order.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use cel::{Context, Program, Value};
use rapport_touchpoint::Currency;

use super::ConditionError;
use super::error::Place;
use super::fields::{CustomerField, Field, Needs, Variable};

/// Expressions within each other; evaluation recurses as deep.
const MOST_NESTING: usize = 32;

const FUNCTIONS: [&str; 9] =
    ["size", "contains", "startsWith", "endsWith", "matches", "int", "double", "string", "bool"];

const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

/// Refuses what a condition may not say, and finds what it asks for.
pub(super) fn walk(program: &Program) -> Result<Needs, ConditionError> {
    let mut walk = Walk { program, needs: Needs::default(), bound: None };
    walk.expression(program.expression(), 1)?;
    Ok(walk.needs)
}

struct Walk<'p> {
    program: &'p Program,
    needs: Needs,
    /// The variables of the comprehension that is being walked: its own, and the one for its result.
    bound: Option<[&'p str; 2]>,
}

impl<'p> Walk<'p> {
    fn expression(&mut self, expression: &'p IdedExpr, depth: usize) -> Result<(), ConditionError> {
        if depth > MOST_NESTING {
            return Err(ConditionError::TooDeep { most: MOST_NESTING });
        }
        let place = || Place::of(self.program, expression);
        if let Some((field, key)) = self.field_of(expression)? {
            if field == Field::Customer(CustomerField::Revenue)
                && let Some(code) = key
                && Currency::parse(code).is_err()
            {
                return Err(ConditionError::Currency { place: place(), code: code.to_owned() });
            }
            self.needs.add(field, key);
            return Ok(());
        }
        match &expression.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) if self.is_bound(name) => Ok(()),
            Expr::Ident(name) => Err(match Variable::parse(name) {
                Some(variable) => ConditionError::Bare {
                    place: place(),
                    variable: variable.name(),
                    example: variable.field_names()[0],
                },
                None => ConditionError::UnknownVariable { place: place(), name: name.clone() },
            }),
            Expr::Select(select) => self.expression(&select.operand, depth + 1),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.expression(element, depth + 1)),
            Expr::Call(call) => {
                self.call(call, expression)?;
                call.target
                    .as_deref()
                    .into_iter()
                    .chain(&call.args)
                    .try_for_each(|part| self.expression(part, depth + 1))
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, expression, depth),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => Err(ConditionError::Braces { place: place() }),
        }
    }

    fn call(&self, call: &CallExpr, expression: &IdedExpr) -> Result<(), ConditionError> {
        let name = call.func_name.as_str();
        let place = || Place::of(self.program, expression);
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            return Err(ConditionError::UnknownFunction {
                place: Place::of_name(self.program, expression, name),
                name: name.to_owned(),
                known: FUNCTIONS.join(", "),
            });
        }
        // A pattern is compiled for each event: one that comes with the event could be made to take long.
        if name == "matches" {
            let pattern = call.args.last().ok_or_else(|| ConditionError::Pattern { place: place() })?;
            let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
                return Err(ConditionError::Pattern { place: place() });
            };
            check_pattern(text.inner()).map_err(|why| ConditionError::BadPattern { place: place(), why })?;
        }
        Ok(())
    }

    fn comprehension(
        &mut self,
        comprehension: &'p ComprehensionExpr,
        expression: &'p IdedExpr,
        depth: usize,
    ) -> Result<(), ConditionError> {
        let place = || Place::of(self.program, expression);
        let Expr::Literal(_) = &comprehension.accu_init.expr else {
            return Err(ConditionError::MapOrFilter { place: place() });
        };
        if self.bound.is_some() {
            return Err(ConditionError::Nested { place: place() });
        }
        if Variable::parse(&comprehension.iter_var).is_some() {
            return Err(ConditionError::Shadow { place: place(), name: comprehension.iter_var.clone() });
        }
        self.expression(&comprehension.iter_range, depth + 1)?;
        self.bound = Some([&comprehension.iter_var, &comprehension.accu_var]);
        let walked = self.expression(&comprehension.loop_step, depth + 1);
        self.bound = None;
        walked
    }

    /// `event.channel`, `customer.traits.plan`, `customer.types["order.placed"]`, `"email" in customer.consents`.
    fn field_of(&self, expression: &'p IdedExpr) -> Result<Option<(Field, Option<&'p str>)>, ConditionError> {
        let map_and_key = match &expression.expr {
            Expr::Select(select) => {
                if let Some(field) = self.direct_field(select, expression)? {
                    return Ok(Some((field, None)));
                }
                Some((&*select.operand, select.field.as_str()))
            }
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX, [map, key]) | (operators::IN, [key, map]) => match &key.expr {
                    Expr::Literal(LiteralValue::String(key)) => Some((map, key.inner())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let Some((map, key)) = map_and_key else { return Ok(None) };
        let Expr::Select(select) = &map.expr else { return Ok(None) };
        let field = self.direct_field(select, map)?.filter(|field| field.is_map());
        Ok(field.map(|field| (field, Some(key))))
    }

    /// A field of one of the two variables.
    fn direct_field(&self, select: &SelectExpr, expression: &IdedExpr) -> Result<Option<Field>, ConditionError> {
        let Expr::Ident(name) = &select.operand.expr else { return Ok(None) };
        let Some(variable) = Variable::parse(name) else { return Ok(None) };
        variable.field(&select.field).map(Some).ok_or_else(|| ConditionError::UnknownField {
            place: Place::of(self.program, expression),
            variable: variable.name(),
            field: select.field.clone(),
            known: variable.field_names().join(", "),
        })
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bound.is_some_and(|bound| bound.contains(&name))
    }
}

/// The language's own opinion of a regular expression.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let call = Program::compile("''.matches(pattern)").map_err(|error| error.to_string())?;
    let mut context = Context::default();
    context.add_variable_from_value("pattern", Value::from(pattern));
    match call.execute(&context) {
        Ok(_) => Ok(()),
        // The last line says why, after a picture of where.
        Err(error) => {
            Err(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
        }
    }
}
