//! `rapport parked discard`: a parked event never counts.

use clap::Args;

use crate::cli::reason::Reason;
use crate::cli::target::Target;
use crate::cli::{CliError, columns, json};
use crate::wire::v1::DiscardParkedRequest;

/// Decide that a parked event never counts, whatever code and definitions read it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked discard 8841 --reason \"a test till\"\n  \
    rapport parked discard 8841 --reason \"sent twice by mistake\" --by ann --json\n\n\
    The decision goes onto the log, and cannot be taken back. The record stays on the log, and on the list of \
    `rapport parked list --discarded`.")]
pub struct DiscardArgs {
    /// Where it stands on the log
    position: u64,
    #[command(flatten)]
    reason: Reason,
    /// Act only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: DiscardArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let (position, min_position, by) = (args.position, args.min_position, args.reason.by());
    let (tenant, reason) = (args.target.tenant, args.reason.reason);
    let request = DiscardParkedRequest { tenant, position, reason, by, min_position };
    let answer = connection.admin().discard_parked(request).await.map_err(|status| connection.failed(status))?;
    let answer = answer.into_inner();
    if args.json {
        return json::print(&json::proto_json("DiscardParkedResponse", &answer)?);
    }
    columns::print(&super::facts(&answer.event.unwrap_or_default()))
}
