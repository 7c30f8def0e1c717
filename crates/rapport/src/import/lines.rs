//! Lines of a file with their numbers; one that is too long is told, not kept in memory.

use std::io::{self, BufRead};

use rapport_touchpoint::Violation;

/// Four times the largest event: what is longer is no row.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// What a line, or a record that begins in it, turned out to be.
pub type Numbered<T> = (u64, Result<T, Violation>);

pub struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

pub enum Line<'a> {
    /// Without its line end, LF or CRLF.
    Text(&'a [u8]),
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input, number: 0, buffer: Vec::new() }
    }

    /// The next line and its number, from 1.
    pub fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        if !self.fill()? {
            return Ok(None);
        }
        self.number += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() > MAX_LINE_BYTES {
            self.skip_rest()?;
            return Ok(Some((self.number, Line::TooLong)));
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        let text = match self.buffer.strip_prefix(b"\xef\xbb\xbf") {
            Some(text) if self.number == 1 => text,
            _ => &self.buffer,
        };
        Ok(Some((self.number, Line::Text(text))))
    }

    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        let most = MAX_LINE_BYTES as u64 + 1;
        Ok(io::Read::take(&mut self.input, most).read_until(b'\n', &mut self.buffer)? > 0)
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        while self.fill()? && self.buffer.last() != Some(&b'\n') {}
        Ok(())
    }
}

/// Nothing but white space?
pub fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(input);
        let mut read = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            read.push(match line {
                Line::Text(text) => (number, Some(String::from_utf8_lossy(text).into_owned())),
                Line::TooLong => (number, None),
            });
        }
        read
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_no_text() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read(b"\xef\xbb\xbfa\r\n\nb"), [(1, text("a")), (2, text("")), (3, text("b"))]);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut input = vec![b'x'; 3 * MAX_LINE_BYTES];
        input.extend_from_slice(b"\nb\n");
        assert_eq!(read(&input), [(1, None), (2, Some("b".to_owned()))]);
        let mut longest = vec![b'x'; MAX_LINE_BYTES];
        longest.extend_from_slice(b"\nb");
        assert!(read(&longest)[0].1.is_some());
    }
}
