//! The one thread that writes: takes what is waiting, judges each event, and commits the group in one transaction.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rapport_touchpoint::{Channel, EventType};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use tokio::sync::watch;

use super::files::Files;
use super::kinds::{Kinds, no_channel};
use super::names::{Key, Names, Swept};
use super::schema::{Lock, Opened};
use crate::batch::{Appending, Entry};
use crate::error::Away;
use crate::name::{Standing, written};
use crate::queue::{Bounds, Jobs, answer, entries};
use crate::{AppendError, Appended, Position};

/// What one transaction takes at most.
const GROUP: Bounds = Bounds { events: 5000, bytes: 16 * 1024 * 1024 };

pub(super) struct Writer {
    connection: Connection,
    head: Position,
    last_recorded_at: i64,
    numbers: Numbers,
    kinds: Kinds,
    names: Names,
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
    new_names: Vec<(Key, Position)>,
    swept: Swept,
}

impl Writer {
    pub(super) fn new(opened: Opened, kinds: Kinds, head_sender: watch::Sender<Position>) -> Self {
        let Opened { connection, head, last_recorded_at, kinds: pairs, names, files, lock, epoch: _ } = opened;
        let mut numbers = Numbers::default();
        pairs.into_iter().for_each(|(channel, event_type)| numbers.add(channel, event_type));
        Self { connection, head, last_recorded_at, numbers, kinds, names, files, head_sender, _lock: lock }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self, mut jobs: Jobs) {
        while let Some(mut group) = jobs.blocking_next_group(GROUP) {
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
        self.close();
    }

    /// Whoever opens the log next need not look for the names that wait.
    fn close(mut self) {
        if self.files.lost().is_none()
            && let Err(error) = self.names.close(&mut self.connection, self.head)
        {
            tracing::warn!(%error, "the log is closed with names that are not in their table; the next start puts them there");
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
        let written = write(&transaction, events, self.head, recorded_at, &self.numbers, &self.names)?;
        crash_point!("append/written");
        transaction.commit()?;
        crash_point!("append/committed");

        self.last_recorded_at = written.recorded_at;
        for (channel, event_type) in written.new_kinds.iter().cloned() {
            self.numbers.add(channel, event_type);
        }
        self.kinds.extend(written.new_kinds);
        self.names.committed(written.swept, written.new_names, self.head);
        if written.head > self.head {
            self.head = written.head;
            self.head_sender.send_replace(self.head);
        }
        crash_point!("append/told");
        Ok(written.verdicts)
    }
}

/// The numbers of the pairs of channel and type that are on the log.
#[derive(Default)]
struct Numbers {
    by_channel: HashMap<Channel, HashMap<EventType, usize>>,
    count: usize,
}

impl Numbers {
    fn find(&self, channel: &Channel, event_type: &EventType) -> Option<usize> {
        self.by_channel.get(channel)?.get(event_type).copied()
    }

    fn add(&mut self, channel: Channel, event_type: EventType) {
        self.by_channel.entry(channel).or_default().insert(event_type, self.count);
        self.count += 1;
    }
}

fn write(
    transaction: &Transaction<'_>,
    events: &[Entry<'_>],
    mut head: Position,
    recorded_at: i64,
    numbers: &Numbers,
    names: &Names,
) -> rusqlite::Result<Written> {
    let mut known = names.look_up(transaction, events)?;
    let mut new_names: Vec<(Key, Position)> = Vec::with_capacity(events.len());
    let mut new_kinds: Vec<(Channel, EventType)> = Vec::new();
    let mut verdicts = Vec::with_capacity(events.len());
    let mut insert = transaction
        .prepare_cached("INSERT INTO records (position, recorded_at, kind, json, trace) VALUES (?, ?, ?, ?, ?)")?;
    for Entry { event, trace } in events {
        let mut bodies = known.get_mut(&event.name);
        let first = match bodies.as_ref().map_or(Standing::New { first: None }, |bodies| bodies.standing(event.body)) {
            Standing::Known(verdict) => {
                verdicts.push(verdict);
                continue;
            }
            Standing::New { first } => first,
        };
        head = Position(head.0 + 1);
        let kind = number(transaction, event, numbers, &mut new_kinds)?;
        insert.execute(params![head.0, recorded_at, kind, event.json, trace.map(|trace| trace.to_string())])?;
        if let Some(bodies) = &mut bodies {
            bodies.add(event.body, head);
        }
        new_names.push(((event.name, event.body), head));
        verdicts.push(written(head, first));
    }
    let swept = names.sweep(transaction, new_names.len())?;
    Ok(Written { verdicts, head, recorded_at, new_kinds, new_names, swept })
}

/// The number of the event's channel and type; a new pair is written.
fn number(
    transaction: &Transaction<'_>,
    event: &Appending,
    numbers: &Numbers,
    new_kinds: &mut Vec<(Channel, EventType)>,
) -> rusqlite::Result<usize> {
    let channel = event.channel.as_ref().map_or_else(|| Cow::Owned(no_channel()), Cow::Borrowed);
    if let Some(number) = numbers.find(&channel, &event.event_type) {
        return Ok(number);
    }
    let is_it = |(known, of): &(Channel, EventType)| *known == *channel && *of == event.event_type;
    if let Some(place) = new_kinds.iter().position(is_it) {
        return Ok(numbers.count + place);
    }
    let number = numbers.count + new_kinds.len();
    transaction.execute(
        "INSERT INTO kinds (kind, channel, type) VALUES (?, ?, ?)",
        params![number, channel.as_str(), event.event_type.as_str()],
    )?;
    new_kinds.push((channel.into_owned(), event.event_type.clone()));
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

#[cfg(test)]
mod tests;
