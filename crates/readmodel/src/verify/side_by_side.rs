//! Two rising rows of keys, walked as one.

use crate::error::Result;

/// Calls `each` for every key with what the left and the right one have under it, until it says `false` or both end.
pub(crate) fn side_by_side<K: Ord, V>(
    mut left: impl FnMut() -> Result<Option<(K, V)>>,
    mut right: impl FnMut() -> Result<Option<(K, V)>>,
    mut each: impl FnMut(K, Option<V>, Option<V>) -> Result<bool>,
) -> Result<bool> {
    let (mut at_left, mut at_right) = (left()?, right()?);
    loop {
        let goes_on = match (at_left.take(), at_right.take()) {
            (None, None) => return Ok(true),
            (Some((key, value)), Some((other, its))) if key == other => {
                (at_left, at_right) = (left()?, right()?);
                each(key, Some(value), Some(its))?
            }
            (Some((key, value)), beside) if beside.as_ref().is_none_or(|(other, _)| key < *other) => {
                (at_left, at_right) = (left()?, beside);
                each(key, Some(value), None)?
            }
            (beside, Some((key, value))) => {
                (at_left, at_right) = (beside, right()?);
                each(key, None, Some(value))?
            }
            (Some(_), None) => unreachable!("any key comes before none"),
        };
        if !goes_on {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &[u8], right: &[u8], expected: &[(u8, bool, bool)]) {
        let (mut left, mut right) = (left.iter(), right.iter());
        let mut told = Vec::new();
        let ended = side_by_side(
            || Ok(left.next().map(|key| (*key, ()))),
            || Ok(right.next().map(|key| (*key, ()))),
            |key, left, right| {
                told.push((key, left.is_some(), right.is_some()));
                Ok(key < 9)
            },
        );
        assert_eq!(told, expected);
        assert_eq!(ended.unwrap(), told.last().is_none_or(|(key, _, _)| *key < 9));
    }

    #[test]
    fn every_key_comes_once_with_whoever_has_it() {
        check(&[], &[], &[]);
        check(&[1, 2, 4], &[2, 3], &[(1, true, false), (2, true, true), (3, false, true), (4, true, false)]);
        check(&[], &[7], &[(7, false, true)]);
        check(&[9, 10], &[10], &[(9, true, false)]);
    }
}
