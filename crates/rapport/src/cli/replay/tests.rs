//! What is wrong with a replay before anybody is asked.

use clap::Parser;
use tempfile::{NamedTempFile, tempdir};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    replay: ReplayArgs,
}

fn args(line: &[&str]) -> ReplayArgs {
    Line::try_parse_from([&["replay"], line].concat()).unwrap_or_else(|error| panic!("{error}")).replay
}

#[track_caller]
fn wrong(line: &[&str], right: &str) {
    let error = check(&args(line)).unwrap_err();
    assert_eq!(error.exit_code(), super::super::USAGE);
    assert!(error.to_string().contains(right), "{error}");
}

#[track_caller]
fn refused(line: &[&str], right: &str) {
    let error = Line::try_parse_from([&["replay"], line].concat()).unwrap_err();
    assert!(error.to_string().contains(right), "{error}");
}

#[test]
fn a_range_that_ends_before_it_starts_is_wrong() {
    wrong(&["--from", "2026-03-02", "--to", "2026-03-01"], "--to 2026-03-01T00:00:00Z lies before");
    wrong(&["--recorded-from", "2026-03-02", "--recorded-to", "2026-03-01"], "--recorded-to 2026-03-01T00:00:00Z lies");
    wrong(&["--after-position", "5", "--until-position", "4"], "--until-position 4 lies before");
}

#[test]
fn a_file_that_is_there_stays() {
    let file = NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    wrong(&["--out", path], "--force");
    assert!(check(&args(&["--out", path, "--force"])).is_ok());
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    wrong(&["--out", path, "--force"], "name another");
    wrong(&["--out", path, "--partition-by", "day"], "name another");
}

#[test]
fn the_format_is_named_or_follows_from_the_ending() {
    for (line, format) in [
        (&["--out", "a.ndjson"][..], Format::Ndjson),
        (&["--out", "a"], Format::Ndjson),
        (&["--out", "a.Parquet"], Format::Parquet),
        (&["--out", "a.data", "--format", "parquet"], Format::Parquet),
        (&["--out", "a", "--partition-by", "day"], Format::Parquet),
        (&[], Format::Ndjson),
    ] {
        assert_eq!(check(&args(line)).unwrap(), format, "{line:?}");
    }
    wrong(&["--out", "a.csv"], "--out a.csv: its ending names no format");
    wrong(&["--format", "parquet"], "--out FILE");
    wrong(&["--out", "a", "--partition-by", "day", "--format", "ndjson"], "--partition-by makes tables");
    refused(&["--format", "avro"], "[possible values: ndjson, parquet]");
    refused(&["--out", "a", "--partition-by", "hour"], "[possible values: day]");
    refused(&["--into-tenant", "b", "--out", "a"], "--out");
}
