//! Which customers of two read models share touchpoints, and what follows for those of today. Kept in a file beside the
//! scratch read model, so that memory stays bounded.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;
use crate::picture::{GoesOn, Picture};

/// Touchpoints between two looks whether anybody waits.
const STEP: u64 = 10_000;
const CACHE_KIB: i64 = 32 * 1024;

/// Customers go by their keys, each in its own read model; NULL is nobody.
const TABLES: &str = "
-- Whose the touchpoint at a position is in one of the two.
CREATE TABLE placed (position INTEGER NOT NULL, today INTEGER, other INTEGER);
-- How many touchpoints are the one's today and would be the other's.
CREATE TABLE shared (today INTEGER, other INTEGER, touchpoints INTEGER NOT NULL);
-- Of a customer there would be: of how many of today's it would have touchpoints, and if it would have some of nobody's.
CREATE TABLE made (other INTEGER PRIMARY KEY, sources INTEGER NOT NULL, of_nobody INTEGER NOT NULL);
-- Of a customer today: among how many its touchpoints would be, if one of these would have touchpoints of another of
-- today's too, and if touchpoints would come from nobody or go there.
CREATE TABLE fates (today INTEGER PRIMARY KEY, heirs INTEGER NOT NULL, joined INTEGER NOT NULL, odd INTEGER NOT NULL);
";

const SHARED: &str = "
INSERT INTO shared SELECT today, other, count(*) FROM
    (SELECT max(today) AS today, max(other) AS other FROM placed GROUP BY position) GROUP BY today, other;
DROP TABLE placed;
CREATE INDEX shared_by_today ON shared (today, other);
CREATE INDEX shared_by_other ON shared (other, today);
";

const FATES: &str = "
INSERT INTO made SELECT other, count(today), count(*) > count(today)
    FROM shared WHERE other IS NOT NULL GROUP BY other;
INSERT INTO fates SELECT today, count(shared.other), max(coalesce(sources, 0) > 1), max(coalesce(of_nobody, 1))
    FROM shared LEFT JOIN made ON made.other = shared.other WHERE today IS NOT NULL GROUP BY today;
";

/// What would become of today's customers, by their touchpoints. Each is counted once in the first six.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fates {
    /// All touchpoints would be one customer's, and no others.
    pub unchanged: u64,
    /// All touchpoints would be one customer's, who would have those of another of today's too.
    pub joined: u64,
    /// The touchpoints would be among several customers, who have none of anybody else's.
    pub parted: u64,
    /// The touchpoints would be among several customers, one of whom would have those of another of today's too.
    pub regrouped: u64,
    /// The same customer, but for touchpoints that are nobody's today or would be.
    pub other_touchpoints: u64,
    /// All touchpoints would be nobody's.
    pub gone: u64,
    /// Customers that there would be with touchpoints of several of today's.
    pub joined_into: u64,
    /// Customers that there would be of the parted ones.
    pub parted_into: u64,
    /// Customers that there would be with touchpoints that are all nobody's today.
    pub new: u64,
}

impl Fates {
    /// Those of today's customers for whom anything changes.
    pub fn changed(&self) -> u64 {
        self.joined + self.parted + self.regrouped + self.other_touchpoints + self.gone
    }
}

pub struct Overlap {
    pub(super) connection: Connection,
}

impl Overlap {
    /// Of two pictures of one log at one position; in a new file. `None` if nobody waits for it any more.
    pub fn between(today: &Picture, other: &Picture, file: &Path, goes_on: GoesOn<'_>) -> Result<Option<Self>> {
        let mut connection = open(file).map_err(|source| ReadModelError::Open { path: file.to_owned(), source })?;
        let mut done = 0;
        for (picture, insert) in
            [(today, "INSERT INTO placed VALUES (?1, ?2, NULL)"), (other, "INSERT INTO placed VALUES (?1, NULL, ?2)")]
        {
            let tx = connection.transaction()?;
            let mut insert = tx.prepare(insert)?;
            let whole = picture.each_placed(|position, customer| {
                if done % STEP == 0 && !goes_on(done) {
                    return Ok(false);
                }
                done += 1;
                insert.execute(params![position, customer])?;
                Ok(true)
            })?;
            if !whole {
                return Ok(None);
            }
            drop(insert);
            tx.commit()?;
        }
        for step in [SHARED, FATES] {
            if !goes_on(done) {
                return Ok(None);
            }
            connection.execute_batch(&format!("BEGIN; {step} COMMIT;"))?;
        }
        Ok(Some(Self { connection }))
    }

    pub fn fates(&self) -> Result<Fates> {
        let of_today = "SELECT
            count(*) FILTER (WHERE heirs = 1 AND NOT joined AND NOT odd),
            count(*) FILTER (WHERE heirs = 1 AND joined),
            count(*) FILTER (WHERE heirs > 1 AND NOT joined),
            count(*) FILTER (WHERE heirs > 1 AND joined),
            count(*) FILTER (WHERE heirs = 1 AND NOT joined AND odd),
            count(*) FILTER (WHERE heirs = 0),
            coalesce(sum(heirs) FILTER (WHERE heirs > 1 AND NOT joined), 0)
            FROM fates";
        let mut fates = self.connection.query_row(of_today, [], |row| {
            Ok(Fates {
                unchanged: row.get(0)?,
                joined: row.get(1)?,
                parted: row.get(2)?,
                regrouped: row.get(3)?,
                other_touchpoints: row.get(4)?,
                gone: row.get(5)?,
                parted_into: row.get(6)?,
                ..Fates::default()
            })
        })?;
        let made = "SELECT count(*) FILTER (WHERE sources > 1), count(*) FILTER (WHERE sources = 0) FROM made";
        (fates.joined_into, fates.new) = self.connection.query_row(made, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(fates)
    }

    pub(super) fn is_changed(&self, today: IdentifierKey) -> Result<bool> {
        let mut find =
            self.connection.prepare_cached("SELECT 1 FROM fates WHERE today = ?1 AND (heirs <> 1 OR joined OR odd)")?;
        Ok(find.exists([today])?)
    }
}

/// What is in it is gone with the process, so nothing is synced.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.execute_batch(&format!("BEGIN; {TABLES} COMMIT;"))?;
    Ok(connection)
}
