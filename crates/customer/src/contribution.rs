//! What one customer adds to the tenant's totals, and what it can be found by: as little of its states as tells what a change
//! of them changes.

use std::collections::{BTreeMap, BTreeSet};

use rapport_touchpoint::{Currency, TraitValue};

use crate::journey::{JourneyMaps, Reached};
use crate::{Orders, States, Totals, Zone};

/// Characters of a trait's value that customers can still be found by.
pub const MOST_TRAIT_CHARS: usize = 128;

/// The default is nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution {
    customers: u64,
    is_identified: bool,
    events: u64,
    orders: BTreeMap<Currency, Orders>,
    channels: Vec<String>,
    traits: Vec<(String, TraitValue)>,
    /// The channel that won the customer.
    first_channel: String,
    /// One for each journey; `None` before it begins.
    reached: Vec<Option<Reached>>,
}

/// Labels that a customer loses and gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelChange {
    pub lost: Vec<String>,
    pub gained: Vec<String>,
}

impl Contribution {
    pub fn of(states: &States) -> Self {
        let mut contribution = Self { customers: 1, is_identified: states.identity.is_identified(), ..Self::default() };
        if let Some(profile) = &states.profile {
            contribution.events = profile.events;
            contribution.orders.clone_from(&profile.orders);
            contribution.channels = profile.channels.iter().map(|(channel, _)| channel.to_owned()).collect();
            contribution.traits =
                profile.traits.iter().map(|(name, found)| (name.clone(), found.value.clone())).collect();
        }
        if let Some(journey) = &states.journey {
            contribution.first_channel.clone_from(&journey.first_channel);
            contribution.reached = journey.reached();
        }
        contribution
    }

    /// All that it adds to the totals; facts add their own.
    pub fn totals(&self, maps: &JourneyMaps, zone: &Zone) -> Totals {
        let mut totals = Totals::default();
        Self::default().add_difference(self, maps, zone, &mut totals);
        totals
    }

    /// Adds to the totals what is more in the contribution after than in this one, before.
    pub fn add_difference(&self, after: &Self, maps: &JourneyMaps, zone: &Zone, totals: &mut Totals) {
        let difference = |after: u64, before: u64| i128::from(after) - i128::from(before);
        totals.add("customers", difference(after.customers, self.customers));
        totals.add("identified", difference(after.is_identified.into(), self.is_identified.into()));
        totals.add("events", difference(after.events, self.events));
        if self.orders != after.orders {
            totals.add("buyers", difference(after.is_buyer().into(), self.is_buyer().into()));
            self.add_orders(after, totals);
        }
        if self.reached != after.reached || self.first_channel != after.first_channel {
            self.count_cells(-1, maps, zone, totals);
            after.count_cells(1, maps, zone, totals);
        }
    }

    /// Which labels change from this contribution, before, to the one after.
    pub fn label_change(&self, after: &Self, maps: &JourneyMaps) -> LabelChange {
        let stages = |contribution: &Self| -> Vec<_> {
            contribution.reached.iter().map(|reached| reached.as_ref().map(|reached| reached.stage)).collect()
        };
        if self.channels == after.channels && self.traits == after.traits && stages(self) == stages(after) {
            return LabelChange::default();
        }
        let (lost, gained) = (self.labels(maps), after.labels(maps));
        LabelChange {
            lost: lost.difference(&gained).cloned().collect(),
            gained: gained.difference(&lost).cloned().collect(),
        }
    }

    /// What the customer can be found by.
    pub fn labels(&self, maps: &JourneyMaps) -> BTreeSet<String> {
        let mut labels: BTreeSet<_> = self.channels.iter().map(|channel| label::channel(channel)).collect();
        for (name, value) in &self.traits {
            let value = value.to_text();
            if value.chars().count() <= MOST_TRAIT_CHARS {
                labels.insert(label::of_trait(name, &value));
            }
        }
        for (map, reached) in maps.iter().zip(&self.reached) {
            if let Some(reached) = reached {
                labels.insert(label::stage(&map.name, &map.stage(reached.stage).name));
            }
        }
        labels
    }

    fn is_buyer(&self) -> bool {
        self.orders.values().any(|orders| orders.orders > 0)
    }

    fn add_orders(&self, after: &Self, totals: &mut Totals) {
        let none = Orders::default();
        let currencies: BTreeSet<_> = self.orders.keys().chain(after.orders.keys()).collect();
        for currency in currencies {
            let of = |contribution: &Self| contribution.orders.get(currency).unwrap_or(&none).sums();
            for ((counter, before), (_, after)) in of(self).into_iter().zip(of(after)) {
                if before != after {
                    totals.add(format!("{counter}/{currency}"), after - before);
                }
            }
        }
    }

    fn count_cells(&self, times: i128, maps: &JourneyMaps, zone: &Zone, totals: &mut Totals) {
        for (map, reached) in maps.iter().zip(&self.reached) {
            if let Some(reached) = reached {
                reached.count_cells(times, map, &self.first_channel, zone, totals);
            }
        }
    }
}

/// How a label is written.
pub mod label {
    pub fn channel(channel: &str) -> String {
        format!("channel:{channel}")
    }

    pub fn of_trait(name: &str, value: &str) -> String {
        format!("trait:{name}={value}")
    }

    pub fn stage(journey: &str, stage: &str) -> String {
        format!("stage:{journey}={stage}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(currency: &str, orders: u64, channel: &str) -> Contribution {
        let orders = Orders { orders, units: 2 * orders, ..Orders::default() };
        Contribution {
            customers: 1,
            events: 3 + orders.orders,
            orders: BTreeMap::from([(Currency::parse(currency).unwrap(), orders)]),
            channels: vec!["phone".to_owned(), channel.to_owned()],
            ..Contribution::default()
        }
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other() {
        let (maps, zone) = (JourneyMaps::default(), Zone::utc());
        let all = [Contribution::default(), with("EUR", 0, "web"), with("EUR", 7, "web"), with("CNY", 1, "app")];
        for before in &all {
            for after in &all {
                let mut totals = before.totals(&maps, &zone);
                before.add_difference(after, &maps, &zone, &mut totals);
                let sums = |totals: &Totals| -> BTreeMap<String, i128> {
                    totals.iter().filter(|(_, sum)| *sum != 0).map(|(name, sum)| (name.to_owned(), sum)).collect()
                };
                assert_eq!(sums(&totals), sums(&after.totals(&maps, &zone)), "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn labels_change_by_what_is_in_one_only() {
        let change = with("EUR", 1, "web").label_change(&with("EUR", 2, "app"), &JourneyMaps::default());
        assert_eq!(
            change,
            LabelChange { lost: vec!["channel:web".to_owned()], gained: vec!["channel:app".to_owned()] }
        );
    }
}
