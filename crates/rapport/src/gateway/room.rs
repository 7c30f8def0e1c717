//! How much the gateway holds at once, over all calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PublishError;

/// What one event counts for at least: parsed, even the smallest takes about as much.
const UNIT_BYTES: usize = 1024;
/// A short burst is waited for; a full gateway says so while the client still listens.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Room {
    units: Arc<Semaphore>,
    total: u32,
    limit: usize,
}

/// A batch's part of the room, until dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Room {
    pub(super) fn new(limit: usize) -> Self {
        let total = u32::try_from(limit / UNIT_BYTES).unwrap_or(u32::MAX);
        Self { units: Arc::new(Semaphore::new(total as usize)), total, limit }
    }

    /// Waits as long as it takes.
    pub(super) async fn wait_for(&self, events: &[Bytes]) -> Result<Place, PublishError> {
        self.units.clone().acquire_many_owned(self.units_of(events)).await.map_err(|_| PublishError::Stopping)
    }

    /// Waits a moment, then refuses.
    pub(super) async fn ask_for(&self, events: &[Bytes]) -> Result<Place, PublishError> {
        let place = tokio::time::timeout(PATIENCE, self.wait_for(events)).await;
        place.unwrap_or(Err(PublishError::Full { limit: self.limit }))
    }

    pub(super) fn taken_bytes(&self) -> usize {
        (self.total as usize).saturating_sub(self.units.available_permits()) * UNIT_BYTES
    }

    /// A batch larger than the whole room may have all of it.
    fn units_of(&self, events: &[Bytes]) -> u32 {
        let units: usize = events.iter().map(|event| event.len().div_ceil(UNIT_BYTES).max(1)).sum();
        u32::try_from(units).unwrap_or(u32::MAX).min(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_refused_after_a_moment_and_a_stream_waits() {
        let room = Room::new(64 * KIB);
        let large = [Bytes::from(vec![0; 60 * KIB])];
        let small = [Bytes::from_static(b"x"), Bytes::new()];
        let held = room.ask_for(&large).await.unwrap();
        let _fits = room.ask_for(&small).await.unwrap();
        assert_eq!(room.taken_bytes(), 62 * KIB, "the smallest events count as a KiB each");
        let refused = room.ask_for(&large).await.unwrap_err();
        assert!(matches!(refused, PublishError::Full { limit } if limit == 64 * KIB), "{refused}");
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.wait_for(&large).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!waiting.is_finished());
        drop(held);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_room_gets_all_of_it() {
        let room = Room::new(4 * KIB);
        assert!(room.ask_for(&[Bytes::from(vec![0; 100 * KIB])]).await.is_ok());
    }
}
