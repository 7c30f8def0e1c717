//! What can be wrong with definitions: where, what was found, what would be right.

use std::fmt;

use thiserror::Error;

use super::entry::OUTSIDE;
use super::{IdentityProblem, MOST_DEFINITION_BYTES};
use crate::journey::ConditionError;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct DefinitionError {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// `journey sales, stage loyal` or `identity, namespace email`; empty if it is about none.
    pub place: String,
    #[source]
    pub problem: Box<Problem>,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.problem)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("{0}")]
    Toml(String),
    #[error("the file has {bytes} bytes; it has at most {MOST_DEFINITION_BYTES}")]
    TooLarge { bytes: usize },
    #[error("time_zone is {found:?}; it {right}")]
    TimeZone { found: String, right: &'static str },
    #[error("one more than {most} {what}; {of} has at most {most}")]
    TooMany { what: &'static str, most: usize, of: &'static str },

    #[error("{key} is {found:?}; it must be a whole number and a unit, s, m, h, d or w, such as {example:?}")]
    Duration { key: &'static str, found: String, example: &'static str },
    #[error("{key} is {found:?}; it must be from {least:?} to {most:?}")]
    DurationRange { key: &'static str, found: String, least: &'static str, most: &'static str },

    #[error("{0}")]
    Identity(IdentityProblem),

    #[error(
        "the {of}'s name is {found:?}; it must be a lower-case word such as {example}: a letter, then letters, digits and _, at most 64"
    )]
    Name { of: &'static str, found: String, example: &'static str },
    #[error("{OUTSIDE} means customers who are in no stage yet; give the stage another name")]
    Reserved,
    #[error("there is a journey {name} on line {line} already; give each a name of its own")]
    DuplicateJourney { name: String, line: usize },
    #[error("there is a stage {name} on line {line} already; give each a name of its own")]
    DuplicateStage { name: String, line: usize },
    #[error("has no stage; it needs at least one [[journey.stage]]")]
    NoStages,

    #[error("custom_types has {found:?}; a type {right}")]
    CustomType { found: String, right: String },
    #[error("the event type {found:?} is not known; {}", right_type(nearest.as_deref()))]
    UnknownType { found: String, nearest: Option<String> },
    #[error("no known event type begins with {found:?}; {}", right_type(nearest.as_deref()))]
    UnknownPrefix { found: String, nearest: Option<String> },
    #[error("on is empty; name the event types that lead here, or \"*\" for each that is not passive")]
    NoTypes,
    #[error(
        "\"*\" means every type that is not passive; let it stand alone in on, and name passive types in an entry of their own"
    )]
    StarAmongOthers,

    #[error("enter is empty; a stage has at least one entry, such as {{ on = [\"order.placed\"] }}")]
    NoEntries,
    #[error("the entry has neither on nor quiet; say which event types lead here, or after which silence")]
    NeitherOnNorQuiet,
    #[error("the entry has both on and quiet; a stage is entered by events or by one silence: make two stages of it")]
    OnAndQuiet,
    #[error("the stage is entered by events and by silence; make two stages of it")]
    MixedEntries,
    #[error("the stage has two silences; it needs one, with all stages that it follows in from")]
    SeveralSilences,
    #[error("the entry has quiet and when; silence has no event to ask about, so leave when out")]
    QuietWhen,
    #[error("when: {0}")]
    Condition(ConditionError),

    #[error("from is empty, so nothing leads here; name stages, or leave it out: it then means {right}")]
    FromEmpty { right: &'static str },
    #[error("from has {found:?}, which is no stage of this journey; there are {known}")]
    FromUnknown { found: String, known: String },
    #[error("from has the stage itself; whoever is there need not enter it")]
    FromItself,
    #[error("from has {OUTSIDE}, but silence begins no journey; name the stages that it follows")]
    FromOutside,
    #[error("no stage stands before this one, so no silence leads here; put it behind others, or name them in from")]
    NothingEarlier,

    #[error("nobody can come here: {why}")]
    Unreachable { why: String },
    #[error(
        "quiet is not longer than that of {earlier} on line {line}, which it follows; both count from the last activity, so give it a longer one"
    )]
    NotLonger { earlier: String, line: usize },
    #[error(
        "{stage} is left for {other} on line {line} after the same silence; give one of them another, or take {stage} out of its from"
    )]
    SameSilence { stage: String, other: String, line: usize },
}

fn right_type(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest}? A type of your own has a schema or stands in custom_types"),
        None => "a type of your own has a schema or stands in custom_types".to_owned(),
    }
}
