//! Tenant-wide sums and digests, kept by difference.

use std::collections::BTreeMap;

use rapport_customer::{CellRange, Digest, Model, Totals, with_coordinates};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::{ReadModelError, Result};
use crate::identifiers::sixteen;

/// What a batch changes in the sums and digests.
#[derive(Default)]
pub(crate) struct Difference {
    pub totals: Totals,
    pub digests: BTreeMap<Model, (Digest, Digest)>,
}

impl Difference {
    pub fn digest_gains(&mut self, model: Model, digest: Digest) {
        let (gained, _) = self.digests.entry(model).or_default();
        *gained = gained.plus(digest);
    }

    pub fn digest_loses(&mut self, model: Model, digest: Digest) {
        let (_, lost) = self.digests.entry(model).or_default();
        *lost = lost.plus(digest);
    }

    pub fn add(&mut self, other: Self) {
        self.totals.add_all(&other.totals);
        for (model, (gained, lost)) in other.digests {
            self.digest_gains(model, gained);
            self.digest_loses(model, lost);
        }
    }

    pub fn write(&self, tx: &Transaction<'_>) -> Result<()> {
        for (name, change) in self.totals.iter().filter(|(_, change)| *change != 0) {
            let sum = sum(tx, name)? + change;
            if sum == 0 && name.starts_with('[') {
                tx.prepare_cached("DELETE FROM totals WHERE name = ?1")?.execute([name])?;
            } else {
                tx.prepare_cached("INSERT OR REPLACE INTO totals VALUES (?1, ?2)")?
                    .execute(params![name, sum.to_string()])?;
            }
        }
        for (model, (gained, lost)) in &self.digests {
            let digest = digest(tx, *model)?.plus(*gained).minus(*lost);
            tx.prepare_cached("INSERT OR REPLACE INTO digests VALUES (?1, ?2)")?
                .execute(params![model.number(), digest.to_bytes()])?;
        }
        Ok(())
    }
}

/// One sum; zero if nothing was ever added to it.
pub(crate) fn sum(connection: &Connection, name: &str) -> Result<i128> {
    let mut find = connection.prepare_cached("SELECT sum FROM totals WHERE name = ?1")?;
    let text: Option<String> = find.query_row([name], |row| row.get(0)).optional()?;
    text.map_or(Ok(0), |text| parse(name, &text))
}

fn parse(name: &str, text: &str) -> Result<i128> {
    text.parse().map_err(|error| ReadModelError::corrupt(format!("the total {name} is {text:?}: {error}")))
}

/// All sums but those of cells.
pub(crate) fn all(connection: &Connection) -> Result<Totals> {
    // Names begin with a letter, those of cells with a bracket, which comes before.
    let mut find = connection.prepare_cached("SELECT name, sum FROM totals WHERE name >= 'a'")?;
    let rows = find.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut totals = Totals::default();
    for row in rows {
        let (name, text) = row?;
        let sum = parse(&name, &text)?;
        totals.add(name, sum);
    }
    Ok(totals)
}

/// The cells whose name lies from here to there, each by its coordinates. `None` says that it is no such cell.
pub(crate) fn cells(
    connection: &Connection,
    range: &CellRange,
    mut take: impl FnMut(&[&str], u64) -> Option<()>,
) -> Result<()> {
    let mut find = connection.prepare_cached("SELECT name, sum FROM totals WHERE name >= ?1 AND name < ?2")?;
    let mut rows = find.query([&range.from, &range.until])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let name = text(0)?;
        let count = parse(name, text(1)?)?;
        if count != 0 {
            let count = u64::try_from(count).unwrap_or_default();
            with_coordinates(name, |coordinates| take(coordinates, count))
                .flatten()
                .ok_or_else(|| ReadModelError::corrupt(format!("the total {name} lies among the cells")))?;
        }
    }
    Ok(())
}

pub(crate) fn digest(connection: &Connection, model: Model) -> Result<Digest> {
    let mut find = connection.prepare_cached("SELECT digest FROM digests WHERE model = ?1")?;
    let bytes = find.query_row([model.number()], |row| sixteen(row, 0)).optional()?;
    Ok(bytes.map(Digest::from_bytes).unwrap_or_default())
}
