//! Counts by name, bounded: names beyond the limit are counted together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often each name occurred. The first `most` names, in the order of events, are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    by_name: BTreeMap<String, u64>,
    beyond: u64,
}

impl Counts {
    pub fn count(&mut self, name: &str, most: usize) {
        let known = self.by_name.len();
        match self.by_name.get_mut(name) {
            Some(count) => *count += 1,
            None if known < most => {
                self.by_name.insert(name.to_owned(), 1);
            }
            None => self.beyond += 1,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.by_name.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Those that are told apart.
    pub fn into_by_name(self) -> BTreeMap<String, u64> {
        self.by_name
    }

    /// Occurrences of names that are not told apart.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }
}
