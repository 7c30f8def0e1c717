//! Moments on the command line and in answers.

use rapport_touchpoint::Timestamp;

/// RFC 3339, or a date for its midnight in UTC.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}T00:00:00Z"))).map_err(|rule| match rule {
        rule if rule.starts_with("lies") => format!("it {rule}"),
        _ => "must be RFC 3339 such as 2026-11-21T10:00:00Z, or a date such as 2026-11-21 for its midnight in UTC"
            .to_owned(),
    })
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
}
