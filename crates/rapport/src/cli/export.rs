//! `rapport export`: the tables for analysts, as Parquet files in a new folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rapport_readmodel::{AnalystTable, ColumnKind};
use rapport_touchpoint::{Amount, Timestamp};

use super::CliError;
use super::target::Target;
use crate::new_folder::NewFolder;
use crate::parquet_file::{Cell, Column, Kind, ParquetWriter};
use crate::progress;
use crate::wire::v1::export_response::What;
use crate::wire::v1::{ExportBegun, ExportRequest, ExportedRows, ExportedTable, ExportedValues};

/// Write what is known of all customers as tables for analysts: a folder with a Parquet file for each
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport export --out known\n  \
    rapport export --out known --force --tables customers,orders\n  \
    duckdb -c \"SELECT currency, sum(revenue) FROM 'known/customer_orders.parquet' GROUP BY ALL\"\n\n\
    All tables are true at one position. The folder appears once it is complete. docs/analysts.md says what the tables \
    hold; the read-model file has the same as views.")]
pub struct ExportArgs {
    /// The folder to make
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// How the tables are written
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    format: Format,
    /// Only these tables, with commas between them; all that the server has without it
    #[arg(long, value_name = "TABLES", value_delimiter = ',', value_parser = table)]
    tables: Vec<String>,
    /// Replace FOLDER if it is an export
    #[arg(long)]
    force: bool,
    /// Export only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
}

impl Format {
    fn file_of(self, table: &str) -> String {
        match self {
            Self::Parquet => format!("{table}.parquet"),
        }
    }
}

fn table(name: &str) -> Result<String, String> {
    let known = || AnalystTable::all().iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
    match AnalystTable::find(name) {
        Some(table) => Ok(table.name.to_owned()),
        None => Err(format!("there is no such table; there are {}", known())),
    }
}

pub async fn run(args: ExportArgs) -> Result<(), CliError> {
    check(&args)?;
    let connection = args.target.connect().await?;
    let request = ExportRequest {
        tenant: args.target.tenant.clone(),
        tables: args.tables.clone(),
        min_position: args.min_position,
    };
    let call = connection.exports().export(request).await;
    let mut responses = call.map_err(|status| connection.failed(status))?.into_inner();
    let failed = |source| CliError::File { file: args.out.clone(), source };
    let mut export = Export::beside(&args.out, args.format).map_err(failed)?;
    let bar = progress::rows();
    while let Some(response) = responses.message().await.map_err(|status| connection.failed(status))? {
        match response.what {
            Some(What::Begun(begun)) => export.begin(begun)?,
            Some(What::Rows(rows)) => {
                bar.set_message(rows.table.clone());
                bar.inc(rows.rows.into());
                export.take(&rows)?;
            }
            Some(What::Complete(_)) => {
                bar.finish_and_clear();
                let said = export.complete(args.force)?;
                eprintln!("{said}");
                return Ok(());
            }
            None => return Err(other_version("a response")),
        }
    }
    Err(CliError::Incomplete)
}

/// What is wrong whatever the server says.
fn check(args: &ExportArgs) -> Result<(), CliError> {
    let out = args.out.display();
    if !args.out.exists() {
        return Ok(());
    }
    if !args.force {
        let right = "name another, or replace it with --force";
        return Err(CliError::Usage(format!("--out {out}: that is there already; {right}")));
    }
    let entries = fs::read_dir(&args.out);
    let entries = entries.map_err(|source| CliError::Usage(format!("--out {out}: is no folder: {source}")))?;
    for entry in entries {
        let name = entry.map_err(|source| CliError::File { file: args.out.clone(), source })?.file_name();
        let is_exported = AnalystTable::all().iter().any(|table| name == *args.format.file_of(table.name));
        if !is_exported {
            let (name, right) = (name.display(), "--force replaces nothing but an export");
            return Err(CliError::Usage(format!("--out {out}: has {name} in it, which is no exported table; {right}")));
        }
    }
    Ok(())
}

/// A folder in the making.
struct Export {
    out: PathBuf,
    format: Format,
    folder: NewFolder,
    position: u64,
    /// Those that are to come.
    tables: Vec<&'static AnalystTable>,
    open: Option<OpenTable>,
    /// Rows of those that are written.
    written: BTreeMap<&'static str, u64>,
}

struct OpenTable {
    table: &'static AnalystTable,
    writer: ParquetWriter<BufWriter<File>>,
    rows: u64,
}

impl Export {
    fn beside(out: &Path, format: Format) -> io::Result<Self> {
        let folder = NewFolder::beside(out)?;
        let (tables, written) = (Vec::new(), BTreeMap::new());
        Ok(Self { out: out.to_owned(), format, folder, position: 0, tables, open: None, written })
    }

    fn begin(&mut self, begun: ExportBegun) -> Result<(), CliError> {
        self.position = begun.freshness.unwrap_or_default().position;
        self.tables = begun.tables.iter().map(known).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn take(&mut self, rows: &ExportedRows) -> Result<(), CliError> {
        let table = self.tables.iter().find(|table| table.name == rows.table);
        let table = *table.ok_or_else(|| other_version(&rows.table))?;
        if self.open.as_ref().is_none_or(|open| open.table.name != table.name) {
            self.close()?;
            self.open = Some(self.create(table)?);
        }
        let failed = self.failed(table);
        let open = self.open.as_mut().expect("it was just opened");
        for row in 0..rows.rows as usize {
            let cells = cells(table, &rows.columns, row).ok_or_else(|| other_version(table.name))?;
            open.writer.push(cells).map_err(&failed)?;
        }
        open.rows += u64::from(rows.rows);
        Ok(())
    }

    /// Those without a row too; what it came to.
    fn complete(mut self, replace: bool) -> Result<String, CliError> {
        self.close()?;
        for table in self.tables.clone() {
            if !self.written.contains_key(table.name) {
                self.open = Some(self.create(table)?);
                self.close()?;
            }
        }
        let Self { out, folder, position, tables, written, .. } = self;
        let failed = |source| CliError::File { file: out.clone(), source };
        match replace && out.exists() {
            true => exchange(folder, &out).map_err(failed)?,
            false => folder.complete().map_err(failed)?,
        }
        let counts: Vec<_> = tables.iter().map(|table| format!("{} {}", table.name, written[table.name])).collect();
        Ok(format!("position {position} in {}: {}", out.display(), counts.join(", ")))
    }

    fn create(&self, table: &'static AnalystTable) -> Result<OpenTable, CliError> {
        let columns: Vec<Column> = table.columns.iter().map(column).collect();
        let file = File::create_new(self.folder.path().join(self.format.file_of(table.name)));
        let writer = file.and_then(|file| ParquetWriter::new(BufWriter::new(file), &columns));
        Ok(OpenTable { table, writer: writer.map_err(self.failed(table))?, rows: 0 })
    }

    /// Ends the table that is open; from here on its file is on the disk.
    fn close(&mut self) -> Result<(), CliError> {
        let Some(OpenTable { table, writer, rows }) = self.open.take() else { return Ok(()) };
        let file = writer.finish().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        file.and_then(|file| file.sync_all()).map_err(self.failed(table))?;
        self.written.insert(table.name, rows);
        Ok(())
    }

    /// Names the file as it would have been called.
    fn failed(&self, table: &AnalystTable) -> impl Fn(io::Error) -> CliError + use<> {
        let file = self.out.join(self.format.file_of(table.name));
        move |source| CliError::File { file: file.clone(), source }
    }
}

/// Puts a folder into the place of another, which comes back if that fails.
fn exchange(folder: NewFolder, out: &Path) -> io::Result<()> {
    let aside = folder.path().with_extension("old");
    fs::rename(out, &aside)?;
    match folder.complete() {
        Ok(()) => fs::remove_dir_all(&aside),
        Err(error) => {
            fs::rename(&aside, out)?;
            Err(error)
        }
    }
}

/// The table as this program knows it.
fn known(sent: &ExportedTable) -> Result<&'static AnalystTable, CliError> {
    let table = AnalystTable::find(&sent.name).filter(|table| {
        let names = sent.columns.iter().map(|column| column.name.as_str());
        table.columns.iter().map(|column| column.name).eq(names)
    });
    table.ok_or_else(|| other_version(&sent.name))
}

fn other_version(what: &str) -> CliError {
    CliError::Failed(format!("the server sends {what}, which this program does not know; use the server's own version"))
}

fn column(column: &rapport_readmodel::Column) -> Column {
    let kind = match column.kind {
        ColumnKind::Text => Kind::Text,
        ColumnKind::Json => Kind::Json,
        ColumnKind::Integer => Kind::Integer,
        ColumnKind::Flag => Kind::Flag,
        ColumnKind::Moment => Kind::Moment,
        ColumnKind::Day => Kind::Day,
        ColumnKind::Money => Kind::Amount,
    };
    Column { name: column.name, kind, optional: column.is_nullable }
}

/// One row; `None` if it is none of this table.
fn cells<'a>(table: &AnalystTable, sent: &'a [ExportedValues], row: usize) -> Option<Vec<Cell<'a>>> {
    if sent.len() != table.columns.len() {
        return None;
    }
    table.columns.iter().zip(sent).map(|(column, values)| cell(column, values, row)).collect()
}

fn cell<'a>(column: &rapport_readmodel::Column, values: &'a ExportedValues, row: usize) -> Option<Cell<'a>> {
    if column.is_nullable && values.nulls.binary_search(&u32::try_from(row).ok()?).is_ok() {
        return Some(Cell::Nothing);
    }
    let text = || values.texts.get(row).map(String::as_str);
    let integer = || values.integers.get(row).copied();
    Some(match column.kind {
        ColumnKind::Text | ColumnKind::Json => Cell::text(text()?),
        ColumnKind::Money => Cell::Amount(micros(text()?)?),
        ColumnKind::Integer => Cell::Integer(integer()?),
        ColumnKind::Flag => Cell::Flag(integer()? != 0),
        ColumnKind::Moment => Cell::Moment(Timestamp::from_nanos(integer()?)?),
        ColumnKind::Day => Cell::Day(i32::try_from(integer()?).ok()?),
    })
}

/// A sum may have more digits than one amount.
fn micros(text: &str) -> Option<i128> {
    if let Ok(amount) = Amount::parse(text) {
        return Some(amount.micros());
    }
    let (whole, millionths) = text.split_once('.')?;
    let whole: i128 = whole.parse().ok()?;
    let millionths: i128 = millionths.parse().ok().filter(|_| millionths.len() == 6)?;
    whole.checked_mul(1_000_000)?.checked_add(millionths)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        export: ExportArgs,
    }

    fn args(line: &[&str]) -> Result<ExportArgs, String> {
        Line::try_parse_from([&["export"], line].concat()).map(|line| line.export).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn wrong(line: &[&str], right: &str) {
        let error = check(&args(line).unwrap()).unwrap_err();
        assert_eq!(error.exit_code(), super::super::USAGE);
        assert!(error.to_string().contains(right), "{error}");
    }

    #[test]
    fn what_is_there_stays_unless_it_is_an_export_that_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        wrong(&["--out", path], "--force");
        assert!(check(&args(&["--out", path, "--force"]).unwrap()).is_ok(), "it is empty");
        fs::write(folder.path().join("customers.parquet"), "").unwrap();
        assert!(check(&args(&["--out", path, "--force"]).unwrap()).is_ok());
        let notes = folder.path().join("notes.txt");
        fs::write(&notes, "").unwrap();
        wrong(&["--out", path, "--force"], "has notes.txt in it");
        wrong(&["--out", notes.to_str().unwrap(), "--force"], "is no folder");
    }

    #[test]
    fn tables_and_formats_that_are_none_are_told_with_those_that_are() {
        let table = args(&["--out", "known", "--tables", "customers,clients"]).unwrap_err();
        assert!(table.contains("'clients'") && table.contains("there are about, customers"), "{table}");
        let format = args(&["--out", "known", "--format", "xlsx"]).unwrap_err();
        assert!(format.contains("'xlsx'") && format.contains("[possible values: parquet]"), "{format}");
    }

    #[test]
    fn a_folder_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("known");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("old"), "").unwrap();
        let new = NewFolder::beside(&out).unwrap();
        fs::write(new.path().join("new"), "").unwrap();
        exchange(new, &out).unwrap();
        assert!(out.join("new").exists() && !out.join("old").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn an_amount_is_exact_however_large_the_sum() {
        assert_eq!(micros("244091.940000"), Some(244_091_940_000));
        assert_eq!(micros("9000000000000000000.000001"), Some(9_000_000_000_000_000_000_000_001));
        assert_eq!(micros("1e3"), None);
    }
}
