//! Tenant-wide counters: what one customer's state contributes, and how sums change by difference.

use std::collections::BTreeMap;

use crate::Days;

/// Named sums. Money is in millionths of its currency. Names are `counter` or `counter/slice`, such as `orders/USD`, or
/// those of cells ([`Totals::add_cell`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<String, i128>);

impl Totals {
    pub fn add(&mut self, name: impl Into<String>, amount: i128) {
        if amount != 0 {
            *self.0.entry(name.into()).or_default() += amount;
        }
    }

    /// Counts in a cell of a table with many dimensions. Its name is a JSON list of its coordinates, so that the cells of
    /// one counter, and below it those of one first coordinate, lie next to each other.
    pub fn add_cell(&mut self, coordinates: &[&str], amount: i128) {
        self.add(cell_name(coordinates), amount);
    }

    pub fn add_all(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            self.add(name.as_str(), *amount);
        }
    }

    pub fn subtract_all(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            self.add(name.as_str(), -amount);
        }
    }

    pub fn get(&self, name: &str) -> i128 {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, i128)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    /// The slices of a counter: `USD` and its sum for `orders/USD`.
    pub fn slices<'a>(&'a self, counter: &'a str) -> impl Iterator<Item = (&'a str, i128)> {
        self.iter().filter_map(move |(name, amount)| {
            let (found, slice) = name.split_once('/')?;
            (found == counter).then_some((slice, amount))
        })
    }
}

/// The name of a cell: a JSON list of texts.
fn cell_name(coordinates: &[&str]) -> String {
    serde_json::to_string(coordinates).expect("a list of texts is JSON")
}

/// Cells whose names lie next to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRange {
    /// Included.
    pub from: String,
    /// Excluded.
    pub until: String,
}

impl CellRange {
    /// The cells below some first coordinates whose next one is a day of these.
    pub fn of_days(first: &[&str], days: Days) -> Self {
        let mut below = cell_name(first);
        below.pop();
        below.push_str(",\"");
        let from = days.from.map(|day| day.to_string()).unwrap_or_default();
        // Beyond all digits.
        let until = days.until.map_or("~".to_owned(), |day| day.to_string());
        Self { from: format!("{below}{from}"), until: format!("{below}{until}") }
    }
}

/// Coordinates that a cell has, at most, where its name is read without a copy.
const FEW: usize = 16;

/// Tells the coordinates of a cell, if the name is one's.
pub fn with_coordinates<T>(name: &str, told: impl FnOnce(&[&str]) -> T) -> Option<T> {
    let mut few = [""; FEW];
    if let Some(found) = plain_coordinates(name, &mut few) {
        return Some(told(found));
    }
    let found: Vec<String> = serde_json::from_str(name).ok()?;
    Some(told(&found.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Those of a name as nearly all are written: without escapes, quotes stand around coordinates and nowhere else.
fn plain_coordinates<'n, 'f>(name: &'n str, few: &'f mut [&'n str; FEW]) -> Option<&'f [&'n str]> {
    let within = name.strip_prefix("[\"")?.strip_suffix("\"]")?;
    let mut texts = within.split('"');
    for count in 0..FEW {
        few[count] = texts.next().filter(|text| !text.contains('\\'))?;
        match texts.next() {
            None => return Some(&few[..=count]),
            Some(",") => {}
            Some(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Day;

    #[test]
    fn a_cell_is_found_below_its_first_coordinates_by_its_day() {
        let name = cell_name(&["score", "nps", "2026-03-01", "a \"quoted\", name"]);
        let day = |text: &str| Day::parse(text);
        let within = |first: &[&str], days: Days| {
            let CellRange { from, until } = CellRange::of_days(first, days);
            from <= name && name < until
        };
        assert!(within(&["score", "nps"], Days::default()));
        assert!(!within(&["score", "np"], Days::default()), "a coordinate is whole");
        assert!(within(&["score", "nps"], Days { from: day("2026-03-01"), until: day("2026-03-02") }));
        assert!(!within(&["score", "nps"], Days { from: None, until: day("2026-03-01") }));
        assert!(!within(&["score", "nps"], Days { from: day("2026-03-02"), until: None }));
    }

    #[test]
    fn coordinates_come_back_as_they_went_in() {
        let read = |name: &str| {
            with_coordinates(name, |found| found.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>())
        };
        let many: Vec<String> = (0..2 * FEW).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut all = vec![many, vec![""], vec!["", ""]];
        for text in ["web", "a \"quoted\", name", "\"", "\\", ",", "\",\"", "a\nb", "\u{1}", "é", "[]", "/"] {
            all.push(vec!["funnel", text, "2026-03-01"]);
            all.push(vec![text]);
        }
        for coordinates in all {
            assert_eq!(read(&cell_name(&coordinates)).unwrap(), coordinates);
        }
        for none in
            ["orders/USD", "", "[", "[\"", "[\"]", "[\"a\"", "[\"a\"b\"]", "[\"a\";\"b\"]", "[\"a\",\"]", "[\"\\\"]"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
