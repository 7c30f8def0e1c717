//! Records that can be read and do not count: parked, with the reason.

use rapport_touchpoint::RecordHash;

use super::error::Result;
use super::told::Told;
use super::writer::Writer;
use crate::parked::{self, ParkedEvent};
use crate::seen::Recorded;

/// Those that are written at a time.
const MOST: usize = 1_000;

pub(super) struct Parking<'a> {
    writer: &'a mut Writer,
    parked: Vec<ParkedEvent>,
}

impl<'a> Parking<'a> {
    pub fn new(writer: &'a mut Writer) -> Self {
        Self { writer, parked: Vec::new() }
    }

    /// A record with these bytes.
    pub fn park(&mut self, told: &Told<'_>, json: &[u8], event_type: &str, reason: String) -> Result<()> {
        let Told { position, recorded_at, .. } = *told;
        let (source, id) = told.order_key().source_and_id().unwrap_or_default();
        let record = Recorded { position, recorded_at, hash: RecordHash::of(json) };
        self.parked.push(record.as_parked((source, id), event_type.to_owned(), reason));
        if self.parked.len() == MOST { self.write() } else { Ok(()) }
    }

    pub fn write(&mut self) -> Result<()> {
        let parked = std::mem::take(&mut self.parked);
        self.writer.then(move |tx| Ok(parked.iter().try_for_each(|event| parked::park(tx, event))?))
    }
}
