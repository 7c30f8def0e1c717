//! What a touchpoint says, typed: one variant for each type that a model reads, in its newest version.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::limits::MAX_RULE_CHARS;
use crate::violation::{cut, pointer_token};
use crate::{Amount, Currency, EventType, Money, Object, Violation};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    CustomerIdentified(CustomerIdentified),
    ConsentChanged(ConsentChanged),
    OrderPlaced(OrderPlaced),
    OrderRefunded(OrderRefunded),
    ProductViewed(ProductViewed),
    SurveySent(SurveySent),
    SurveyAnswered(SurveyAnswered),
    ReviewPosted(ReviewPosted),
    /// A type that no model looks into: it is shown and counted.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerIdentified {
    /// `None` takes the trait away.
    #[serde(default)]
    pub traits: BTreeMap<String, Option<TraitValue>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChanged {
    /// What it is for: `email_marketing`.
    pub purpose: String,
    pub granted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub order_id: String,
    pub amount: Amount,
    pub currency: Currency,
    #[serde(default)]
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
    #[serde(default = "one", with = "whole_number")]
    pub quantity: u32,
}

/// What a survey asks for, on which scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Would you recommend us? 0 to 10.
    Nps,
    /// How satisfied are you? 1 to 5.
    Csat,
    /// How easy was it? 1 to 7.
    Ces,
}

/// A customer was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveySent {
    pub survey: String,
    pub instance: Option<String>,
    pub metric: Metric,
    pub touchpoint: Option<String>,
    pub agent: Option<String>,
    pub team: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyAnswered {
    pub survey: String,
    pub instance: Option<String>,
    pub metric: Metric,
    /// Within the metric's scale; the schema sees to it.
    #[serde(with = "whole_number")]
    pub score: u32,
    pub comment: Option<String>,
    pub touchpoint: Option<String>,
    pub agent: Option<String>,
    pub team: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewPosted {
    /// Stars: 1 to 5.
    #[serde(with = "whole_number")]
    pub score: u32,
    pub review_id: Option<String>,
    pub title: Option<String>,
    pub text: Option<String>,
    pub sku: Option<String>,
    pub location: Option<String>,
    pub platform: Option<String>,
}

fn one() -> u32 {
    1
}

/// To JSON Schema, and to the body's hash, `2.0` is the integer 2.
mod whole_number {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(*number))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let whole = number as u32;
        if f64::from(whole) == number { Ok(whole) } else { Err(D::Error::custom("must be a whole number")) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductViewed {
    pub sku: String,
    pub name: Option<String>,
    pub category: Option<String>,
}

/// A trait's value as JSON text, so that numbers stay as they were written and no float is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraitValue(String);

impl TraitValue {
    /// JSON text: `"Ann"`, `42`, `true`.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    pub fn into_json(self) -> String {
        self.0
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

impl Serialize for TraitValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<Value>(&self.0) {
            Ok(scalar) if serializer.is_human_readable() => scalar.serialize(serializer),
            _ => serializer.serialize_str(&self.0),
        }
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
                Err(D::Error::custom("a trait is a string, a number, a boolean or null"))
            }
        }
    }
}

impl Content {
    /// Reads data of the newest version.
    pub(crate) fn of(event_type: &EventType, data: &Object<'_>) -> Result<Self, Violation> {
        Ok(match event_type.as_str() {
            "customer.identified" => Self::CustomerIdentified(typed(data)?),
            "consent.changed" => Self::ConsentChanged(typed(data)?),
            "order.placed" => Self::OrderPlaced(typed(data)?),
            "order.refunded" => Self::OrderRefunded(typed(data)?),
            "product.viewed" => Self::ProductViewed(typed(data)?),
            "survey.sent" => Self::SurveySent(typed(data)?),
            "survey.answered" => Self::SurveyAnswered(typed(data)?),
            "review.posted" => Self::ReviewPosted(typed(data)?),
            _ => Self::Other,
        })
    }
}

pub(crate) fn typed<T: DeserializeOwned>(data: &Object<'_>) -> Result<T, Violation> {
    // The path is kept only where there is an error to explain: keeping it costs as much as reading.
    if let Ok(read) = T::deserialize(data) {
        return Ok(read);
    }
    serde_path_to_error::deserialize(&Map::from(data)).map_err(|error| {
        let path = error.path().iter().map(|segment| match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => format!("/{}", pointer_token(key)),
            Segment::Seq { index } => format!("/{index}"),
            Segment::Unknown => "/?".to_owned(),
        });
        let field = format!("data{}", path.collect::<String>());
        Violation::new(field, cut(&error.inner().to_string(), MAX_RULE_CHARS))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_stays_as_it_was_written() {
        for json in [r#""Ann""#, r#""42""#, "42", "1.50", "true"] {
            let value: TraitValue = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::from_str::<TraitValue>(&serde_json::to_string(&value).unwrap()).unwrap(), value);
        }
        assert_eq!(serde_json::from_str::<TraitValue>(r#""42""#).unwrap().as_json(), r#""42""#);
        assert_eq!(serde_json::from_str::<TraitValue>(r#""42""#).unwrap().to_text(), "42");
    }
}
