//! Responses of a bounded size, and word of progress where nothing is found for long.

use rapport_log::{Position, Record};
use rapport_touchpoint::Timestamp;

use crate::query::timestamp;
use crate::wire::v1::{ReplayResponse, ReplayedTouchpoint};

const MAX_TOUCHPOINTS: usize = 4_000;
const MAX_BYTES: usize = 1024 * 1024;
/// Records looked at, after which a response says how far the replay is.
const MAX_LOOKED_AT: usize = 10_000;

/// A response in the making.
pub(super) struct Answer {
    touchpoints: Vec<ReplayedTouchpoint>,
    bytes: usize,
    looked_at: usize,
    /// Everything up to here was looked at.
    pub(super) reached: Position,
    until: Position,
}

impl Answer {
    pub(super) fn new(after: Position, until: Position) -> Self {
        Self { touchpoints: Vec::new(), bytes: 0, looked_at: 0, reached: after, until }
    }

    /// Is the response to be sent before this much more is added?
    pub(super) fn is_full_before(&self, record: &Record) -> bool {
        let bytes = self.bytes + record.json.len();
        self.looked_at == MAX_LOOKED_AT
            || self.touchpoints.len() == MAX_TOUCHPOINTS
            || (bytes > MAX_BYTES && !self.touchpoints.is_empty())
    }

    /// The record there was looked at; its text is there if it is given.
    pub(super) fn add(&mut self, position: Position, recorded_at: Timestamp, event_json: Option<String>) {
        self.reached = position;
        self.looked_at += 1;
        if let Some(event_json) = event_json {
            self.bytes += event_json.len();
            let (position, recorded_at) = (position.0, Some(timestamp(recorded_at)));
            let customer = String::new();
            self.touchpoints.push(ReplayedTouchpoint { position, recorded_at, event_json, customer });
        }
    }

    /// What is there, and room for more.
    pub(super) fn take(&mut self) -> ReplayResponse {
        let touchpoints = std::mem::take(&mut self.touchpoints);
        (self.bytes, self.looked_at) = (0, 0);
        let customer = String::new();
        ReplayResponse { touchpoints, position: self.reached.0, until: self.until.0, customer }
    }

    /// The last response: everything was looked at.
    pub(super) fn finish(mut self) -> ReplayResponse {
        self.reached = self.reached.max(self.until);
        self.take()
    }
}
