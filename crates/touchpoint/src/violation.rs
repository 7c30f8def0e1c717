//! One broken rule of a touchpoint: which field, what was found, what would be right.

use std::fmt;

use crate::limits::{MAX_FIELD_CHARS, MAX_QUOTED_CHARS};

/// Why an event is refused at the gateway or parked at the projector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: an attribute (`time`) or a JSON pointer into it (`data/items/0/quantity`).
    pub field: String,
    /// What is wrong with it and what would be right.
    pub rule: String,
}

impl Violation {
    /// Both texts may hold a stranger's words, so the field is cut and control characters are taken out of both.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: cut(&printable(field.into()), MAX_FIELD_CHARS), rule: printable(rule.into()) }
    }

    pub fn missing(field: &str, right: &str) -> Self {
        Self::new(field, format!("is missing; {right}"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule)
    }
}

fn printable(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text }
}

pub(crate) fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A key as one token of a JSON pointer (RFC 6901).
pub(crate) fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A stranger's text, fit for an error message: quoted, escaped and cut.
pub fn quote(text: &str) -> String {
    let shown: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    if shown.len() < text.len() { format!("{shown:?}… ({} bytes)", text.len()) } else { format!("{shown:?}") }
}
