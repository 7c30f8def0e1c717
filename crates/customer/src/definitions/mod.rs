//! A tenant's definitions: the time zone in which its days begin, its rules of identity and its journeys, from a TOML file.
//!
//! All is checked when the file is read: what is refused is refused at start, with the line and what would be right.

mod duration;
mod entry;
mod error;
mod file;
mod identity;
mod identity_error;
mod journey;
mod known;
mod reach;
mod strength;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rapport_touchpoint::Catalogue;

use self::file::{File, FileText};
use self::known::KnownTypes;
use crate::Zone;
use crate::identity::Rules;
use crate::journey::{JourneyMaps, MOST_JOURNEYS};

pub use error::{DefinitionError, Problem};
pub use identity_error::IdentityProblem;

/// Bytes of a definitions file.
pub const MOST_DEFINITION_BYTES: usize = 256 * 1024;

/// What holds where a tenant has no definitions of its own.
const STANDARD: &str = include_str!("standard.toml");

#[derive(Debug, Clone)]
pub struct Definitions {
    pub zone: Zone,
    /// Without a country: that is said beside the tenant's name.
    pub rules: Rules,
    pub journeys: Arc<JourneyMaps>,
    /// The file that says all of it.
    pub text: Arc<str>,
}

impl Definitions {
    /// The default journey, with days in UTC.
    pub fn standard(catalogue: &Catalogue) -> Self {
        Self::parse("standard.toml", STANDARD, catalogue).expect("the standard definitions are tested")
    }

    /// Reads a file of a tenant with these schemas. A file without a journey leaves the default one in place.
    pub fn parse(file_name: &str, text: &str, catalogue: &Catalogue) -> Result<Self, DefinitionError> {
        let file = File { name: file_name, text };
        let FileText { time_zone, custom_types, identity, journey } = file.read()?;
        let zone = match &time_zone {
            None => Zone::utc(),
            Some(name) => Zone::parse(name.as_ref()).map_err(|right| {
                let found = name.as_ref().clone();
                file.error(name.span(), "", Problem::TimeZone { found, right })
            })?,
        };
        let rules = identity::rules(&identity, &file)?;
        let known = KnownTypes::new(catalogue, &custom_types, &file)?;
        if journey.is_empty() {
            return Ok(Self { zone, rules, journeys: Self::standard(catalogue).journeys, text: text.into() });
        }
        let mut maps = JourneyMaps::default();
        let mut lines: Vec<usize> = Vec::new();
        for text in &journey {
            let name = &text.as_ref().name;
            if maps.0.len() == MOST_JOURNEYS {
                let problem = Problem::TooMany { what: "journeys", most: MOST_JOURNEYS, of: "a tenant" };
                return Err(file.error(text.span(), "", problem));
            }
            if let Some((place, _)) = maps.find(name.as_ref()) {
                let problem = Problem::DuplicateJourney { name: name.as_ref().clone(), line: lines[place] };
                return Err(file.error(name.span(), "", problem));
            }
            lines.push(file.line(name.span()));
            maps.0.push(journey::map(text.as_ref(), text.span(), &known, &file)?);
        }
        Ok(Self { zone, rules, journeys: Arc::new(maps), text: file.text.into() })
    }
}
