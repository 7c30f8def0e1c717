//! The clock of the shell: where the gateway stamps, and up to when silence falls. Tests bring one of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rapport_touchpoint::Timestamp;
use time::OffsetDateTime;

#[derive(Debug, Clone, Default)]
pub enum Clock {
    #[default]
    System,
    /// Stands until it is set.
    Simulated(SimulatedClock),
}

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Arc<AtomicI64>);

impl Clock {
    /// Before 1970 there is no time to tell, so such a clock counts as stopped there.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_datetime(OffsetDateTime::now_utc()).unwrap_or(Timestamp::EPOCH),
            Self::Simulated(clock) => clock.now(),
        }
    }
}

impl SimulatedClock {
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(moment.nanos())))
    }

    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.nanos(), Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::EPOCH)
    }
}
