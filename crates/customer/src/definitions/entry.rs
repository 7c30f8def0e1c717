//! One entry of a stage: event types and a condition, or a silence; and from where.

use std::ops::Range;

use rapport_touchpoint::EventType;
use toml::Spanned;

use super::duration::Duration;
use super::file::{EntryText, File, StageText};
use super::known::KnownTypes;
use super::{DefinitionError, Problem};
use crate::journey::{Condition, EventEntry, From, Silence, StageIndex, StageSet, Types};

/// In `from`: customers who are in no stage of the journey yet.
pub(super) const OUTSIDE: &str = "outside";

/// At most ten years: longer than a company remembers somebody who is silent.
const QUIET: Duration = Duration { key: "quiet", least: "1s", most: "3650d", example: "30d" };

pub(super) enum Entry {
    Event(EventEntry),
    Silence(Silence),
}

/// The stage whose entries are read.
pub(super) struct Scope<'a> {
    pub(super) file: &'a File<'a>,
    pub(super) known: &'a KnownTypes,
    pub(super) passive: &'a [EventType],
    /// Of the stage, for errors.
    pub(super) place: &'a str,
    /// All stages of the journey.
    pub(super) stages: &'a [Spanned<StageText>],
    /// This one among them.
    pub(super) stage: usize,
}

impl Scope<'_> {
    pub(super) fn entry(&self, text: &Spanned<EntryText>) -> Result<Entry, DefinitionError> {
        let EntryText { on, when, quiet, from } = text.as_ref();
        match (on, quiet) {
            (Some(_), Some(_)) => Err(self.error(text.span(), Problem::OnAndQuiet)),
            (None, None) => Err(self.error(text.span(), Problem::NeitherOnNorQuiet)),
            (Some(on), None) => {
                let on = self.types(on)?;
                let when = when.as_ref().map(|when| self.condition(when, &on)).transpose()?;
                let from = match from {
                    Some(from) => self.from(from, "outside and every earlier stage that events lead into")?,
                    None => From { outside: true, stages: self.earlier(|stage| !is_quiet(stage)) },
                };
                Ok(Entry::Event(EventEntry { on, when, from }))
            }
            (None, Some(quiet)) => {
                if let Some(when) = when {
                    return Err(self.error(when.span(), Problem::QuietWhen));
                }
                let quiet_nanos = QUIET.nanos(quiet.as_ref()).map_err(|problem| self.error(quiet.span(), problem))?;
                let stages = match from {
                    None => self.earlier(|_| true),
                    Some(text) => {
                        let from = self.from(text, "every earlier stage")?;
                        if from.outside {
                            return Err(self.error(text.span(), Problem::FromOutside));
                        }
                        from.stages
                    }
                };
                if stages.is_empty() {
                    return Err(self.error(text.span(), Problem::NothingEarlier));
                }
                Ok(Entry::Silence(Silence { quiet_nanos, from: stages }))
            }
        }
    }

    pub(super) fn error(&self, at: Range<usize>, problem: Problem) -> DefinitionError {
        self.file.error(at, self.place, problem)
    }

    fn types(&self, on: &Spanned<Vec<Spanned<String>>>) -> Result<Types, DefinitionError> {
        let mut named = Vec::new();
        for name in on.as_ref() {
            if name.as_ref() == "*" {
                return match on.as_ref().len() {
                    1 => Ok(Types::Active),
                    _ => Err(self.error(name.span(), Problem::StarAmongOthers)),
                };
            }
            named.push(self.known.named(name.as_ref()).map_err(|problem| self.error(name.span(), problem))?);
        }
        if named.is_empty() {
            return Err(self.error(on.span(), Problem::NoTypes));
        }
        Ok(Types::Named(named))
    }

    fn condition(&self, when: &Spanned<String>, on: &Types) -> Result<Condition, DefinitionError> {
        Condition::parse(when.as_ref(), &self.known.examples(on, self.passive))
            .map_err(|error| self.error(when.span(), Problem::Condition(error)))
    }

    fn from(&self, text: &Spanned<Vec<Spanned<String>>>, right: &'static str) -> Result<From, DefinitionError> {
        if text.as_ref().is_empty() {
            return Err(self.error(text.span(), Problem::FromEmpty { right }));
        }
        let mut from = From { outside: false, stages: StageSet::default() };
        for name in text.as_ref() {
            if name.as_ref() == OUTSIDE {
                from.outside = true;
                continue;
            }
            let found = self.indexed().find(|(_, stage)| stage.name.as_ref() == name.as_ref());
            match found {
                Some((index, _)) if usize::from(index.0) == self.stage => {
                    return Err(self.error(name.span(), Problem::FromItself));
                }
                Some((index, _)) => from.stages = from.stages.with(index),
                None => {
                    let known: Vec<&str> = self.indexed().map(|(_, stage)| stage.name.as_ref().as_str()).collect();
                    let known = format!("{} and {OUTSIDE}", known.join(", "));
                    let problem = Problem::FromUnknown { found: name.as_ref().clone(), known };
                    return Err(self.error(name.span(), problem));
                }
            }
        }
        Ok(from)
    }

    fn earlier(&self, which: impl Fn(&StageText) -> bool) -> StageSet {
        let earlier = self.indexed().take(self.stage);
        earlier.filter(|(_, stage)| which(stage)).map(|(index, _)| index).collect()
    }

    fn indexed(&self) -> impl Iterator<Item = (StageIndex, &StageText)> {
        (0..).map(StageIndex).zip(self.stages.iter().map(Spanned::as_ref))
    }
}

/// What is wrong with its entries is said when they are read.
fn is_quiet(stage: &StageText) -> bool {
    stage.enter.as_ref().iter().any(|entry| entry.as_ref().quiet.is_some())
}
