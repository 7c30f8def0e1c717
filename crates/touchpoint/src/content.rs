//! What a touchpoint says, typed: one variant for each type that a model reads, in its newest version.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, Currency, EventType, Money};

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    CustomerIdentified(CustomerIdentified),
    ConsentChanged(ConsentChanged),
    OrderPlaced(OrderPlaced),
    OrderRefunded(OrderRefunded),
    ProductViewed(ProductViewed),
    /// A type that no model looks into: it is shown and counted.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerIdentified {
    /// `None` takes the trait away.
    #[serde(default)]
    pub traits: BTreeMap<String, Option<TraitValue>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConsentChanged {
    /// What it is for: `email_marketing`.
    pub purpose: String,
    pub granted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderPlaced {
    pub order_id: String,
    pub amount: Amount,
    pub currency: Currency,
    #[serde(default)]
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderRefunded {
    pub order_id: String,
    pub amount: Amount,
    pub currency: Currency,
}

impl OrderPlaced {
    pub fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }
}

impl OrderRefunded {
    pub fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Item {
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
    #[serde(default = "one")]
    pub quantity: u32,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProductViewed {
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
}

/// A trait's value as JSON text, so that numbers stay as they were written and no float is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TraitValue(String);

impl TraitValue {
    /// JSON text: `"Ann"`, `42`, `true`.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The text of a string, the digits of a number, `true` or `false`.
    pub fn to_text(&self) -> String {
        serde_json::from_str::<String>(&self.0).unwrap_or_else(|_| self.0.clone())
    }
}

impl fmt::Display for TraitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TraitValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return String::deserialize(deserializer).map(Self);
        }
        match Value::deserialize(deserializer)? {
            scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Ok(Self(scalar.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err(serde::de::Error::custom("a trait is a string, a number, a boolean or null"))
            }
        }
    }
}

impl Content {
    /// Reads data of the newest version. The error names the field.
    pub(crate) fn of(event_type: &EventType, data: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(match event_type.as_str() {
            "customer.identified" => Self::CustomerIdentified(CustomerIdentified::deserialize(data)?),
            "consent.changed" => Self::ConsentChanged(ConsentChanged::deserialize(data)?),
            "order.placed" => Self::OrderPlaced(OrderPlaced::deserialize(data)?),
            "order.refunded" => Self::OrderRefunded(OrderRefunded::deserialize(data)?),
            "product.viewed" => Self::ProductViewed(ProductViewed::deserialize(data)?),
            _ => Self::Other,
        })
    }
}
