//! Made-up touchpoints of a shop, like real ones where it matters for speed: ids are random (UUIDs of version 4), a few
//! customers come often and most rarely (Zipf with a flat head), one event in a hundred comes late. The same seed makes the
//! same touchpoints, as many as one likes.
//!
//! Whom they name is one of two things. [`Naming::Accounts`], which most parts measure: the customer's account, and in one
//! touchpoint of twenty something more, an e-mail (a link) or a browser (a claim), each customer having three of both.
//! [`Naming::Logins`]: many look before they log in, so that nearly half of the touchpoints name a browser alone, and each login
//! claims it. The demo's population is richer, but it ends: it plans a year of at most a million customers as a whole,
//! under ids of its own.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::random::Random;

/// Touchpoints per customer, on average.
const PER_CUSTOMER: u64 = 20;
/// 2024-01-01T00:00:00Z, when it begins.
const FIRST_MOMENT: i64 = 1_704_067_200;
const SECONDS: u64 = 366 * 86_400;
/// After all of them.
pub const RECEIVED_AT: &str = "2025-01-02T00:00:00Z";
/// One touchpoint in so many says more than whose account it is.
const EVIDENCE_ONE_IN: u64 = 20;
/// E-mails and browsers of each customer.
const OF_EACH: u64 = 3;
/// One touchpoint in so many comes late.
const LATE_ONE_IN: u64 = 100;
const LATEST_S: u64 = 6 * 3_600;
/// Products in each category.
const PRODUCTS: u64 = 200;
const CATEGORIES: [&str; 8] = ["tea", "coffee", "cups", "pots", "sweets", "gifts", "books", "music"];
/// Flattens the head of the Zipf distribution: nobody is a tenth of a shop's traffic.
const HEAD: f64 = 50.0;

pub struct Workload {
    random: Random,
    shape: Shape,
    made: u64,
}

/// What of the workload is not left to chance.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub touchpoints: u64,
    pub customers: u64,
    /// From the first touchpoint to the last.
    pub seconds: u64,
    /// By how much a late touchpoint is late at most.
    pub latest_s: u64,
    pub naming: Naming,
}

/// Whom touchpoints name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The account, and with evidence in one of twenty an e-mail or a browser too.
    Accounts { with_evidence: bool },
    /// Browsers that people log in on.
    Logins,
}

impl Workload {
    /// A year of a shop, with links and claims in one touchpoint of twenty.
    pub fn new(seed: u64, touchpoints: u64) -> Self {
        Self::named(seed, touchpoints, Naming::Accounts { with_evidence: true })
    }

    pub fn named(seed: u64, touchpoints: u64, naming: Naming) -> Self {
        let customers = customers(touchpoints);
        Self::shaped(seed, Shape { touchpoints, customers, seconds: SECONDS, latest_s: LATEST_S, naming })
    }

    pub fn shaped(seed: u64, shape: Shape) -> Self {
        Self { random: Random::new(seed), shape, made: 0 }
    }

    fn touchpoint(&mut self) -> Value {
        let time = self.time();
        let customer = self.customer();
        let (event_type, channel, data) = self.what(customer);
        let identifiers = match self.shape.naming {
            Naming::Accounts { with_evidence } => self.account(customer, with_evidence),
            Naming::Logins => self.login(customer, event_type),
        };
        let mut event = json!({
            "specversion": "1.0",
            "id": self.random.uuid(),
            "source": format!("shop/{channel}"),
            "type": event_type,
            "time": time,
            "channel": channel,
            "data": data,
        });
        event["data"]["identifiers"] = identifiers;
        event
    }

    fn time(&mut self) -> String {
        let Shape { touchpoints, seconds, latest_s, .. } = self.shape;
        let passed = u128::from(self.made) * u128::from(seconds) * 1_000 / u128::from(touchpoints);
        let mut millis = u64::try_from(passed).unwrap_or(seconds * 1_000);
        if self.random.one_in(LATE_ONE_IN) {
            millis = millis.saturating_sub(self.random.below(latest_s * 1_000));
        }
        let nanos = (i128::from(FIRST_MOMENT) * 1_000 + i128::from(millis)) * 1_000_000;
        let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("2024 is a year of `time`");
        moment.format(&Rfc3339).expect("2024 has an RFC 3339 form")
    }

    /// Zipf-like: the k-th most frequent customer comes in proportion to 1 / (k + `HEAD`).
    fn customer(&mut self) -> u64 {
        let spread = (self.shape.customers as f64 + HEAD) / HEAD;
        let rank = HEAD * spread.powf(self.random.unit()) - HEAD;
        (rank as u64).min(self.shape.customers - 1)
    }

    fn what(&mut self, customer: u64) -> (&'static str, &'static str, Value) {
        let category = CATEGORIES[self.random.below(CATEGORIES.len() as u64) as usize];
        let product = self.random.below(PRODUCTS);
        let sku = format!("{category}-{product}");
        let price = format!("{}.{:02}", 5 + product, product % 100);
        let web = if self.random.one_in(3) { "app" } else { "web" };
        match self.random.below(100) {
            0..30 => {
                let url = format!("https://shop.example.com/{category}/{product}?utm_source=newsletter");
                ("page.viewed", web, json!({"url": url, "category": category, "duration_s": self.random.below(300)}))
            }
            30..65 => {
                let data = json!({"sku": sku, "category": category, "price": price, "currency": "EUR"});
                ("product.viewed", web, data)
            }
            65..71 => ("product.searched", web, json!({"query": category, "results": self.random.below(200)})),
            71..80 => {
                let items = json!([{"sku": sku, "category": category, "quantity": 1, "price": price}]);
                ("cart.updated", web, json!({"amount": price, "currency": "EUR", "items": items}))
            }
            80..88 => {
                let items = json!([{"sku": sku, "category": category, "quantity": 1, "price": price}]);
                let order_id = format!("o-{}", self.made);
                ("order.placed", web, json!({"order_id": order_id, "amount": price, "currency": "EUR", "items": items}))
            }
            88..94 => ("email.opened", "email", json!({"message_id": format!("m-{customer}-{product}")})),
            94..96 => {
                let traits = json!({"first_name": format!("Name{customer}"), "plan": "gold", "visits": product});
                ("customer.identified", web, json!({"traits": traits}))
            }
            96..98 => {
                let score = self.random.below(11);
                ("survey.answered", "email", json!({"survey": "after_delivery", "metric": "nps", "score": score}))
            }
            98 => ("ticket.opened", "phone", json!({"ticket_id": format!("t-{}", self.made), "priority": "normal"})),
            _ => (
                "order.refunded",
                web,
                json!({"order_id": format!("o-{customer}"), "amount": "5.00", "currency": "EUR"}),
            ),
        }
    }

    /// The same touchpoints with and without evidence, but for the evidence.
    fn account(&mut self, customer: u64, with_evidence: bool) -> Value {
        let (chance, which, is_link) =
            (self.random.below(EVIDENCE_ONE_IN), self.random.below(OF_EACH), self.random.one_in(2));
        let mut identifiers = json!({"user_id": format!("u-{customer}")});
        match (with_evidence && chance == 0, is_link) {
            (false, _) => {}
            (true, true) => identifiers["email"] = format!("customer{customer}.{which}@example.com").into(),
            (true, false) => identifiers["anonymous_id"] = format!("a-{customer}-{which}").into(),
        }
        identifiers
    }

    /// What is looked at, is often looked at without a login; what is ordered, is not. Six customers in ten gave an e-mail.
    fn login(&mut self, customer: u64, event_type: &str) -> Value {
        let mut identifiers = json!({});
        let by_mail = matches!(event_type, "email.opened" | "survey.answered");
        let only_looks = matches!(event_type, "page.viewed" | "product.viewed" | "product.searched" | "cart.updated");
        if only_looks || self.random.one_in(2) {
            identifiers["anonymous_id"] = format!("a-{customer}-{}", self.random.below(2)).into();
        }
        if !only_looks || self.random.below(10) < 6 {
            identifiers["user_id"] = format!("u-{customer}").into();
            let knows_email = customer % 10 < 6;
            if knows_email && (by_mail || event_type == "customer.identified" || self.random.one_in(10)) {
                identifiers["email"] = format!("customer{customer}@example.com").into();
            }
        }
        identifiers
    }
}

/// Of a workload of so many touchpoints.
pub fn customers(touchpoints: u64) -> u64 {
    touchpoints.div_ceil(PER_CUSTOMER)
}

/// Whose account a touchpoint names.
pub fn account(event: &Value) -> Option<&str> {
    event["data"]["identifiers"]["user_id"].as_str()
}

/// As it would come now: without a time, so that the gateway stamps it.
pub fn live(mut event: Value) -> Value {
    if let Some(attributes) = event.as_object_mut() {
        attributes.remove("time");
    }
    event
}

impl Iterator for Workload {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if self.made == self.shape.touchpoints {
            return None;
        }
        let event = self.touchpoint();
        self.made += 1;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seed: u64) -> Vec<String> {
        Workload::new(seed, 2_000).map(|event| event.to_string()).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_touchpoints() {
        assert_eq!(lines(7), lines(7));
        assert_ne!(lines(7), lines(8));
    }

    #[test]
    fn every_touchpoint_is_valid() {
        let catalogue = rapport_touchpoint::Catalogue::built_in();
        let now = rapport_touchpoint::Timestamp::parse(RECEIVED_AT).unwrap();
        for event in Workload::new(1, 2_000).chain(Workload::named(1, 2_000, Naming::Logins)) {
            let shown = event.to_string();
            rapport_touchpoint::receive(event, now, &catalogue).unwrap_or_else(|broken| panic!("{shown}: {broken:?}"));
        }
    }

    #[test]
    fn one_touchpoint_in_twenty_carries_evidence_and_the_rest_is_the_same_without() {
        let made = |with_evidence| Workload::named(3, 20_000, Naming::Accounts { with_evidence });
        let evident = |event: &Value| event["data"]["identifiers"].as_object().is_some_and(|names| names.len() > 1);
        let share = made(true).filter(evident).count() as f64 / 20_000.0;
        assert!((0.045..0.055).contains(&share), "{share}");
        assert_eq!(made(false).filter(evident).count(), 0);
        let ids = |with_evidence| made(with_evidence).map(|event| event["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(true), ids(false));
    }
}
