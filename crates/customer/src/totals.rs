//! Tenant-wide counters: what one customer's state contributes, and how sums change by difference.

use std::collections::BTreeMap;

/// Named sums. Money is in millionths of its currency. Names are `counter` or `counter/slice`, such as `orders/USD`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<String, i128>);

impl Totals {
    pub fn add(&mut self, name: impl Into<String>, amount: i128) {
        if amount != 0 {
            *self.0.entry(name.into()).or_default() += amount;
        }
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
