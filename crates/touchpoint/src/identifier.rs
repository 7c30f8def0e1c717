//! Who a touchpoint says it is about: `namespace:value`, and how values are made comparable.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::attribute::{has_control, is_word};
use crate::limits::{MAX_IDENTIFIER_BYTES, MAX_IDENTIFIERS, MAX_NAMESPACE_BYTES};
use crate::violation::{pointer_token, quote};
use crate::{Json, Object, Violation};

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
        if has_control(value) {
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
    Lower,
    /// Lower-cased; what is not `somebody@somewhere` is no address.
    Email,
    /// As an e-mail; dots and what follows a `+` do not count where Google keeps the mailbox.
    EmailGmail,
    /// E.164, with the tenant's country where the number names none; what is no valid number is not usable.
    Phone,
    /// The digits alone, for numbers that people group as they like.
    Digits,
    /// Letters and digits alone, lower-cased, for codes that people group as they like.
    Compact,
}

impl Normalisation {
    pub const ALL: [Self; 7] =
        [Self::Trim, Self::Lower, Self::Email, Self::EmailGmail, Self::Phone, Self::Digits, Self::Compact];

    /// As definitions call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trim => "trim",
            Self::Lower => "lower",
            Self::Email => "email",
            Self::EmailGmail => "email_gmail",
            Self::Phone => "phone",
            Self::Digits => "digits",
            Self::Compact => "compact",
        }
    }

    /// The comparable value, or `None` if this is no value of the kind.
    pub fn apply(self, raw: &str, country: Option<Country>) -> Option<String> {
        let trimmed = raw.trim();
        let value = match self {
            Self::Trim => trimmed.to_owned(),
            Self::Lower => trimmed.to_lowercase(),
            Self::Email => e_mail(trimmed)?,
            Self::EmailGmail => fold_gmail(e_mail(trimmed)?)?,
            Self::Phone => e164(trimmed, country)?,
            Self::Digits => trimmed.chars().filter(char::is_ascii_digit).collect(),
            Self::Compact => trimmed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect(),
        };
        (!value.is_empty()).then_some(value)
    }
}

/// What programs write where they know nothing: null, in the words of many languages and libraries.
pub const PLACEHOLDERS: [&str; 21] = [
    "-1",
    "null",
    "(null)",
    "none",
    "nil",
    "nan",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "not_authenticated",
    "not set",
    "(not set)",
    "not available",
    "n/a",
    "test",
    "true",
    "false",
    "[object object]",
    "{}",
    "[]",
];
/// Does the value, whatever its case, name nobody by default? Zeros and dashes do not either. A tenant's rules decide.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.bytes().all(|b| b == b'0' || b == b'-') || PLACEHOLDERS.iter().any(|p| value.eq_ignore_ascii_case(p))
}

fn e_mail(trimmed: &str) -> Option<String> {
    let (name, host) = trimmed.rsplit_once('@')?;
    let is_address = !name.is_empty() && !host.is_empty() && !trimmed.contains(char::is_whitespace);
    is_address.then(|| trimmed.to_lowercase())
}

/// Google delivers `a.n.n+tea@googlemail.com` to `ann@gmail.com`.
fn fold_gmail(address: String) -> Option<String> {
    let (name, host) = address.rsplit_once('@')?;
    if !["gmail.com", "googlemail.com"].contains(&host) {
        return Some(address);
    }
    let untagged = name.split_once('+').map_or(name, |(name, _)| name);
    let name: String = untagged.chars().filter(|c| *c != '.').collect();
    (!name.is_empty()).then(|| format!("{name}@gmail.com"))
}

fn e164(raw: &str, country: Option<Country>) -> Option<String> {
    let number = phonenumber::parse(country.map(|c| c.0), raw).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Everything an event says about who it was: its subject, then `data.identifiers` by namespace.
pub(crate) fn gather(
    subject: Option<&str>,
    data: Option<&Object<'_>>,
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
        None | Some(Json::Null) => {}
        Some(Json::Object(listed)) => {
            for (namespace, value) in listed.iter() {
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
fn gather_values(namespace: &str, value: &Json<'_>, found: &mut Vec<Identifier>, violations: &mut Vec<Violation>) {
    let values = match value {
        Json::List(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    for value in values {
        let text = match value {
            Json::Null => continue,
            Json::Text(text) => Identifier::new(namespace, text),
            Json::Number(number) if !number.is_f64() => Identifier::new(namespace, &number.to_string()),
            Json::Number(_) | Json::Bool(_) | Json::List(_) | Json::Object(_) => {
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
    fn what_is_no_address_is_no_e_mail() {
        for wrong in ["ann", "@example.com", "ann@", "ann lee@example.com", ""] {
            assert_eq!(Normalisation::Email.apply(wrong, None), None, "{wrong:?}");
        }
    }

    #[test]
    fn dots_and_tags_do_not_count_at_google_if_so_wished() {
        let folded = |raw| Normalisation::EmailGmail.apply(raw, None);
        assert_eq!(folded("Ann.Lee+Tea@GoogleMail.com").unwrap(), "annlee@gmail.com");
        assert_eq!(folded("Ann.Lee+Tea@Example.com").unwrap(), "ann.lee+tea@example.com", "others keep theirs apart");
        assert_eq!(folded("+tea@gmail.com"), None);
    }

    #[test]
    fn numbers_and_codes_are_grouped_as_people_like() {
        assert_eq!(Normalisation::Digits.apply("No. 12-34 56", None).unwrap(), "123456");
        assert_eq!(Normalisation::Digits.apply("none", None), None);
        assert_eq!(Normalisation::Compact.apply(" AB-12 é/3", None).unwrap(), "ab12é3");
        assert_eq!(Normalisation::Lower.apply(" AB-12 ", None).unwrap(), "ab-12");
        assert_eq!(Normalisation::Trim.apply(" AB-12 ", None).unwrap(), "AB-12");
    }

    #[test]
    fn placeholders_are_known_whatever_their_case() {
        for nobody in ["", " ", "0", "0000-0000", " NULL ", "[object Object]", "n/a"] {
            assert!(is_placeholder(nobody), "{nobody:?}");
        }
        assert!(!is_placeholder("tester") && !is_placeholder("00001"));
    }

    fn gathered(subject: &str, data: serde_json::Value, violations: &mut Vec<Violation>) -> Vec<Identifier> {
        let Json::Object(data) = Json::from(data) else { panic!("data is an object") };
        gather(Some(subject), Some(&data), violations)
    }

    #[test]
    fn numbers_and_lists_count() {
        let data = serde_json::json!({"identifiers": {"user_id": 42, "email": ["a@x.org", "b@x.org"], "phone": null}});
        let mut violations = Vec::new();
        let found = gathered("anonymous_id:a:7", data, &mut violations);
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["anonymous_id:a:7", "email:a@x.org", "email:b@x.org", "user_id:42"]);
        assert!(violations.is_empty());
    }

    #[test]
    fn a_bad_identifier_is_named() {
        let data = serde_json::json!({"identifiers": {"userId": "1", "email": 1.5, "phone": "x".repeat(10_000)}});
        let mut violations = Vec::new();
        gathered("ann", data, &mut violations);
        let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["subject", "data/identifiers/email", "data/identifiers/phone", "data/identifiers/userId"]);
        assert!(violations[2].rule.contains("10000 bytes"), "{}", violations[2]);
    }
}
