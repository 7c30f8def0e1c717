//! Parked records looked up on the log: to be shown as they are, and to be read again as they would be read today.

use std::time::Duration;

use rapport_log::{Filter, Log, Position, Read, ReadError, Reader, Record};
use rapport_readmodel::{Incoming, ParkedEvent};
use thiserror::Error;
use tokio::time::timeout;

use super::Projection;

/// How long the log may take for the next record.
const PATIENCE: Duration = Duration::from_secs(10);
/// A parked record that lies this close behind the one before is read on to; beyond, reading starts anew.
const CLOSE: u64 = 256;

#[derive(Debug, Error)]
pub enum LookUpError {
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
    #[error("the log did not give the record at position {position} within {PATIENCE:?}")]
    Late { position: u64 },
    #[error(
        "position {position} of the log is not the record that was parked there: the log was changed or replaced; \
         `rapport verify` says more"
    )]
    Changed { position: u64 },
    #[error("a step of the look-up broke off")]
    BrokenOff,
}

impl Projection {
    /// The record as it stands on the log.
    pub async fn parked_record(&self, event: &ParkedEvent) -> Result<Record, LookUpError> {
        let mut found = self.records(std::slice::from_ref(event)).await?;
        found.pop().ok_or(LookUpError::Changed { position: event.position })
    }

    /// Reads parked records as they would be read today. The positions of the events rise.
    pub async fn read_again(&self, events: &[ParkedEvent]) -> Result<Vec<Incoming>, LookUpError> {
        let (records, reader) = (self.records(events).await?, self.live().reader);
        let decode = move || {
            let decode = |Record { position, recorded_at, place, json, .. }: Record| {
                Incoming::decode(position.0, recorded_at, place, &json, reader.definitions())
            };
            records.into_iter().map(decode).collect::<Vec<_>>()
        };
        let read = tokio::task::spawn_blocking(decode).await.map_err(|_| LookUpError::BrokenOff)?;
        match read.iter().zip(events).find(|(incoming, event)| incoming.record() != event.record) {
            Some((_, event)) => Err(LookUpError::Changed { position: event.position }),
            None => Ok(read),
        }
    }

    async fn records(&self, events: &[ParkedEvent]) -> Result<Vec<Record>, LookUpError> {
        let mut found = Vec::with_capacity(events.len());
        let mut reading: Option<(Reader, u64)> = None;
        for ParkedEvent { position, .. } in events {
            let (mut reader, _) = match reading.take() {
                Some((reader, at)) if *position <= at + CLOSE => (reader, at),
                _ => (self.reader_before(*position).await?, 0),
            };
            found.push(next_at(&mut reader, *position).await?);
            reading = Some((reader, *position));
        }
        Ok(found)
    }

    async fn reader_before(&self, position: u64) -> Result<Reader, LookUpError> {
        let log: &Log = &self.log;
        Ok(log.read(Position(position.saturating_sub(1)), Filter::all()).await?)
    }
}

/// Reads on to the record at a position.
async fn next_at(reader: &mut Reader, position: u64) -> Result<Record, LookUpError> {
    loop {
        let read = timeout(PATIENCE, reader.next()).await.map_err(|_| LookUpError::Late { position })?;
        match read {
            Some(Ok(Read::Record(record))) if record.position.0 < position => {}
            Some(Ok(Read::Record(record))) if record.position.0 == position => return Ok(record),
            Some(Ok(Read::Record(_) | Read::CaughtUp(_))) | None => return Err(LookUpError::Changed { position }),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}
