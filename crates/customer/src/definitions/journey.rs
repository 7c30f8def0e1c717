//! One journey of the file, stage by stage, to a map.

use std::ops::Range;

use rapport_touchpoint::EventType;
use toml::Spanned;

use super::entry::{Entry, Scope};
use super::file::{File, JourneyText, StageText};
use super::known::KnownTypes;
use super::{DefinitionError, Problem, reach};
use crate::journey::{Entries, JourneyMap, MOST_STAGES, Stage};

/// Entries of one journey; each may be asked for each event.
const MOST_ENTRIES: usize = 100;
const MOST_NAME_CHARS: usize = 64;

pub(super) fn map(
    text: &JourneyText,
    at: Range<usize>,
    known: &KnownTypes,
    file: &File<'_>,
) -> Result<JourneyMap, DefinitionError> {
    let name = text.name.as_ref();
    if !is_name(name) {
        let problem = Problem::Name { of: "journey", found: name.clone(), example: "sales" };
        return Err(file.error(text.name.span(), "", problem));
    }
    let of_journey = format!("journey {name}");
    if text.stage.is_empty() {
        return Err(file.error(at, &of_journey, Problem::NoStages));
    }
    let names = stage_names(text, &of_journey, file)?;
    let passive = passive(text, &of_journey, known, file)?;
    let mut stages = Vec::with_capacity(names.len());
    for (place, stage) in text.stage.iter().enumerate() {
        let of_stage = format!("{of_journey}, stage {}", names[place]);
        let scope = Scope { file, known, passive: &passive, place: &of_stage, stages: &text.stage, stage: place };
        stages.push(Stage { name: names[place].clone(), entries: entries(stage.as_ref(), &scope)? });
    }
    let map = JourneyMap { name: name.clone(), stages, passive };
    match reach::check(&map, |stage| file.line(text.stage[usize::from(stage.0)].as_ref().name.span())) {
        Ok(()) => Ok(map),
        Err((stage, problem)) => {
            let text = text.stage[usize::from(stage.0)].as_ref();
            let of_stage = format!("{of_journey}, stage {}", text.name.as_ref());
            Err(file.error(text.name.span(), &of_stage, problem))
        }
    }
}

fn stage_names(text: &JourneyText, of_journey: &str, file: &File<'_>) -> Result<Vec<String>, DefinitionError> {
    let mut names: Vec<String> = Vec::new();
    let mut entries = 0;
    for stage in &text.stage {
        let StageText { name, enter } = stage.as_ref();
        let error = |problem| Err(file.error(name.span(), of_journey, problem));
        if names.len() == MOST_STAGES {
            return error(Problem::TooMany { what: "stages", most: MOST_STAGES, of: "a journey" });
        }
        if !is_name(name.as_ref()) {
            return error(Problem::Name { of: "stage", found: name.as_ref().clone(), example: "loyal" });
        }
        if name.as_ref() == super::entry::OUTSIDE {
            return error(Problem::Reserved);
        }
        if let Some(place) = names.iter().position(|known| known == name.as_ref()) {
            let line = file.line(text.stage[place].as_ref().name.span());
            return error(Problem::DuplicateStage { name: name.as_ref().clone(), line });
        }
        entries += enter.as_ref().len();
        if entries > MOST_ENTRIES {
            return error(Problem::TooMany { what: "entries", most: MOST_ENTRIES, of: "a journey" });
        }
        names.push(name.as_ref().clone());
    }
    Ok(names)
}

/// Sorted, each once, so that their order in the file means nothing.
fn passive(
    text: &JourneyText,
    of_journey: &str,
    known: &KnownTypes,
    file: &File<'_>,
) -> Result<Vec<EventType>, DefinitionError> {
    let Some(names) = &text.passive else { return Ok(known.default_passive()) };
    let find = |name: &Spanned<String>| {
        known.exact(name.as_ref()).cloned().map_err(|problem| file.error(name.span(), of_journey, problem))
    };
    let mut passive = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    passive.sort_unstable();
    passive.dedup();
    Ok(passive)
}

/// By events, or by one silence.
fn entries(text: &StageText, scope: &Scope<'_>) -> Result<Entries, DefinitionError> {
    let mut by_event = Vec::new();
    let mut by_silence = None;
    for entry in text.enter.as_ref() {
        let error = |problem| Err(scope.error(entry.span(), problem));
        match scope.entry(entry)? {
            Entry::Event(_) if by_silence.is_some() => return error(Problem::MixedEntries),
            Entry::Silence(_) if !by_event.is_empty() => return error(Problem::MixedEntries),
            Entry::Silence(_) if by_silence.is_some() => return error(Problem::SeveralSilences),
            Entry::Event(entry) => by_event.push(entry),
            Entry::Silence(silence) => by_silence = Some(silence),
        }
    }
    match by_silence {
        Some(silence) => Ok(Entries::BySilence(silence)),
        None if by_event.is_empty() => Err(scope.error(text.enter.span(), Problem::NoEntries)),
        None => Ok(Entries::ByEvent(by_event)),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= MOST_NAME_CHARS
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
