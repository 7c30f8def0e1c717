//! One broken rule of a touchpoint: which field, what was found, what would be right.

use std::fmt;

use crate::limits::MAX_QUOTED_CHARS;

/// Why an event is refused at the gateway or parked at the projector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: an attribute (`time`) or a JSON pointer into it (`data/items/0/quantity`).
    pub field: String,
    /// What is wrong with it and what would be right.
    pub rule: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
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

/// A stranger's text, fit for an error message: quoted, escaped and cut.
pub(crate) fn quote(text: &str) -> String {
    let cut: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    if cut.len() < text.len() { format!("{cut:?}… ({} bytes)", text.len()) } else { format!("{cut:?}") }
}
