//! What a reader of the file sees.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::*;

const COLUMNS: [Column; 9] = [
    Column::required("name", Kind::Text),
    Column::optional("said", Kind::Json),
    Column::required("tags", Kind::Texts),
    Column::optional("number", Kind::Integer),
    Column::required("position", Kind::Count),
    Column::optional("open", Kind::Flag),
    Column::required("at", Kind::Moment),
    Column::optional("day", Kind::Day),
    Column::optional("amount", Kind::Amount),
];

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn full<'a>() -> [Cell<'a>; 9] {
    [
        Cell::text("Ann"),
        Cell::text(r#"{"a":1}"#),
        Cell::Texts(vec!["x".into(), "y".into()]),
        Cell::Integer(-5),
        Cell::Count(u64::MAX),
        Cell::Flag(true),
        Cell::Moment(at("2026-11-21T10:00:00.123456789Z")),
        Cell::Day(20_778),
        Cell::Amount(-129_900_000),
    ]
}

fn bare<'a>() -> [Cell<'a>; 9] {
    let nothing = || Cell::Nothing;
    [
        Cell::text(""),
        nothing(),
        Cell::Texts(Vec::new()),
        nothing(),
        Cell::Count(0),
        nothing(),
        Cell::Moment(Timestamp::EPOCH),
        nothing(),
        nothing(),
    ]
}

fn written(rows: impl IntoIterator<Item = [Cell<'static>; 9]>) -> SerializedFileReader<Bytes> {
    let mut writer = ParquetWriter::new(Vec::new(), &COLUMNS).unwrap();
    rows.into_iter().for_each(|row| writer.push(row).unwrap());
    SerializedFileReader::new(Bytes::from(writer.finish().unwrap())).unwrap()
}

#[test]
fn what_is_written_is_read_with_its_types() {
    let file = written([full(), bare()]);
    let rows: Vec<String> = file.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows.len(), 2);
    for part in [
        "name: \"Ann\"",
        "said: \"{\"a\":1}\"",
        "number: -5",
        "position: 18446744073709551615",
        "open: true",
        "amount: -129.900000",
    ] {
        assert!(rows[0].contains(part), "{part} in {}", rows[0]);
    }
    for part in ["name: \"\"", "said: null", "number: null", "open: null", "day: null", "amount: null"] {
        assert!(rows[1].contains(part), "{part} in {}", rows[1]);
    }
}

#[test]
fn lists_may_be_empty_and_long() {
    let long: Vec<Cow<'static, str>> = (0..300).map(|n| n.to_string().into()).collect();
    let mut many = full();
    many[2] = Cell::Texts(long);
    let file = written([bare(), many, bare(), full()]);
    let lengths: Vec<usize> = file
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let tags = row.get_column_iter().find(|(name, _)| *name == "tags").map(|(_, field)| field.clone());
            match tags {
                Some(Field::ListInternal(list)) => list.elements().len(),
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_eq!(lengths, [0, 300, 0, 2]);
}

#[test]
fn the_schema_says_what_the_values_are() {
    let file = written([]);
    let schema = format!("{:?}", file.metadata().file_metadata().schema_descr().root_schema());
    for part in ["Timestamp", "Decimal", "Json", "Date", "List"] {
        assert!(schema.contains(part), "{part} in {schema}");
    }
    assert_eq!(file.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn row_groups_are_bounded() {
    let text: Cow<'static, str> = "x".repeat(1024 * 1024).into();
    let mut large = full();
    large[0] = Cell::Text(text);
    let file = written(std::iter::repeat_n(large, 130));
    assert_eq!(file.metadata().num_row_groups(), 3);
    assert_eq!(file.metadata().file_metadata().num_rows(), 130);
}

#[test]
fn the_disks_own_error_is_told() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let failed = ParquetWriter::new(Full, &COLUMNS).and_then(|mut writer| {
        writer.push(full())?;
        writer.finish()
    });
    assert_eq!(failed.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}
