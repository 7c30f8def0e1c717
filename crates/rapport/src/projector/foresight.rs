//! Discards that stand on the log already, told to a read model before it folds the first record.
//!
//! A discard stands behind the record that it names, which definitions of today may be able to read.

use rapport_log::{Filter, Log, Position, Read, ReadError, Record};
use rapport_readmodel::{Definitions, Incoming};

/// The discards up to a position, in the order of the log.
pub(super) async fn discards(
    log: &Log,
    until: Position,
    definitions: &Definitions,
) -> Result<Vec<Incoming>, ReadError> {
    let mut discards = Vec::new();
    let mut reader = log.read(Position::START, Filter::decisions()).await?;
    while let Some(read) = reader.next().await {
        match read? {
            Read::Record(Record { position, .. }) if position > until => break,
            Read::Record(Record { position, recorded_at, place, json, .. }) => {
                let decision = Incoming::decode(position.0, recorded_at, place, &json, definitions);
                if decision.is_discard() {
                    discards.push(decision);
                }
            }
            Read::CaughtUp(_) => break,
        }
    }
    Ok(discards)
}
