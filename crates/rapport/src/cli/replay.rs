//! `rapport replay`: history, as it was recorded, one touchpoint per line.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use rapport_touchpoint::Timestamp;

use super::target::{Target, customer_ref};
use super::{CliError, moment};
use crate::new_file::NewFile;
use crate::progress;
use crate::wire::v1::{CustomerRef, ReplayRequest};

/// Write out the touchpoints on the log, as CloudEvents JSON, one per line
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport replay --out history.ndjson\n  \
    rapport replay --from 2026-03-01 --to 2026-04-01 --type 'order.>'\n  \
    rapport replay --customer user_id:42 | head\n\n\
    What replay writes, `rapport import` reads: a log copied so gives the same answers.")]
pub struct ReplayArgs {
    /// Touchpoints that happened at this moment or later: RFC 3339, or a date for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    from: Option<Timestamp>,
    /// Touchpoints that happened before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    to: Option<Timestamp>,
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
    /// Of this customer, in the order of events: cus_… or namespace:value
    #[arg(long, value_name = "NAME", value_parser = customer_ref)]
    customer: Option<CustomerRef>,
    /// Write to this file, which appears once it is complete; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace FILE if it is there
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    target: Target,
}

pub async fn run(args: ReplayArgs) -> Result<(), CliError> {
    check(&args)?;
    let connection = args.target.connect().await?;
    match &args.out {
        None => {
            let mut out = BufWriter::new(io::stdout());
            copy(&args, &connection, &mut out, CliError::Output).await?;
            Ok(())
        }
        Some(file) => {
            let failed = |source| CliError::File { file: file.clone(), source };
            let mut out = NewFile::beside(file).map_err(failed)?;
            let written = copy(&args, &connection, &mut out, failed).await?;
            out.complete(args.force).map_err(failed)?;
            eprintln!("{written} touchpoints in {}", file.display());
            Ok(())
        }
    }
}

/// What is wrong whatever the server says.
fn check(args: &ReplayArgs) -> Result<(), CliError> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(CliError::Usage(format!("--to {to} lies before --from {from}; a range ends after it starts")));
    }
    if args.until_position != 0 && args.until_position < args.after_position {
        let (after, until) = (args.after_position, args.until_position);
        let right = "a range ends after it starts";
        return Err(CliError::Usage(format!("--until-position {until} lies before --after-position {after}; {right}")));
    }
    if let Some(file) = &args.out
        && file.exists()
        && !args.force
    {
        let file = file.display();
        return Err(CliError::Usage(format!(
            "--out {file}: there is such a file; name another, or replace it with --force"
        )));
    }
    Ok(())
}

/// All touchpoints that the server sends; how many.
async fn copy(
    args: &ReplayArgs,
    connection: &crate::client::Connection,
    out: &mut impl Write,
    failed: impl Fn(io::Error) -> CliError,
) -> Result<u64, CliError> {
    let request = ReplayRequest {
        tenant: args.target.tenant.clone(),
        after_position: args.after_position,
        until_position: args.until_position,
        from: args.from.map(moment::to_proto),
        to: args.to.map(moment::to_proto),
        types: args.types.clone(),
        channels: args.channels.clone(),
        customer: args.customer.clone(),
    };
    let call = connection.replay().replay(request).await;
    let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
    let bar = progress::positions("replay");
    let mut written = 0;
    while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
        for touchpoint in &answer.touchpoints {
            out.write_all(one_line(&touchpoint.event_json).as_bytes()).map_err(&failed)?;
            out.write_all(b"\n").map_err(&failed)?;
            written += 1;
        }
        bar.set_length(answer.until.saturating_sub(args.after_position));
        bar.set_position(answer.position.saturating_sub(args.after_position));
    }
    out.flush().map_err(&failed)?;
    bar.finish_and_clear();
    Ok(written)
}

/// A line end in JSON is white space between its tokens; as a space it means the same.
fn one_line(json: &str) -> std::borrow::Cow<'_, str> {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ").into() } else { json.into() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::NamedTempFile;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    #[track_caller]
    fn wrong(line: &[&str], right: &str) {
        let args = Line::try_parse_from([&["replay"], line].concat()).unwrap_or_else(|error| panic!("{error}")).replay;
        let error = check(&args).unwrap_err();
        assert_eq!(error.exit_code(), super::super::USAGE);
        assert!(error.to_string().contains(right), "{error}");
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_wrong() {
        wrong(&["--from", "2026-03-02", "--to", "2026-03-01"], "--to 2026-03-01T00:00:00Z lies before");
        wrong(&["--after-position", "5", "--until-position", "4"], "--until-position 4 lies before");
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let file = NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        wrong(&["--out", path], "--force");
        let args = Line::try_parse_from(["replay", "--out", path, "--force"]).unwrap_or_else(|error| panic!("{error}"));
        assert!(check(&args.replay).is_ok());
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(one_line("{\r\n \"a\": \"b\\n\"}"), "{   \"a\": \"b\\n\"}");
    }
}
