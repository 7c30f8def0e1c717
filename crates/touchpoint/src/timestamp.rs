//! A moment in nanoseconds since 1970-01-01T00:00:00Z; text is RFC 3339 in UTC with no trailing zeros.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;

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

    /// RFC 3339 text with any offset. The error says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
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

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn outside_the_range_is_refused() {
        assert!(Timestamp::parse("1969-12-31T23:59:59Z").unwrap_err().contains("1970"));
        assert!(Timestamp::parse("9999-01-01T00:00:00Z").unwrap_err().contains("2262"));
        assert!(Timestamp::parse("yesterday").unwrap_err().contains("RFC 3339"));
    }
}
