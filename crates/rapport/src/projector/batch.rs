//! Records gathered for one transaction: few when live, many in catch-up, bounded in count and bytes.

use std::time::Instant;

use rapport_log::Record;
use rapport_readmodel::{Definitions, Heard, Incoming};
use rayon::prelude::*;

use super::traced::Traced;

/// Larger transactions dirty each page less often. While one is applied another is decoded and a third gathered, so they bound
/// the memory too.
pub(super) const MOST_RECORDS: usize = 20_000;
const MOST_BYTES: usize = 12 * 1024 * 1024;

/// Ready to be applied.
pub(super) struct Decoded {
    pub records: Vec<Incoming>,
    /// When its decoding began.
    pub began: Instant,
    pub traced: Traced,
}

#[derive(Default)]
pub(super) struct Batch {
    records: Vec<Record>,
    bytes: usize,
    traced: Traced,
}

impl Batch {
    pub fn push(&mut self, record: Record) {
        self.bytes += record.json.len();
        self.traced.add(&record);
        self.records.push(record);
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.has(MOST_RECORDS)
    }

    /// Has it so many records, or as many bytes as one may have?
    pub fn has(&self, records: usize) -> bool {
        self.records.len() >= records || self.bytes >= MOST_BYTES
    }

    /// Reads the records for a build in bulk, on all cores. Blocks.
    pub fn hear(self, definitions: &Definitions) -> Vec<Heard> {
        let hear = |Record { position, recorded_at, place, json, .. }: Record| {
            Heard::decode(position.0, recorded_at, place, json.into(), definitions)
        };
        self.records.into_par_iter().with_min_len(64).map(hear).collect()
    }

    /// Reads the records on all cores. Blocks.
    pub fn decode(self, definitions: &Definitions) -> Decoded {
        let began = Instant::now();
        let records = self.records.into_par_iter().with_min_len(64);
        let decode = |Record { position, recorded_at, place, json, .. }: Record| {
            Incoming::decode(position.0, recorded_at, place, &json, definitions)
        };
        Decoded { began, records: records.map(decode).collect(), traced: self.traced }
    }
}
