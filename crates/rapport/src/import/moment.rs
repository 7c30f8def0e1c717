//! When a row says that it happened: the column, how its text is written, and the offset it is meant in.

use rapport_touchpoint::Timestamp;
use time::format_description::{self, OwnedFormatItem};
use time::parsing::Parsed;
use time::{Date, PrimitiveDateTime, Time, UtcOffset};

use super::quote;

#[derive(Debug, Clone)]
pub enum Moment {
    Rfc3339,
    /// Seconds since 1970, with decimals or without.
    Unix,
    UnixMillis,
    /// A format description of the `time` crate; without a time of day it means midnight.
    Described {
        format: String,
        items: OwnedFormatItem,
        offset: UtcOffset,
    },
}

impl Moment {
    /// The error is the key it is about and what would be right.
    pub fn parse(format: &str, offset: Option<&str>) -> Result<Self, (&'static str, String)> {
        let fixed = match format {
            "rfc3339" => Self::Rfc3339,
            "unix" => Self::Unix,
            "unix_ms" => Self::UnixMillis,
            description => return Self::described(description, offset),
        };
        match offset {
            None => Ok(fixed),
            Some(_) => Err(("offset", format!("goes with a written-out format; {format} says its offset itself"))),
        }
    }

    fn described(format: &str, offset: Option<&str>) -> Result<Self, (&'static str, String)> {
        let right = "\"rfc3339\", \"unix\", \"unix_ms\" or a description such as \"[year]-[month]-[day] [hour]:[minute]:[second]\"";
        let items = format_description::parse_owned::<1>(format)
            .map_err(|error| ("format", format!("is {}: {error}; must be {right}", quote(format))))?;
        let offset = match offset {
            None => UtcOffset::UTC,
            Some(text) => parse_offset(text).ok_or_else(|| {
                ("offset", format!("is {}; must be hours and minutes from UTC, such as \"+08:00\"", quote(text)))
            })?,
        };
        let moment = Self::Described { format: format.to_owned(), items, offset };
        moment.try_out().map_err(|()| {
            ("format", format!("is {}, which gives no full date and time of day; must be {right}", quote(format)))
        })?;
        Ok(moment)
    }

    /// A description may well leave out the year; better known before the first row than at each.
    fn try_out(&self) -> Result<(), ()> {
        let Self::Described { items, .. } = self else { return Ok(()) };
        let day = Date::from_ordinal_date(1997, 1).map_err(drop)?;
        let text = day.midnight().assume_utc().format(items).map_err(drop)?;
        self.read(&text).map(drop).map_err(drop)
    }

    /// The error says what would be right.
    pub fn read(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        let outside = || format!("is {}, which lies outside 1970-01-01 to 2262-04-11", quote(text));
        match self {
            Self::Rfc3339 => Timestamp::parse(text).map_err(|rule| format!("is {}, which {rule}", quote(text))),
            Self::Unix => seconds(text)
                .ok_or_else(|| format!("is {}; must be seconds since 1970, such as 1700000000", quote(text))),
            Self::UnixMillis => text
                .parse::<i64>()
                .ok()
                .and_then(|millis| millis.checked_mul(1_000_000))
                .and_then(Timestamp::from_nanos)
                .ok_or_else(|| format!("is {}; must be milliseconds since 1970, such as 1700000000000", quote(text))),
            Self::Described { format, items, offset } => {
                let moment = described(text, items, *offset)
                    .ok_or_else(|| format!("is {}; must be a moment written as {format}", quote(text)))?;
                Timestamp::from_datetime(moment).ok_or_else(outside)
            }
        }
    }
}

fn described(text: &str, items: &OwnedFormatItem, offset: UtcOffset) -> Option<time::OffsetDateTime> {
    let mut parsed = Parsed::new();
    if !parsed.parse_item(text.as_bytes(), items).ok()?.is_empty() {
        return None;
    }
    if parsed.unix_timestamp_nanos().is_some() {
        return parsed.try_into().ok();
    }
    let date = Date::try_from(parsed).ok()?;
    let has_time = parsed.hour_24().is_some() || parsed.hour_12().is_some() || parsed.minute().is_some();
    let time = if has_time { Time::try_from(parsed).ok()? } else { Time::MIDNIGHT };
    let offset = UtcOffset::try_from(parsed).unwrap_or(offset);
    Some(PrimitiveDateTime::new(date, time).assume_offset(offset))
}

/// `+08:00` or `Z`.
fn parse_offset(text: &str) -> Option<UtcOffset> {
    if text == "Z" {
        return Some(UtcOffset::UTC);
    }
    let items = format_description::parse_owned::<1>("[offset_hour sign:mandatory]:[offset_minute]").ok()?;
    UtcOffset::parse(text, &items).ok()
}

/// Exact: a float would lose the nanoseconds.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 9 || ![whole, part].iter().all(|text| text.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanos: i64 = format!("{part:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanos).and_then(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, offset: Option<&str>, text: &str, right: Result<&str, &str>) {
        let read = Moment::parse(format, offset).map_err(|(_, rule)| rule).and_then(|moment| moment.read(text));
        match (&read, right) {
            (Ok(moment), Ok(right)) => assert_eq!(moment.to_string(), right),
            (Err(rule), Err(right)) => assert!(rule.contains(right), "{rule}"),
            _ => panic!("{format} {text}: {read:?}"),
        }
    }

    #[test]
    fn a_date_alone_is_midnight() {
        check("[year][month][day]", None, "19970101", Ok("1997-01-01T00:00:00Z"));
        check("[year][month][day]", Some("+08:00"), "19970101", Ok("1996-12-31T16:00:00Z"));
        check("[year][month][day]", None, "19971301", Err("must be a moment written as [year][month][day]"));
        check("[year][month][day]", None, "19970101 ", Ok("1997-01-01T00:00:00Z"));
        check("[year][month][day]", None, "199701011", Err("must be a moment"));
    }

    #[test]
    fn date_time_and_offset() {
        let shop = "[year]-[month]-[day] [hour]:[minute]:[second]";
        check(shop, None, "2024-03-13 10:21:14", Ok("2024-03-13T10:21:14Z"));
        let with_offset = "[day]/[month]/[year] [hour repr:12]:[minute] [period] [offset_hour sign:mandatory]";
        check(with_offset, None, "13/03/2024 10:21 PM +08", Ok("2024-03-13T14:21:00Z"));
        check("rfc3339", None, "2024-03-13T10:21:14.5+01:00", Ok("2024-03-13T09:21:14.5Z"));
    }

    #[test]
    fn seconds_and_milliseconds() {
        check("unix", None, "1700000000.000000001", Ok("2023-11-14T22:13:20.000000001Z"));
        check("unix", None, "1700000000", Ok("2023-11-14T22:13:20Z"));
        check("unix", None, "-5", Err("seconds since 1970"));
        check("unix_ms", None, "1700000000123", Ok("2023-11-14T22:13:20.123Z"));
        check("unix_ms", None, "1.5", Err("milliseconds since 1970"));
    }

    #[test]
    fn what_is_no_format_is_found_at_once() {
        check("[yeer]", None, "", Err("must be \"rfc3339\""));
        check("[month]-[day]", None, "", Err("no full date"));
        check("rfc3339", Some("+08:00"), "", Err("says its offset itself"));
        check("[year][month][day]", Some("Berlin"), "", Err("such as \"+08:00\""));
        check("[year]-[month]-[day]", None, "1960-01-01", Err("outside 1970"));
    }
}
