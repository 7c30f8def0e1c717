//! What the rows of a picture come to when they are added up anew.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::{panic, thread, vec};

use rapport_customer::{Digest, Model};
use rapport_touchpoint::{OrderKey, Timestamp};
use rusqlite::Connection;

use super::facts::EveryFact;
use super::look::Look;
use crate::error::Result;
use crate::picture::{GoesOn, Picture, STEP};
use crate::{Definitions, customers, schema};

/// Ranges of customers that are added up by themselves, so that all cores have something to do until the end.
const PIECES: i64 = 32;

/// What the states and facts of a picture come to, whatever it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recomputed {
    pub digests: BTreeMap<Model, Digest>,
    /// Facts of nobody.
    pub strays: u64,
    pub(super) customers: u64,
    pub(super) events: u64,
}

impl Picture {
    /// Reads everyone's states and facts. `None` if nobody waits for it any more.
    pub fn recompute(&self, goes_on: GoesOn<'_>) -> Result<Option<Recomputed>> {
        let mut adding = Adding::new(&self.definitions, self.clock());
        let mut done = 0;
        let mut pass = |more| {
            done += more;
            goes_on(done)
        };
        let is_whole = pass(0) && adding.add_up(&self.connection, i64::MIN..=i64::MAX, &mut pass)?;
        Ok(is_whole.then_some(adding.sum))
    }

    /// The same on all cores, each with a connection of its own: nobody may write the file meanwhile.
    pub(super) fn recompute_together(&self, goes_on: GoesOn<'_>) -> Result<Option<Recomputed>> {
        let sharing = Sharing {
            path: self.connection.path().unwrap_or_default().into(),
            definitions: &self.definitions,
            clock: self.clock(),
            pieces: Mutex::new(self.pieces()?.into_iter()),
            is_over: AtomicBool::new(!goes_on(0)),
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (steps, passed) = mpsc::channel();
        let sums = thread::scope(|scope| {
            let threads: Vec<_> =
                vec![steps; cores].into_iter().map(|steps| scope.spawn(|| sharing.add_up(steps))).collect();
            let mut done = 0;
            for more in passed {
                done += more;
                sharing.is_over.fetch_or(!goes_on(done), Ordering::Relaxed);
            }
            let ended =
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
            ended.collect::<Result<Vec<Recomputed>>>()
        })?;
        let all = sums.into_iter().reduce(Recomputed::plus).unwrap_or_default();
        Ok((!sharing.is_over.into_inner()).then_some(all))
    }

    /// All ranges together hold every customer, and every fact, whosever it is.
    fn pieces(&self) -> Result<Vec<RangeInclusive<i64>>> {
        let ends = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM customers";
        let (first, last): (i64, i64) = self.connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let width = (last.saturating_sub(first) / PIECES).saturating_add(1);
        let begins: Vec<i64> = (1..PIECES).map(|piece| first.saturating_add(piece.saturating_mul(width))).collect();
        let mut pieces = vec![i64::MIN..=begins[0] - 1];
        pieces.extend(begins.windows(2).map(|ends| ends[0]..=ends[1] - 1));
        pieces.extend(begins.last().map(|last| *last..=i64::MAX));
        Ok(pieces)
    }
}

impl Recomputed {
    fn plus(mut self, other: Self) -> Self {
        for (model, digest) in other.digests {
            let sum = self.digests.entry(model).or_default();
            *sum = sum.plus(digest);
        }
        let Self { digests, strays, customers, events } = self;
        Self {
            digests,
            strays: strays + other.strays,
            customers: customers + other.customers,
            events: events + other.events,
        }
    }
}

/// What several threads share that add up one file.
struct Sharing<'a> {
    path: PathBuf,
    definitions: &'a Definitions,
    clock: Timestamp,
    /// Those that nobody has taken yet.
    pieces: Mutex<vec::IntoIter<RangeInclusive<i64>>>,
    is_over: AtomicBool,
}

impl Sharing<'_> {
    /// One thread's part: as many of the pieces as it comes to.
    fn add_up(&self, steps: mpsc::Sender<u64>) -> Result<Recomputed> {
        let (connection, mut adding) = (schema::open_reader(&self.path)?, Adding::new(self.definitions, self.clock));
        let goes_on = || !self.is_over.load(Ordering::Relaxed);
        let mut pass = |more| steps.send(more).is_ok() && goes_on();
        while let Some(piece) = self.next().filter(|_| goes_on()) {
            adding.add_up(&connection, piece, &mut pass)?;
        }
        Ok(adding.sum)
    }

    fn next(&self) -> Option<RangeInclusive<i64>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

struct Adding<'a> {
    definitions: &'a Definitions,
    clock: Timestamp,
    sum: Recomputed,
}

impl<'a> Adding<'a> {
    fn new(definitions: &'a Definitions, clock: Timestamp) -> Self {
        let digests = definitions.models.iter().map(|model| (*model, Digest::default()));
        Self { definitions, clock, sum: Recomputed { digests: digests.collect(), ..Recomputed::default() } }
    }

    /// Everyone in a range of row numbers. `pass` is told of the customers one stretch after the other; `false` if it said so.
    fn add_up(
        &mut self,
        connection: &Connection,
        ids: RangeInclusive<i64>,
        pass: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool> {
        let (first, last) = ids.into_inner();
        let mut everyone = connection.prepare_cached(&format!(
            "SELECT id, first, events, {} FROM customers WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
            customers::STATES
        ))?;
        let mut every_fact = connection.prepare_cached(EveryFact::SQL)?;
        let (mut rows, mut facts) =
            (everyone.query([first, last])?, EveryFact::read(every_fact.query([first, last])?)?);
        let mut untold = 0;
        while let Some(row) = rows.next()? {
            let (id, earliest) = (row.get(0)?, OrderKey::from_bytes(row.get(1)?));
            let mut look = Look::of_row(Some(row), 3, &earliest, self.definitions, self.clock)?;
            self.sum.strays += facts.of(id, |fact| look.add(fact, &earliest))?;
            self.sum.customers += 1;
            self.sum.events += row.get::<_, u64>(2)?;
            for (model, digest) in look.digests() {
                let sum = self.sum.digests.entry(model).or_default();
                *sum = sum.plus(digest);
            }
            untold += 1;
            if untold == STEP && !pass(std::mem::take(&mut untold)) {
                return Ok(false);
            }
        }
        self.sum.strays += facts.left()?;
        Ok(pass(untold))
    }
}
