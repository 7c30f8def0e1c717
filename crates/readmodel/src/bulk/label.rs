//! The types and channels of touchpoints, each pair as a number, and how many of each count.

use hashbrown::HashMap;

use rapport_customer::Totals;

use super::error::{BulkError, Result};

const MOST: usize = 100_000;

#[derive(Default)]
pub(super) struct Labels {
    numbers: HashMap<String, HashMap<String, u32>>,
    counted: Vec<Counted>,
}

struct Counted {
    event_type: String,
    channel: String,
    touchpoints: i128,
}

impl Labels {
    pub fn number(&mut self, event_type: &str, channel: &str) -> Result<u32> {
        if let Some(known) = self.numbers.get(event_type).and_then(|channels| channels.get(channel)) {
            return Ok(*known);
        }
        if self.counted.len() == MOST {
            return Err(BulkError::TooMany { what: "types and channels", most: MOST });
        }
        let number = self.counted.len() as u32;
        let (event_type, channel) = (event_type.to_owned(), channel.to_owned());
        self.numbers.entry(event_type.clone()).or_default().insert(channel.clone(), number);
        self.counted.push(Counted { event_type, channel, touchpoints: 0 });
        Ok(number)
    }

    /// The type behind a number.
    pub fn event_type(&self, number: u32) -> Result<&str> {
        let known = self.counted.get(number as usize).ok_or_else(|| BulkError::torn("a type"))?;
        Ok(&known.event_type)
    }

    /// One touchpoint more that counts.
    pub fn count(&mut self, number: u32) -> Result<()> {
        let known = self.counted.get_mut(number as usize).ok_or_else(|| BulkError::torn("a type"))?;
        known.touchpoints += 1;
        Ok(())
    }

    /// What all that counts adds to the tenant's totals, beside its customers.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for Counted { event_type, channel, touchpoints } in &self.counted {
            totals.add("touchpoints", *touchpoints);
            totals.add(format!("type/{event_type}"), *touchpoints);
            totals.add(format!("channel/{channel}"), *touchpoints);
        }
        totals
    }
}
