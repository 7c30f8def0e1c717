//! What a file says of itself without being opened: of which format it is, and under which definitions it was folded.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{ReadModelError, Result};
use crate::{ReadModel, schema};

const FORMAT: &str = "format";
const FINGERPRINT: &str = "fingerprint";
/// The definitions as their owner wrote them; this crate does not read them.
const SOURCE: &str = "source";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    format: String,
    /// Of the definitions and model versions, as hex digits.
    pub fingerprint: String,
    /// What was kept with [`ReadModel::keep_source`].
    pub source: Option<String>,
}

impl Imprint {
    /// `None` if there is no such file, or none that a read model was begun in.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let read = || {
            let connection = schema::open_reader(path)?;
            let (format, fingerprint) = (value(&connection, FORMAT)?, value(&connection, FINGERPRINT)?);
            let source = value(&connection, SOURCE)?;
            let both = format.zip(fingerprint);
            Ok(both.map(|(format, fingerprint)| Self { format, fingerprint, source }))
        };
        match read() {
            // Its tables are not made yet.
            Err(ReadModelError::Storage(rusqlite::Error::SqliteFailure(error, _)))
                if error.code == rusqlite::ErrorCode::Unknown =>
            {
                Ok(None)
            }
            read => read,
        }
    }

    /// Are its tables as this code makes them?
    pub fn has_this_format(&self) -> bool {
        self.format == schema::FORMAT
    }
}

fn value(connection: &Connection, name: &str) -> Result<Option<String>> {
    Ok(connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()?)
}

impl ReadModel {
    /// Keeps the text of the definitions in the file, so that it can be read and folded on when others are in force.
    pub fn keep_source(&self, source: &str) -> Result<()> {
        let connection = self.connection();
        if value(connection, SOURCE)?.as_deref() != Some(source) {
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![SOURCE, source])?;
        }
        Ok(())
    }
}
