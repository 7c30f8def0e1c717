//! One column of a row group in the making, as Parquet wants it: the values that are there, and where they are not.

use bytes::Bytes;
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::Result;
use parquet::file::writer::SerializedColumnWriter;

use super::{Cell, Column, Kind};

pub(super) struct Buffered {
    column: Column,
    values: Values,
    /// For each row, or each place in a list, whether there is a value; empty where there always is.
    defined: Vec<i16>,
    /// For each place in a list, whether it goes on with the list before; empty where there are no lists.
    repeated: Vec<i16>,
}

enum Values {
    /// One after the other, and where each ends.
    Texts {
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
    Longs(Vec<i64>),
    Days(Vec<i32>),
    Flags(Vec<bool>),
    Amounts(Vec<FixedLenByteArray>),
}

impl Buffered {
    pub(super) fn new(column: Column) -> Self {
        let values = match column.kind {
            Kind::Text | Kind::Json | Kind::Texts => Values::Texts { bytes: Vec::new(), ends: Vec::new() },
            Kind::Integer | Kind::Count | Kind::Moment => Values::Longs(Vec::new()),
            Kind::Flag => Values::Flags(Vec::new()),
            Kind::Day => Values::Days(Vec::new()),
            Kind::Amount => Values::Amounts(Vec::new()),
        };
        Self { column, values, defined: Vec::new(), repeated: Vec::new() }
    }

    /// Takes the cell of the next row; about how many bytes of memory that took.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> usize {
        let Column { name, kind, optional } = self.column;
        if let Cell::Texts(texts) = cell {
            assert_eq!(kind, Kind::Texts, "column {name}");
            return self.push_list(&texts);
        }
        if optional {
            self.defined.push(i16::from(cell != Cell::Nothing));
        }
        let marks = size_of::<i16>();
        match (kind, cell, &mut self.values) {
            (_, Cell::Nothing, _) if optional => marks,
            (Kind::Text | Kind::Json, Cell::Text(text), values) => marks + values.add_text(&text),
            (Kind::Integer, Cell::Integer(number), Values::Longs(longs)) => marks + add(longs, number),
            // Parquet keeps 64 bits without a sign in 64 bits with one.
            (Kind::Count, Cell::Count(count), Values::Longs(longs)) => marks + add(longs, count.cast_signed()),
            (Kind::Moment, Cell::Moment(moment), Values::Longs(longs)) => marks + add(longs, moment.nanos()),
            (Kind::Flag, Cell::Flag(flag), Values::Flags(flags)) => marks + add(flags, flag),
            (Kind::Day, Cell::Day(day), Values::Days(days)) => marks + add(days, day),
            (Kind::Amount, Cell::Amount(micros), Values::Amounts(amounts)) => {
                marks + add(amounts, FixedLenByteArray::from(micros.to_be_bytes().to_vec())) + size_of::<i128>()
            }
            (kind, cell, _) => panic!("column {name} is of {kind:?} and takes no {cell:?}"),
        }
    }

    fn push_list(&mut self, texts: &[std::borrow::Cow<'_, str>]) -> usize {
        if texts.is_empty() {
            self.defined.push(0);
            self.repeated.push(0);
        }
        for (place, text) in texts.iter().enumerate() {
            self.defined.push(1);
            self.repeated.push(i16::from(place > 0));
            self.values.add_text(text);
        }
        let bytes: usize = texts.iter().map(|text| text.len() + size_of::<usize>()).sum();
        bytes + 2 * size_of::<i16>() * texts.len().max(1)
    }

    /// Writes all that is held; then there is nothing.
    pub(super) fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let (defined, repeated) = (std::mem::take(&mut self.defined), std::mem::take(&mut self.repeated));
        let defined = (!defined.is_empty()).then_some(defined);
        let repeated = (!repeated.is_empty()).then_some(repeated);
        let levels = (defined.as_deref(), repeated.as_deref());
        match &mut self.values {
            Values::Texts { bytes, ends } => {
                let bytes = Bytes::from(std::mem::take(bytes));
                let mut from = 0;
                let texts: Vec<ByteArray> = std::mem::take(ends)
                    .into_iter()
                    .map(|end| bytes.slice(std::mem::replace(&mut from, end)..end).into())
                    .collect();
                write(writer.typed::<ByteArrayType>(), &texts, levels)
            }
            Values::Longs(longs) => write(writer.typed::<Int64Type>(), &std::mem::take(longs), levels),
            Values::Days(days) => write(writer.typed::<Int32Type>(), &std::mem::take(days), levels),
            Values::Flags(flags) => write(writer.typed::<BoolType>(), &std::mem::take(flags), levels),
            Values::Amounts(amounts) => {
                write(writer.typed::<FixedLenByteArrayType>(), &std::mem::take(amounts), levels)
            }
        }
    }
}

impl Values {
    fn add_text(&mut self, text: &str) -> usize {
        let Self::Texts { bytes, ends } = self else { unreachable!("texts are kept as texts") };
        bytes.extend_from_slice(text.as_bytes());
        ends.push(bytes.len());
        text.len() + size_of::<usize>()
    }
}

fn add<T>(values: &mut Vec<T>, value: T) -> usize {
    values.push(value);
    size_of::<T>()
}

fn write<T: DataType>(
    writer: &mut ColumnWriterImpl<'_, T>,
    values: &[T::T],
    (defined, repeated): (Option<&[i16]>, Option<&[i16]>),
) -> Result<()> {
    writer.write_batch(values, defined, repeated).map(drop)
}
