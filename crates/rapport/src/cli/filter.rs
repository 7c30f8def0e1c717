//! Which customers are meant.

use std::collections::HashMap;

use clap::Args;
use rapport_touchpoint::Timestamp;

use super::{CliError, moment};
use crate::wire::v1::CustomerFilter;

#[derive(Debug, Clone, Args)]
pub struct FilterArgs {
    /// Who is in this stage now
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// The journey that the stage is one of; the tenant's first one without it
    #[arg(long, value_name = "JOURNEY", requires = "stage")]
    journey: Option<String>,
    /// Who had a touchpoint on this channel
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Whose last touchpoint was at this moment or later: RFC 3339, or a date for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    seen_from: Option<Timestamp>,
    /// Whose last touchpoint was before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    seen_until: Option<Timestamp>,
    /// Who has this trait, such as city=Oslo; may be repeated
    #[arg(long = "trait", value_name = "NAME=VALUE", value_parser = name_and_value)]
    traits: Vec<(String, String)>,
}

impl FilterArgs {
    /// Of which journey a stage is told; the first one if empty.
    pub fn journey(&self) -> &str {
        self.journey.as_deref().unwrap_or_default()
    }

    pub fn check(&self) -> Result<CustomerFilter, CliError> {
        moment::check_range(("--seen-from", self.seen_from), ("--seen-until", self.seen_until))?;
        let mut traits = HashMap::new();
        for (name, value) in &self.traits {
            if let Some(other) = traits.insert(name.clone(), value.clone()) {
                let wrong =
                    format!("--trait {name}={other} and --trait {name}={value}: a trait has one value; name one");
                return Err(CliError::Usage(wrong));
            }
        }
        Ok(CustomerFilter {
            stage: self.stage.clone().unwrap_or_default(),
            journey: self.journey.clone().unwrap_or_default(),
            channel: self.channel.clone().unwrap_or_default(),
            seen_from: self.seen_from.map(moment::to_proto),
            seen_until: self.seen_until.map(moment::to_proto),
            traits,
        })
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("must be NAME=VALUE such as city=Oslo".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        filter: FilterArgs,
    }

    fn filter(line: &str) -> Result<CustomerFilter, CliError> {
        let words = line.split_whitespace();
        let line = Line::try_parse_from(["find"].into_iter().chain(words));
        line.map_err(|error| CliError::Usage(error.to_string()))?.filter.check()
    }

    #[test]
    fn all_of_it_goes_into_one_filter() {
        let found =
            filter("--stage loyal --journey sales --seen-from 2026-03-01 --trait city=Oslo --trait motto=a=b").unwrap();
        assert_eq!((found.stage.as_str(), found.journey.as_str()), ("loyal", "sales"));
        assert_eq!((found.traits["city"].as_str(), found.traits["motto"].as_str()), ("Oslo", "a=b"));
        assert!(found.seen_from.is_some() && found.seen_until.is_none());
        assert_eq!(filter("").unwrap(), CustomerFilter::default());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (line, right) in [
            ("--trait Oslo", "NAME=VALUE such as city=Oslo"),
            ("--trait city=Oslo --trait city=Rome", "a trait has one value"),
            ("--journey sales", "--stage"),
            ("--seen-from 2026-03-02 --seen-until 2026-03-01", "--seen-until 2026-03-01T00:00:00Z does not come after"),
            ("--seen-from lately", "2026-11-21"),
        ] {
            let error = filter(line).unwrap_err();
            assert!(error.to_string().contains(right), "{error}");
        }
    }
}
