//! The fence: before anything is folded, is this still the log that the read model was folded from?

use std::path::Path;

use rapport_log::{Filter, Log, Position, Read, ReadError};
use rapport_readmodel::{Checkpoint, FencePoint};

use super::ProjectorError;

/// Holds the checkpoint against the log, and says where that ends. The epoch was compared when the read model was opened.
pub(super) async fn check(log: &Log, checkpoint: &Checkpoint, path: &Path) -> Result<Position, ProjectorError> {
    let head = log.head().await?;
    let folded = Position(checkpoint.position);
    if folded > head {
        return Err(ProjectorError::LogLostItsTail { checkpoint: folded, head, path: path.to_owned() });
    }
    let mut newest_wrong = None;
    for point in checkpoint.fence.iter().rev() {
        if stands(log, point).await? {
            let Some(at) = newest_wrong else { return Ok(head) };
            let agrees_up_to = Some(Position(point.position));
            return Err(ProjectorError::LogChanged { at, agrees_up_to, path: path.to_owned() });
        }
        newest_wrong = newest_wrong.or(Some(Position(point.position)));
    }
    match newest_wrong {
        Some(at) => Err(ProjectorError::LogChanged { at, agrees_up_to: None, path: path.to_owned() }),
        None => Ok(head),
    }
}

/// Is the record at the point the one that was folded in?
async fn stands(log: &Log, point: &FencePoint) -> Result<bool, ReadError> {
    let before = Position(point.position.saturating_sub(1));
    let mut reader = log.read(before, Filter::all()).await?;
    match reader.next().await {
        Some(Ok(Read::Record(record))) => Ok(record.position.0 == point.position && point.matches(&record.json)),
        Some(Ok(Read::CaughtUp(_))) | None => Ok(false),
        Some(Err(error)) => Err(error),
    }
}
