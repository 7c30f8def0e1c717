//! What the feedback that is asked for is about.

use std::collections::HashMap;

use clap::Args;
use clap::builder::PossibleValuesParser;
use rapport_customer::{Measure, Slice};

use crate::cli::CliError;
use crate::cli::days::Days;

#[derive(Debug, Args)]
pub struct AboutArgs {
    /// Only this measure; all of them without it
    #[arg(long, value_name = "MEASURE", value_parser = PossibleValuesParser::new(Measure::ALL.map(Measure::name)))]
    measure: Option<String>,
    #[command(flatten)]
    days: Days,
    /// Only about this, such as channel=web; an empty value means that nothing was said; may be repeated
    #[arg(long, value_name = "SLICE=VALUE", value_parser = only)]
    only: Vec<(Slice, String)>,
}

/// As the requests have it.
pub struct About {
    pub measure: String,
    pub from_day: String,
    pub until_day: String,
    pub only: HashMap<String, String>,
}

impl AboutArgs {
    pub fn check(self) -> Result<About, CliError> {
        let (from_day, until_day) = self.days.bounds()?;
        let mut only = HashMap::new();
        for (slice, value) in self.only {
            if let Some(other) = only.insert(slice.name().to_owned(), value.clone()) {
                let name = slice.name();
                let wrong = format!("--only {name}={other} and --only {name}={value}: nothing is both; name one");
                return Err(CliError::Usage(wrong));
            }
        }
        Ok(About { measure: self.measure.unwrap_or_default(), from_day, until_day, only })
    }
}

/// Every way to slice feedback.
pub fn slices() -> PossibleValuesParser {
    PossibleValuesParser::new(Slice::ALL.map(Slice::name))
}

fn only(text: &str) -> Result<(Slice, String), String> {
    let found = text.split_once('=').and_then(|(name, value)| Some((Slice::parse(name)?, value.to_owned())));
    found.ok_or_else(|| {
        format!("must be SLICE=VALUE such as channel=web, of {}", Slice::ALL.map(Slice::name).join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        about: AboutArgs,
    }

    fn about(line: &str) -> Result<About, CliError> {
        let words = line.split_whitespace();
        Line::try_parse_from(["feedback"].into_iter().chain(words))
            .map_err(|error| CliError::Usage(error.to_string()))?
            .about
            .check()
    }

    #[track_caller]
    fn wrong(line: &str, right: &str) {
        let Err(error) = about(line) else { panic!("{line} is taken") };
        assert!(error.to_string().contains(right), "{error}");
    }

    #[test]
    fn what_it_is_about_is_named() {
        let about = about("--measure nps --from 2026-03-01 --only channel=web --only team=").unwrap();
        assert_eq!(
            (about.measure.as_str(), about.from_day.as_str(), about.until_day.as_str()),
            ("nps", "2026-03-01", "")
        );
        assert_eq!((about.only["channel"].as_str(), about.only["team"].as_str()), ("web", ""));
    }

    #[test]
    fn what_is_none_is_told_with_what_there_is() {
        wrong("--measure happiness", "nps, csat, ces, stars");
        wrong("--only country=NO", "channel, survey, touchpoint, agent, team, stage");
        wrong("--only web", "SLICE=VALUE such as channel=web");
        wrong("--only team=a --only team=b", "nothing is both");
        wrong("--from 1.3.2026", "2026-03-01");
        wrong("--from 2026-03-02 --until 2026-03-01", "--until 2026-03-01 does not come after");
    }
}
