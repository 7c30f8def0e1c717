//! Whether customers can come into every stage, as far as types, silences and `from` tell; conditions are not asked.

use super::Problem;
use crate::journey::{Entries, JourneyMap, Silence, StageIndex, StageSet};

/// `line_of` says where a stage stands in the file.
pub(super) fn check(map: &JourneyMap, line_of: impl Fn(StageIndex) -> usize) -> Result<(), (StageIndex, Problem)> {
    let silences: Vec<(StageIndex, &Silence)> = map
        .indexed()
        .filter_map(|(index, stage)| match &stage.entries {
            Entries::BySilence(silence) => Some((index, silence)),
            Entries::ByEvent(_) => None,
        })
        .collect();
    let name = |stage: StageIndex| map.stage(stage).name.clone();
    for (place, (index, silence)) in silences.iter().enumerate() {
        for (other, earlier) in &silences {
            if silence.from.contains(*other) && silence.quiet_nanos <= earlier.quiet_nanos {
                return Err((*index, Problem::NotLonger { earlier: name(*other), line: line_of(*other) }));
            }
        }
        for (other, rival) in &silences[..place] {
            let shared = silence.from.and(rival.from);
            let contested = map.indexed().find(|(stage, _)| shared.contains(*stage));
            if let Some((stage, _)) = contested
                && silence.quiet_nanos == rival.quiet_nanos
            {
                let problem = Problem::SameSilence { stage: name(stage), other: name(*other), line: line_of(*other) };
                return Err((*index, problem));
            }
        }
    }
    let reached = reached(map, &silences);
    match map.indexed().find(|(index, _)| !reached.contains(*index)) {
        None => Ok(()),
        Some((index, stage)) => {
            let why = match &stage.entries {
                Entries::ByEvent(_) => {
                    "its entries lead from stages that nobody can be in; add an entry from \"outside\", or from a stage \
                     that is reached"
                }
                Entries::BySilence(_) => {
                    "the stages in its from are not reached, or a shorter silence ends them first; let it follow a stage \
                     that is reached, or that shorter silence's stage"
                }
            };
            Err((index, Problem::Unreachable { why: why.to_owned() }))
        }
    }
}

/// Until nothing new is found.
fn reached(map: &JourneyMap, silences: &[(StageIndex, &Silence)]) -> StageSet {
    let mut reached = StageSet::default();
    loop {
        let leads_here = |(index, stage): &(StageIndex, &crate::journey::Stage)| match &stage.entries {
            Entries::ByEvent(entries) => {
                entries.iter().any(|entry| entry.from.outside || !entry.from.stages.and(reached).is_empty())
            }
            Entries::BySilence(silence) => map.indexed().any(|(from, _)| {
                silence.from.contains(from) && reached.contains(from) && comes_first(silence, *index, from, silences)
            }),
        };
        let more = map.indexed().filter(leads_here).map(|(index, _)| index).fold(reached, StageSet::with);
        if more == reached {
            return reached;
        }
        reached = more;
    }
}

/// Of the silences that follow a stage, only the shortest falls.
fn comes_first(silence: &Silence, index: StageIndex, from: StageIndex, all: &[(StageIndex, &Silence)]) -> bool {
    let mut rivals = all.iter().filter(|(other, rival)| *other != index && rival.from.contains(from));
    rivals.all(|(_, rival)| rival.quiet_nanos > silence.quiet_nanos)
}
