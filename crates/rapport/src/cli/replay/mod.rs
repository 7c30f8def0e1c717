//! `rapport replay`: history, as it was recorded, to lines, to tables or onto another log.

mod copying;
mod fetch;
mod output;
mod partitions;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rapport_touchpoint::Timestamp;
use tokio::sync::mpsc;

pub use self::fetch::Reached;
use self::fetch::{Fetch, STEPS_AHEAD};
use self::output::Output;
use super::target::{Target, customer_ref};
use super::{CliError, moment};
use crate::wire::v1::{CustomerRef, ReplayOrder, ReplayRequest};

/// Write out the touchpoints on the log, as CloudEvents JSON or as a table, or copy them onto another log
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport replay --out history.ndjson\n  \
    rapport replay --from 2026-03-01 --to 2026-04-01 --type 'order.>'\n  \
    rapport replay --customer user_id:42 | head\n  \
    rapport replay --out history.parquet\n  \
    rapport replay --out history --partition-by day\n  \
    rapport replay --into-tenant trial --source shop/web\n\n\
    What replay writes in lines, `rapport import` reads: a log copied so gives the same answers. An output appears once it \
    is complete. What was interrupted on standard output or on its way into another log goes on with --after-position; \
    the message says which. docs/replay.md tells the columns of a table.")]
pub struct ReplayArgs {
    /// Touchpoints that happened at this moment or later: RFC 3339, or a date for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    from: Option<Timestamp>,
    /// Touchpoints that happened before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    to: Option<Timestamp>,
    /// Touchpoints that came onto the log at this moment or later
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with = "customer")]
    recorded_from: Option<Timestamp>,
    /// Touchpoints that came onto the log before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with = "customer")]
    recorded_to: Option<Timestamp>,
    /// Touchpoints recorded after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after_position: u64,
    /// Touchpoints recorded up to this position; 0 for all
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    until_position: u64,
    /// Of this type, such as order.placed, or order.> for all that start with order; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Of this channel; may be repeated
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
    /// Of this source; may be repeated
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<String>,
    /// Of this customer, in the order of events: cus_… or namespace:value
    #[arg(long, value_name = "NAME", value_parser = customer_ref)]
    customer: Option<CustomerRef>,
    /// The log's own order, or customer after customer, each in the order of events
    #[arg(long, value_name = "ORDER", default_value = "log", conflicts_with = "customer")]
    order: Order,
    /// In the order of customers: those behind this one, as the message of an interrupted replay names it
    #[arg(long, value_name = "ID", conflicts_with = "customer")]
    after_customer: Option<String>,
    /// Write to this file or folder, which appears once it is complete; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace FILE if it is there
    #[arg(long, requires = "out")]
    force: bool,
    /// Lines of JSON, or a table with typed columns; by the ending of FILE without it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Make a folder of tables, one for each day in UTC on which touchpoints happened
    #[arg(long, value_name = "WHAT", requires = "out", conflicts_with = "force")]
    partition_by: Option<PartitionBy>,
    /// Copy the touchpoints into this tenant, with their times and ids, instead of writing them out
    #[arg(long, value_name = "NAME", conflicts_with_all = ["out", "format"])]
    into_tenant: Option<String>,
    /// The server of that tenant, if it is another one
    #[arg(long, value_name = "URL", conflicts_with_all = ["out", "format"])]
    into_server: Option<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CloudEvents JSON, one per line
    Ndjson,
    /// Apache Parquet
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Log,
    /// From the read model: what is of no customer is left out
    Customer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartitionBy {
    Day,
}

/// Ends in good order when it is interrupted.
pub async fn run(args: ReplayArgs) -> Result<(), CliError> {
    let format = check(&args)?;
    if args.into_tenant.is_some() || args.into_server.is_some() {
        return copying::run(&args).await;
    }
    let connection = args.target.connect().await?;
    let output = Output::open(&args, format)?;
    let (steps, receiver) = mpsc::channel(STEPS_AHEAD);
    let writing = tokio::task::spawn_blocking(move || output.write_all(receiver));
    let mut fetch = Fetch::new(&connection, args.request(), steps);
    let fetched = tokio::select! {
        fetched = fetch.run() => fetched,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
    };
    fetch.end();
    let written = match writing.await {
        Ok(written) => written,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    // Why nothing could be written is what there is to tell; that no more was fetched follows from it.
    let (written, reached) = written?;
    match (fetched, &args.out) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(place)) => {
            eprintln!("{written} touchpoints in {}", place.display());
            Ok(())
        }
        (Err(cause), None) => Err(match reached {
            Some(reached) => CliError::BrokenOff { cause: Box::new(cause), done: "written", reached },
            None => cause,
        }),
        (Err(cause), Some(_)) => Err(cause),
    }
}

impl ReplayArgs {
    fn request(&self) -> ReplayRequest {
        ReplayRequest {
            tenant: self.target.tenant.clone(),
            after_position: self.after_position,
            until_position: self.until_position,
            from: self.from.map(moment::to_proto),
            to: self.to.map(moment::to_proto),
            types: self.types.clone(),
            channels: self.channels.clone(),
            customer: self.customer.clone(),
            sources: self.sources.clone(),
            recorded_from: self.recorded_from.map(moment::to_proto),
            recorded_to: self.recorded_to.map(moment::to_proto),
            order: match self.order {
                Order::Log => ReplayOrder::Unspecified.into(),
                Order::Customer => ReplayOrder::Customer.into(),
            },
            after_customer: self.after_customer.clone().unwrap_or_default(),
        }
    }
}

/// What is wrong whatever the server says; and the format.
fn check(args: &ReplayArgs) -> Result<Format, CliError> {
    ends_after_it_starts(("--from", args.from), ("--to", args.to))?;
    if args.order == Order::Customer && (args.recorded_from.is_some() || args.recorded_to.is_some()) {
        let right = "customers are told from the read model, which has --from and --to";
        return Err(CliError::Usage(format!(
            "--recorded-from and --recorded-to go with the order of the log; {right}"
        )));
    }
    if args.order == Order::Log && args.after_customer.is_some() {
        return Err(CliError::Usage("--after-customer goes with --order customer".to_owned()));
    }
    ends_after_it_starts(("--recorded-from", args.recorded_from), ("--recorded-to", args.recorded_to))?;
    if args.until_position != 0 && args.until_position < args.after_position {
        let (after, until) = (args.after_position, args.until_position);
        let right = "a range ends after it starts";
        return Err(CliError::Usage(format!("--until-position {until} lies before --after-position {after}; {right}")));
    }
    let Some(place) = &args.out else {
        return match args.format {
            Some(Format::Parquet) => Err(CliError::Usage(
                "--format parquet needs --out FILE: a table is not readable before its end is written".to_owned(),
            )),
            Some(Format::Ndjson) | None => Ok(Format::Ndjson),
        };
    };
    if args.partition_by.is_some() && args.format == Some(Format::Ndjson) {
        return Err(CliError::Usage("--partition-by makes tables; leave --format ndjson out".to_owned()));
    }
    if place.exists() && !(args.force && place.is_file()) {
        let place = place.display();
        let right = match args.partition_by.is_some() || args.force {
            true => "name another",
            false => "name another, or replace it with --force",
        };
        return Err(CliError::Usage(format!("--out {place}: there is such a file or folder; {right}")));
    }
    match args.partition_by {
        Some(PartitionBy::Day) => Ok(Format::Parquet),
        None => args.format.map_or_else(|| format_of(place), Ok),
    }
}

fn ends_after_it_starts(
    (from_name, from): (&str, Option<Timestamp>),
    (to_name, to): (&str, Option<Timestamp>),
) -> Result<(), CliError> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => {
            Err(CliError::Usage(format!("{to_name} {to} lies before {from_name} {from}; a range ends after it starts")))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// By its ending; one that says nothing is lines, as ever.
fn format_of(place: &Path) -> Result<Format, CliError> {
    let ending = place.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("parquet") => Ok(Format::Parquet),
        None | Some("ndjson" | "jsonl" | "json" | "txt") => Ok(Format::Ndjson),
        Some(_) => Err(CliError::Usage(format!(
            "--out {}: its ending names no format; end it in .ndjson or .parquet, or say --format ndjson or --format parquet",
            place.display()
        ))),
    }
}
