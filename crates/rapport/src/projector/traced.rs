//! The traces that the records of a batch are part of, until the batch is committed.

use std::time::{Duration, SystemTime};

use rapport_log::{Record, TraceParent};

use crate::traces::FoldTraces;

/// Traces that a batch goes on; more are dropped.
const MOST: usize = 128;
/// Nobody waits for the rest of an older trace: a rebuild makes no spans of what was folded long ago.
const OLDEST: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(super) struct Traced(Vec<Part>);

/// What one append brought.
struct Part {
    trace: TraceParent,
    /// When the first of its records came from the log.
    began: SystemTime,
    position: u64,
    events: u64,
}

impl Traced {
    pub fn add(&mut self, record: &Record) {
        let Some(trace) = record.trace.filter(|trace| trace.is_sampled()) else { return };
        // Records of one append stand side by side, or nearly so.
        if let Some(part) = self.0.iter_mut().rev().find(|part| part.trace == trace) {
            part.events += 1;
            return;
        }
        let began = SystemTime::now();
        let recorded_at = SystemTime::UNIX_EPOCH + Duration::from_nanos(record.recorded_at.nanos().unsigned_abs());
        let is_old = began.duration_since(recorded_at).is_ok_and(|age| age > OLDEST);
        if self.0.len() < MOST && !is_old {
            self.0.push(Part { trace, began, position: record.position.0, events: 1 });
        }
    }

    pub fn committed(self, traces: &FoldTraces) {
        for Part { trace, began, position, events } in self.0 {
            traces.folded(trace, began, position, events);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rapport_log::Position;
    use rapport_touchpoint::{Place, Timestamp};

    use super::*;
    use crate::clock::Clock;

    fn record(span_id: u64, flags: u8, recorded_at: Timestamp) -> Record {
        let trace = Some(TraceParent { trace_id: 1, span_id, flags });
        Record { position: Position(span_id), recorded_at, place: Place::Touchpoints, json: Bytes::new(), trace }
    }

    #[track_caller]
    fn parts(records: impl IntoIterator<Item = Record>) -> Vec<(u64, u64)> {
        let mut traced = Traced::default();
        records.into_iter().for_each(|record| traced.add(&record));
        traced.0.iter().map(|part| (part.position, part.events)).collect()
    }

    #[test]
    fn events_of_one_append_are_one_span() {
        let now = Clock::System.now();
        assert_eq!(parts([record(1, 1, now), record(2, 1, now), record(1, 1, now)]), [(1, 2), (2, 1)]);
        assert_eq!(parts([Record { trace: None, ..record(1, 1, now) }]), []);
    }

    #[test]
    fn what_nobody_records_what_is_old_and_what_is_too_much_is_left_out() {
        let now = Clock::System.now();
        assert_eq!(parts([record(1, 0, now), record(2, 1, Timestamp::EPOCH)]), []);
        assert_eq!(parts((1..=1_000).map(|span| record(span, 1, now))).len(), MOST);
    }
}
