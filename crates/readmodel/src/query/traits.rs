//! How a customer's trait came to be what it is: each value with the event that it came from.

use std::collections::VecDeque;

use rapport_touchpoint::{Content, OrderKey, Touchpoint, TraitValue};

use super::{Answer, CustomerName, Reader};
use crate::error::Result;
use crate::timeline::Direction;

/// What became of a trait.
#[derive(Debug, Clone, PartialEq)]
pub struct TraitHistory {
    /// The newest first.
    pub values: Vec<TraitSet>,
    /// How often it changed.
    pub in_all: u64,
}

/// A value of a trait, which another one had before or none.
#[derive(Debug, Clone, PartialEq)]
pub struct TraitSet {
    /// `None` where it was taken away.
    pub value: Option<TraitValue>,
    /// Of the event.
    pub position: u64,
    pub key: OrderKey,
    pub touchpoint: Touchpoint,
}

impl Reader {
    /// The last `most` changes of a customer's trait. `None` if there is no such customer.
    pub fn trait_history(
        &self,
        name: &CustomerName,
        of_trait: &str,
        most: usize,
    ) -> Result<Answer<Option<TraitHistory>>> {
        self.ask(|connection| {
            let Some(mut merge) = self.merge(connection, name, Direction::OldestFirst, None, None)? else {
                return Ok(None);
            };
            let (mut last, mut in_all, mut newest) = (None, 0, VecDeque::new());
            while let Some(mut row) = merge.next()? {
                let (position, key) = (row.position, row.event.clone());
                let event = row.take_event(&self.shared.definitions)?;
                let Content::CustomerIdentified(identified) = event.content else { continue };
                let Some(value) = identified.traits.get(of_trait) else { continue };
                if *value == last {
                    continue;
                }
                last.clone_from(value);
                in_all += 1;
                newest.push_front(TraitSet { value: value.clone(), position, key, touchpoint: event.touchpoint });
                newest.truncate(most);
            }
            Ok(Some(TraitHistory { values: newest.into(), in_all }))
        })
    }
}
