//! A read model folded in process and without a server: what is timed is the fold alone, of records that are decoded already.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_customer::Model;
use rapport_readmodel::{Definitions, Incoming, Origin, ReadModel};
use rapport_touchpoint::{Place, Timestamp, receive};
use serde_json::Value;
use tempfile::TempDir;

use super::catch_up;
use crate::Result;

/// A read model in a folder of its own, and how far its log would be.
pub struct Folded {
    _folder: TempDir,
    definitions: Arc<Definitions>,
    model: ReadModel,
    /// Records so far.
    pub position: u64,
    now: Timestamp,
}

impl Folded {
    pub fn new(parent: &Path) -> Result<Self> {
        let definitions = catch_up::definitions(&Model::ALL);
        let folder = TempDir::new_in(parent)?;
        let origin = Origin { tenant: "bench".to_owned(), epoch: "bench".to_owned(), key: [7; 32] };
        let model = ReadModel::open(&folder.path().join("model.db"), origin, definitions.clone())?;
        Ok(Self { _folder: folder, definitions, model, position: 0, now: Timestamp::MAX })
    }

    pub fn decode(&mut self, events: impl Iterator<Item = Value>) -> Result<Vec<Incoming>> {
        let mut batch = Vec::new();
        for event in events {
            self.position += 1;
            let received = receive(event, self.now, &self.definitions.catalogue)
                .map_err(|broken| format!("a touchpoint was made up that is not valid: {broken:?}"))?;
            batch.push(Incoming::decode(
                self.position,
                self.now,
                Place::Touchpoints,
                received.json(),
                &self.definitions,
            ));
        }
        Ok(batch)
    }

    /// How long it took.
    pub fn apply(&mut self, batch: Vec<Incoming>) -> Result<Duration> {
        let count = batch.len() as u64;
        let began = Instant::now();
        let applied = self.model.apply(batch)?;
        let took = began.elapsed();
        if applied.fresh != count {
            return Err(format!("of {count} touchpoints {} counted", applied.fresh).into());
        }
        Ok(took)
    }
}
