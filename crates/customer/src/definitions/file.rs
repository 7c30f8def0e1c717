//! The file as it is written: TOML tables whose values remember where they stand. Unknown keys are errors.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{DefinitionError, MOST_DEFINITION_BYTES, Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileText {
    pub(super) time_zone: Option<Spanned<String>>,
    /// Types that have no schema and may be named all the same.
    #[serde(default)]
    pub(super) custom_types: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) identity: IdentityText,
    #[serde(default)]
    pub(super) journey: Vec<Spanned<JourneyText>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct IdentityText {
    pub(super) most_persons: Option<Spanned<i64>>,
    pub(super) most_partners: Option<Spanned<i64>>,
    pub(super) visit: Option<Spanned<String>>,
    pub(super) blocked: Vec<Spanned<String>>,
    pub(super) blocked_patterns: Vec<Spanned<String>>,
    pub(super) namespace: Vec<Spanned<NamespaceText>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamespaceText {
    pub(super) name: Spanned<String>,
    #[serde(rename = "use")]
    pub(super) used: Option<Spanned<bool>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) stronger_than: Option<Spanned<String>>,
    pub(super) normalisation: Option<Spanned<String>>,
    pub(super) most: Option<Spanned<i64>>,
    pub(super) most_partners: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) blocked: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) blocked_patterns: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) allowed: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JourneyText {
    pub(super) name: Spanned<String>,
    pub(super) passive: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) stage: Vec<Spanned<StageText>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageText {
    pub(super) name: Spanned<String>,
    pub(super) enter: Spanned<Vec<Spanned<EntryText>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryText {
    pub(super) on: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) when: Option<Spanned<String>>,
    pub(super) quiet: Option<Spanned<String>>,
    pub(super) from: Option<Spanned<Vec<Spanned<String>>>>,
}

/// A definitions file, for where its errors are.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl File<'_> {
    pub(super) fn read(&self) -> Result<FileText, DefinitionError> {
        if self.text.len() > MOST_DEFINITION_BYTES {
            return Err(self.error(0..0, "", Problem::TooLarge { bytes: self.text.len() }));
        }
        toml::from_str(self.text).map_err(|error| {
            let message = error.message().replace('\n', "; ");
            self.error(error.span().unwrap_or_default(), "", Problem::Toml(message))
        })
    }

    /// Counted from 1.
    pub(super) fn line(&self, at: Range<usize>) -> usize {
        self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count() + 1
    }

    /// `place` says of which journey and stage, if it is one's.
    pub(super) fn error(&self, at: Range<usize>, place: &str, problem: Problem) -> DefinitionError {
        DefinitionError {
            file: self.name.to_owned(),
            line: self.line(at),
            place: place.to_owned(),
            problem: Box::new(problem),
        }
    }
}
