//! The tables of a read-model file, and how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::analysts;
use crate::error::{ReadModelError, Result};

/// Raised when a table changes; a file of another format is built anew.
pub(crate) const FORMAT: &str = "8";

/// Events are named by their order key everywhere ([`rapport_touchpoint::OrderKey`]), so that every table that holds
/// events is clustered in the order of events. Identifiers are interned to integers; these say nothing outside the file.
const TABLES: &str = "
-- Whose file this is and under which definitions it was made: format, tenant, epoch, fingerprint; source: these
-- definitions as they were written.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- One row: how far the log is folded in, up to which moment silence has fallen, and what was met on the way. `foreseen`:
-- discards up to this position were known before anything was folded; NULL where none were looked for. `outdated`: one
-- that was not foreseen names a record that counts here, so the file has to be folded anew.
CREATE TABLE checkpoint (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    position   INTEGER NOT NULL,
    clock      INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    foreseen   INTEGER,
    outdated   INTEGER NOT NULL
);
INSERT INTO checkpoint VALUES (1, 0, 0, 0, NULL, 0);

-- Some records of the log as they were when they were folded in.
CREATE TABLE fence (position INTEGER PRIMARY KEY, hash BLOB NOT NULL);

-- Every distinct event and decision but the latest: a hash of its source and id, the body that stands, and where it was first.
CREATE TABLE seen (name BLOB PRIMARY KEY, body BLOB NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;

-- Those that may not be in `seen` yet: the position of a batch, and 40 bytes for each name that came with it: name, body and
-- position.
CREATE TABLE seen_recent (position INTEGER PRIMARY KEY, names BLOB NOT NULL);

-- One row: all names up to `swept` are in `seen`; of those up to `began_at`, all up to the name `written`.
CREATE TABLE seen_sweep (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    swept    INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    written  BLOB
);
INSERT INTO seen_sweep VALUES (1, 0, 0, NULL);

-- Records of the log that do not count, and why; `record` is a hash of their bytes.
CREATE TABLE parked (
    position    INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    record      BLOB NOT NULL,
    source      TEXT NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    reason      TEXT NOT NULL
);

CREATE INDEX parked_by_record ON parked (record);

-- Records that never count, by a hash of their bytes, and the first decision that says so; parked or not yet met.
CREATE TABLE discarded (
    record   BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    by       TEXT NOT NULL
) WITHOUT ROWID;

-- Every distinct decision, as on the log; `name` is the hash of source and id. It `holds` unless a later one cancels it;
-- `refused` is the limit that a merge would have broken, as with links.
CREATE TABLE decisions (
    position INTEGER PRIMARY KEY,
    name     BLOB NOT NULL UNIQUE,
    event    BLOB NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    forced   INTEGER NOT NULL,
    holds    INTEGER NOT NULL,
    refused  INTEGER,
    decision BLOB NOT NULL
);

-- Every usable identifier. `alias` is the customer id that it gives; `first` its first event, beyond all events if only
-- decisions name it; `root` the member that stands for its customer, NULL for devices and for void identifiers; no link is later than
-- `latest_link`.
CREATE TABLE identifiers (
    id    INTEGER PRIMARY KEY,
    kind  INTEGER NOT NULL,
    value TEXT NOT NULL,
    alias BLOB NOT NULL,
    first BLOB NOT NULL,
    root  INTEGER,
    void  INTEGER NOT NULL,
    latest_link BLOB
);
CREATE UNIQUE INDEX identifiers_by_name ON identifiers (kind, value);
CREATE INDEX identifiers_by_alias ON identifiers (alias);
CREATE INDEX identifiers_by_root ON identifiers (root) WHERE root IS NOT NULL;
CREATE INDEX identifiers_void ON identifiers (id, kind) WHERE void;

-- Who stood in one event with whom; `partner` is always a person. Persons have a row in both directions. `first` is the
-- first event that has both; `refused` the limit that the link would have broken: a kind, -1 for all kinds together, -2
-- for a split by hand.
CREATE TABLE links (
    identifier   INTEGER NOT NULL,
    partner      INTEGER NOT NULL,
    partner_kind INTEGER NOT NULL,
    first        BLOB NOT NULL,
    refused      INTEGER,
    PRIMARY KEY (identifier, partner)
) WITHOUT ROWID;
CREATE INDEX links_refused ON links (refused, first) WHERE refused IS NOT NULL;

-- Devices seen with a person: by the anchor of the event. One that a split by hand keeps from that customer is `barred`.
CREATE TABLE claims (
    device INTEGER NOT NULL,
    event  BLOB NOT NULL,
    anchor INTEGER NOT NULL,
    barred INTEGER NOT NULL,
    PRIMARY KEY (device, event)
) WITHOUT ROWID;

-- One row for all claims of an anchor on a device.
CREATE TABLE claimants (
    anchor INTEGER NOT NULL,
    device INTEGER NOT NULL,
    barred INTEGER NOT NULL,
    PRIMARY KEY (anchor, device)
) WITHOUT ROWID;
CREATE INDEX claimants_by_device ON claimants (device);

-- Whom a decision names, on the left (0) or the right (1).
CREATE TABLE decided (
    identifier INTEGER NOT NULL,
    decision   BLOB NOT NULL,
    side       INTEGER NOT NULL,
    PRIMARY KEY (identifier, decision, side)
) WITHOUT ROWID;
CREATE INDEX decided_by_decision ON decided (decision, side);

-- The names of decisions that a decision cancels; they may be still to come.
CREATE TABLE cancels (target BLOB NOT NULL, event BLOB NOT NULL, PRIMARY KEY (target, event)) WITHOUT ROWID;
CREATE INDEX cancels_by_event ON cancels (event);

-- Devices that a merge by hand gives to a person, until somebody claims them.
CREATE TABLE given (device INTEGER PRIMARY KEY, anchor INTEGER NOT NULL, decision BLOB NOT NULL);
CREATE INDEX given_by_anchor ON given (anchor);

-- The touchpoints, by anchor and in the order of events; merging and splitting customers moves no row.
CREATE TABLE timeline (
    anchor     INTEGER NOT NULL,
    event      BLOB NOT NULL,
    position   INTEGER NOT NULL,
    touchpoint INTEGER NOT NULL,
    PRIMARY KEY (anchor, event)
) WITHOUT ROWID;

-- The touchpoints of timelines, as they stand on the log. They are appended, so that a new one costs no page of its own:
-- those of a build in bulk lie customer by customer, later ones as they came.
CREATE TABLE touchpoints (id INTEGER PRIMARY KEY, json BLOB NOT NULL);

-- A customer: the root of its identifiers, or an unclaimed device; its earliest and latest event. `due` is a moment at or
-- before the next silence that changes something; `changed` the position at which the customer changed last. Then what
-- each model that is folded knows after the last event; what silence has changed since is told by the clock.
CREATE TABLE customers (
    id       INTEGER PRIMARY KEY,
    first    BLOB NOT NULL,
    last     BLOB NOT NULL,
    events   INTEGER NOT NULL,
    due      INTEGER,
    changed  INTEGER NOT NULL,
    identity BLOB,
    profile  BLOB,
    journey  BLOB,
    feedback BLOB
);
CREATE INDEX customers_by_due ON customers (due) WHERE due IS NOT NULL;
CREATE INDEX customers_by_change ON customers (changed);

-- What folds found worth telling one by one: changes of stage, answers, askings. `event` is the event that it comes from,
-- for silence the moment alone; `closed_by` the event that closed it. JSON.
CREATE TABLE facts (
    customer  INTEGER NOT NULL,
    event     BLOB NOT NULL,
    kind      INTEGER NOT NULL,
    slot      INTEGER NOT NULL,
    fact      BLOB NOT NULL,
    closed_by BLOB,
    PRIMARY KEY (customer, event, kind, slot)
) WITHOUT ROWID;
CREATE INDEX facts_by_time ON facts (kind, event);
CREATE INDEX facts_by_closing ON facts (customer, closed_by) WHERE closed_by IS NOT NULL;

-- Long timelines only: the folded states after some of the events, and how many events there were until then.
CREATE TABLE snapshots (
    customer INTEGER NOT NULL,
    event    BLOB NOT NULL,
    events   INTEGER NOT NULL,
    states   BLOB NOT NULL,
    PRIMARY KEY (customer, event)
) WITHOUT ROWID;

-- What customers can be found by: `stage:sales=loyal`, `channel:web`, `trait:city=Oslo`.
CREATE TABLE labels (label TEXT NOT NULL, customer INTEGER NOT NULL, PRIMARY KEY (label, customer)) WITHOUT ROWID;

-- Tenant-wide sums, as decimal text since they may outgrow 64 bits.
CREATE TABLE totals (name TEXT PRIMARY KEY, sum TEXT NOT NULL) WITHOUT ROWID;

-- One digest for each model.
CREATE TABLE digests (model INTEGER PRIMARY KEY, digest BLOB NOT NULL);
";

/// Page cache of the writer while batches are large, and while they are small. Whenever a page was split, SQLite looks at every
/// page of the cache when it commits.
const LARGE_CACHE_KIB: i64 = 48 * 1024;
const SMALL_CACHE_KIB: i64 = 16 * 1024;
/// Of each connection for queries. There are as many as questions were asked at a time, and sixteen stay.
const READER_CACHE_KIB: i64 = 6 * 1024;
const STATEMENTS: usize = 160;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens or creates the file for its one writer.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        keep_plans(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // A commit would wait for it: see `backfill`.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        size_cache(&connection, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let made: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if made == 0 {
            connection.execute_batch(&format!("BEGIN; {TABLES} {} COMMIT;", analysts::schema()))?;
            crash_point!("readmodel/tables");
        }
        Ok(connection)
    };
    open().map_err(|source| ReadModelError::Open { path: path.to_owned(), source })
}

/// Large transactions want many pages at hand.
pub(crate) fn size_cache(writer: &Connection, is_large: bool) -> rusqlite::Result<()> {
    writer.pragma_update(None, "cache_size", if is_large { -LARGE_CACHE_KIB } else { -SMALL_CACHE_KIB })
}

/// Puts on the disk what is committed in the file, by whomever: a commit alone does not.
pub(crate) fn sync(path: &Path) -> Result<()> {
    let connection = open_file(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    if busy {
        return Err(ReadModelError::Busy { path: path.to_owned(), waited: BUSY_TIMEOUT });
    }
    Ok(())
}

/// Opens the file to move into it what is committed, beside its writer.
pub(crate) fn open_mover(path: &Path) -> Result<Connection> {
    open_file(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Without this SQLite plans a range query anew for each bound value, which cost a quarter of a fold.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens the file for queries.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let connection = open_file(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection
        .pragma_update(None, "cache_size", -READER_CACHE_KIB)
        .map_err(|source| ReadModelError::Open { path: path.to_owned(), source })?;
    Ok(connection)
}

fn open_file(path: &Path, access: OpenFlags) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(path, flags)?;
        keep_plans(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    open().map_err(|source| ReadModelError::Open { path: path.to_owned(), source })
}
