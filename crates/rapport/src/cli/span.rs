//! How long something took, in the unit that people would say it in.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `40 s`, `5 min`, `3.5 h`, `12 days`: two digits at least, as far as they say anything.
pub fn show(seconds: u64) -> String {
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", in_units(seconds, HOUR)),
        _ => match in_units(seconds, DAY).as_str() {
            "1" => "1 day".to_owned(),
            days => format!("{days} days"),
        },
    }
}

/// Below ten with a decimal, unless that is 0.
fn in_units(seconds: u64, unit: u64) -> String {
    let tenths = seconds * 10 / unit;
    if tenths < 100 && !tenths.is_multiple_of(10) {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        (tenths / 10).to_string()
    }
}

/// From one moment to another; `None` if it lies before.
pub fn between(from: Option<&prost_types::Timestamp>, to: Option<&prost_types::Timestamp>) -> Option<String> {
    u64::try_from(to?.seconds.checked_sub(from?.seconds)?).ok().map(show)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        for (seconds, shown) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (12_700, "3.5 h"),
            (23 * HOUR, "23 h"),
            (DAY, "1 day"),
            (DAY + DAY / 2, "1.5 days"),
            (30 * DAY + 100, "30 days"),
            (800 * DAY, "800 days"),
        ] {
            assert_eq!(show(seconds), shown);
        }
    }

    #[test]
    fn what_lies_before_is_no_span() {
        let at = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
        assert_eq!(between(Some(&at(100)), Some(&at(160))).as_deref(), Some("1 min"));
        assert_eq!(between(Some(&at(160)), Some(&at(100))), None);
        assert_eq!(between(None, Some(&at(100))), None);
    }
}
