//! The one thread that writes: takes what is waiting, judges each event, and commits the group in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rapport_touchpoint::{BodyHash, Channel, EventType};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use tokio::sync::watch;

use super::files::Files;
use super::kinds::{Kinds, no_channel};
use super::schema::{Lock, Opened};
use crate::batch::{Appending, Entry};
use crate::error::Away;
use crate::name::{Bodies, Name, Standing, written};
use crate::queue::{Jobs, answer, entries};
use crate::{AppendError, Appended, Position};

/// What one transaction takes at most.
const GROUP_EVENTS: usize = 5000;
const GROUP_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Writer {
    connection: Connection,
    head: Position,
    last_recorded_at: i64,
    numbers: HashMap<(Channel, EventType), usize>,
    kinds: Kinds,
    files: Files,
    head_sender: watch::Sender<Position>,
    _lock: Lock,
}

/// What a transaction wrote, to be taken over once it is committed.
struct Written {
    verdicts: Vec<Appended>,
    head: Position,
    recorded_at: i64,
    new_kinds: Vec<(Channel, EventType)>,
}

impl Writer {
    pub(super) fn new(opened: Opened, kinds: Kinds, head_sender: watch::Sender<Position>) -> Self {
        let Opened { connection, head, last_recorded_at, kinds: pairs, files, lock, epoch: _ } = opened;
        let numbers = pairs.into_iter().enumerate().map(|(number, pair)| (pair, number)).collect();
        Self { connection, head, last_recorded_at, numbers, kinds, files, head_sender, _lock: lock }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self, mut jobs: Jobs) {
        while let Some(mut group) = jobs.blocking_next_group(GROUP_EVENTS, GROUP_BYTES) {
            group.retain(|job| !job.is_abandoned());
            let events = entries(&group);
            if events.is_empty() {
                continue;
            }
            let verdicts = match self.append(&events) {
                Ok(verdicts) => verdicts.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); events.len()],
            };
            answer(group, verdicts);
        }
    }

    /// What was written into a file that is not there any more is not on the log.
    fn append(&mut self, events: &[Entry<'_>]) -> Result<Vec<Appended>, AppendError> {
        self.in_place()?;
        let verdicts = self.commit(events).map_err(|error| {
            tracing::error!(%error, events = events.len(), "the log could not write");
            append_error(error)
        })?;
        self.in_place()?;
        Ok(verdicts)
    }

    fn in_place(&self) -> Result<(), AppendError> {
        let Some(path) = self.files.lost() else { return Ok(()) };
        tracing::error!(path = %path.display(), "the log's file was moved, removed or replaced; nothing more is taken");
        Err(AppendError::Unavailable(Away::Lost))
    }

    fn commit(&mut self, events: &[Entry<'_>]) -> rusqlite::Result<Vec<Appended>> {
        // Never backwards, so that "what was recorded by then" is always a prefix of the log.
        let recorded_at = now().max(self.last_recorded_at);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        crash_point!("append/begun");
        let written = write(&transaction, events, self.head, recorded_at, &self.numbers)?;
        crash_point!("append/written");
        transaction.commit()?;
        crash_point!("append/committed");

        self.last_recorded_at = written.recorded_at;
        for pair in &written.new_kinds {
            let number = self.numbers.len();
            self.numbers.insert(pair.clone(), number);
        }
        self.kinds.extend(written.new_kinds);
        if written.head > self.head {
            self.head = written.head;
            self.head_sender.send_replace(self.head);
        }
        crash_point!("append/told");
        Ok(written.verdicts)
    }
}

fn write(
    transaction: &Transaction<'_>,
    events: &[Entry<'_>],
    mut head: Position,
    recorded_at: i64,
    numbers: &HashMap<(Channel, EventType), usize>,
) -> rusqlite::Result<Written> {
    let names: Vec<Name> = events.iter().map(|entry| entry.event.name).collect();
    let mut known = look_up(transaction, &names)?;
    let mut new_ids: Vec<(Name, BodyHash, Position)> = Vec::new();
    let mut new_kinds: Vec<(Channel, EventType)> = Vec::new();
    let mut verdicts = Vec::with_capacity(events.len());
    let mut insert = transaction
        .prepare_cached("INSERT INTO records (position, recorded_at, kind, json, trace) VALUES (?, ?, ?, ?, ?)")?;
    for (Entry { event, trace }, name) in events.iter().zip(names) {
        let bodies = known.entry(name).or_default();
        let first = match bodies.standing(event.body) {
            Standing::Known(verdict) => {
                verdicts.push(verdict);
                continue;
            }
            Standing::New { first } => first,
        };
        head = Position(head.0 + 1);
        let kind = number(transaction, event, numbers, &mut new_kinds)?;
        insert.execute(params![head.0, recorded_at, kind, event.json, trace.map(|trace| trace.to_string())])?;
        bodies.add(event.body, head);
        new_ids.push((name, event.body, head));
        verdicts.push(written(head, first));
    }
    // In key order each page of the tree is touched once per group.
    new_ids.sort_unstable();
    let mut insert = transaction.prepare_cached("INSERT INTO ids (name, body, position) VALUES (?, ?, ?)")?;
    for (name, body, position) in new_ids {
        insert.execute(params![name, body.0, position.0])?;
    }
    Ok(Written { verdicts, head, recorded_at, new_kinds })
}

fn look_up(transaction: &Transaction<'_>, names: &[Name]) -> rusqlite::Result<HashMap<Name, Bodies>> {
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut known: HashMap<Name, Bodies> = HashMap::with_capacity(sorted.len());
    let mut select = transaction.prepare_cached("SELECT body, position FROM ids WHERE name = ?")?;
    for name in sorted {
        let mut rows = select.query([name])?;
        while let Some(row) = rows.next()? {
            known.entry(name).or_default().add(BodyHash(row.get(0)?), Position(row.get(1)?));
        }
    }
    Ok(known)
}

/// The number of the event's channel and type; a new pair is written.
fn number(
    transaction: &Transaction<'_>,
    event: &Appending,
    numbers: &HashMap<(Channel, EventType), usize>,
    new_kinds: &mut Vec<(Channel, EventType)>,
) -> rusqlite::Result<usize> {
    let channel = event.channel.clone().unwrap_or_else(no_channel);
    let pair = (channel, event.event_type.clone());
    if let Some(number) = numbers.get(&pair) {
        return Ok(*number);
    }
    if let Some(place) = new_kinds.iter().position(|known| *known == pair) {
        return Ok(numbers.len() + place);
    }
    let number = numbers.len() + new_kinds.len();
    transaction.execute(
        "INSERT INTO kinds (kind, channel, type) VALUES (?, ?, ?)",
        params![number, pair.0.as_str(), pair.1.as_str()],
    )?;
    new_kinds.push(pair);
    Ok(number)
}

fn append_error(error: rusqlite::Error) -> AppendError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => AppendError::Full(Arc::new(error)),
        _ => AppendError::Storage(Arc::new(error)),
    }
}

/// Nanoseconds since 1970; a clock outside 1970 to 2262 counts as its nearer end.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
