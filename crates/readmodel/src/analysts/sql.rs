//! Expressions of which the views are made. SQLite of 2022 understands them: views are read by whatever the analyst has.

/// Of an order key, or the moment alone: its first eight bytes, a big-endian number of nanoseconds.
pub(super) fn nanos(event: &str) -> String {
    // The digits one by one: SQLite makes no number of a blob. Its `<<` and `|` bind alike.
    let digit =
        |place: usize| format!("(instr('123456789ABCDEF', substr(digits, {}, 1)) << {})", place + 1, 60 - 4 * place);
    let digits: Vec<String> = (0..16).map(digit).collect();
    format!("(SELECT {} FROM (SELECT hex(substr({event}, 1, 8)) AS digits LIMIT 1))", digits.join(" | "))
}

/// The moment of an order key as text; NULL for NULL.
pub(super) fn moment(event: &str) -> String {
    format!("(SELECT {} FROM (SELECT {} AS nanos LIMIT 1))", moment_of_nanos("nanos"), nanos(event))
}

pub(super) fn moment_of_nanos(nanos: &str) -> String {
    format!("replace(datetime({nanos} / 1000000000, 'unixepoch'), ' ', 'T') || printf('.%09dZ', {nanos} % 1000000000)")
}

/// The id of the customer with this key: the alias of its oldest person identifier, or of the device that it is.
pub(super) fn customer_id(key: &str) -> String {
    format!(
        "'cus_' || lower(hex(coalesce(
            (SELECT alias FROM identifiers WHERE root = {key} ORDER BY first, kind, value LIMIT 1),
            (SELECT alias FROM identifiers WHERE id = {key}))))"
    )
}

/// A value in a column of JSON in bytes.
pub(super) fn json(column: &str, path: &str) -> String {
    format!("json_extract(CAST({column} AS TEXT), '$.{path}')")
}

/// The whole units of a decimal in text.
pub(super) fn whole(amount: &str) -> String {
    format!("CAST(substr({amount}, 1, instr({amount} || '.', '.') - 1) AS INTEGER)")
}

/// The millionths of a decimal in text beside its whole units.
pub(super) fn millionths(amount: &str) -> String {
    format!("CAST(substr(substr({amount}, instr({amount} || '.', '.') + 1) || '000000', 1, 6) AS INTEGER)")
}

/// A decimal with six digits after the point, of sums of both. An overflow is an error, not a float.
pub(super) fn decimal(whole: &str, millionths: &str) -> String {
    format!("printf('%d.%06d', {whole} + {millionths} / 1000000, {millionths} % 1000000)")
}
