//! Text for people: aligned columns, and nothing in them that could steer a terminal.

use std::io::{self, Write};

use super::CliError;

/// Rows of cells under a title; numbers stand to the right.
#[derive(Debug, Default)]
pub struct Columns {
    rows: Vec<Vec<String>>,
}

impl Columns {
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    /// Where the number of columns is known only when it runs.
    pub fn cells(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Two spaces in front of each row, at least two between columns; the last column is as wide as it is.
    pub fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str("  ");
                if is_number(cell) {
                    line.push_str(&format!("{cell:>width$}"));
                } else {
                    line.push_str(&format!("{cell:<width$}"));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// With an empty line and a title before it; nothing if there are no rows.
    pub fn under(&self, title: &str) -> String {
        if self.is_empty() { String::new() } else { format!("\n{title}\n{}", self.to_text()) }
    }
}

/// With or without a sign, in % or not.
fn is_number(cell: &str) -> bool {
    let cell = cell.strip_suffix(" %").unwrap_or(cell);
    let cell = cell.strip_prefix('+').unwrap_or(cell);
    cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && cell.bytes().skip(1).all(|b| b != b'-')
        && cell.bytes().filter(|b| *b == b'.').count() < 2
}

/// A stranger's text with its control characters written out.
pub fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { Escaped::Yes(c.escape_default()) } else { Escaped::No(Some(c)) })
        .collect()
}

enum Escaped {
    Yes(std::char::EscapeDefault),
    No(Option<char>),
}

impl Iterator for Escaped {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::Yes(escape) => escape.next(),
            Self::No(c) => c.take(),
        }
    }
}

/// To standard output, with one line end.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_control_characters_are_written_out() {
        let mut columns = Columns::default();
        columns.row(["web", "7", "a\u{1b}[2J"]);
        columns.row(["store", "1200", "b"]);
        assert_eq!(columns.under("Title"), "\nTitle\n  web       7  a\\u{1b}[2J\n  store  1200  b\n");
        assert_eq!(Columns::default().under("Title"), "");
    }

    #[test]
    fn shares_and_signed_numbers_are_numbers() {
        for number in ["7", "-7", "+12.5", "61.2 %", "-0.5 %"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["2026-03-01", "1.2.3", "%", "+", "7 days"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
