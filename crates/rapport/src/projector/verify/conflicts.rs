//! Two bodies under one source and id, looked up on the log.

use rapport_log::{Filter, Position, Read};
use rapport_readmodel::{Conflict, Incoming, Picture};
use rapport_touchpoint::Identifier;
use tokio::task::spawn_blocking;

use super::Verified;
use crate::projector::scratch::{Scratch, ScratchError, Watched};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictingBodies {
    pub source: String,
    pub id: String,
    /// Where the body is that counts, and to whom the event belongs.
    pub standing: u64,
    pub anchor: Option<Identifier>,
    /// Where the other one is, which is parked, and to whom it would belong.
    pub parked: u64,
    pub parked_anchor: Option<Identifier>,
}

/// What the log says at both places of each.
pub(super) async fn bodies(
    scratch: &Scratch,
    conflicts: Vec<Conflict>,
    mut anew: Picture,
    watched: &Watched<Verified>,
) -> Result<Vec<ConflictingBodies>, ScratchError> {
    let mut found = Vec::with_capacity(conflicts.len());
    for Conflict { standing, parked } in conflicts {
        let (one, other) = (record_at(scratch, standing, watched).await?, record_at(scratch, parked, watched).await?);
        let looked_up = spawn_blocking(move || {
            let anchors = (anew.anchor(&one), anew.anchor(&other));
            (anew, one, anchors)
        });
        let (picture, one, anchors) = looked_up.await.map_err(|_| ScratchError::BrokenOff)?;
        anew = picture;
        let (source, id) = one.source_and_id().unwrap_or_default();
        found.push(ConflictingBodies {
            source: source.to_owned(),
            id: id.to_owned(),
            standing,
            anchor: anchors.0.map_err(ScratchError::Scratch)?,
            parked,
            parked_anchor: anchors.1.map_err(ScratchError::Scratch)?,
        });
    }
    Ok(found)
}

async fn record_at(scratch: &Scratch, position: u64, watched: &Watched<Verified>) -> Result<Incoming, ScratchError> {
    let (wanted, before) = (Position(position), Position(position.saturating_sub(1)));
    let mut reader = scratch.log.read(before, Filter::all()).await?;
    let read = tokio::select! {
        error = watched.over() => return Err(error),
        read = reader.next() => read,
    };
    match read {
        Some(Ok(Read::Record(record))) if record.position == wanted => {
            Ok(Incoming::decode(position, record.recorded_at, record.place, &record.json, &scratch.definitions))
        }
        Some(Ok(Read::Record(record))) => Err(ScratchError::LogSkips { goal: wanted, before, found: record.position }),
        Some(Ok(Read::CaughtUp(head))) => Err(ScratchError::LogEnds { goal: wanted, head }),
        Some(Err(error)) => Err(error.into()),
        None => Err(ScratchError::Stopping),
    }
}
