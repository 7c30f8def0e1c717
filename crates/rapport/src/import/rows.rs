//! Rows of a file, field by name: delimited text and newline-delimited JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use rapport_touchpoint::Violation;
use serde_json::Value;
use serde_json::value::RawValue;

use super::lines::{Line, Lines, Numbered, is_blank};
use super::records::Records;
use super::{quote, too_long};

/// What lies between two fields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delimiter {
    Character(u8),
    /// Any run of white space; none at the ends of a line counts.
    WhiteSpace,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RowFormat {
    Delimited {
        delimiter: Delimiter,
        /// The first line names the columns, or would if `columns` did not.
        header: bool,
        columns: Option<Vec<String>>,
    },
    Ndjson,
}

/// One row, its fields by name.
#[derive(Debug)]
pub struct Row {
    pub file: Arc<str>,
    pub line: u64,
    fields: Fields,
}

#[derive(Debug)]
enum Fields {
    Cells { columns: Arc<[String]>, cells: Vec<String> },
    Object(BTreeMap<String, Box<RawValue>>),
}

/// What a row has under a name.
#[derive(Debug, PartialEq)]
pub enum Cell<'a> {
    /// No such field, or null.
    Absent,
    /// A cell, a string, or a number or boolean as it is written.
    Text(Cow<'a, str>),
    /// A JSON list or object.
    Json,
}

impl Row {
    pub fn cell(&self, name: &str) -> Cell<'_> {
        match &self.fields {
            Fields::Cells { columns, cells } => {
                let at = columns.iter().position(|column| column == name);
                at.and_then(|at| cells.get(at)).map_or(Cell::Absent, |text| Cell::Text(text.into()))
            }
            Fields::Object(object) => match raw(object, name) {
                None => Cell::Absent,
                Some(Cow::Borrowed(raw)) => json_cell(raw),
                Some(Cow::Owned(raw)) => match json_cell(&raw) {
                    Cell::Absent => Cell::Absent,
                    Cell::Text(text) => Cell::Text(text.into_owned().into()),
                    Cell::Json => Cell::Json,
                },
            },
        }
    }

    /// The JSON value under a name; a cell of delimited text is JSON to be read.
    pub fn json(&self, name: &str) -> Result<Value, String> {
        let parsed = match &self.fields {
            Fields::Cells { .. } => serde_json::from_str(&self.text(name)?),
            Fields::Object(object) => match raw(object, name) {
                None => Ok(Value::Null),
                Some(raw) => serde_json::from_str(raw.get()),
            },
        };
        parsed.map_err(|error| format!("column {name} is no JSON: {error}"))
    }

    /// The text under a name that must have one.
    pub fn text(&self, name: &str) -> Result<Cow<'_, str>, String> {
        match self.cell(name) {
            Cell::Text(text) => Ok(text),
            Cell::Absent => Err(format!("needs column {name}, which the row has not")),
            Cell::Json => Err(format!("column {name} holds a list or an object; text needs a plain value")),
        }
    }

    #[cfg(test)]
    pub fn cells(file: &str, line: u64, cells: &[(&str, &str)]) -> Self {
        let columns = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
        let cells = cells.iter().map(|(_, text)| (*text).to_owned()).collect();
        Self { file: file.into(), line, fields: Fields::Cells { columns, cells } }
    }

    #[cfg(test)]
    pub fn object(json: &str) -> Self {
        Self { file: "rows.ndjson".into(), line: 1, fields: Fields::Object(serde_json::from_str(json).unwrap()) }
    }
}

fn json_cell(raw: &RawValue) -> Cell<'_> {
    let written = raw.get();
    match written.as_bytes().first() {
        Some(b'n') => Cell::Absent,
        Some(b'"') => match serde_json::from_str::<String>(written) {
            Ok(text) => Cell::Text(text.into()),
            Err(_) => Cell::Absent,
        },
        Some(b'{' | b'[') => Cell::Json,
        _ => Cell::Text(written.into()),
    }
}

/// A field, or with `customer.address.city` a field of a field.
fn raw<'a>(object: &'a BTreeMap<String, Box<RawValue>>, name: &str) -> Option<Cow<'a, RawValue>> {
    if let Some(raw) = object.get(name) {
        return Some(Cow::Borrowed(raw));
    }
    let (outer, inner) = name.split_once('.')?;
    let nested: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object.get(outer)?.get()).ok()?;
    raw(&nested, inner).map(|raw| Cow::Owned(raw.into_owned()))
}

/// Why a file cannot be read as rows at all.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the first line holds no column names ({0}); give them in the mapping: columns = [...]")]
    Header(String),
}

/// Reads rows one by one; a bad one is an item like any other.
pub enum Rows<R> {
    Delimited { file: Arc<str>, columns: Arc<[String]>, records: Box<Records<R>> },
    Ndjson { file: Arc<str>, lines: Lines<R> },
}

impl<R: BufRead> Rows<R> {
    pub fn open(file: Arc<str>, input: R, format: &RowFormat) -> Result<Self, RowsError> {
        let RowFormat::Delimited { delimiter, header, columns } = format else {
            return Ok(Self::Ndjson { file, lines: Lines::new(input) });
        };
        let mut records = Box::new(Records::new(input, *delimiter));
        let first = if *header { records.next()? } else { None };
        let columns = match (columns, first) {
            (Some(columns), _) => columns.clone(),
            (None, Some((_, Ok(names)))) => column_names(&names)?,
            (None, Some((_, Err(violation)))) => return Err(RowsError::Header(violation.rule)),
            (None, None) => Vec::new(),
        };
        Ok(Self::Delimited { file, columns: columns.into(), records })
    }

    /// The names that every row has; `None` where each row brings its own.
    pub fn columns(&self) -> Option<&[String]> {
        match self {
            Self::Delimited { columns, .. } => Some(columns),
            Self::Ndjson { .. } => None,
        }
    }

    /// The next row, or what is wrong with it, and its line.
    pub fn next(&mut self) -> io::Result<Option<Numbered<Row>>> {
        match self {
            Self::Delimited { file, columns, records } => {
                let Some((line, record)) = records.next()? else { return Ok(None) };
                let row = record.and_then(|cells| {
                    if cells.len() != columns.len() {
                        let (found, named) = (cells.len(), columns.len());
                        let rule = format!("has {found} fields; the columns are {named}: {}", columns.join(", "));
                        return Err(Violation::new("row", rule));
                    }
                    let fields = Fields::Cells { columns: Arc::clone(columns), cells };
                    Ok(Row { file: Arc::clone(file), line, fields })
                });
                Ok(Some((line, row)))
            }
            Self::Ndjson { file, lines } => loop {
                let Some((line, text)) = lines.next()? else { return Ok(None) };
                let row = match text {
                    Line::Text(text) if is_blank(text) => continue,
                    Line::TooLong => Err(too_long()),
                    Line::Text(text) => serde_json::from_slice(text)
                        .map(|object| Row { file: Arc::clone(file), line, fields: Fields::Object(object) })
                        .map_err(|error| Violation::new("row", format!("is not a JSON object in UTF-8: {error}"))),
                };
                return Ok(Some((line, row)));
            },
        }
    }
}

fn column_names(names: &[String]) -> Result<Vec<String>, RowsError> {
    let names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(RowsError::Header(format!("column {} has no name", at + 1)));
        }
        if names[..at].contains(name) {
            return Err(RowsError::Header(format!("{} is there twice", quote(name))));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &RowFormat, input: &str, name: &str) -> Vec<(u64, Result<String, String>)> {
        let mut rows = Rows::open("f".into(), input.as_bytes(), format).unwrap();
        let mut read = Vec::new();
        while let Some((line, row)) = rows.next().unwrap() {
            let cell = row.map_err(|violation| violation.to_string());
            read.push((line, cell.and_then(|row| row.text(name).map(Cow::into_owned))));
        }
        read
    }

    fn delimited(delimiter: Delimiter) -> RowFormat {
        RowFormat::Delimited { delimiter, header: true, columns: None }
    }

    fn ok(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    #[test]
    fn white_space_in_runs() {
        let input = " Customer_ID  date \r\n 00001 19970101  \r\n\r\n00002\t19970112\r\n";
        let rows = read(&delimited(Delimiter::WhiteSpace), input, "customer_id");
        assert_eq!(rows, [(2, ok("00001")), (4, ok("00002"))]);
    }

    #[test]
    fn a_row_with_other_fields_than_the_columns_is_bad() {
        let rows = read(&delimited(Delimiter::Character(b',')), "a,b\n1\n1,2\n", "b");
        assert_eq!(rows[0].1, Err("row: has 1 fields; the columns are 2: a, b".to_owned()));
        assert_eq!(rows[1], (3, ok("2")));
    }

    #[test]
    fn columns_of_the_mapping_win_over_the_header() {
        let columns = Some(vec!["x".to_owned(), "y".to_owned()]);
        let tab = Delimiter::Character(b'\t');
        let with = |header| RowFormat::Delimited { delimiter: tab, header, columns: columns.clone() };
        assert_eq!(read(&with(true), "a\tb\n1\t2\n", "y"), [(2, ok("2"))]);
        assert_eq!(read(&with(false), "1\t2\n", "y"), [(1, ok("2"))]);
    }

    #[test]
    fn a_header_must_name_each_column_once() {
        for bad in ["a,,b\n", "a,A\n"] {
            let opened = Rows::open("f".into(), bad.as_bytes(), &delimited(Delimiter::Character(b',')));
            assert!(matches!(opened, Err(RowsError::Header(_))), "{bad}");
        }
    }

    #[test]
    fn json_values_keep_their_text() {
        let row =
            Row::object(r#"{"n": 12.00, "s": "é\n", "b": true, "z": null, "l": [1, 2], "o": {"p": {"q": 1.50}}}"#);
        let text = |text: &'static str| Cell::Text(text.into());
        assert_eq!(row.cell("n"), text("12.00"));
        assert_eq!(row.cell("s"), text("é\n"));
        assert_eq!(row.cell("b"), text("true"));
        assert_eq!(row.cell("z"), Cell::Absent);
        assert_eq!(row.cell("l"), Cell::Json);
        assert_eq!(row.cell("o.p.q"), text("1.50"));
        assert_eq!(row.cell("o.x"), Cell::Absent);
        assert!(row.text("l").unwrap_err().contains("column l"));
    }

    #[test]
    fn a_json_row_that_is_none_is_bad_and_blank_lines_are_none() {
        let rows = read(&RowFormat::Ndjson, "\n{\"a\": 1}\n[1]\n{\n", "a");
        assert_eq!(rows[0], (2, ok("1")));
        assert!(rows[1].1.as_ref().unwrap_err().starts_with("row: is not a JSON object"));
        assert_eq!(rows.len(), 3);
    }
}
