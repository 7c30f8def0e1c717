//! Journeys on the wire.

use rapport_customer::journey::{Cause, FunnelRow, JourneyMap, JourneyMaps, Progress, StageIndex, Transition};
use rapport_customer::{Day, States};
use rapport_readmodel::FactEntry;

use super::timestamp;
use crate::wire::v1;
use crate::wire::v1::transition::Cause as WireCause;

pub(crate) fn journeys(states: &States, maps: &JourneyMaps) -> Vec<v1::JourneyProgress> {
    let progress = states.journey.iter().flat_map(|journey| journey.by_map(maps));
    progress.map(|(map, progress)| journey_progress(map, progress)).collect()
}

fn journey_progress(map: &JourneyMap, progress: &Progress) -> v1::JourneyProgress {
    let name = |stage: StageIndex| map.stage(stage).name.clone();
    let place = progress.place;
    let next = progress.next_silence(map);
    let entered = progress
        .first_entered
        .iter()
        .map(|(stage, time)| v1::StageEntered { stage: name(*stage), time: Some(timestamp(*time)) });
    v1::JourneyProgress {
        journey: map.name.clone(),
        stage: place.map(|place| name(place.stage)).unwrap_or_default(),
        since: place.map(|place| timestamp(place.since)),
        previous_stage: place.and_then(|place| place.before).map(name).unwrap_or_default(),
        entered: entered.collect(),
        transitions: progress.transitions,
        next_silence: next.map(|(due, stage)| v1::NextSilence { stage: name(stage), due: Some(timestamp(due)) }),
    }
}

pub(crate) fn funnel_row(map: &JourneyMap, of: &(Option<Day>, Option<String>), row: &FunnelRow) -> v1::FunnelRow {
    let (period, channel) = of;
    let stages = map.indexed().zip(&row.stages).map(|((_, stage), count)| v1::FunnelStage {
        stage: stage.name.clone(),
        quiet: stage.is_quiet(),
        entered: count.entered,
        reached: count.reached,
        now_in: count.now_in,
    });
    let paces = row.paces.iter().map(|((from, to), paces)| v1::FunnelPace {
        from: from.clone(),
        to: to.clone(),
        customers: paces.count(),
        median_seconds: paces.median_seconds().unwrap_or_default(),
    });
    v1::FunnelRow {
        period: period.map(|day| day.to_string()).unwrap_or_default(),
        channel: channel.clone().unwrap_or_default(),
        began: row.began,
        stages: stages.collect(),
        paces: paces.collect(),
    }
}

pub(crate) fn transition(entry: FactEntry<Transition>) -> v1::Transition {
    let cause = match entry.fact.cause {
        Cause::Event { event_type, channel } => {
            let (source, id) = entry.event.unwrap_or_default();
            WireCause::Event(v1::CausingEvent { r#type: event_type, channel, source, id })
        }
        Cause::Silence { quiet_seconds } => {
            WireCause::Silence(v1::Silence { quiet_seconds: u64::try_from(quiet_seconds).unwrap_or_default() })
        }
    };
    v1::Transition {
        customer_id: entry.customer.to_string(),
        journey: entry.fact.journey,
        time: Some(timestamp(entry.time)),
        from: entry.fact.from.unwrap_or_default(),
        to: entry.fact.to,
        cause: Some(cause),
    }
}
