//! The journey: which stage a customer is in, by what they did and by how long they were silent.
//!
//! [`JourneyMaps`] are the tenant's definitions; [`Journey`] is one customer's state under them. A stage is entered by an
//! event or by silence. Silence falls at its exact moment: before an event of that same moment, after all earlier ones.

mod condition;
mod funnel;
mod map;
mod progress;
mod reached;

pub use condition::{Condition, ConditionError};
pub use funnel::{Funnel, FunnelQuestion, FunnelRow, Pace, Paces, StageCount, pace_of};
pub use map::{
    Entries, EventEntry, From, JourneyMap, JourneyMaps, MOST_JOURNEYS, MOST_STAGES, Silence, Stage, StageIndex,
    StageSet, Types,
};
pub use progress::{Cause, Journey, Place, Progress, Transition};
pub(crate) use reached::Reached;
