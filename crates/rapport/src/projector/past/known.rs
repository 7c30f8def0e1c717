//! How far the log had come at a moment: when a position was recorded, and which one was the last by a moment.

use std::time::Duration;

use rapport_log::{Filter, Position, Read};
use rapport_readmodel::KnownAt;
use rapport_touchpoint::Timestamp;
use tokio::time::timeout;

use crate::projector::{LookUpError, Projection};

/// How long the log may take for the next record.
const PATIENCE: Duration = Duration::from_secs(10);
/// Positions that are read through to the end; a longer stretch is halved.
const SHORT: u64 = 1_000;

/// What a question says of how far the log had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    Position(u64),
    Time(Timestamp),
}

/// A record, as far as it matters here.
struct Stands {
    position: u64,
    recorded_at: Timestamp,
}

impl Projection {
    /// The end of the log.
    pub async fn log_head(&self) -> Result<u64, LookUpError> {
        Ok(self.log.head().await?.0)
    }

    /// The last position that is meant, on a log that ends at `head`. Moments of receipt rise along a log, as far as its clock
    /// does.
    pub async fn known_at(&self, by: KnownBy, head: u64) -> Result<KnownAt, LookUpError> {
        let last = match by {
            KnownBy::Position(position) => self.last_by_position(position).await?,
            KnownBy::Time(time) => self.last_by_time(time, head).await?,
        };
        let recorded_at = last.as_ref().map_or(Timestamp::EPOCH, |stands| stands.recorded_at);
        let position = match by {
            KnownBy::Position(position) => position,
            KnownBy::Time(_) => last.map_or(0, |stands| stands.position),
        };
        Ok(KnownAt { position, recorded_at })
    }

    /// Positions may have gaps.
    async fn last_by_position(&self, position: u64) -> Result<Option<Stands>, LookUpError> {
        let mut stretch = 1;
        loop {
            let before = position.saturating_sub(stretch);
            let last = self.last_after(before, position, |stands| stands.position <= position).await?;
            if last.is_some() || before == 0 {
                return Ok(last);
            }
            stretch = stretch.saturating_mul(SHORT);
        }
    }

    async fn last_by_time(&self, time: Timestamp, head: u64) -> Result<Option<Stands>, LookUpError> {
        let (mut before, mut beyond, mut last) = (0, head, None);
        while beyond - before > SHORT {
            let middle = before + (beyond - before) / 2;
            match self.first_after(middle).await?.filter(|stands| stands.recorded_at <= time) {
                Some(stands) => {
                    before = stands.position;
                    last = Some(stands);
                }
                None => beyond = middle,
            }
        }
        Ok(self.last_after(before, head, |stands| stands.recorded_at <= time).await?.or(last))
    }

    async fn first_after(&self, after: u64) -> Result<Option<Stands>, LookUpError> {
        let mut reader = self.log.read(Position(after), Filter::all()).await?;
        next(&mut reader, after).await
    }

    /// The last record beyond `after` and up to `until` before the first one that is not by then.
    async fn last_after(
        &self,
        after: u64,
        until: u64,
        is_by_then: impl Fn(&Stands) -> bool,
    ) -> Result<Option<Stands>, LookUpError> {
        if after >= until {
            return Ok(None);
        }
        let mut reader = self.log.read(Position(after), Filter::all()).await?;
        let mut last: Option<Stands> = None;
        while let Some(stands) = next(&mut reader, after).await?.filter(|stands| is_by_then(stands)) {
            let is_the_last = stands.position >= until;
            last = Some(stands);
            if is_the_last {
                break;
            }
        }
        Ok(last)
    }
}

async fn next(reader: &mut rapport_log::Reader, after: u64) -> Result<Option<Stands>, LookUpError> {
    let late = |_| LookUpError::Late { position: after + 1 };
    match timeout(PATIENCE, reader.next()).await.map_err(late)? {
        Some(Ok(Read::Record(record))) => {
            Ok(Some(Stands { position: record.position.0, recorded_at: record.recorded_at }))
        }
        Some(Ok(Read::CaughtUp(_))) | None => Ok(None),
        Some(Err(error)) => Err(error.into()),
    }
}
