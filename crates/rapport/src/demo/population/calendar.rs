//! The year that a population lives: its days, its seasons and the hours at which people do things.
//!
//! Moments are milliseconds since the year began.

use rapport_touchpoint::Timestamp;
use time::OffsetDateTime;

use super::chance::Chance;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const DAYS: i64 = 365;
pub const YEAR: i64 = DAYS * DAY;

/// How busy each month is, per mille of an ordinary one: the harvest in spring, a slow summer, gifts at the end.
const MONTHS: [u32; 12] = [900, 780, 950, 1_180, 1_060, 1_020, 740, 760, 1_060, 1_000, 1_500, 1_250];
/// From Monday to Sunday.
const WEEKDAYS: [u32; 7] = [900, 880, 920, 980, 1_080, 1_250, 1_180];
/// No day is busier.
const BUSIEST: u32 = 1_500 * 1_250 / 1_000;
/// Months in which parcels come late and telephones ring.
const PEAK: u32 = 1_200;

/// When in a day something happens; by the hour, what its share is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// At home: in the lunch break and in the evening.
    Leisure,
    /// While stores are open.
    Store,
    /// Monday to Friday, at work.
    Office,
}

impl Hours {
    fn shares(self) -> &'static [(u32, i64)] {
        match self {
            Self::Leisure => &[
                (1, 0),
                (1, 6),
                (3, 7),
                (4, 8),
                (4, 9),
                (4, 10),
                (5, 11),
                (8, 12),
                (6, 13),
                (4, 14),
                (4, 15),
                (5, 16),
                (6, 17),
                (8, 18),
                (11, 19),
                (14, 20),
                (14, 21),
                (9, 22),
                (4, 23),
            ],
            Self::Store => {
                &[(3, 10), (6, 11), (7, 12), (6, 13), (7, 14), (8, 15), (9, 16), (10, 17), (10, 18), (7, 19), (3, 20)]
            }
            Self::Office => &[(4, 9), (8, 10), (7, 11), (3, 12), (6, 13), (8, 14), (8, 15), (6, 16), (3, 17)],
        }
    }
}

/// The 365 days before a moment.
#[derive(Debug, Clone, Copy)]
pub struct Year {
    /// Milliseconds since 1970.
    from: i64,
}

impl Year {
    /// `None` if it would begin before 1970.
    pub fn until(moment: Timestamp) -> Option<Self> {
        let from = moment.nanos() / 1_000_000 - YEAR;
        (from >= 0).then_some(Self { from })
    }

    pub fn timestamp(&self, at: i64) -> Timestamp {
        Timestamp::from_nanos((self.from + at).saturating_mul(1_000_000)).unwrap_or_default()
    }

    pub fn date(&self, at: i64) -> OffsetDateTime {
        self.timestamp(at).to_datetime()
    }

    /// How busy the day is, per mille of an ordinary one.
    pub fn season(&self, at: i64) -> u32 {
        MONTHS[usize::from(u8::from(self.date(at).month())) - 1]
    }

    /// In these weeks too much is ordered at once.
    pub fn is_peak(&self, at: i64) -> bool {
        self.season(at) >= PEAK
    }

    /// Monday is 0.
    fn weekday(&self, at: i64) -> usize {
        usize::from(self.date(at).weekday().number_days_from_monday())
    }

    /// A day from `from` to below `to`, rather a busy one than a quiet one.
    pub fn busy_day(&self, chance: &mut Chance, from: i64, to: i64) -> i64 {
        let mut day = from;
        for _ in 0..8 {
            day = chance.between(from, to);
            let busy = self.season(day) * WEEKDAYS[self.weekday(day)] / 1_000;
            if chance.below(BUSIEST) < busy {
                break;
            }
        }
        day
    }

    /// Within a day or two of `near`, an hour at which such things happen where the clock is `offset` hours ahead of UTC.
    pub fn moment(&self, chance: &mut Chance, near: i64, hours: Hours, offset: i64) -> i64 {
        let mut near = near;
        if hours == Hours::Office {
            near += DAY * [0, 0, 0, 0, 0, 2, 1][self.weekday(near + offset * HOUR)];
        }
        let hour = chance.weighted(hours.shares());
        self.midnight(near, offset) + hour * HOUR + chance.between(0, HOUR)
    }

    /// The last local midnight.
    pub fn midnight(&self, at: i64, offset: i64) -> i64 {
        let ahead = offset * HOUR;
        at - (self.from + at + ahead).rem_euclid(DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::Purpose;
    use super::*;

    fn year() -> Year {
        Year::until(Timestamp::parse("2026-11-21T10:00:00Z").unwrap()).unwrap()
    }

    #[test]
    fn it_ends_at_its_moment() {
        assert_eq!(year().timestamp(YEAR).to_string(), "2026-11-21T10:00:00Z");
        assert_eq!(year().timestamp(0).to_string(), "2025-11-21T10:00:00Z");
        assert!(Year::until(Timestamp::EPOCH).is_none());
    }

    #[test]
    fn midnight_is_the_place_s_own() {
        assert_eq!(year().timestamp(year().midnight(0, 0)).to_string(), "2025-11-21T00:00:00Z");
        assert_eq!(year().timestamp(year().midnight(0, 8)).to_string(), "2025-11-20T16:00:00Z");
        assert_eq!(year().timestamp(year().midnight(0, -5)).to_string(), "2025-11-21T05:00:00Z");
    }

    #[test]
    fn offices_keep_their_hours() {
        let mut chance = Chance::new(1, 1, Purpose::Life, 0);
        for day in 0..DAYS {
            let at = year().moment(&mut chance, day * DAY, Hours::Office, 8);
            let local = year().date(at + 8 * HOUR);
            assert!(local.weekday().number_days_from_monday() < 5 && (9..18).contains(&local.hour()), "{local}");
        }
    }
}
