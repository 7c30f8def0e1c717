//! Moments on the command line and in answers.

use rapport_touchpoint::Timestamp;

use super::CliError;

/// RFC 3339, or a date for its midnight in UTC.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}T00:00:00Z"))).map_err(|rule| match rule {
        rule if rule.starts_with("lies") => format!("it {rule}"),
        _ => "must be RFC 3339 such as 2026-11-21T10:00:00Z, or a date such as 2026-11-21 for its midnight in UTC"
            .to_owned(),
    })
}

/// A range ends after it starts.
pub fn check_range(
    (from, first): (&str, Option<Timestamp>),
    (until, last): (&str, Option<Timestamp>),
) -> Result<(), CliError> {
    match (first, last) {
        (Some(first), Some(last)) if last <= first => {
            Err(CliError::Usage(format!("{until} {last} does not come after {from} {first}")))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

pub fn to_proto(moment: Timestamp) -> prost_types::Timestamp {
    let nanos = moment.nanos();
    prost_types::Timestamp { seconds: nanos / 1_000_000_000, nanos: (nanos % 1_000_000_000) as i32 }
}

/// RFC 3339; a dash for none.
pub fn show(moment: Option<&prost_types::Timestamp>) -> String {
    let nanos = moment.and_then(|moment| {
        moment.seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(moment.nanos)).and_then(Timestamp::from_nanos)
    });
    nanos.map_or_else(|| "-".to_owned(), |moment| moment.to_string())
}

/// Its date in UTC; a dash for none.
pub fn show_day(moment: Option<&prost_types::Timestamp>) -> String {
    let text = show(moment);
    text.split_once('T').map_or(text.as_str(), |(day, _)| day).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight() {
        for text in ["2026-11-21", "2026-11-21T08:00:00+08:00", "2026-11-21T00:00:00Z"] {
            assert_eq!(show(Some(&to_proto(parse(text).unwrap()))), "2026-11-21T00:00:00Z");
        }
        assert!(parse("21.11.2026").unwrap_err().contains("or a date such as"));
        assert!(parse("1960-01-01").unwrap_err().contains("1970"));
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_wrong() {
        let check = |from, until| check_range(("--from", parse(from).ok()), ("--until", parse(until).ok()));
        assert!(check("2026-11-21", "2026-11-22").is_ok() && check("2026-11-21", "").is_ok());
        let error = check("2026-11-21", "2026-11-21").unwrap_err();
        assert_eq!(error.exit_code(), crate::cli::USAGE);
        assert!(error.to_string().contains("--until 2026-11-21T00:00:00Z does not come after --from"), "{error}");
    }
}
