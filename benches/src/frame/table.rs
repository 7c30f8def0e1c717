//! A document as Markdown tables, aligned so that they can be read on a terminal too.

use std::fmt::{self, Write as _};

use super::figures::{Document, PartFigures, Role, Row};

/// Between these lines of a page stand the tables, and nobody writes there by hand.
const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of figures -->\n";

impl Document {
    /// The page with these tables in it; `None` if it marks no place for them.
    pub fn put_into(&self, page: &str) -> Option<String> {
        let (before, rest) = page.split_once(BEGIN)?;
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n{self}\n{END}{after}"))
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        writeln!(f, "{}", listed(&self.settings))?;
        for part in &self.parts {
            write!(f, "\n{part}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PartFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.name)?;
        writeln!(f, "{}. The limit: {}. {}\n", self.measures, self.limit, listed(&self.settings))?;
        let mut lines = vec![["", "", "median", "lowest to highest", "ratio", "must be"].map(str::to_owned)];
        lines.extend(self.rows.iter().map(|row| cells(row, &self.rows)));
        f.write_str(&aligned(&lines))?;
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

fn cells(row: &Row, rows: &[Row]) -> [String; 6] {
    let role = match row.role {
        Role::Limit => "limit",
        Role::Rapport => "Rapport",
        Role::Peer => "peer",
    };
    let spread = match row.runs.len() {
        0 | 1 => String::new(),
        _ => format!("{} to {}", row.unit.shown(row.lowest), row.unit.shown(row.highest)),
    };
    let ratio = match (row.ratio, &row.against) {
        (Some(ratio), Some(against)) => format!("{ratio:.2} of {against}"),
        _ => String::new(),
    };
    let mut must: Vec<String> = row
        .floors
        .iter()
        .map(|floor| format!("{}: {}", floor.floor, if floor.met { "yes" } else { "**no**" }))
        .collect();
    must.extend(lead(row, rows));
    [role.to_owned(), row.name.clone(), row.unit.shown(row.median), spread, ratio, must.join("; ")]
}

/// Where a peer is ahead of the row that it is held against, the table says so.
fn lead(row: &Row, rows: &[Row]) -> Option<String> {
    if row.role != Role::Peer {
        return None;
    }
    let other = rows.iter().find(|other| Some(&other.name) == row.against.as_ref())?;
    let ratio = if row.unit.is_speed() { row.ratio? } else { 1.0 / row.ratio? };
    let (word, times) = if ratio > 1.0 { ("**ahead of**", ratio) } else { ("behind", 1.0 / ratio) };
    Some(format!("{word} {}, {times:.1} x", other.name))
}

fn aligned(lines: &[[String; 6]]) -> String {
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (number, cells) in lines.iter().enumerate() {
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let padded = if (2..5).contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            let _ = write!(text, "| {padded} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                let right = if (2..5).contains(&column) { ":" } else { "-" };
                let _ = write!(text, "|{}{right}", "-".repeat(width + 1));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn listed(settings: &std::collections::BTreeMap<String, String>) -> String {
    let said: Vec<String> = settings.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::figures::{Judged, Unit};
    use super::*;

    fn row(name: &str, role: Role, runs: &[f64]) -> Row {
        Row::new(name.to_owned(), role, Unit::PerSecond, runs.to_vec())
    }

    #[test]
    fn a_table_has_the_limit_the_ratio_and_what_must_be() {
        let limit = row("bare SQLite", Role::Limit, &[100_000.0, 110_000.0, 120_000.0]);
        let mut own = row("by stream", Role::Rapport, &[50_000.0, 55_000.0, 60_000.0]);
        own.ratio = Some(own.ratio_to(&limit));
        own.against = Some(limit.name.clone());
        own.floors = vec![Judged { floor: "at least 60,000/s".to_owned(), met: false }];
        let mut peer = row("a peer", Role::Peer, &[110_000.0; 3]);
        (peer.ratio, peer.against) = (Some(2.0), Some("by stream".to_owned()));
        let part = PartFigures {
            name: "append".to_owned(),
            measures: "Appends".to_owned(),
            limit: "SQLite".to_owned(),
            settings: [("events".to_owned(), "10".to_owned())].into(),
            rows: vec![limit, own, peer],
            notes: vec!["A note.".to_owned()],
            took_s: 1.0,
        };
        let right = "\
### append

Appends. The limit: SQLite. events: 10

|         |             |    median |      lowest to highest |               ratio | must be                       |
|---------|-------------|----------:|-----------------------:|--------------------:|-------------------------------|
| limit   | bare SQLite | 110,000/s | 100,000/s to 120,000/s |                     |                               |
| Rapport | by stream   |  55,000/s |   50,000/s to 60,000/s | 0.50 of bare SQLite | at least 60,000/s: **no**     |
| peer    | a peer      | 110,000/s | 110,000/s to 110,000/s |   2.00 of by stream | **ahead of** by stream, 2.0 x |

A note.
";
        assert_eq!(part.to_string(), right);
    }
}
