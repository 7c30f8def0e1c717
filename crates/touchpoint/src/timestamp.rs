//! A moment in nanoseconds since 1970-01-01T00:00:00Z; text is RFC 3339 in UTC with no trailing zeros.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// Nanoseconds since the Unix epoch, never negative; ends in the year 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    /// `None` before 1970.
    pub fn from_nanos(nanos: i64) -> Option<Self> {
        (nanos >= 0).then_some(Self(nanos))
    }

    /// `None` before 1970 and after 2262.
    pub fn from_datetime(moment: OffsetDateTime) -> Option<Self> {
        i64::try_from(moment.unix_timestamp_nanos()).ok().and_then(Self::from_nanos)
    }

    /// Is it text that [`Timestamp`] is shown as?
    pub(crate) fn is_canonical(text: &str) -> bool {
        let has_no_fraction = text.len() == "2026-11-21T10:00:00Z".len();
        plain(text).is_some() && (has_no_fraction || !text.ends_with("0Z"))
    }

    /// RFC 3339 text with any offset. The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(moment) = plain(text) {
            return Ok(moment);
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| "is not an RFC 3339 time such as 2026-11-21T10:00:00.123Z".to_owned())?;
        Self::from_datetime(moment).ok_or_else(|| "lies outside 1970-01-01 to 2262-04-11".to_owned())
    }

    pub fn nanos(self) -> i64 {
        self.0
    }

    /// This moment plus a day, or the last moment there is.
    pub fn plus_a_day(self) -> Self {
        Self(self.0.saturating_add(NANOS_PER_DAY))
    }

    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0))
            .expect("i64 nanoseconds lie within the years of `time`")
    }
}

/// A moment as nearly all are written, `2026-11-21T10:00:00.123Z`, in years that lie wholly within the range. Whether any
/// other text is a moment, the long way knows: it takes ten times as long.
fn plain(text: &str) -> Option<Timestamp> {
    let (moment, rest) = text.as_bytes().split_first_chunk()?;
    let [y, e, a, r, b'-', mo, nth, b'-', d, ay, b'T', h, our, b':', mi, nute, b':', s, econd] = *moment else {
        return None;
    };
    let (year, month, day) = (number(&[y, e, a, r])?, number(&[mo, nth])?, number(&[d, ay])?);
    let (hour, minute, second) = (number(&[h, our])?, number(&[mi, nute])?, number(&[s, econd])?);
    let nanos = match rest {
        [b'Z'] => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            number(fraction)? * 10_i64.pow(9 - fraction.len() as u32)
        }
        _ => return None,
    };
    let is_plain = (1970..=2261).contains(&year) && hour < 24 && minute < 60 && second < 60;
    let days = is_plain.then(|| days_since_1970(year, month, day)).flatten()?;
    Some(Timestamp((((days * 24 + hour) * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos))
}

/// `None` for a day that the calendar does not have.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE_MONTH: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before = |month: i64| {
        let leap_day = i64::from(is_leap && month > 2);
        Some(BEFORE_MONTH.get(usize::try_from(month - 1).ok()?)? + leap_day)
    };
    let (first, next) = (before(month)?, before(month + 1)?);
    let leap_days = |year: i64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let new_year = (year - 1970) * 365 + leap_days(year) - leap_days(1970);
    (1..=next - first).contains(&day).then_some(new_year + first + day - 1)
}

fn number(digits: &[u8]) -> Option<i64> {
    let digit = |digit: &u8| digit.is_ascii_digit().then(|| i64::from(digit - b'0'));
    digits.iter().try_fold(0, |number, next| Some(number * 10 + digit(next)?))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_utc_with_no_trailing_zeros() {
        let parsed = Timestamp::parse("2026-11-21T18:00:00.120+08:00").unwrap();
        assert_eq!(parsed.to_string(), "2026-11-21T10:00:00.12Z");
        assert_eq!(Timestamp::parse(&parsed.to_string()), Ok(parsed));
    }

    #[test]
    fn nanoseconds_survive() {
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00.000000001Z").unwrap().nanos(), 1);
    }

    /// As the library reads it.
    fn the_long_way(text: &str) -> Option<Timestamp> {
        OffsetDateTime::parse(text, &Rfc3339).ok().and_then(Timestamp::from_datetime)
    }

    proptest! {
        #[test]
        fn the_short_way_reads_what_the_long_way_reads(nanos in 0..=i64::MAX, digits in 0..9_u32) {
            let unit = 10_i64.pow(digits);
            let moment = Timestamp(nanos / unit * unit);
            let text = moment.to_string();
            prop_assert_eq!(the_long_way(&text), Some(moment));
            prop_assert_eq!(Timestamp::parse(&text), Ok(moment));
            prop_assert!(Timestamp::is_canonical(&text) || text.starts_with("2262"));
        }

        #[test]
        fn no_other_text_is_read_the_short_way(
            text in "(19[67]|20[02]|226)[0-9]-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|[+-]0[0-9]:00)",
        ) {
            let short = plain(&text);
            prop_assert!(short.is_none() || short == the_long_way(&text), "{}", text);
            let is_shown_so = Timestamp::parse(&text).is_ok_and(|moment| moment.to_string() == text);
            prop_assert!(!Timestamp::is_canonical(&text) || is_shown_so, "{}", text);
        }
    }

    #[test]
    fn a_day_of_each_month_of_each_kind_of_year_is_read() {
        for year in [1970, 1999, 2000, 2023, 2024, 2100, 2261] {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let text = format!("{year}-{month:02}-{day:02}T23:59:59.5Z");
                assert_eq!(plain(&text), the_long_way(&text), "{text}");
            }
        }
    }

    #[test]
    fn outside_the_range_is_refused() {
        assert!(Timestamp::parse("1969-12-31T23:59:59Z").unwrap_err().contains("1970"));
        assert!(Timestamp::parse("9999-01-01T00:00:00Z").unwrap_err().contains("2262"));
        assert!(Timestamp::parse("yesterday").unwrap_err().contains("RFC 3339"));
    }
}
