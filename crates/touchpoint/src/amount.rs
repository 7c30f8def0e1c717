//! Money: a decimal amount and an ISO 4217 currency. Sums are exact; nothing here is a float.

use std::fmt;

use iso_currency::Currency as IsoCurrency;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits after the point that an amount may have; ISO 4217 itself stops at four.
const SCALE: usize = 6;
const MICROS: i128 = 1_000_000;
/// Digits before the point that one event's amount may have, so that no sum of events overflows.
const MAX_INTEGER_DIGITS: usize = 15;

/// Millionths of a currency unit. Sums of 10^17 of the largest amounts still fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i128);

impl Amount {
    pub fn from_micros(micros: i128) -> Self {
        Self(micros)
    }

    pub fn micros(self) -> i128 {
        self.0
    }

    /// Reads a decimal string such as `129.90` or `-5`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let right = || {
            format!(
                "is not a decimal string such as \"129.90\" with at most {MAX_INTEGER_DIGITS} digits before and {SCALE} after the point"
            )
        };
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(integer) || !all_digits(fraction) || integer.len() > MAX_INTEGER_DIGITS || fraction.len() > SCALE
        {
            return Err(right());
        }
        let whole: i128 = integer.parse().map_err(|_| right())?;
        let millionths: i128 = format!("{fraction:0<SCALE$}").parse().map_err(|_| right())?;
        let micros = whole * MICROS + millionths;
        Ok(Self(if negative { -micros } else { micros }))
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The amount with at least the currency's usual digits after the point: `129.90` in CNY, `130` in JPY.
    pub fn display_in(self, currency: Currency) -> String {
        self.decimal(currency.exponent())
    }

    fn decimal(self, min_digits: usize) -> String {
        let digits = format!("{:0SCALE$}", self.0.unsigned_abs() % MICROS.unsigned_abs());
        let kept = digits.trim_end_matches('0').len().max(min_digits).min(SCALE);
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / MICROS.unsigned_abs();
        if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &digits[..kept]) }
    }
}

/// A decimal string in JSON, millionths in binary.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.decimal(0))
        } else {
            serializer.serialize_i128(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text).map_err(serde::de::Error::custom)
        } else {
            i128::deserialize(deserializer).map(Self)
        }
    }
}

/// An ISO 4217 currency, by its three-letter code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub fn parse(code: &str) -> Result<Self, String> {
        let known = IsoCurrency::from_code(code).ok_or("is not an ISO 4217 currency code such as CNY")?;
        let mut bytes = [0; 3];
        bytes.copy_from_slice(known.code().as_bytes());
        Ok(Self(bytes))
    }

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is ASCII")
    }

    fn exponent(self) -> usize {
        IsoCurrency::from_code(self.code()).and_then(IsoCurrency::exponent).map_or(0, usize::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub amount: Amount,
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: &str, currency: &str) -> String {
        Amount::parse(amount).unwrap().display_in(Currency::parse(currency).unwrap())
    }

    #[test]
    fn an_amount_is_shown_with_its_currencys_digits() {
        assert_eq!(shown("129.9", "CNY"), "129.90");
        assert_eq!(shown("130", "JPY"), "130");
        assert_eq!(shown("0.123456", "USD"), "0.123456");
        assert_eq!(shown("-0.5", "USD"), "-0.50");
    }

    #[test]
    fn json_holds_a_decimal_string() {
        let money = Money { amount: Amount::parse("-129.90").unwrap(), currency: Currency::parse("CNY").unwrap() };
        let json = serde_json::to_value(money).unwrap();
        assert_eq!(json, serde_json::json!({"amount": "-129.9", "currency": "CNY"}));
        assert_eq!(serde_json::from_value::<Money>(json).unwrap(), money);
    }

    #[test]
    fn sums_are_exact() {
        let tenth = Amount::parse("0.1").unwrap();
        let sum = (0..10).fold(Amount::default(), |sum, _| sum.plus(tenth));
        assert_eq!(sum, Amount::parse("1").unwrap());
    }

    #[test]
    fn what_is_no_decimal_string_is_refused() {
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "--1", "1,5", "1.1234567", "1234567890123456", "NaN", " 1"] {
            assert!(Amount::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn currencies_are_iso_4217() {
        assert!(Currency::parse("CNY").is_ok());
        assert!(Currency::parse("cny").is_err());
        assert!(Currency::parse("BTC").is_err());
    }
}
