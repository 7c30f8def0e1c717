//! Lengths of time as they are written: `90s`, `45m`, `12h`, `30d`, `2w`.

use super::Problem;

/// What one key may say; its bounds as they are written.
pub(super) struct Duration {
    pub(super) key: &'static str,
    pub(super) least: &'static str,
    pub(super) most: &'static str,
    pub(super) example: &'static str,
}

impl Duration {
    pub(super) fn nanos(&self, text: &str) -> Result<i64, Problem> {
        let Self { key, least, most, example } = *self;
        let found = text.to_owned();
        let Some(length) = seconds(text) else { return Err(Problem::Duration { key, found, example }) };
        if (seconds(least)..=seconds(most)).contains(&Some(length)) {
            Ok(length * 1_000_000_000)
        } else {
            Err(Problem::DurationRange { key, found, least, most })
        }
    }
}

/// What is more than can be counted is as much as can be.
fn seconds(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(i64::MAX).saturating_mul(unit))
}
