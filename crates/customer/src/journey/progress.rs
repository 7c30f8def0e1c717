//! One customer on the way: the state and the fold.

use std::collections::BTreeMap;

use rapport_touchpoint::{Event, OrderKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::map::{Entries, EventEntry};
use super::{JourneyMap, JourneyMaps, Reached, StageIndex};
use crate::Profile;
use crate::fact::{Fact, FactChange, FactKey};

/// State of one customer, bounded by the number of stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Where the first contact took place: the channel that won the customer.
    pub first_channel: String,
    /// One for each of the tenant's journeys, in their order.
    pub progress: Vec<Progress>,
}

/// How far the customer is in one journey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// `None` before the journey begins.
    pub place: Option<Place>,
    /// When each stage was entered for the first time.
    pub first_entered: BTreeMap<StageIndex, Timestamp>,
    pub transitions: u64,
    /// What silence is counted from: the last event that was not the company's own doing, or that led to a stage.
    last_active: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub stage: StageIndex,
    pub since: Timestamp,
    pub before: Option<StageIndex>,
    /// The last stage that an event led into; where a customer who was silent goes on.
    held: StageIndex,
}

/// A change of stage; when it happened is in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub journey: String,
    pub from: Option<String>,
    pub to: String,
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Event {
        #[serde(rename = "type")]
        event_type: String,
        channel: String,
    },
    Silence {
        quiet_seconds: i64,
    },
}

impl Journey {
    /// A customer before its first event.
    pub fn new(maps: &JourneyMaps) -> Self {
        Self { first_channel: String::new(), progress: maps.iter().map(|_| Progress::default()).collect() }
    }

    /// The stage of the main journey.
    pub fn main_stage<'m>(&self, maps: &'m JourneyMaps) -> Option<&'m str> {
        let (map, progress) = maps.0.first().zip(self.progress.first())?;
        Some(&map.stage(progress.place?.stage).name)
    }

    /// Each journey with the customer's progress in it.
    pub fn by_map<'a>(&'a self, maps: &'a JourneyMaps) -> impl Iterator<Item = (&'a JourneyMap, &'a Progress)> {
        maps.iter().zip(&self.progress)
    }

    /// Lets silence fall up to and at a moment.
    pub(crate) fn let_pass(&mut self, until: Timestamp, maps: &JourneyMaps, facts: &mut Vec<FactChange>) {
        for (slot, (map, progress)) in (0..).zip(maps.iter().zip(&mut self.progress)) {
            while let Some((due, stage)) = progress.next_silence(map).filter(|(due, _)| *due <= until) {
                let quiet_seconds = match &map.stage(stage).entries {
                    Entries::BySilence(silence) => silence.quiet_nanos / 1_000_000_000,
                    Entries::ByEvent(_) => unreachable!("silence leads into quiet stages only"),
                };
                let transition = progress.enter(stage, due, map, Cause::Silence { quiet_seconds });
                facts.push(FactChange::Put(FactKey { event: OrderKey::at(due), slot }, Fact::Transition(transition)));
            }
        }
    }

    /// Takes in the customer's next event, after the silence up to it. The profile has the event already.
    pub(crate) fn fold(
        &mut self,
        event: &Event,
        key: &OrderKey,
        profile: &Profile,
        maps: &JourneyMaps,
        facts: &mut Vec<FactChange>,
    ) {
        let time = event.touchpoint.order.time;
        if profile.events == 1 {
            event.touchpoint.channel.as_str().clone_into(&mut self.first_channel);
        }
        for (slot, (map, progress)) in (0..).zip(maps.iter().zip(&mut self.progress)) {
            let passive = map.is_passive(&event.touchpoint.event_type);
            let led = progress.led_to(map, event, profile, passive);
            if let Some(stage) = led {
                let cause = Cause::Event {
                    event_type: event.touchpoint.event_type.to_string(),
                    channel: event.touchpoint.channel.to_string(),
                };
                let transition = progress.enter(stage, time, map, cause);
                let key = FactKey { event: key.clone(), slot };
                facts.push(FactChange::Put(key, Fact::Transition(transition)));
            }
            if led.is_some() || !passive {
                progress.last_active = time;
            }
        }
    }

    /// The next moment at which silence changes a stage, if no event comes before.
    pub(crate) fn due(&self, maps: &JourneyMaps) -> Option<Timestamp> {
        let silences = maps.iter().zip(&self.progress).filter_map(|(map, progress)| progress.next_silence(map));
        silences.map(|(due, _)| due).min()
    }

    /// How far the customer came in each journey.
    pub(crate) fn reached(&self) -> Vec<Option<Reached>> {
        self.progress.iter().map(Reached::of).collect()
    }
}

impl Progress {
    /// The stage that silence leads into next, and when; the sooner, then the first in the map.
    pub fn next_silence(&self, map: &JourneyMap) -> Option<(Timestamp, StageIndex)> {
        let place = self.place?;
        let silences = map.indexed().filter_map(|(index, stage)| match &stage.entries {
            Entries::BySilence(silence) if silence.from.contains(place.stage) => {
                Some((silence.due(self.last_active)?, index))
            }
            Entries::BySilence(_) | Entries::ByEvent(_) => None,
        });
        // One silence after another is a longer one, counted from the same moment.
        silences.filter(|(due, _)| *due > place.since || self.last_active == place.since).min()
    }

    /// The stage that an event leads into, if it leads anywhere.
    fn led_to(&self, map: &JourneyMap, event: &Event, profile: &Profile, passive: bool) -> Option<StageIndex> {
        let entered = map.indexed().rev().find(|(index, stage)| match &stage.entries {
            Entries::BySilence(_) => false,
            Entries::ByEvent(entries) => entries.iter().any(|entry| {
                self.may_come(*index, entry)
                    && entry.on.mean(&event.touchpoint.event_type, passive)
                    && entry.when.as_ref().is_none_or(|condition| condition.holds(event, profile))
            }),
        });
        match (entered, self.place) {
            (Some((stage, _)), _) => Some(stage),
            // Whoever was silent is back where they were.
            (None, Some(place)) if place.stage != place.held && !passive => Some(place.held),
            (None, _) => None,
        }
    }

    fn may_come(&self, to: StageIndex, entry: &EventEntry) -> bool {
        match self.place {
            None => entry.from.outside,
            Some(place) if place.stage == to => false,
            Some(place) => {
                entry.from.stages.contains(place.stage)
                    || place.held != place.stage && place.held != to && entry.from.stages.contains(place.held)
            }
        }
    }

    fn enter(&mut self, stage: StageIndex, time: Timestamp, map: &JourneyMap, cause: Cause) -> Transition {
        let before = self.place.map(|place| place.stage);
        let held = match (&cause, self.place) {
            (Cause::Silence { .. }, Some(place)) => place.held,
            (Cause::Silence { .. }, None) | (Cause::Event { .. }, _) => stage,
        };
        self.place = Some(Place { stage, since: time, before, held });
        self.first_entered.entry(stage).or_insert(time);
        self.transitions += 1;
        Transition {
            journey: map.name.clone(),
            from: before.map(|before| map.stage(before).name.clone()),
            to: map.stage(stage).name.clone(),
            cause,
        }
    }
}
