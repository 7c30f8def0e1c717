//! Leads, quotes and contracts.

use serde_json::{Value, json};

use super::super::calendar::DAY;
use super::super::products::Basket;
use super::{Teller, maybe};

pub(super) const TEAM: &str = "sales";
/// A contract runs for a year, with twelve deliveries.
const DELIVERIES: i64 = 12;

pub(super) fn salesperson(number: u8) -> String {
    format!("s-{:02}", 1 + number)
}

impl Teller<'_> {
    pub(super) fn lead_created(&mut self, value: u32) -> Value {
        let country = self.me.country;
        json!({
            "lead_id": self.own("L", 1_u8),
            "origin": "contact_form",
            "company": self.me.company(),
            "interest": "wholesale",
            "rating": self.chance.weighted(&[(30, "cold"), (45, "warm"), (25, "hot")]),
            "value": country.decimal(country.price(i64::from(value) * 100)),
            "currency": country.currency,
        })
    }

    pub(super) fn lead_assigned(&mut self, again: bool, number: u8) -> Value {
        let mut data = json!({"lead_id": self.own("L", 1_u8), "owner": salesperson(number), "team": TEAM});
        maybe(&mut data, "reason", again.then_some("region"));
        data
    }

    pub(super) fn quote_sent(&mut self, revision: u8, basket: Basket, number: u8) -> Value {
        let mut data = self.priced(basket);
        data["quote_id"] = self.own("Q", 1_u8).into();
        data["lead_id"] = self.own("L", 1_u8).into();
        data["revision"] = revision.into();
        data["valid_until"] = self.later(30 * DAY).into();
        data["owner"] = salesperson(number).into();
        data["team"] = TEAM.into();
        data
    }

    pub(super) fn contract_signed(&mut self, basket: Basket, number: u8) -> Value {
        let country = self.me.country;
        json!({
            "contract_id": self.own("C", 1_u8),
            "quote_id": self.own("Q", 1_u8),
            "amount": country.decimal(basket.amount(country) * DELIVERIES),
            "currency": country.currency,
            "starts_at": self.later(3 * DAY),
            "term_months": DELIVERIES,
            "renewal": false,
            "owner": salesperson(number),
            "team": TEAM,
        })
    }
}
