//! Journey maps: the stages of a journey and what leads into each, as a tenant defines them.

use rapport_touchpoint::{EventType, Timestamp};
use serde::{Deserialize, Serialize};

use super::Condition;

/// Stages of one journey at most; sets of stages are bits of a `u32`.
pub const MOST_STAGES: usize = 32;
/// Journeys of one tenant at most.
pub const MOST_JOURNEYS: usize = 8;

/// A tenant's journeys, side by side; the first one is the main one.
#[derive(Debug, Default, Serialize)]
pub struct JourneyMaps(pub Vec<JourneyMap>);

/// One journey.
#[derive(Debug, Serialize)]
pub struct JourneyMap {
    pub name: String,
    /// In the order in which a customer gets further.
    pub stages: Vec<Stage>,
    /// What the company does by itself, such as `email.sent`: breaks no silence, and `*` does not mean it.
    pub passive: Vec<EventType>,
}

#[derive(Debug, Serialize)]
pub struct Stage {
    pub name: String,
    /// Any of them leads into the stage. By events, or by silence: never both in one stage.
    pub entries: Entries,
}

#[derive(Debug, Serialize)]
pub enum Entries {
    ByEvent(Vec<EventEntry>),
    BySilence(Silence),
}

#[derive(Debug, Serialize)]
pub struct EventEntry {
    pub on: Types,
    pub when: Option<Condition>,
    pub from: From,
}

/// Which event types are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Types {
    /// `*`: every type that is not passive.
    Active,
    /// Each a type, or the beginning of types: `order.*` is kept as `order.`.
    Named(Vec<String>),
}

/// From which stages an entry leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct From {
    /// From outside: the customer is in no stage yet.
    pub outside: bool,
    pub stages: StageSet,
}

#[derive(Debug, Serialize)]
pub struct Silence {
    /// Since the customer's last activity.
    pub quiet_nanos: i64,
    pub from: StageSet,
}

/// A stage by its place in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageIndex(pub u8);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StageSet(u32);

impl StageSet {
    pub fn with(self, stage: StageIndex) -> Self {
        Self(self.0 | 1 << stage.0)
    }

    pub fn contains(self, stage: StageIndex) -> bool {
        self.0 & 1 << stage.0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The stages that are in both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<StageIndex> for StageSet {
    fn from_iter<I: IntoIterator<Item = StageIndex>>(stages: I) -> Self {
        stages.into_iter().fold(Self::default(), Self::with)
    }
}

impl JourneyMaps {
    pub fn find(&self, name: &str) -> Option<(usize, &JourneyMap)> {
        self.0.iter().enumerate().find(|(_, map)| map.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &JourneyMap> {
        self.0.iter()
    }

    /// What the journeys mean, as bytes that change whenever they do; how their file is written does not matter.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("journeys are plain data")
    }
}

impl JourneyMap {
    pub fn stage(&self, index: StageIndex) -> &Stage {
        &self.stages[usize::from(index.0)]
    }

    pub fn find(&self, name: &str) -> Option<StageIndex> {
        self.indexed().find(|(_, stage)| stage.name == name).map(|(index, _)| index)
    }

    pub fn indexed(&self) -> impl DoubleEndedIterator<Item = (StageIndex, &Stage)> + ExactSizeIterator {
        self.stages.iter().enumerate().map(|(place, stage)| {
            let place = u8::try_from(place).expect("a map has at most 32 stages");
            (StageIndex(place), stage)
        })
    }

    pub fn is_passive(&self, event_type: &EventType) -> bool {
        self.passive.contains(event_type)
    }

    /// The stages that events lead into: the path that a customer walks. The others befall it.
    pub fn path(&self) -> impl Iterator<Item = (StageIndex, &Stage)> {
        self.indexed().filter(|(_, stage)| !stage.is_quiet())
    }
}

impl Stage {
    /// Is it entered by silence?
    pub fn is_quiet(&self) -> bool {
        match self.entries {
            Entries::ByEvent(_) => false,
            Entries::BySilence(_) => true,
        }
    }
}

impl Types {
    pub fn mean(&self, event_type: &EventType, passive: bool) -> bool {
        match self {
            Self::Active => !passive,
            Self::Named(named) => named.iter().any(|name| match name.ends_with('.') {
                true => event_type.as_str().starts_with(name.as_str()),
                false => event_type.as_str() == name,
            }),
        }
    }
}

impl Silence {
    /// When it falls on a customer who was last active then; never, beyond the year 2262.
    pub fn due(&self, last_active: Timestamp) -> Option<Timestamp> {
        last_active.nanos().checked_add(self.quiet_nanos).and_then(Timestamp::from_nanos)
    }
}
