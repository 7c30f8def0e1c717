//! The read model for analysts: tables with plain names, types and units, as views in the file and as an export.
//!
//! Each is one `SELECT` over the tables of the fold. The file has it as a view, and an export reads that view; so the two
//! cannot say different things. `docs/analysts.md` explains them to those who use them; a column stays what it is.

mod exporting;
mod sql;
mod views;

use rapport_customer::Model;
use rapport_customer::identity::Role;
use rusqlite::{Connection, params};

use crate::Definitions;
use crate::error::Result;

pub use exporting::{Rows, Values};

/// Before the name of a view: the fold has tables of its own called `customers` and `timeline`.
const PREFIX: &str = "analyst_";

/// What a column holds, and how it is written in the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    /// JSON, as text.
    Json,
    Integer,
    /// 0 or 1.
    Flag,
    /// RFC 3339 in UTC, always with nine digits after the point, so that text sorts like time. Nanoseconds in an export.
    Moment,
    /// `2026-11-21`, in the tenant's time zone. Days since 1970 in an export.
    Day,
    /// A decimal with at most 15 digits before and 6 after the point in each touchpoint, as text; never a float.
    Money,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnKind,
    pub is_nullable: bool,
}

/// Writes the `SELECT` of a view.
type Select = fn() -> String;

/// A table for analysts.
#[derive(Debug, Clone, Copy)]
pub struct AnalystTable {
    pub name: &'static str,
    /// Empty in a file that does not fold this model.
    pub model: Model,
    pub columns: &'static [Column],
    select: Select,
}

impl AnalystTable {
    pub fn all() -> &'static [Self] {
        &views::TABLES
    }

    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|table| table.name == name)
    }

    /// What it is called in the file.
    pub fn view(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }
}

/// The views, and the one table of what they need to know beside the tables of the fold.
pub(crate) fn schema() -> String {
    let mut sql = views::DESCRIBED.to_owned();
    for (name, select) in views::SHARED {
        sql.push_str(&format!("CREATE VIEW {name} AS {};\n", select()));
    }
    for table in AnalystTable::all() {
        sql.push_str(&format!("CREATE VIEW {} AS {};\n", table.view(), (table.select)()));
    }
    sql
}

/// Notes what the views need of the definitions. These never change in one file: they are part of its fingerprint.
pub(crate) fn describe(connection: &Connection, definitions: &Definitions) -> Result<()> {
    let Definitions { rules, zone, models, .. } = definitions;
    if connection.query_row("SELECT count(*) > 0 FROM described", [], |row| row.get(0))? {
        return Ok(());
    }
    let tx = connection.unchecked_transaction()?;
    for (index, kind) in rules.kinds() {
        let role = match kind.role {
            Role::Person => "person",
            Role::Device => "device",
        };
        tx.execute("INSERT INTO kinds VALUES (?1, ?2, ?3)", params![index.0, kind.namespace, role])?;
    }
    let models: Vec<&str> = models.iter().map(|model| model.name()).collect();
    let described = params![rules.visit.nanos, zone.name(), models.join(",")];
    tx.execute("INSERT INTO described VALUES (1, ?1, ?2, ?3)", described)?;
    Ok(tx.commit()?)
}
