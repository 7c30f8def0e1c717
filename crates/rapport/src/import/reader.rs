//! From files, or from what is made, to batches of encoded events: read, map, convert. Runs on a thread of its own, a few batches ahead.

use std::io::BufRead;
use std::sync::Arc;

use bytes::Bytes;
use indicatif::ProgressBar;
use prost::Message;
use rapport_touchpoint::Violation;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::lines::{Line, Lines, MAX_LINE_BYTES, is_blank};
use super::mapping::Mapping;
use super::rows::{Rows, RowsError};
use super::source::Source;
use super::tally::{BadRow, Fate, Origin};
use super::{ImportError, too_long};
use crate::event_proto;

const MAX_BATCH_EVENTS: usize = 1_000;
const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Of one event's frame in a request.
const FRAME_BYTES: usize = 8;

/// Rows that stand together in the files: events to publish, and what is no event.
#[derive(Debug, Default)]
pub struct Batch {
    /// Each an encoded `CloudEvent`.
    pub events: Vec<Bytes>,
    /// Where each event stands.
    pub origins: Vec<Origin>,
    pub bad: Vec<BadRow>,
    bytes: usize,
}

/// Reads until the end, the first bad row if `strict`, or until nobody wants more.
pub fn read_all(
    sources: Vec<Source>,
    mapping: Option<&Mapping>,
    strict: bool,
    bar: &ProgressBar,
    batches: Sender<Batch>,
) -> Result<(), ImportError> {
    let mut batcher = Batcher { batch: Batch::default(), batches, strict };
    for source in sources {
        let (file, name) = (Arc::clone(&source.shown), Arc::clone(&source.name));
        let broken = |source| ImportError::Read { file: file.to_string(), source };
        let text = source.text(bar).map_err(broken)?;
        let going_on = match mapping {
            None => read_events(&file, text, &mut batcher).map_err(broken),
            Some(mapping) => read_rows(&file, name, text, mapping, &mut batcher),
        };
        match going_on {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                // What was read before the fault is good.
                batcher.flush();
                return Err(error);
            }
        }
    }
    batcher.flush();
    Ok(())
}

/// Takes events as they are made, until nobody wants more.
pub fn read_made(events: impl Iterator<Item = Value>, name: &str, bar: &ProgressBar, batches: Sender<Batch>) {
    let mut batcher = Batcher { batch: Batch::default(), batches, strict: true };
    let file = Arc::from(name);
    for (event, line) in events.zip(1..) {
        bar.inc(1);
        if !batcher.push(Origin { file: Arc::clone(&file), line }, Ok(event)) {
            return;
        }
    }
    batcher.flush();
}

/// Takes touchpoints of another log as they come, until nobody wants more.
pub fn read_copied(touchpoints: impl Iterator<Item = (u64, String)>, name: &str, batches: Sender<Batch>) {
    let mut batcher = Batcher { batch: Batch::default(), batches, strict: false };
    let file = Arc::from(name);
    for (position, json) in touchpoints {
        let event = serde_json::from_str(&json)
            .map_err(|error| Violation::new("event", format!("is not JSON that can be sent: {error}")));
        if !batcher.push(Origin { file: Arc::clone(&file), line: position }, event) {
            return;
        }
    }
    batcher.flush();
}

fn read_events(file: &Arc<str>, text: impl BufRead, batcher: &mut Batcher) -> std::io::Result<bool> {
    let mut lines = Lines::new(text);
    while let Some((line, text)) = lines.next()? {
        let event = match text {
            Line::Text(text) if is_blank(text) => continue,
            Line::TooLong => Err(too_long()),
            Line::Text(text) => serde_json::from_slice(text)
                .map_err(|error| Violation::new("event", format!("is not JSON in UTF-8: {error}"))),
        };
        if !batcher.push(Origin { file: Arc::clone(file), line }, event) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_rows(
    file: &Arc<str>,
    name: Arc<str>,
    text: impl BufRead,
    mapping: &Mapping,
    batcher: &mut Batcher,
) -> Result<bool, ImportError> {
    let broken = |source| ImportError::Read { file: file.to_string(), source };
    let mut rows = Rows::open(name, text, &mapping.rows).map_err(|error| match error {
        RowsError::Io(source) => broken(source),
        RowsError::Header(problem) => ImportError::Header { file: file.to_string(), problem },
    })?;
    if let Some(columns) = rows.columns()
        && let Some(missing) = mapping.columns().into_iter().find(|needed| !columns.contains(needed))
    {
        return Err(ImportError::Column { file: file.to_string(), missing, columns: columns.join(", ") });
    }
    while let Some((line, row)) = rows.next().map_err(broken)? {
        let event = row.and_then(|row| mapping.event(&row));
        if !batcher.push(Origin { file: Arc::clone(file), line }, event) {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Batcher {
    batch: Batch,
    batches: Sender<Batch>,
    strict: bool,
}

impl Batcher {
    /// Takes one row; `false` if no more are wanted.
    fn push(&mut self, origin: Origin, event: Result<Value, Violation>) -> bool {
        match event.and_then(encode) {
            Ok(event) => {
                let bytes = event.len() + FRAME_BYTES;
                if self.batch.bytes + bytes > MAX_BATCH_BYTES && !self.flush() {
                    return false;
                }
                self.batch.bytes += bytes;
                self.batch.events.push(event);
                self.batch.origins.push(origin);
            }
            Err(violation) => {
                self.batch.bad.push(BadRow { origin, fate: Fate::BadRow, reasons: vec![violation] });
                if self.strict {
                    self.flush();
                    return false;
                }
            }
        }
        self.batch.events.len() + self.batch.bad.len() < MAX_BATCH_EVENTS || self.flush()
    }

    fn flush(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        (batch.events.is_empty() && batch.bad.is_empty()) || self.batches.blocking_send(batch).is_ok()
    }
}

fn encode(event: Value) -> Result<Bytes, Violation> {
    let encoded = event_proto::to_proto(event)?.encode_to_vec();
    if encoded.len() > MAX_LINE_BYTES {
        let rule = format!("has {} bytes; one that travels has at most {MAX_LINE_BYTES}", encoded.len());
        return Err(Violation::new("event", rule));
    }
    Ok(encoded.into())
}
