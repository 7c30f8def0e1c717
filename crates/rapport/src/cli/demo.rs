//! `rapport demo`: a server with customers in it, to look around; or their touchpoints in a file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rapport_touchpoint::{NANOS_PER_DAY, Timestamp};
use time::OffsetDateTime;

use super::{CliError, moment};
use crate::demo::population::{Population, PopulationError};
use crate::new_file::NewFile;

/// Start a server with a made-up year of customers in a temporary folder and show what it knows
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport demo\n  \
    rapport demo --customers 300 --exit\n  \
    rapport demo --customers 20000 --until 2026-01-01 --out year.ndjson\n\n\
    The server stays up for your own questions until you press Ctrl-C; nothing is left behind.\n\n\
    The customers are a tea shop's, made up, about 40 touchpoints each: strangers who look and go, buyers, loyal ones, \
    restaurants with a salesperson; on the web, in the app, in WeChat, in stores, by telephone, chat, ticket and e-mail; \
    with orders in five currencies, late parcels, surveys and second thoughts. They log in on several devices, share \
    some, and some identifiers name nobody. Touchpoints come as in life: hours or days late from stores, some twice, \
    some out of order. The same customers, seed and end give the same bytes on every machine.")]
pub struct DemoArgs {
    /// How many customers live in the year
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    pub customers: u32,
    /// Another seed gives other lives
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// When the year ends: RFC 3339, or a date for its midnight in UTC; the last midnight without it
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    pub until: Option<Timestamp>,
    /// Stop after the tour
    #[arg(long)]
    pub exit: bool,
    /// Start no server; write the touchpoints to this new file, one per line in the order of arrival; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "exit")]
    pub out: Option<PathBuf>,
}

pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    let population = population(&args)?;
    match &args.out {
        None => crate::demo::run(population, args.exit).await,
        Some(file) if file == Path::new("-") => {
            let mut out = BufWriter::new(io::stdout().lock());
            write(&population, &mut out).map_err(CliError::Output)?;
            Ok(())
        }
        Some(file) => {
            if file.exists() {
                let file = file.display();
                return Err(CliError::Usage(format!("--out {file}: there is such a file; name another")));
            }
            let failed = |source| CliError::File { file: file.clone(), source };
            let mut out = NewFile::beside(file).map_err(failed)?;
            let written = write(&population, &mut out).map_err(failed)?;
            out.complete(false).map_err(failed)?;
            eprintln!("{written} touchpoints of {} customers in {}", population.customers(), file.display());
            Ok(())
        }
    }
}

fn population(args: &DemoArgs) -> Result<Population, CliError> {
    let until = args.until.unwrap_or_else(last_midnight);
    Population::new(args.customers, args.seed, until).map_err(|error| {
        let argument = match error {
            PopulationError::Customers(_) => "--customers",
            PopulationError::Until(_) => "--until",
        };
        CliError::Usage(format!("{argument}: {error}"))
    })
}

fn last_midnight() -> Timestamp {
    let now = Timestamp::from_datetime(OffsetDateTime::now_utc()).unwrap_or_default();
    Timestamp::from_nanos(now.nanos() - now.nanos() % NANOS_PER_DAY).unwrap_or_default()
}

/// One event per line; how many.
fn write(population: &Population, out: &mut impl Write) -> io::Result<usize> {
    let events = population.events();
    let written = events.len();
    for event in events {
        serde_json::to_writer(&mut *out, &event)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(written)
}
