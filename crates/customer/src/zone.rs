//! Days as the tenant counts them: which day a moment falls on in its time zone.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use rapport_touchpoint::Timestamp;

/// A time zone of the IANA database that is compiled in, so that all machines agree on its rules.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// `Asia/Shanghai`; in the database's own spelling afterwards. The error says what would be right.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let rules =
            TimeZoneDatabase::bundled().get(name).map_err(|_| "must be an IANA time zone such as Asia/Shanghai")?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, rules })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn day_of(&self, moment: Timestamp) -> Day {
        let nanos = i128::from(moment.nanos());
        let moment = jiff::Timestamp::from_nanosecond(nanos).expect("the years of jiff hold 64 bits of nanoseconds");
        Day(self.rules.to_datetime(moment).date())
    }

    /// The first moment of a day; where the clocks are set forward at midnight, the first that there is.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let start = self.rules.to_ambiguous_zoned(day.0.at(0, 0, 0, 0)).compatible();
        let nanos = start.ok().and_then(|start| i64::try_from(start.timestamp().as_nanosecond()).ok());
        nanos.and_then(Timestamp::from_nanos).unwrap_or_default()
    }
}

/// A calendar day; text is `2026-11-21` and sorts like the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// `2026-11-21`, in no other spelling.
    pub fn parse(text: &str) -> Option<Self> {
        match plain_date(text) {
            Some(date) => Some(Self(date)),
            None => text.parse().ok().map(Self).filter(|day| day.to_string() == text),
        }
    }
}

/// A date as nearly all are written. Whether any other text is one, the long way knows: it takes ten times as long.
fn plain_date(text: &str) -> Option<Date> {
    let [y, e, a, r, b'-', mo, nth, b'-', d, ay] = text.as_bytes() else { return None };
    let number = |digits: &[&u8]| {
        let digit = |digit: &u8| digit.is_ascii_digit().then(|| i16::from(digit - b'0'));
        digits.iter().try_fold(0, |number, next| Some(10 * number + digit(next)?))
    };
    let (month, day) = (number(&[mo, nth])?, number(&[d, ay])?);
    Date::new(number(&[y, e, a, r])?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// Stretches of days that are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bucket {
    /// All days in one.
    #[default]
    Whole,
    Day,
    /// From Monday on, as in ISO 8601.
    Week,
    Month,
    Quarter,
}

impl Bucket {
    /// The first day of the bucket that a day falls in; `None` where all are one.
    pub fn start_of(self, day: Day) -> Option<Day> {
        let date = day.0;
        let first_of_month = |month| Date::new(date.year(), month, 1).unwrap_or(date);
        Some(Day(match self {
            Self::Whole => return None,
            Self::Day => date,
            Self::Week => {
                let since_monday = i64::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(jiff::Span::new().days(since_monday)).unwrap_or(date)
            }
            Self::Month => first_of_month(date.month()),
            Self::Quarter => first_of_month((date.month() - 1) / 3 * 3 + 1),
        }))
    }
}

/// Days from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// Included; `None` from the beginning.
    pub from: Option<Day>,
    /// Excluded; `None` for ever.
    pub until: Option<Day>,
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_day_begins_at_the_tenants_midnight() {
        let shanghai = Zone::parse("Asia/Shanghai").unwrap();
        assert_eq!(shanghai.day_of(at("2026-03-01T15:59:59Z")).to_string(), "2026-03-01");
        assert_eq!(shanghai.day_of(at("2026-03-01T16:00:00Z")).to_string(), "2026-03-02");
        assert_eq!(Zone::utc().day_of(at("2026-03-01T23:59:59.999Z")).to_string(), "2026-03-01");
    }

    #[test]
    fn clocks_that_change_make_days_of_23_and_25_hours() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let start = |day: &str| berlin.start_of(Day::parse(day).unwrap()).to_string();
        assert_eq!(
            (start("2026-03-29"), start("2026-03-30")),
            ("2026-03-28T23:00:00Z".into(), "2026-03-29T22:00:00Z".into())
        );
        assert_eq!(berlin.day_of(at("2026-10-25T22:59:59Z")).to_string(), "2026-10-25");
    }

    #[test]
    fn every_moment_that_an_event_can_have_is_a_day() {
        for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let zone = Zone::parse(zone).unwrap();
            assert!(zone.day_of(Timestamp::EPOCH) < zone.day_of(Timestamp::MAX));
        }
    }

    #[test]
    fn a_day_has_one_spelling() {
        assert_eq!(Day::parse("2026-11-21").unwrap().to_string(), "2026-11-21");
        for other in ["20261121", "2026-11-21T00:00:00+08:00", "2026-11-31", "+002026-11-21", "", " 2026-11-21"] {
            assert_eq!(Day::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_bucket_begins_with_its_first_day() {
        let start = |bucket: Bucket, day: &str| bucket.start_of(Day::parse(day).unwrap()).map(|day| day.to_string());
        assert_eq!(start(Bucket::Day, "2026-11-21").unwrap(), "2026-11-21");
        assert_eq!(start(Bucket::Week, "2026-11-21").unwrap(), "2026-11-16");
        assert_eq!(start(Bucket::Week, "2026-11-16").unwrap(), "2026-11-16");
        assert_eq!(start(Bucket::Week, "2027-01-01").unwrap(), "2026-12-28");
        assert_eq!(start(Bucket::Month, "2026-11-21").unwrap(), "2026-11-01");
        assert_eq!(start(Bucket::Quarter, "2026-11-21").unwrap(), "2026-10-01");
        assert_eq!(start(Bucket::Quarter, "2026-03-31").unwrap(), "2026-01-01");
        assert_eq!(start(Bucket::Whole, "2026-03-31"), None);
    }

    #[test]
    fn a_zone_that_is_none_is_refused() {
        assert!(Zone::parse("Shanghai").unwrap_err().contains("Asia/Shanghai"));
        assert_eq!(Zone::parse("asia/shanghai").unwrap().name(), "Asia/Shanghai");
    }
}
