//! What can be wrong with a condition: where in it, what was found, what would be right.

use std::fmt;

use cel::common::ast::{Expr, IdedExpr};
use cel::{ParseErrors, Program};
use thiserror::Error;

use super::MOST_CONDITION_CHARS;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    #[error("has {chars} characters; a condition has at most {MOST_CONDITION_CHARS}")]
    TooLong { chars: usize },
    #[error(
        "{place}: {found}; a condition is a CEL expression such as customer.orders >= 3 && event.channel == \"web\""
    )]
    Syntax { place: Place, found: String },
    #[error("cannot be read; a condition is a CEL expression such as customer.orders >= 3")]
    Unparsed,
    #[error("nests expressions deeper than {most}; split it into several entries")]
    TooDeep { most: usize },
    #[error(
        "{place}: {name} is not known; a condition asks for fields of event and customer, and text stands in quotes"
    )]
    UnknownVariable { place: Place, name: String },
    #[error("{place}: {variable} stands alone; ask for one of its fields, such as {variable}.{example}")]
    Bare { place: Place, variable: &'static str, example: &'static str },
    #[error("{place}: {variable} has no field {field}; it has {known}")]
    UnknownField { place: Place, variable: &'static str, field: String, known: String },
    #[error("{place}: there is no function {name}; there are {known}, has, all, exists and exists_one")]
    UnknownFunction { place: Place, name: String, known: String },
    #[error("{place}: {code} is no currency; revenue is by ISO 4217 code, such as customer.revenue.CNY")]
    Currency { place: Place, code: String },
    #[error("{place}: map and filter make lists that have no sure order; ask with all, exists or exists_one")]
    MapOrFilter { place: Place },
    #[error("{place}: all, exists and exists_one cannot stand within each other; they would take long on large events")]
    Nested { place: Place },
    #[error("{place}: {name} is the name of a variable already; call it something else")]
    Shadow { place: Place, name: String },
    #[error("{place}: braces make maps and messages, which no condition needs; compare fields one by one")]
    Braces { place: Place },
    #[error("{place}: matches takes its pattern in quotes, such as event.channel.matches(\"^we\")")]
    Pattern { place: Place },
    #[error("{place}: the pattern of matches is no regular expression: {why}")]
    BadPattern { place: Place, why: String },
    #[error(
        "{found} on an example of {event_type}; numbers go with numbers and texts with texts, and double(...) makes a number of a text"
    )]
    Types { event_type: String, found: String },
    #[error("gives {found} on an example of {event_type}; a condition is true or false")]
    NoTruth { event_type: String, found: String },
}

/// A place in a condition, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// Where an expression begins.
    pub(super) fn of(program: &Program, expression: &IdedExpr) -> Self {
        Self::at(program, first_offset(program, expression).unwrap_or_default())
    }

    /// Where a function is named: before the bracket, at which the parser places a call.
    pub(super) fn of_name(program: &Program, call: &IdedExpr, name: &str) -> Self {
        Self::at(program, own_offset(program, call).unwrap_or_default().saturating_sub(name.chars().count()))
    }

    fn at(program: &Program, offset: usize) -> Self {
        let before: String = program.source_info().source.chars().take(offset).collect();
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

fn own_offset(program: &Program, expression: &IdedExpr) -> Option<usize> {
    program.source_info().offset_for(expression.id).map(|(start, _)| start as usize)
}

/// The parser places a call and a selection at their bracket and dot; what they are about begins before.
fn first_offset(program: &Program, expression: &IdedExpr) -> Option<usize> {
    let own = own_offset(program, expression);
    let of = |below: &IdedExpr| first_offset(program, below);
    let below = match &expression.expr {
        Expr::Select(select) => of(&select.operand),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).filter_map(of).min(),
        Expr::Comprehension(comprehension) => of(&comprehension.iter_range),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => None,
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => None,
    };
    own.into_iter().chain(below).min()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            1 => write!(f, "column {}", self.column),
            line => write!(f, "line {line} of it, column {}", self.column),
        }
    }
}

impl ConditionError {
    /// The parser's first complaint, without the list of all tokens that it would have taken.
    pub(super) fn syntax(errors: &ParseErrors) -> Self {
        let complaint = |error: &&cel::ParseError| error.msg.starts_with("Syntax error: ");
        let Some(error) = errors.errors.iter().find(complaint).or(errors.errors.first()) else {
            return Self::Unparsed;
        };
        let (line, column) = (error.pos.0.max(1).unsigned_abs(), error.pos.1.max(1).unsigned_abs());
        let text = error.msg.trim_start_matches("Syntax error: ");
        let quoted = text.split_once('\'').and_then(|(_, rest)| {
            let end = rest.find("' expecting").or_else(|| rest.rfind('\''))?;
            Some(rest[..end].trim())
        });
        let found = match quoted {
            _ if text.contains("ecursion") => "is nested too deep".to_owned(),
            Some("<EOF>") => "ends too early".to_owned(),
            Some(token) => format!("{token} has no place here"),
            None => text.to_owned(),
        };
        Self::Syntax { place: Place { line, column }, found }
    }
}
