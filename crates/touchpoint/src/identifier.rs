//! Who a touchpoint says it is about: `namespace:value`, and how values are made comparable.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Violation;
use crate::attribute::is_word;
use crate::limits::{MAX_IDENTIFIER_BYTES, MAX_IDENTIFIERS, MAX_NAMESPACE_BYTES};
use crate::violation::{pointer_token, quote};

/// One name of a customer, within a namespace such as `email` or `user_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    pub namespace: String,
    pub value: String,
}

impl Identifier {
    /// Reads `namespace:value`; the value may hold further colons.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (namespace, value) =
            text.split_once(':').ok_or("must be namespace:value, such as user_id:42 or email:ann@example.com")?;
        Self::new(namespace, value)
    }

    pub fn new(namespace: &str, value: &str) -> Result<Self, String> {
        if namespace.len() > MAX_NAMESPACE_BYTES || !is_word(namespace) {
            return Err(format!(
                "has the namespace {}; one is a lower-case word such as user_id, at most {MAX_NAMESPACE_BYTES} bytes",
                quote(namespace)
            ));
        }
        if value.len() > MAX_IDENTIFIER_BYTES {
            return Err(format!("is {} bytes long; an identifier has at most {MAX_IDENTIFIER_BYTES}", value.len()));
        }
        if value.chars().any(char::is_control) {
            return Err("has a control character in it; an identifier is plain text".to_owned());
        }
        Ok(Self { namespace: namespace.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.value)
    }
}

/// A country whose telephone numbers are meant where a number names none; ISO 3166-1 alpha-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

impl Country {
    pub fn parse(code: &str) -> Result<Self, String> {
        code.parse()
            .map(Self)
            .map_err(|_| format!("{} is not a country code such as CN (ISO 3166-1 alpha-2)", quote(code)))
    }

    pub fn code(&self) -> &str {
        self.0.as_ref()
    }
}

/// How the values of a namespace are made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// White space around the value does not count.
    Trim,
    /// Trimmed and lower-cased.
    Email,
    /// E.164, with the tenant's country where the number names none; what is no valid number is not usable.
    Phone,
}

impl Normalisation {
    /// The comparable value, or `None` if this one says nothing about anybody.
    pub fn apply(self, raw: &str, country: Option<Country>) -> Option<String> {
        let trimmed = raw.trim();
        if is_blocked(trimmed) {
            return None;
        }
        let value = match self {
            Self::Trim => trimmed.to_owned(),
            Self::Email => trimmed.to_lowercase(),
            Self::Phone => e164(trimmed, country)?,
        };
        (!is_blocked(&value)).then_some(value)
    }
}

/// Values that stand for "nobody" in the wild, whatever the case. Nulls, zeros and placeholders glue strangers together.
pub fn is_blocked(value: &str) -> bool {
    const PLACEHOLDERS: [&str; 13] = [
        "-1",
        "null",
        "none",
        "nil",
        "nan",
        "undefined",
        "unknown",
        "anonymous",
        "n/a",
        "test",
        "true",
        "false",
        "[object object]",
    ];
    let value = value.trim();
    value.bytes().all(|b| b == b'0' || b == b'-') || PLACEHOLDERS.iter().any(|p| value.eq_ignore_ascii_case(p))
}

fn e164(raw: &str, country: Option<Country>) -> Option<String> {
    let number = phonenumber::parse(country.map(|c| c.0), raw).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Everything an event says about who it was: its subject, then `data.identifiers` by namespace.
pub(crate) fn gather(
    subject: Option<&str>,
    data: Option<&Map<String, Value>>,
    violations: &mut Vec<Violation>,
) -> Vec<Identifier> {
    let mut found = Vec::new();
    if let Some(subject) = subject {
        match Identifier::parse(subject) {
            Ok(identifier) => found.push(identifier),
            Err(rule) => violations.push(Violation::new("subject", rule)),
        }
    }
    match data.and_then(|data| data.get("identifiers")) {
        None | Some(Value::Null) => {}
        Some(Value::Object(listed)) => {
            for (namespace, value) in listed {
                gather_values(namespace, value, &mut found, violations);
            }
        }
        Some(_) => {
            violations.push(Violation::new("data/identifiers", "must be an object such as {\"user_id\": \"42\"}"))
        }
    }
    if found.len() > MAX_IDENTIFIERS {
        let rule = format!("with the subject, {} identifiers; an event has at most {MAX_IDENTIFIERS}", found.len());
        violations.push(Violation::new("data/identifiers", rule));
    }
    found
}

/// Numbers count as their digits, lists as several values; `null` says nothing.
fn gather_values(namespace: &str, value: &Value, found: &mut Vec<Identifier>, violations: &mut Vec<Violation>) {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    for value in values {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => Identifier::new(namespace, text),
            Value::Number(number) if !number.is_f64() => Identifier::new(namespace, &number.to_string()),
            Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err("must be a string, an integer, or a list of these".to_owned())
            }
        };
        match text {
            Ok(identifier) => found.push(identifier),
            Err(rule) => {
                violations.push(Violation::new(format!("data/identifiers/{}", pointer_token(namespace)), rule));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn china() -> Option<Country> {
        Some(Country::parse("CN").unwrap())
    }

    #[test]
    fn e_mails_are_lower_cased_and_dots_stay() {
        assert_eq!(Normalisation::Email.apply("  Ann.Lee@Example.COM ", None).unwrap(), "ann.lee@example.com");
    }

    #[test]
    fn phones_become_e164() {
        assert_eq!(Normalisation::Phone.apply("138 0013 8000", china()).unwrap(), "+8613800138000");
        assert_eq!(Normalisation::Phone.apply("+49 (30) 901820", china()).unwrap(), "+4930901820");
        assert_eq!(Normalisation::Phone.apply("138 0013 8000", None), None, "no country, no plus");
        assert_eq!(Normalisation::Phone.apply("12", china()), None);
    }

    #[test]
    fn placeholders_are_nobody() {
        for blocked in
            ["", "  ", "0", "0000-0000", "---", "-1", "NULL", " Undefined ", "N/A", "[object Object]", "TEST", "True"]
        {
            assert_eq!(Normalisation::Trim.apply(blocked, None), None, "{blocked:?}");
        }
        assert_eq!(Normalisation::Trim.apply(" 00001 ", None).unwrap(), "00001");
        assert_eq!(Normalisation::Trim.apply("tester", None).unwrap(), "tester");
    }

    #[test]
    fn numbers_and_lists_count() {
        let data = serde_json::json!({"identifiers": {"user_id": 42, "email": ["a@x.org", "b@x.org"], "phone": null}});
        let mut violations = Vec::new();
        let found = gather(Some("anonymous_id:a:7"), data.as_object(), &mut violations);
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["anonymous_id:a:7", "email:a@x.org", "email:b@x.org", "user_id:42"]);
        assert!(violations.is_empty());
    }

    #[test]
    fn a_bad_identifier_is_named() {
        let data = serde_json::json!({"identifiers": {"userId": "1", "email": 1.5, "phone": "x".repeat(10_000)}});
        let mut violations = Vec::new();
        gather(Some("ann"), data.as_object(), &mut violations);
        let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["subject", "data/identifiers/email", "data/identifiers/phone", "data/identifiers/userId"]);
        assert!(violations[2].rule.contains("10000 bytes"), "{}", violations[2]);
    }
}
