//! The profile: who the customer says they are, what they did, bought and like, and what they allow.

use std::collections::{BTreeMap, VecDeque};

use rapport_touchpoint::{
    Amount, Content, Currency, CustomerIdentified, Event, Item, Money, OrderPlaced, ProductViewed, Timestamp,
    TraitValue,
};
use serde::{Deserialize, Serialize};

use crate::Counts;

const MOST_CHANNELS: usize = 64;
const MOST_TYPES: usize = 128;
const MOST_TRAITS: usize = 100;
const MOST_CONSENTS: usize = 50;
const MOST_INTERESTS: usize = 20;
const MOST_RECENT_ITEMS: usize = 10;
/// A bought piece says more of an interest than a look at it.
const ORDER_WEIGHT: u64 = 5;

/// State of one customer, bounded whatever the events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub events: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Where the first contact took place: the channel that won the customer.
    pub first_channel: String,
    pub last_channel: String,
    pub channels: Counts,
    pub types: Counts,
    /// At most 100, by name; the last writer in the order of events.
    pub traits: BTreeMap<String, Trait>,
    pub orders: BTreeMap<Currency, Orders>,
    /// At most 50 purposes.
    pub consents: BTreeMap<String, Consent>,
    /// At most 20 categories; the weakest, oldest gives way to a new one.
    pub interests: BTreeMap<String, Interest>,
    /// The last ten products viewed or ordered, newest first, each once.
    pub recent_items: VecDeque<RecentItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trait {
    pub value: TraitValue,
    pub since: Timestamp,
}

/// What was ordered in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    pub orders: u64,
    /// Pieces, as far as the orders list their items.
    pub units: u64,
    pub revenue: Amount,
    pub refunds: u64,
    pub refunded: Amount,
    pub last_order: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub granted: bool,
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// One for a view, five for each ordered item line.
    pub weight: u64,
    pub last_seen: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentItem {
    pub sku: String,
    pub name: Option<String>,
    pub ordered: bool,
    pub time: Timestamp,
}

impl Profile {
    pub(crate) fn fold(&mut self, event: &Event) {
        let touchpoint = &event.touchpoint;
        let (time, channel) = (touchpoint.order.time, touchpoint.channel.as_str());
        if self.events == 0 {
            self.first_seen = time;
            channel.clone_into(&mut self.first_channel);
        }
        self.events += 1;
        self.last_seen = time;
        channel.clone_into(&mut self.last_channel);
        self.channels.count(channel, MOST_CHANNELS);
        self.types.count(touchpoint.event_type.as_str(), MOST_TYPES);
        match &event.content {
            Content::CustomerIdentified(identified) => self.set_traits(identified, time),
            Content::ConsentChanged(change) => {
                let consent = Consent { granted: change.granted, since: time };
                insert_bounded(&mut self.consents, &change.purpose, consent, MOST_CONSENTS);
            }
            Content::OrderPlaced(order) => self.order(order, time),
            Content::OrderRefunded(refund) => {
                let Money { amount, currency } = refund.money();
                let orders = self.orders.entry(currency).or_default();
                orders.refunds += 1;
                orders.refunded = orders.refunded.plus(amount);
            }
            Content::ProductViewed(viewed) => self.view(viewed, time),
            Content::SurveySent(_) | Content::SurveyAnswered(_) | Content::ReviewPosted(_) | Content::Other => {}
        }
    }

    /// The name to greet the customer by, if the traits give one.
    pub fn display_name(&self) -> Option<String> {
        let text =
            |name: &str| self.traits.get(name).map(|found| found.value.to_text()).filter(|text| !text.is_empty());
        text("name").or_else(|| {
            let parts: Vec<String> = ["first_name", "last_name"].into_iter().filter_map(text).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        })
    }

    fn set_traits(&mut self, identified: &CustomerIdentified, time: Timestamp) {
        for (name, value) in &identified.traits {
            match value {
                None => {
                    self.traits.remove(name);
                }
                Some(value) if self.traits.get(name).is_some_and(|known| known.value == *value) => {}
                Some(value) => {
                    let set = Trait { value: value.clone(), since: time };
                    insert_bounded(&mut self.traits, name, set, MOST_TRAITS);
                }
            }
        }
    }

    fn order(&mut self, order: &OrderPlaced, time: Timestamp) {
        let Money { amount, currency } = order.money();
        let orders = self.orders.entry(currency).or_default();
        orders.orders += 1;
        orders.units += order.items.iter().map(|item| u64::from(item.quantity)).sum::<u64>();
        orders.revenue = orders.revenue.plus(amount);
        orders.last_order = Some(time);
        for Item { sku, name, category, .. } in &order.items {
            self.touch_item(RecentItem { sku: sku.clone(), name: name.clone(), ordered: true, time });
            self.touch_interest(category.as_deref(), ORDER_WEIGHT, time);
        }
    }

    fn view(&mut self, viewed: &ProductViewed, time: Timestamp) {
        let ProductViewed { sku, name, category } = viewed;
        self.touch_item(RecentItem { sku: sku.clone(), name: name.clone(), ordered: false, time });
        self.touch_interest(category.as_deref(), 1, time);
    }

    fn touch_item(&mut self, mut item: RecentItem) {
        if let Some(at) = self.recent_items.iter().position(|known| known.sku == item.sku)
            && let Some(known) = self.recent_items.remove(at)
        {
            item.name = item.name.or(known.name);
            item.ordered |= known.ordered;
        }
        self.recent_items.push_front(item);
        self.recent_items.truncate(MOST_RECENT_ITEMS);
    }

    fn touch_interest(&mut self, category: Option<&str>, weight: u64, time: Timestamp) {
        let Some(category) = category else { return };
        if !self.interests.contains_key(category) && self.interests.len() >= MOST_INTERESTS {
            let weakest = self.interests.iter().min_by_key(|(_, known)| (known.weight, known.last_seen));
            if let Some(name) = weakest.map(|(name, _)| name.clone()) {
                self.interests.remove(&name);
            }
        }
        let interest = self.interests.entry(category.to_owned()).or_insert(Interest { weight: 0, last_seen: time });
        interest.weight += weight;
        interest.last_seen = time;
    }
}

impl Orders {
    /// What is summed over all customers, by the name of the counter.
    pub(crate) fn sums(&self) -> [(&'static str, i128); 5] {
        [
            ("orders", self.orders.into()),
            ("units", self.units.into()),
            ("revenue", self.revenue.micros()),
            ("refunds", self.refunds.into()),
            ("refunded", self.refunded.micros()),
        ]
    }
}

/// Names beyond the limit are not taken up.
fn insert_bounded<T>(map: &mut BTreeMap<String, T>, name: &str, value: T, most: usize) {
    if map.contains_key(name) || map.len() < most {
        map.insert(name.to_owned(), value);
    }
}
