//! Tenant-wide sums and digests, kept by difference.

use std::collections::BTreeMap;

use rapport_customer::{Digest, Model, Totals};
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

    pub fn write(&self, tx: &Transaction<'_>) -> Result<()> {
        for (name, change) in self.totals.iter().filter(|(_, change)| *change != 0) {
            let sum = sum(tx, name)? + change;
            tx.prepare_cached("INSERT OR REPLACE INTO totals VALUES (?1, ?2)")?
                .execute(params![name, sum.to_string()])?;
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

/// All sums.
pub(crate) fn all(connection: &Connection) -> Result<Totals> {
    let mut find = connection.prepare_cached("SELECT name, sum FROM totals")?;
    let rows = find.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut totals = Totals::default();
    for row in rows {
        let (name, text) = row?;
        let sum = parse(&name, &text)?;
        totals.add(name, sum);
    }
    Ok(totals)
}

pub(crate) fn digest(connection: &Connection, model: Model) -> Result<Digest> {
    let mut find = connection.prepare_cached("SELECT digest FROM digests WHERE model = ?1")?;
    let bytes = find.query_row([model.number()], |row| sixteen(row, 0)).optional()?;
    Ok(bytes.map(Digest::from_bytes).unwrap_or_default())
}
