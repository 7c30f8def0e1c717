//! Values that name nobody: placeholders, numbers of offices, fillers of forms. They would glue strangers together.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::{RegexSet, RegexSetBuilder};
use serde::Serialize;

/// Bytes that one list of patterns may take when it is compiled.
const MOST_COMPILED_BYTES: usize = 1 << 20;

/// Some values and patterns, whatever the case.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Blocked {
    /// Lower-cased.
    values: BTreeSet<String>,
    /// Sorted, each once.
    patterns: Vec<String>,
    #[serde(skip)]
    compiled: RegexSet,
}

impl Blocked {
    /// The error says what is wrong with the patterns, on one line.
    pub fn new<'v>(
        values: impl IntoIterator<Item = &'v str>,
        patterns: impl IntoIterator<Item = &'v str>,
    ) -> Result<Self, String> {
        let patterns: BTreeSet<String> = patterns.into_iter().map(str::to_owned).collect();
        let compiled = RegexSetBuilder::new(&patterns)
            .case_insensitive(true)
            .size_limit(MOST_COMPILED_BYTES)
            .build()
            .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "takes too much memory when it is compiled".to_owned(),
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })?;
        let values = values.into_iter().map(|value| lower(value).into_owned()).collect();
        Ok(Self { values, patterns: patterns.into_iter().collect(), compiled })
    }

    /// Those of both.
    pub fn and(&self, other: &Self) -> Result<Self, String> {
        let values = self.values.iter().chain(&other.values).map(String::as_str);
        Self::new(values, self.patterns.iter().chain(&other.patterns).map(String::as_str))
    }

    /// `lowered` is trimmed and lower-cased.
    pub(crate) fn has(&self, lowered: &str) -> bool {
        self.values.contains(lowered) || (!self.compiled.is_empty() && self.compiled.is_match(lowered))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }
}

/// Trimmed and lower-cased; a copy only where that changes anything but the length.
pub(super) fn lower(value: &str) -> Cow<'_, str> {
    let trimmed = value.trim();
    let is_lower = trimmed.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(trimmed) } else { Cow::Owned(trimmed.to_lowercase()) }
}
