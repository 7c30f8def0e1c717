//! Days on the command line, and the stretches of them that answers are told by.

use clap::{Args, ValueEnum};
use rapport_customer::Day;

use super::CliError;
use crate::wire::v1::Bucket;

/// Days from one to before another.
#[derive(Debug, Clone, Args)]
pub struct Days {
    /// From this day on, such as 2026-03-01, in the tenant's time zone
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Day>,
    /// Up to this day, which is not included
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<Day>,
}

/// Weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Period {
    Day,
    Week,
    Month,
    Quarter,
}

impl Days {
    /// As the requests have them: `from_day` and `until_day`.
    pub fn bounds(&self) -> Result<(String, String), CliError> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Err(CliError::Usage(format!(
                "--until {until} does not come after --from {from}; the day of --until is not included"
            )));
        }
        let text = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
        Ok((text(self.from), text(self.until)))
    }
}

impl Period {
    pub fn bucket(asked: Option<Self>) -> Bucket {
        match asked {
            None => Bucket::Unspecified,
            Some(Self::Day) => Bucket::Day,
            Some(Self::Week) => Bucket::Week,
            Some(Self::Month) => Bucket::Month,
            Some(Self::Quarter) => Bucket::Quarter,
        }
    }
}

fn day(text: &str) -> Result<Day, String> {
    let day = Day::parse(text);
    day.ok_or_else(|| "must be a day such as 2026-03-01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day_and_no_moment() {
        assert_eq!(day("2026-03-01").unwrap().to_string(), "2026-03-01");
        for wrong in ["2026-02-30", "20260301", "2026-03-01T10:00:00Z", "March", ""] {
            assert!(day(wrong).unwrap_err().contains("2026-03-01"), "{wrong}");
        }
    }

    #[test]
    fn days_that_end_before_they_start_are_wrong() {
        let days = |from, until| Days { from: day(from).ok(), until: day(until).ok() };
        assert_eq!(days("2026-03-01", "").bounds().unwrap(), ("2026-03-01".to_owned(), String::new()));
        let error = days("2026-03-01", "2026-03-01").bounds().unwrap_err();
        assert_eq!(error.exit_code(), crate::cli::USAGE);
        assert!(error.to_string().starts_with("--until 2026-03-01 does not come after --from 2026-03-01"), "{error}");
    }
}
