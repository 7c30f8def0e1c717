//! Where a replay is written: lines to a file or to standard output, a table, or a folder of tables.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::PathBuf;

use tokio::sync::mpsc::Receiver;

use super::fetch::{Reached, Step};
use super::partitions::Partitions;
use super::rows::{COLUMNS, row};
use super::{CliError, Format, ReplayArgs};
use crate::new_file::NewFile;
use crate::parquet_file::ParquetWriter;
use crate::wire::v1::ReplayedTouchpoint;

const BUFFER_BYTES: usize = 256 * 1024;

pub(super) struct Output {
    kind: Kind,
    /// `None` for standard output.
    place: Option<PathBuf>,
    replace: bool,
}

enum Kind {
    Printed(BufWriter<Stdout>),
    Lines(NewFile),
    Table(Box<ParquetWriter<NewFile>>),
    Tables(Partitions),
}

impl Output {
    pub(super) fn open(args: &ReplayArgs, format: Format) -> Result<Self, CliError> {
        let (place, replace) = (args.out.clone(), args.force);
        let Some(file) = &place else {
            let kind = Kind::Printed(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()));
            return Ok(Self { kind, place, replace });
        };
        let kind = match format {
            Format::Parquet if args.partition_by.is_some() => Partitions::beside(file, &COLUMNS).map(Kind::Tables),
            Format::Parquet => NewFile::beside(file)
                .and_then(|file| ParquetWriter::new(file, &COLUMNS))
                .map(|table| Kind::Table(Box::new(table))),
            Format::Ndjson => NewFile::beside(file).map(Kind::Lines),
        };
        let kind = kind.map_err(|source| CliError::File { file: file.clone(), source })?;
        Ok(Self { kind, place, replace })
    }

    /// Until all is written; how many touchpoints, and up to where. What was not told to be complete never
    /// appears, but on standard output.
    pub(super) fn write_all(mut self, mut steps: Receiver<Step>) -> Result<(u64, Option<Reached>), CliError> {
        let place = self.place.clone();
        let failed = |source| match &place {
            Some(file) => CliError::File { file: file.clone(), source },
            None => CliError::Output(source),
        };
        let (mut written, mut reached) = (0, None);
        while let Some(step) = steps.blocking_recv() {
            let Step::Touchpoints { touchpoints, reached: up_to } = step else {
                self.complete().map_err(failed)?;
                return Ok((written, reached));
            };
            for touchpoint in &touchpoints {
                self.take(touchpoint).map_err(failed)?;
            }
            written += touchpoints.len() as u64;
            reached = up_to.or(reached);
        }
        if let Kind::Printed(out) = &mut self.kind {
            out.flush().map_err(failed)?;
        }
        Ok((written, reached))
    }

    fn take(&mut self, touchpoint: &ReplayedTouchpoint) -> io::Result<()> {
        match &mut self.kind {
            Kind::Printed(out) => write_line(out, &touchpoint.event_json),
            Kind::Lines(out) => write_line(out, &touchpoint.event_json),
            Kind::Table(table) => table.push(row(touchpoint)),
            Kind::Tables(tables) => tables.push(row(touchpoint)),
        }
    }

    fn complete(self) -> io::Result<()> {
        match self.kind {
            Kind::Printed(mut out) => out.flush(),
            Kind::Lines(out) => out.complete(self.replace),
            Kind::Table(table) => table.finish()?.complete(self.replace),
            Kind::Tables(tables) => tables.complete(),
        }
    }
}

/// A line end in JSON is white space between its tokens; as a space it means the same.
fn write_line(out: &mut impl Write, json: &str) -> io::Result<()> {
    if has_line_end(json.as_bytes()) {
        out.write_all(json.replace(['\n', '\r'], " ").as_bytes())?;
    } else {
        out.write_all(json.as_bytes())?;
    }
    out.write_all(b"\n")
}

/// Chunk by chunk without a look at what came before, so that many bytes are looked at at once.
fn has_line_end(bytes: &[u8]) -> bool {
    bytes.chunks(64).any(|chunk| chunk.iter().fold(false, |found, byte| found | matches!(byte, b'\n' | b'\r')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let mut out = Vec::new();
        write_line(&mut out, "{\r\n \"a\": \"b\\n\"}").unwrap();
        write_line(&mut out, "{}").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{   \"a\": \"b\\n\"}\n{}\n");
    }

    #[test]
    fn a_line_end_is_found_wherever_it_stands() {
        for at in [0, 63, 64, 199] {
            let mut text = vec![b'x'; 200];
            assert!(!has_line_end(&text));
            text[at] = b'\n';
            assert!(has_line_end(&text), "{at}");
        }
    }
}
