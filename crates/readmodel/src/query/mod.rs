//! Queries: each in one read transaction, so that an answer is true at one position.

mod by_customer;
mod customer;
mod decided;
mod explain;
mod feedback;
mod find;
mod foresee;
mod journey;
mod listing;
mod past;
mod refused;
mod remembered;
mod traits;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rapport_customer::{Digest, Model, Totals};
use rapport_touchpoint::{Channel, EventType, OrderKey, Timestamp, Touchpoint};
use rusqlite::{Connection, Row};

use crate::customers;
use crate::error::Result;
use crate::incoming::Readable;
use crate::names::Standings;
use crate::parked::{self, ParkedEvent, ParkedPage, ParkedState};
use crate::timeline::{self, Direction, Merge, Source, TimelineRow};
use crate::{Definitions, Incoming, Origin, Picture, checkpoint, schema, seen, totals};

pub use by_customer::{CustomerPlace, CustomerStretch, Stretch};
pub use customer::{CustomerAnswer, CustomerName, Tenure};
pub use decided::{DecisionEntry, DecisionsPage, Outcome};
pub use explain::{Evidence, Explanation, Hand, Step, Without};
pub use feedback::ResponsesQuestion;
pub(crate) use feedback::scores;
pub use find::{Changed, Filter, Found, FoundPage};
pub use foresee::{MergeForeseen, SplitForeseen, Unfit};
pub use journey::TransitionsQuestion;
pub(crate) use journey::funnel;
pub use listing::{FactEntry, FactPlace, FactsPage, Listed};
pub use past::{Entangled, KnownAt, Moment};
pub use refused::{Refusal, RefusalPlace, RefusalsPage, VoidIdentifier, VoidPage, VoidPlace};
pub use remembered::Remembered;
pub use traits::{TraitHistory, TraitSet};

/// Connections kept open between queries.
const MOST_IDLE: usize = 16;
/// Parked events that a status shows.
const MOST_PARKED_SHOWN: usize = 20;

/// Answers queries on a read-model file, from any number of threads, beside its writer. Calls block.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    origin: Origin,
    definitions: Arc<Definitions>,
    idle: Mutex<Vec<Connection>>,
}

/// An answer, and where the read model stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// True of everything on the log up to here.
    pub position: u64,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
    /// At or before the next silence that changes something.
    pub due: Option<Timestamp>,
    pub content: T,
}

/// Where a read model stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub position: u64,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
    /// At or before the next silence that changes something.
    pub due: Option<Timestamp>,
}

impl<T> Answer<T> {
    pub fn standing(&self) -> Standing {
        Standing { position: self.position, clock: self.clock, due: self.due }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct TimelinePage {
    /// Newest first.
    pub entries: Vec<Glimpse>,
    /// Is there an older event than the last one here?
    pub more: bool,
}

/// A touchpoint as far as one sees it at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Glimpse {
    pub position: u64,
    pub key: OrderKey,
    pub event_type: EventType,
    pub channel: Channel,
    /// As it stands on the log.
    pub json: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    pub position: u64,
    pub key: OrderKey,
    pub touchpoint: Touchpoint,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub touchpoints: u64,
    pub duplicates: u64,
    /// Those that are discarded are not among them.
    pub parked: u64,
    pub discarded: u64,
    /// The newest first, at most 20.
    pub newest_parked: Vec<ParkedEvent>,
    pub digests: Vec<(Model, Digest)>,
    pub fingerprint: String,
    /// At or before the next silence that changes something.
    pub due: Option<Timestamp>,
}

impl Reader {
    /// Opens a file that its writer has made.
    pub fn open(path: &Path, origin: Origin, definitions: Arc<Definitions>) -> Result<Self> {
        let first = schema::open_reader(path)?;
        let idle = Mutex::new(vec![first]);
        Ok(Self { shared: Arc::new(Shared { path: path.to_owned(), origin, definitions, idle }) })
    }

    /// Answers on a file that is in memory, from one thread.
    fn on(connection: Connection, origin: Origin, definitions: Arc<Definitions>) -> Self {
        let (path, idle) = (PathBuf::from(":memory:"), Mutex::new(vec![connection]));
        Self { shared: Arc::new(Shared { path, origin, definitions, idle }) }
    }

    /// Under which the file was folded, and is read.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.shared.definitions
    }

    /// Holds still what the file says, for as long as the picture is there.
    pub fn hold(&self, now: Timestamp) -> Result<Picture> {
        let Shared { path, origin, definitions, .. } = &*self.shared;
        Picture::take(path, origin.clone(), definitions.clone(), now)
    }

    pub fn position(&self) -> Result<u64> {
        Ok(self.ask(|_| Ok(()))?.position)
    }

    /// A page of a customer's touchpoints, older than `before`.
    pub fn timeline(
        &self,
        name: &CustomerName,
        before: Option<&OrderKey>,
        page_size: usize,
    ) -> Result<Answer<Option<TimelinePage>>> {
        self.ask(|connection| {
            let Some(sources) = self.sources(connection, name, None, before)? else { return Ok(None) };
            let mut merge = Merge::of_few(connection, sources, Direction::NewestFirst, page_size.saturating_add(1))?;
            let mut entries = Vec::new();
            while let Some(row) = merge.next()? {
                if entries.len() == page_size {
                    return Ok(Some(TimelinePage { entries, more: true }));
                }
                let (event_type, channel) = row.glance(&self.shared.definitions)?;
                let TimelineRow { event: key, position, json } = row;
                entries.push(Glimpse { position, key, event_type, channel, json });
            }
            Ok(Some(TimelinePage { entries, more: false }))
        })
    }

    /// A customer's touchpoints in the order of events, after `after`; at most `most`.
    pub fn history(
        &self,
        name: &CustomerName,
        after: Option<&OrderKey>,
        most: usize,
    ) -> Result<Answer<Option<Vec<TimelineEntry>>>> {
        self.ask(|connection| {
            let Some(mut merge) = self.merge(connection, name, Direction::OldestFirst, after, None)? else {
                return Ok(None);
            };
            let mut entries = Vec::new();
            while entries.len() < most
                && let Some(mut row) = merge.next()?
            {
                let touchpoint = row.take_event(&self.shared.definitions)?.touchpoint;
                entries.push(TimelineEntry { position: row.position, key: row.event, touchpoint });
            }
            Ok(Some(entries))
        })
    }

    pub fn totals(&self) -> Result<Answer<Totals>> {
        self.ask(totals::all)
    }

    pub fn status(&self) -> Result<Answer<Status>> {
        self.ask(|connection| {
            let definitions = &self.shared.definitions;
            let touchpoints = totals::sum(connection, "touchpoints")?;
            let mut digests = Vec::with_capacity(definitions.models.len());
            for model in &definitions.models {
                digests.push((*model, totals::digest(connection, *model)?));
            }
            let parked = parked::counts(connection)?;
            Ok(Status {
                touchpoints: u64::try_from(touchpoints).unwrap_or_default(),
                duplicates: checkpoint::duplicates(connection)?,
                parked: parked.waiting,
                discarded: parked.discarded,
                newest_parked: parked::page(connection, ParkedState::Waiting, None, MOST_PARKED_SHOWN)?.events,
                digests,
                fingerprint: crate::apply::hex(definitions.fingerprint()),
                due: customers::due(connection)?,
            })
        })
    }

    /// A page of what is parked, at a lower position than `before`.
    pub fn parked(&self, state: ParkedState, before: Option<u64>, page_size: usize) -> Result<Answer<ParkedPage>> {
        self.ask(|connection| parked::page(connection, state, before, page_size))
    }

    /// What is parked at a position, if it is.
    pub fn parked_at(&self, position: u64) -> Result<Answer<Option<ParkedEvent>>> {
        self.ask(|connection| parked::at(connection, position))
    }

    /// For each record: why it would be parked if the log were folded anew; `None` if it would not be.
    pub fn kept_out(&self, records: &[Incoming]) -> Result<Answer<Vec<Option<String>>>> {
        self.ask(|connection| {
            let readable = records.iter().filter_map(|record| record.read.as_ref().ok());
            let wanted: BTreeSet<_> = readable.map(Readable::name).collect();
            let names = Standings::of(connection, |name| wanted.contains(name))?;
            records.iter().map(|record| seen::kept_out(connection, &names, record)).collect()
        })
    }

    /// Runs a question in one read transaction on a pooled connection.
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<Answer<T>> {
        self.ask_at(|connection, _| question(connection))
    }

    /// The same for a question that depends on the clock of the answer.
    fn ask_at<T>(&self, question: impl FnOnce(&Connection, Timestamp) -> Result<T>) -> Result<Answer<T>> {
        self.on_one(|connection| {
            // A connection whose question fails is closed, and with it what it had begun.
            connection.prepare_cached("BEGIN")?.execute([])?;
            let Standing { position, clock, due } = standing(connection)?;
            let content = question(connection, clock)?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(Answer { position, clock, due, content })
        })
    }

    /// On a pooled connection.
    fn on_one<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.shared.path)?,
        };
        let answer = question(&connection)?;
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    fn merge<'c>(
        &self,
        connection: &'c Connection,
        name: &CustomerName,
        direction: Direction,
        after: Option<&OrderKey>,
        before: Option<&OrderKey>,
    ) -> Result<Option<Merge<'c>>> {
        let sources = self.sources(connection, name, after, before)?;
        sources.map(|sources| Merge::new(connection, sources, direction)).transpose()
    }

    /// Where the events of a customer lie, between these; `None` if there is no such customer.
    fn sources(
        &self,
        connection: &Connection,
        name: &CustomerName,
        after: Option<&OrderKey>,
        before: Option<&OrderKey>,
    ) -> Result<Option<Vec<Source>>> {
        let Some(key) = self.resolve(connection, name)? else { return Ok(None) };
        if !customers::exists(connection, key)? {
            return Ok(None);
        }
        let from = after.map_or(OrderKey::MIN, timeline::just_after);
        let mut sources = timeline::sources_of(connection, key, &from, self.shared.definitions.rules.visit)?;
        for source in &mut sources {
            if let Some(before) = before {
                source.until = Some(source.until.take().map_or(before.clone(), |until| until.min(before.clone())));
            }
        }
        Ok(Some(sources))
    }
}

/// Columns of a statement on the checkpoint that tell where a read model stands.
const STANDING: &str = "position, clock, (SELECT min(due) FROM customers WHERE due IS NOT NULL)";
const STANDING_COLUMNS: usize = 3;

/// Where a read model stands: its position and clock, and the next silence.
fn standing(connection: &Connection) -> Result<Standing> {
    let mut find = connection.prepare_cached(&format!("SELECT {STANDING} FROM checkpoint"))?;
    Ok(find.query_row([], standing_of)?)
}

/// Of a row that begins with [`STANDING`].
fn standing_of(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let moment = |nanos: Option<i64>| nanos.and_then(Timestamp::from_nanos);
    Ok(Standing { position: row.get(0)?, clock: moment(row.get(1)?).unwrap_or_default(), due: moment(row.get(2)?) })
}
