//! The least that a fold into SQLite can do: decode, and for each event a customer row, a timeline row and a row that says
//! that it was seen; written in key order, in batches of 5,000, into clustered tables. No identity, no journeys, no totals.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, params};
use serde::Deserialize;

use crate::Result;

const BATCH_EVENTS: usize = 5_000;

const TABLES: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, events INTEGER, orders INTEGER, cents INTEGER, first TEXT, last TEXT);
CREATE TABLE timeline (customer INTEGER, event BLOB, position INTEGER, json BLOB, PRIMARY KEY (customer, event)) WITHOUT ROWID;
CREATE TABLE seen (name BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID;
CREATE TABLE checkpoint (only INTEGER PRIMARY KEY, position INTEGER);
";

#[derive(Deserialize)]
struct Event<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    time: &'a str,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    amount: Option<&'a str>,
    #[serde(borrow, default)]
    identifiers: Identifiers<'a>,
}

#[derive(Deserialize, Default)]
struct Identifiers<'a> {
    user_id: Option<&'a str>,
    email: Option<&'a str>,
    anonymous_id: Option<&'a str>,
}

/// As many numbers as a profile could not do without.
#[derive(Default, Clone)]
struct Customer {
    events: i64,
    orders: i64,
    cents: i64,
    first: String,
    last: String,
}

/// A timeline row, ready to be written.
struct Entry {
    customer: i64,
    event: Vec<u8>,
    position: i64,
    json: Vec<u8>,
}

/// Everything on an embedded log into a new file, in batches, each with its checkpoint in one transaction.
pub fn fold(log: &Path, folder: &Path) -> Result<(u64, Duration)> {
    let log = Connection::open(log)?;
    let mut model = Connection::open(folder.join("minimal.db"))?;
    model.pragma_update(None, "journal_mode", "WAL")?;
    model.pragma_update(None, "synchronous", "NORMAL")?;
    model.pragma_update(None, "wal_autocheckpoint", 8000)?;
    model.pragma_update(None, "cache_size", -32 * 1024)?;
    model.execute_batch(TABLES)?;
    let began = Instant::now();
    let mut records = log.prepare("SELECT position, json FROM records ORDER BY position")?;
    let mut records = records.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut customers = HashMap::new();
    let mut events = 0;
    loop {
        let batch: Vec<_> = records.by_ref().take(BATCH_EVENTS).collect::<std::result::Result<_, _>>()?;
        let Some((last, _)) = batch.last() else { return Ok((events, began.elapsed())) };
        let transaction = model.transaction()?;
        transaction.execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", [last])?;
        events += apply(&transaction, batch, &mut customers)?;
        transaction.commit()?;
    }
}

fn apply(
    transaction: &Transaction<'_>,
    batch: Vec<(i64, Vec<u8>)>,
    customers: &mut HashMap<i64, Customer>,
) -> Result<u64> {
    let mut names = Vec::with_capacity(batch.len());
    let mut timeline = Vec::with_capacity(batch.len());
    let mut touched = HashSet::new();
    for (position, json) in batch {
        let event: Event<'_> = serde_json::from_slice(&json)?;
        names.push((hash(&[event.source, event.id]), position));
        let Identifiers { user_id, email, anonymous_id } = event.data.identifiers;
        let of = hash(&[user_id.or(email).or(anonymous_id).unwrap_or_default()]);
        let customer = i64::from_le_bytes(of[..8].try_into().expect("a hash has more than 8 bytes"));
        let state = customers.entry(customer).or_default();
        state.count(&event);
        touched.insert(customer);
        let event = [event.time, "\0", event.source, "\0", event.id].concat().into_bytes();
        timeline.push(Entry { customer, event, position, json });
    }
    let fresh = write_seen(transaction, names)?;
    write_timeline(transaction, timeline)?;
    write_customers(transaction, touched, customers)?;
    Ok(fresh)
}

impl Customer {
    fn count(&mut self, event: &Event<'_>) {
        self.events += 1;
        if event.event_type == "order.placed" {
            self.orders += 1;
            let digits = event.data.amount.unwrap_or("0").replace('.', "");
            self.cents += digits.parse::<i64>().unwrap_or_default();
        }
        if self.first.is_empty() || event.time < self.first.as_str() {
            event.time.clone_into(&mut self.first);
        }
        if event.time > self.last.as_str() {
            event.time.clone_into(&mut self.last);
        }
    }
}

fn write_seen(transaction: &Transaction<'_>, mut names: Vec<([u8; 16], i64)>) -> rusqlite::Result<u64> {
    names.sort_unstable();
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?, ?)")?;
    let mut fresh = 0;
    for (name, position) in names {
        fresh += insert.execute(params![&name[..], position])? as u64;
    }
    Ok(fresh)
}

fn write_timeline(transaction: &Transaction<'_>, mut timeline: Vec<Entry>) -> rusqlite::Result<()> {
    timeline.sort_unstable_by(|a, b| (a.customer, &a.event).cmp(&(b.customer, &b.event)));
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO timeline VALUES (?, ?, ?, ?)")?;
    for Entry { customer, event, position, json } in timeline {
        insert.execute(params![customer, event, position, json])?;
    }
    Ok(())
}

fn write_customers(
    transaction: &Transaction<'_>,
    touched: HashSet<i64>,
    customers: &HashMap<i64, Customer>,
) -> rusqlite::Result<()> {
    let mut touched: Vec<i64> = touched.into_iter().collect();
    touched.sort_unstable();
    let mut replace = transaction.prepare_cached("INSERT OR REPLACE INTO customers VALUES (?, ?, ?, ?, ?, ?)")?;
    for id in touched {
        let Customer { events, orders, cents, first, last } = &customers[&id];
        replace.execute(params![id, events, orders, cents, first, last])?;
    }
    Ok(())
}

fn hash(texts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update(b"\0");
    }
    hasher.finalize().as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}
