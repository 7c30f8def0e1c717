//! `rapport export`: the tables for analysts, as Parquet files in a new folder.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rapport_touchpoint::{Amount, Timestamp};

use super::CliError;
use super::target::Target;
use crate::new_folder::NewFolder;
use crate::parquet_file::{Cell, Column, Kind, ParquetWriter};
use crate::progress;
use crate::wire::v1::export_response::What;
use crate::wire::v1::exported_column_type::Kind as SentKind;
use crate::wire::v1::{ExportBegun, ExportRequest, ExportedColumnType, ExportedRows, ExportedTable, ExportedValues};

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
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
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
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
        }
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
            None => return Err(unknown("a response")),
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
        if Path::new(&name).extension() != Some(args.format.extension().as_ref()) {
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
    /// In the order in which they come.
    tables: Vec<Table>,
    /// The one whose rows come now, by its place.
    open: Option<(usize, ParquetWriter<BufWriter<File>>)>,
}

/// As the server describes it.
struct Table {
    name: String,
    columns: Vec<Column>,
    rows: u64,
    is_written: bool,
}

impl Export {
    fn beside(out: &Path, format: Format) -> io::Result<Self> {
        let folder = NewFolder::beside(out)?;
        Ok(Self { out: out.to_owned(), format, folder, position: 0, tables: Vec::new(), open: None })
    }

    fn begin(&mut self, begun: ExportBegun) -> Result<(), CliError> {
        self.position = begun.freshness.unwrap_or_default().position;
        self.tables = begun.tables.into_iter().map(Table::of).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn take(&mut self, rows: &ExportedRows) -> Result<(), CliError> {
        let place = self.tables.iter().position(|table| table.name == rows.table && !table.is_written);
        let place = place.ok_or_else(|| unknown(&rows.table))?;
        if self.open.as_ref().is_none_or(|(open, _)| *open != place) {
            self.close()?;
            self.open = Some((place, self.create(&self.tables[place])?));
        }
        let failed = self.failed(&self.tables[place]);
        let (table, (_, writer)) = (&mut self.tables[place], self.open.as_mut().expect("it was just opened"));
        for row in 0..rows.rows as usize {
            let cells = table.cells(&rows.columns, row).ok_or_else(|| unknown(&table.name))?;
            writer.push(cells).map_err(&failed)?;
        }
        table.rows += u64::from(rows.rows);
        Ok(())
    }

    /// Those without a row too; what it came to.
    fn complete(mut self, replace: bool) -> Result<String, CliError> {
        self.close()?;
        for place in 0..self.tables.len() {
            if !self.tables[place].is_written {
                self.open = Some((place, self.create(&self.tables[place])?));
                self.close()?;
            }
        }
        let Self { out, folder, position, tables, .. } = self;
        let failed = |source| CliError::File { file: out.clone(), source };
        match replace && out.exists() {
            true => exchange(folder, &out).map_err(failed)?,
            false => folder.complete().map_err(failed)?,
        }
        let counts: Vec<_> = tables.iter().map(|table| format!("{} {}", table.name, table.rows)).collect();
        Ok(format!("position {position} in {}: {}", out.display(), counts.join(", ")))
    }

    fn create(&self, table: &Table) -> Result<ParquetWriter<BufWriter<File>>, CliError> {
        let file = File::create_new(self.folder.path().join(self.file_of(table)));
        let writer = file.and_then(|file| ParquetWriter::new(BufWriter::new(file), &table.columns));
        writer.map_err(self.failed(table))
    }

    /// Ends the table that is open; from here on its file is on the disk.
    fn close(&mut self) -> Result<(), CliError> {
        let Some((place, writer)) = self.open.take() else { return Ok(()) };
        let file = writer.finish().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        file.and_then(|file| file.sync_all()).map_err(self.failed(&self.tables[place]))?;
        self.tables[place].is_written = true;
        Ok(())
    }

    fn file_of(&self, table: &Table) -> String {
        format!("{}.{}", table.name, self.format.extension())
    }

    /// Names the file as it would have been called.
    fn failed(&self, table: &Table) -> impl Fn(io::Error) -> CliError + use<> {
        let file = self.out.join(self.file_of(table));
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

impl Table {
    fn of(sent: ExportedTable) -> Result<Self, CliError> {
        let ExportedTable { name, columns } = sent;
        // It becomes the name of a file.
        if !is_plain(&name) || !columns.iter().all(|column| is_plain(&column.name)) {
            return Err(unknown(&name));
        }
        let column = |column: ExportedColumnType| {
            let kind = match column.kind() {
                SentKind::Unspecified => return None,
                SentKind::Text => Kind::Text,
                SentKind::Json => Kind::Json,
                SentKind::Money => Kind::Amount,
                SentKind::Integer => Kind::Integer,
                SentKind::Flag => Kind::Flag,
                SentKind::Moment => Kind::Moment,
                SentKind::Day => Kind::Day,
            };
            // Columns live as long as the command.
            Some(Column { name: column.name.leak(), kind, optional: column.nullable })
        };
        let columns = columns.into_iter().map(column).collect::<Option<_>>().ok_or_else(|| unknown(&name))?;
        Ok(Self { name, columns, rows: 0, is_written: false })
    }

    /// One row; `None` if it is none of this table.
    fn cells<'a>(&self, sent: &'a [ExportedValues], row: usize) -> Option<Vec<Cell<'a>>> {
        if sent.len() != self.columns.len() {
            return None;
        }
        self.columns.iter().zip(sent).map(|(column, values)| cell(column, values, row)).collect()
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn unknown(what: &str) -> CliError {
    CliError::Failed(format!(
        "the server sends {what:?}, which this program does not know; use the server's own version"
    ))
}

fn cell<'a>(column: &Column, values: &'a ExportedValues, row: usize) -> Option<Cell<'a>> {
    if column.optional && values.nulls.binary_search(&u32::try_from(row).ok()?).is_ok() {
        return Some(Cell::Nothing);
    }
    let text = || values.texts.get(row).map(String::as_str);
    let integer = || values.integers.get(row).copied();
    Some(match column.kind {
        Kind::Text | Kind::Json => Cell::text(text()?),
        Kind::Amount => Cell::Amount(micros(text()?)?),
        Kind::Integer => Cell::Integer(integer()?),
        Kind::Flag => Cell::Flag(integer()? != 0),
        Kind::Moment => Cell::Moment(Timestamp::from_nanos(integer()?)?),
        Kind::Day => Cell::Day(i32::try_from(integer()?).ok()?),
        Kind::Texts | Kind::Count => return None,
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
    fn a_format_that_is_none_is_told_with_those_that_are() {
        let format = args(&["--out", "known", "--format", "xlsx"]).unwrap_err();
        assert!(format.contains("'xlsx'") && format.contains("[possible values: parquet]"), "{format}");
    }

    #[test]
    fn a_table_that_names_no_file_of_its_own_is_refused() {
        let named = |name: &str| Table::of(ExportedTable { name: name.to_owned(), columns: Vec::new() });
        assert!(named("daily_scores").is_ok());
        for name in ["", "../customers", "a.b", "A"] {
            assert!(named(name).is_err_and(|error| error.to_string().contains("own version")), "{name}");
        }
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
