//! The deadline that a client gave its call, so that it hears why there is no verdict while it still listens.
//!
//! tonic ends a late call by itself, but then the client learns only that it was late, not that the log is away.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The part of the call's time that the answer itself may take: a tenth.
const FOR_THE_ANSWER: u32 = 10;

/// How long the work for a call may take; `None` if the client set no deadline.
pub(super) fn time_for(call: &MetadataMap) -> Option<Duration> {
    let given = timeout(call.get("grpc-timeout")?.to_str().ok()?)?;
    Some(given - given / FOR_THE_ANSWER)
}

/// At most eight digits and a unit, as gRPC has it: `5S`, `250m`.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    let unit = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    unit.checked_mul(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Option<Duration> {
        let mut call = MetadataMap::new();
        call.insert("grpc-timeout", text.parse().ok()?);
        time_for(&call)
    }

    #[test]
    fn a_tenth_of_the_clients_time_is_kept_for_the_answer() {
        assert_eq!(given("5S"), Some(Duration::from_millis(4500)));
        assert_eq!(given("250m"), Some(Duration::from_millis(225)));
        assert_eq!(given("99999999H"), Some(Duration::from_secs(99_999_999 * 3600 / 10 * 9)));
    }

    #[test]
    fn what_is_no_timeout_is_none() {
        for none in ["", "S", "5", "5s", "-5S", "999999999S", "é"] {
            assert_eq!(given(none), None, "{none:?}");
        }
        assert_eq!(time_for(&MetadataMap::new()), None);
    }
}
