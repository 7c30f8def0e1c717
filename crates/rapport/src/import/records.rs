//! Records of delimited text: quotes, fields over several lines, and a bound on what one record may take.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use rapport_touchpoint::Violation;

use super::lines::{Line, Lines, MAX_LINE_BYTES, Numbered, is_blank};
use super::rows::Delimiter;
use super::too_long;

pub struct Records<R> {
    lines: Lines<R>,
    /// `None` where runs of white space lie between the fields; there are no quotes then.
    quoting: Option<Quoting>,
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R, delimiter: Delimiter) -> Self {
        let quoting = match delimiter {
            Delimiter::WhiteSpace => None,
            Delimiter::Character(character) => Some(Quoting::new(character)),
        };
        Self { lines: Lines::new(input), quoting }
    }

    /// The next record that is not blank, and the line that it begins in.
    pub fn next(&mut self) -> io::Result<Option<Numbered<Vec<String>>>> {
        let mut began = None;
        loop {
            let Some((number, line)) = self.lines.next()? else {
                let open = || Violation::new("row", "opens a quote and does not close it before the end of the file");
                return Ok(began.map(|line| (line, Err(open()))));
            };
            let first = *began.get_or_insert(number);
            let line = match line {
                Line::Text(line) => line,
                Line::TooLong => {
                    if let Some(quoting) = &mut self.quoting {
                        quoting.reset();
                    }
                    return Ok(Some((first, Err(too_long()))));
                }
            };
            if first == number && is_blank(line) {
                began = None;
                continue;
            }
            let Some(quoting) = &mut self.quoting else {
                return Ok(Some((first, whole(line).map(split))));
            };
            if !quoting.feed(line) {
                if quoting.filled <= MAX_LINE_BYTES {
                    continue;
                }
                quoting.reset();
                let rule =
                    format!("opens a quote and does not close it within {MAX_LINE_BYTES} bytes, up to line {number}");
                return Ok(Some((first, Err(Violation::new("row", rule)))));
            }
            return Ok(Some((first, quoting.take())));
        }
    }
}

fn split(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn whole(bytes: &[u8]) -> Result<&str, Violation> {
    std::str::from_utf8(bytes)
        .map_err(|error| Violation::new("row", format!("is not UTF-8 from byte {}", error.valid_up_to() + 1)))
}

/// A record on its way, line by line.
struct Quoting {
    delimiter: u8,
    reader: Reader,
    output: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    ended: usize,
}

impl Quoting {
    fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        Self { delimiter, reader, output: Vec::new(), filled: 0, ends: vec![0; 16], ended: 0 }
    }

    fn reset(&mut self) {
        *self = Self::new(self.delimiter);
    }

    /// Is the record complete with this line?
    fn feed(&mut self, line: &[u8]) -> bool {
        // No field is longer than its text, so the output is never full.
        let room = self.filled + line.len() + 2;
        if self.output.len() < room {
            self.output.resize(room, 0);
        }
        for mut input in [line, b"\n"] {
            while !input.is_empty() {
                let (output, ends) = (&mut self.output[self.filled..], &mut self.ends[self.ended..]);
                let (result, read, written, ended) = self.reader.read_record(input, output, ends);
                input = &input[read..];
                self.filled += written;
                self.ended += ended;
                match result {
                    ReadRecordResult::Record => return true,
                    ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                    ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull | ReadRecordResult::End => {}
                }
            }
        }
        false
    }

    fn take(&mut self) -> Result<Vec<String>, Violation> {
        let (filled, ended) = (std::mem::take(&mut self.filled), std::mem::take(&mut self.ended));
        whole(&self.output[..filled])?;
        let mut from = 0;
        let fields = self.ends[..ended].iter().map(|&end| {
            let field = &self.output[std::mem::replace(&mut from, end)..end];
            whole(field).map(str::to_owned)
        });
        fields.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, Result<Vec<String>, String>)> {
        let mut records = Records::new(input, Delimiter::Character(b','));
        let mut read = Vec::new();
        while let Some((line, record)) = records.next().unwrap() {
            read.push((line, record.map_err(|violation| violation.rule)));
        }
        read
    }

    #[test]
    fn quotes_hold_commas_lines_and_quotes() {
        let read = read(b"a,\"b,c\"\r\n\"x\n\ny\",\"say \"\"hi\"\"\"\n\n1,5\" disk");
        let fields: Vec<_> = read.iter().map(|(line, record)| (*line, record.clone().unwrap().join("|"))).collect();
        assert_eq!(
            fields,
            [(1, "a|b,c".to_owned()), (2, "x\n\ny|say \"hi\"".to_owned()), (6, "1|5\" disk".to_owned())]
        );
    }

    #[test]
    fn many_fields_fit() {
        let line = vec!["1"; 500].join(",");
        assert_eq!(read(line.as_bytes())[0].1.as_ref().unwrap().len(), 500);
    }

    #[test]
    fn a_quote_that_stays_open_is_bounded() {
        let mut input = b"\"open\n".to_vec();
        input.extend_from_slice(&b"x,y\n".repeat(MAX_LINE_BYTES / 4 + 10));
        let read = read(&input);
        assert_eq!(read[0].0, 1);
        assert!(read[0].1.as_ref().unwrap_err().contains("does not close it within"));
        assert!(read.len() > 1 && read[1].1.is_ok());
    }

    #[test]
    fn what_is_not_utf8_and_an_open_end_are_told() {
        let read = read(b"a,\xff\n1,\"2\n");
        assert_eq!(read[0].1, Err("is not UTF-8 from byte 2".to_owned()));
        assert_eq!(read[1].0, 2);
        assert!(read[1].1.as_ref().unwrap_err().contains("end of the file"));
    }
}
