//! What a stream of events holds, counted from the events alone.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use rapport_touchpoint::{Amount, Timestamp};
use serde_json::Value;

const HOUR: i64 = 3_600 * 1_000_000_000;
const DAY: i64 = 24 * HOUR;

/// Counts are of distinct events; those that arrive a second time are counted as duplicates alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Everything that arrives.
    pub arrivals: u64,
    /// The same source and id once more.
    pub duplicates: u64,
    /// Of those, with another body. A population has none.
    pub conflicts: u64,
    pub by_type: BTreeMap<String, u64>,
    pub by_channel: BTreeMap<String, u64>,
    /// By currency, of events that name somebody: what nobody's card was shown for is nobody's order.
    pub money: BTreeMap<String, Sums>,
    /// Arrived after an event that happened an hour later, or more; a day later, or more.
    pub late: u64,
    pub days_late: u64,
    /// How often each asking was answered, by survey, instance and who.
    pub answers: BTreeMap<String, u64>,
    /// The user ids and loyalty cards that were seen with each device.
    pub persons_by_device: BTreeMap<String, BTreeSet<String>>,
    pub users: BTreeSet<String>,
    /// Events that name nobody at all.
    pub unnamed: u64,
    /// Events with an identifier that stands for nobody.
    pub placeholders: u64,
    newest: Timestamp,
    /// A hash of the body by source and id.
    seen: BTreeMap<(String, String), u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub orders: u64,
    pub revenue: Amount,
    pub refunds: u64,
    pub refunded: Amount,
}

impl Census {
    pub fn of(events: impl IntoIterator<Item = Value>) -> Self {
        let mut census = Self::default();
        events.into_iter().for_each(|event| census.count(&event));
        census
    }

    pub fn count(&mut self, event: &Value) {
        self.arrivals += 1;
        let key = (text(&event["source"]).to_owned(), text(&event["id"]).to_owned());
        let body = hash(event);
        match self.seen.get(&key) {
            Some(known) => {
                self.duplicates += 1;
                self.conflicts += u64::from(*known != body);
                return;
            }
            None => self.seen.insert(key, body),
        };
        let event_type = text(&event["type"]);
        *self.by_type.entry(event_type.to_owned()).or_default() += 1;
        *self.by_channel.entry(text(&event["channel"]).to_owned()).or_default() += 1;
        self.count_lateness(event);
        let named = self.count_names(event);
        match event_type {
            _ if !named => {}
            "order.placed" | "order.refunded" => self.count_money(event_type, &event["data"]),
            "survey.answered" => {
                let data = &event["data"];
                let by = if event["subject"].is_null() { &data["identifiers"] } else { &event["subject"] };
                let instance = format!("{} {} {by}", text(&data["survey"]), text(&data["instance"]));
                *self.answers.entry(instance).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Events under a source and id of their own.
    pub fn distinct(&self) -> u64 {
        self.arrivals - self.duplicates
    }

    pub fn of_type(&self, event_type: &str) -> u64 {
        self.by_type.get(event_type).copied().unwrap_or(0)
    }

    /// Answers that replace an earlier one.
    pub fn second_answers(&self) -> u64 {
        self.answers.values().map(|times| times - 1).sum()
    }

    /// Devices that more than one customer logged in on.
    pub fn shared_devices(&self) -> usize {
        self.persons_by_device.values().filter(|persons| persons.len() > 1).count()
    }

    fn count_lateness(&mut self, event: &Value) {
        let Ok(time) = Timestamp::parse(text(&event["time"])) else { return };
        let behind = self.newest.nanos() - time.nanos();
        self.late += u64::from(behind >= HOUR);
        self.days_late += u64::from(behind >= DAY);
        self.newest = self.newest.max(time);
    }

    /// Does it name anybody?
    fn count_names(&mut self, event: &Value) -> bool {
        let identifiers = &event["data"]["identifiers"];
        let named = identifiers.as_object().is_some_and(|names| !names.is_empty()) || !event["subject"].is_null();
        self.unnamed += u64::from(!named);
        let subject = |namespace: &str| text(&event["subject"]).strip_prefix(namespace)?.strip_prefix(':');
        let name = |namespace: &str| identifiers[namespace].as_str().or_else(|| subject(namespace));
        let user = name("user_id").filter(|user| *user != "null");
        self.placeholders += u64::from(name("user_id") == Some("null"));
        self.users.extend(user.map(str::to_owned));
        if let (Some(device), Some(person)) = (name("device_id"), user.or_else(|| name("loyalty_card"))) {
            self.persons_by_device.entry(device.to_owned()).or_default().insert(person.to_owned());
        }
        named
    }

    fn count_money(&mut self, event_type: &str, data: &Value) {
        let Ok(amount) = Amount::parse(text(&data["amount"])) else { return };
        let sums = self.money.entry(text(&data["currency"]).to_owned()).or_default();
        if event_type == "order.placed" {
            sums.orders += 1;
            sums.revenue = sums.revenue.plus(amount);
        } else {
            sums.refunds += 1;
            sums.refunded = sums.refunded.plus(amount);
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn hash(event: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.to_string().hash(&mut hasher);
    hasher.finish()
}
