//! Opaque page tokens: where the next page starts, bound to the question that they belong to.

use super::QueryError;

/// Bytes in front of the place: a hash of the question and of the place itself.
const BINDING: usize = 8;

/// A token for the page after this place, good for this question only.
pub(super) fn write(question: &str, last: &[u8]) -> String {
    let bytes = binding(question, last).into_iter().chain(last.iter().copied());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// The place that the page starts after; `None` for the first page.
pub(super) fn read<T>(
    question: &str,
    token: &str,
    place: impl FnOnce(Vec<u8>) -> Option<T>,
) -> Result<Option<T>, QueryError> {
    if token.is_empty() {
        return Ok(None);
    }
    let wrong = |rule: &str| QueryError::Argument { field: "page_token", rule: rule.to_owned() };
    let no_token = || wrong("is no token that a page came with");
    let bytes = unhex(token).ok_or_else(no_token)?;
    match bytes.split_at_checked(BINDING) {
        Some((bound_to, last)) if bound_to == binding(question, last) => {
            place(last.to_vec()).map(Some).ok_or_else(no_token)
        }
        _ => Err(wrong("belongs to another question or is not whole; ask that one, or start from the first page")),
    }
}

fn binding(question: &str, last: &[u8]) -> [u8; BINDING] {
    // FNV-1a: nothing is secret here, a mix-up is to be noticed.
    let bytes = question.bytes().chain([0]).chain(last.iter().copied());
    bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        .to_be_bytes()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_where_it_was_written() {
        let last = vec![0, 7, 255];
        assert_eq!(read("timeline a", &write("timeline a", &last), Some).unwrap(), Some(last));
        assert_eq!(read("timeline a", "", Some).unwrap(), None);
    }

    #[test]
    fn a_token_of_another_question_is_refused() {
        let token = write("timeline a", &[1]);
        assert!(read("timeline b", &token, Some).unwrap_err().to_string().contains("another question"));
        for bad in ["x", "zz", "0", "00", "é"] {
            assert!(read("timeline a", bad, Some).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_that_was_cut_leads_nowhere() {
        let token = write("timeline a", &[1, 2, 3]);
        for cut in (2..token.len()).step_by(2) {
            assert!(read("timeline a", &token[..cut], Some).is_err(), "{cut} digits");
        }
        assert!(read("timeline a", &token, |_| None::<()>).unwrap_err().to_string().contains("is no token"));
    }
}
