//! The identifiers that a log tells of, each as a small number; in memory, and so bounded.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use rapport_customer::identity::{KindIndex, Usable};

use super::error::{BulkError, Result};

/// An identifier, in the order in which they were met.
pub(super) type Number = u32;

pub(super) struct Interned {
    most: usize,
    most_bytes: usize,
    values: String,
    /// Where each value ends.
    ends: Vec<u32>,
    kinds: Vec<KindIndex>,
    numbers: HashTable<Number>,
    hasher: DefaultHashBuilder,
}

impl Interned {
    /// No more identifiers than this, with values of no more bytes than that.
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            most,
            most_bytes,
            values: String::new(),
            ends: Vec::new(),
            kinds: Vec::new(),
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    pub fn numbers(&self) -> std::ops::Range<Number> {
        0..self.kinds.len() as Number
    }

    pub fn kind(&self, of: Number) -> KindIndex {
        self.kinds[of as usize]
    }

    pub fn value(&self, of: Number) -> &str {
        value(&self.values, &self.ends, of)
    }

    pub fn usable(&self, of: Number) -> Usable {
        Usable { kind: self.kind(of), value: self.value(of).to_owned() }
    }

    pub fn number(&mut self, usable: &Usable) -> Result<Number> {
        let Self { values, ends, kinds, numbers, hasher, .. } = self;
        let hash = |kind: KindIndex, value: &str| hasher.hash_one((kind, value));
        let of_usable = hash(usable.kind, &usable.value);
        let is_it =
            |known: &Number| kinds[*known as usize] == usable.kind && value(values, ends, *known) == usable.value;
        if let Some(known) = numbers.find(of_usable, is_it) {
            return Ok(*known);
        }
        if kinds.len() == self.most {
            return Err(BulkError::TooMany { what: "identifiers", most: self.most });
        }
        if values.len() + usable.value.len() > self.most_bytes {
            return Err(BulkError::TooMany { what: "bytes of identifiers", most: self.most_bytes });
        }
        let number = kinds.len() as Number;
        values.push_str(&usable.value);
        ends.push(u32::try_from(values.len()).expect("values have a limit"));
        kinds.push(usable.kind);
        let of_known = |known: &Number| hash(kinds[*known as usize], value(values, ends, *known));
        numbers.insert_unique(of_usable, number, of_known);
        Ok(number)
    }

    /// When no more are met, their numbers need not be found any more.
    pub fn close(&mut self) {
        self.numbers = HashTable::new();
    }
}

fn value<'a>(values: &'a str, ends: &[u32], of: Number) -> &'a str {
    let of = of as usize;
    let begins = if of == 0 { 0 } else { ends[of - 1] };
    &values[begins as usize..ends[of] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usable(kind: u8, value: impl Into<String>) -> Usable {
        Usable { kind: KindIndex(kind), value: value.into() }
    }

    #[test]
    fn each_identifier_has_one_number() {
        let mut interned = Interned::new(10_000, 1_000_000);
        for _ in 0..2 {
            for number in 0..3_000 {
                for kind in 0..3 {
                    let of = interned.number(&usable(kind, format!("v{number}"))).unwrap();
                    assert_eq!(of, number * 3 + u32::from(kind));
                    assert_eq!(interned.usable(of), usable(kind, format!("v{number}")));
                }
            }
        }
        assert_eq!(interned.len(), 9_000);
    }

    #[test]
    fn there_are_no_more_than_fit() {
        let mut interned = Interned::new(2, 10);
        interned.number(&usable(0, "aaaa")).unwrap();
        let error = interned.number(&usable(0, "bbbbbbb")).unwrap_err().to_string();
        assert!(error.contains("more than 10 bytes of identifiers"), "{error}");
        interned.number(&usable(0, "b")).unwrap();
        let error = interned.number(&usable(0, "c")).unwrap_err().to_string();
        assert!(error.contains("more than 2 identifiers"), "{error}");
        interned.number(&usable(0, "b")).unwrap();
    }
}
