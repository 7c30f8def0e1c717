//! `identity-quality`: how often the default rules take events for one person's that are, and that are not.
//!
//! A made-up year of people of whom the truth is known is folded by the real read model. What is made up, and why so, is
//! said in `docs/identity.md`.

mod assessment;
mod folded;
mod life;
mod makeup;
mod people;
mod report;
mod slip;
#[cfg(test)]
mod tests;
mod told;

use std::path::PathBuf;

use clap::Args;
use rapport_customer::Definitions;
use rapport_customer::identity::Rules;
use rapport_touchpoint::Catalogue;

use self::assessment::{Assessment, assess};
use self::makeup::{Makeup, Named};
use self::people::Population;
use self::report::Report;
use crate::Result;
use crate::random::Random;

/// Hold the customers that the default rules make of a made-up year against the truth
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- identity-quality\n  \
    cargo run --release -p rapport-benches -- identity-quality --people 20000 --seed 7\n  \
    cargo run --release -p rapport-benches -- identity-quality --population harsh\n\n\
    Fails if a goal is missed. docs/identity.md says what is made up, and why so.")]
pub struct QualityArgs {
    /// How many people there are
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    people: u64,
    /// The same seed makes the same year
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What the year is like; only the plain one has goals
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Named::Plain)]
    population: Named,
    /// Of the sessions that begin anonymous, those in which somebody signs in on the way, in percent; by default as the
    /// population has it
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    sign_in: Option<u64>,
    /// A tenant's definitions, whose rules of identity are measured; by default the default rules
    #[arg(long, value_name = "FILE")]
    definitions: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &QualityArgs) -> Result<()> {
    let made_up = args.population.makeup();
    let signs_in = args.sign_in.map_or(made_up.signs_in, |percent| percent * 10);
    let report = measure(args.people, args.seed, &Makeup { signs_in, ..made_up }, rules(args)?)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    match report.missed() {
        missed if missed.is_empty() => Ok(()),
        missed => Err(format!("missed: {}", missed.join(", ")).into()),
    }
}

fn rules(args: &QualityArgs) -> Result<Rules> {
    let Some(path) = &args.definitions else { return Ok(Rules::default()) };
    let text = std::fs::read_to_string(path)?;
    Ok(Definitions::parse(&path.display().to_string(), &text, &Catalogue::built_in())?.rules)
}

fn measure(people: u64, seed: u64, makeup: &Makeup, rules: Rules) -> Result<Report> {
    let mut random = Random::new(seed);
    let population = Population::new(usize::try_from(people)?, makeup, &mut random);
    let mut year = life::year(&population, makeup, &mut random);
    told::spoil(&mut year.touches, &population, &mut random);
    let arrival = told::arrival(&year.touches, &mut random);
    let folded = folded::fold(&year.touches, &arrival, rules)?;
    let assessment: Assessment = assess(&year.touches, &folded);
    Ok(Report::new(makeup, &population, &year, &folded, &assessment))
}
